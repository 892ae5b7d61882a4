//! The stable error codes that programs may match on.

/// A place of the input is wrong; see `errors`.
pub const INVALID_INPUT: &str = "invalid_input";
/// The body is no JSON, or not of the shape that is asked for.
pub const INVALID_JSON: &str = "invalid_json";
/// A message from outside is not signed with a secret of ours, or not now.
pub const WEBHOOK_SIGNATURE_INVALID: &str = "webhook_signature_invalid";
/// There is nothing at this address.
pub const NOT_FOUND: &str = "not_found";
/// A changing request with a cookie came from another site.
pub const CROSS_ORIGIN: &str = "cross_origin";
/// Nobody is signed in.
pub const UNAUTHENTICATED: &str = "unauthenticated";
/// The mail address or the password is wrong.
pub const WRONG_CREDENTIALS: &str = "wrong_credentials";
/// The caller may not do this.
pub const FORBIDDEN: &str = "forbidden";
/// There is an account with this mail address already.
pub const EMAIL_TAKEN: &str = "email_taken";
/// The password is too short, too long or too common.
pub const WEAK_PASSWORD: &str = "weak_password";
/// The token to set a new password is unknown, used or too old.
pub const RESET_TOKEN_INVALID: &str = "reset_token_invalid";
/// There is no such account.
pub const ACCOUNT_NOT_FOUND: &str = "account_not_found";
/// Nobody can sign in to this account until an admin enables it.
pub const ACCOUNT_DISABLED: &str = "account_disabled";
/// The shop would be left without an admin who can sign in.
pub const LAST_ADMIN: &str = "last_admin";
/// Nobody changes their own role or disables their own account.
pub const OWN_ACCOUNT: &str = "own_account";
/// The password was made by the shop; until it is replaced its session has a customer's rights.
pub const PASSWORD_CHANGE_REQUIRED: &str = "password_change_required";
/// The caller has no such session.
pub const SESSION_NOT_FOUND: &str = "session_not_found";
/// There are as many API keys as a shop may have.
pub const TOO_MANY_API_KEYS: &str = "too_many_api_keys";
/// There is no such API key.
pub const API_KEY_NOT_FOUND: &str = "api_key_not_found";
/// There is no such product.
pub const PRODUCT_NOT_FOUND: &str = "product_not_found";
/// There is no such variant.
pub const VARIANT_NOT_FOUND: &str = "variant_not_found";
/// Another product, or category, has this handle.
pub const HANDLE_TAKEN: &str = "handle_taken";
/// There is not enough stock; `lines` names each line that falls short.
pub const OUT_OF_STOCK: &str = "out_of_stock";
/// The reservation ran out and the stock is gone.
pub const RESERVATION_EXPIRED: &str = "reservation_expired";
/// There is no such reservation.
pub const RESERVATION_NOT_FOUND: &str = "reservation_not_found";
/// The same reservation id with other lines.
pub const RESERVATION_MISMATCH: &str = "reservation_mismatch";
/// The reservation was given up and cannot be claimed.
pub const RESERVATION_RELEASED: &str = "reservation_released";
/// More than an order took and has not given back.
pub const RESTOCK_EXCEEDS_SOLD: &str = "restock_exceeds_sold";
/// An adjustment would take away more than there are.
pub const STOCK_BELOW_ZERO: &str = "stock_below_zero";
/// The product was changed since it was read (`If-Match` or `version`).
pub const PRODUCT_CHANGED: &str = "product_changed";
/// There is no such category.
pub const CATEGORY_NOT_FOUND: &str = "category_not_found";
/// There is no such cart.
pub const CART_NOT_FOUND: &str = "cart_not_found";
/// The cart holds nothing.
pub const CART_EMPTY: &str = "cart_empty";
/// The cart became an order already.
pub const CART_ORDERED: &str = "cart_ordered";
/// The cart was changed while it was ordered.
pub const CART_CHANGED: &str = "cart_changed";
/// The order would cost something else than was expected; with the `total` that it would cost.
pub const TOTAL_CHANGED: &str = "total_changed";
/// A product in the cart is no longer sold.
pub const NOT_FOR_SALE: &str = "not_for_sale";
/// The discount code is unknown, too early, too late or used up.
pub const DISCOUNT_INVALID: &str = "discount_invalid";
/// There is no such way of shipping, or not for this cart.
pub const SHIPPING_METHOD_UNKNOWN: &str = "shipping_method_unknown";
/// `Idempotency-Key` is missing or malformed.
pub const IDEMPOTENCY_KEY_REQUIRED: &str = "idempotency_key_required";
/// The same key came with another body before.
pub const IDEMPOTENCY_KEY_REUSED: &str = "idempotency_key_reused";
/// There is no such order, or the caller may not see it.
pub const ORDER_NOT_FOUND: &str = "order_not_found";
/// The order's state does not allow it.
pub const ORDER_STATE: &str = "order_state";
/// More than was captured and not yet refunded.
pub const REFUND_EXCEEDS_CAPTURED: &str = "refund_exceeds_captured";
/// More than was ordered and not yet shipped.
pub const SHIPMENT_EXCEEDS_ORDERED: &str = "shipment_exceeds_ordered";
/// There is no such picture.
pub const IMAGE_NOT_FOUND: &str = "image_not_found";
/// The picture is of no known type, broken or too large.
pub const IMAGE_REFUSED: &str = "image_refused";
/// The import file is of no known kind.
pub const IMPORT_FORMAT: &str = "import_format";
/// There is no such discount code.
pub const DISCOUNT_NOT_FOUND: &str = "discount_not_found";
/// There is a discount with this code already.
pub const DISCOUNT_CODE_TAKEN: &str = "discount_code_taken";
/// Orders name the discount: it can be switched off, but not deleted.
pub const DISCOUNT_IN_USE: &str = "discount_in_use";
/// There is no such finding about a payment.
pub const FINDING_NOT_FOUND: &str = "finding_not_found";
/// Nothing of that kind can be done about the finding, or not any more.
pub const FINDING_STATE: &str = "finding_state";
/// There is no such webhook.
pub const WEBHOOK_NOT_FOUND: &str = "webhook_not_found";
/// There are as many webhooks as there may be.
pub const WEBHOOK_LIMIT: &str = "webhook_limit";
/// The webhook is disabled: nothing is sent to it.
pub const WEBHOOK_DISABLED: &str = "webhook_disabled";
/// There is no such delivery of this webhook, or no longer.
pub const WEBHOOK_DELIVERY_NOT_FOUND: &str = "webhook_delivery_not_found";
/// There is no such job, or it is not dead.
pub const JOB_NOT_FOUND: &str = "job_not_found";
/// There is no such import.
pub const IMPORT_NOT_FOUND: &str = "import_not_found";
/// The import's file is no longer kept.
pub const IMPORT_FILE_GONE: &str = "import_file_gone";
/// The same file is being imported by somebody else, who took this import over.
pub const IMPORT_TAKEN_OVER: &str = "import_taken_over";

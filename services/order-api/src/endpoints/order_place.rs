//! `POST /orders`: a cart becomes an order.
//!
//! Errors: 400 `idempotency_key_required` or `invalid_input`, 404 `cart_not_found`, 409
//! `out_of_stock`, `not_for_sale`, `cart_empty`, `cart_ordered`, `cart_changed`, `total_changed` or
//! `discount_invalid`, 422 `idempotency_key_reused`, 503 `unavailable`.

use axum::extract::State;
use http::HeaderMap;
use techcommerce_contracts::{
    Problem,
    order_api::{Order, OrderInput},
};
use techcommerce_http::{ApiResult, Caller, Json};
use techcommerce_once::Answer;

use crate::{
    app::App,
    checkout::{self, IdempotencyKey},
    locale::Locale,
};

/// Places an order. The same `Idempotency-Key` with the same body gives the same order and, for a
/// day, the same answer, however often it is sent; one cart becomes at most one order. The payment is taken right afterwards:
/// look at `payment_status`. Only this answer tells the `access_token`.
#[utoipa::path(
    post, path = "/orders", tag = "orders", operation_id = "place_order",
    security((), ("bearer" = []), ("cookie" = [])),
    params(("Idempotency-Key" = String, Header, description = "1 to 255 printable characters: a new one for each order, the same one to try again.")),
    request_body = OrderInput,
    responses(
        (status = 201, description = "The order, new or as it was placed before with the same key.", body = Order),
        (status = 400, description = "`idempotency_key_required`, `invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`cart_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`out_of_stock` and `not_for_sale` with `lines`, `cart_empty`, `cart_ordered`, `cart_changed`, `total_changed` with `total`, `discount_invalid`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`: send the same again", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn place(
    State(app): State<App>,
    caller: Caller,
    key: IdempotencyKey,
    headers: HeaderMap,
    Json(input): Json<OrderInput>,
) -> ApiResult<Answer> {
    Ok(checkout::place(&app, &caller, &key, Locale::accepted(&headers), &input).await?)
}

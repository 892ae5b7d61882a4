//! `/checkout`: where to, how, and how it is paid, on one page.
//!
//! The idempotency key is made when the form is shown and travels in it, so that a double click, a
//! reload or a retry after a lost answer is the same order. After a definite refusal the form gets
//! a new key, because what is sent next is another order.
//!
//! The form also carries the total that was shown. If it is not the one to be paid (another way of
//! shipping was chosen, a price has changed), the form comes back with the new one first; and it is
//! what the order may cost and no more, whatever changes in between: nobody orders at a total not
//! seen.

mod form;
#[cfg(test)]
mod tests;

use axum::{extract::State, response::Response};
use http::StatusCode;
use serde::Deserialize;
use techcommerce_contracts::{
    codes,
    order_api::{Address, Order, OrderInput, PaymentInput, PaymentMethod},
};
use techcommerce_kernel::{Error, FieldError, Kind, Money};

use self::form::{Trouble, form};
use super::{pay, sign::forget_session};
use crate::{failure::Failure, forms::Sent, money, page::see_other, shop::Shop, visitor::Visitor};

/// `GET /checkout`
///
/// # Errors
/// The API does not answer.
pub async fn show(State(shop): State<Shop>, visitor: Visitor) -> Result<Response, Failure> {
    let Some(cart) = visitor.cart.clone() else {
        return see_other("/cart");
    };
    let trouble = Trouble::default();
    form(
        &shop,
        &visitor,
        &cart,
        &Sent::default(),
        trouble,
        StatusCode::OK,
    )
    .await
}

/// `POST /checkout`: places the order.
///
/// # Errors
/// The API does not answer to anything. What the shopper can mend is shown in the form.
pub async fn place(
    State(shop): State<Shop>,
    visitor: Visitor,
    sent: Sent,
) -> Result<Response, Failure> {
    let cart = sent.text("cart").to_owned();
    if cart.is_empty() {
        return see_other("/cart");
    }
    if sent.text("preview") == "1" {
        let trouble = Trouble {
            keep_key: true,
            ..Trouble::default()
        };
        return form(&shop, &visitor, &cart, &sent, trouble, StatusCode::OK).await;
    }
    let mut order = match order_of(&cart, &sent, visitor.texts.language()) {
        Ok(order) => order,
        Err(fields) => {
            let trouble = Trouble {
                fields,
                check_empty: true,
                ..Trouble::default()
            };
            return form(
                &shop,
                &visitor,
                &cart,
                &sent,
                trouble,
                StatusCode::BAD_REQUEST,
            )
            .await;
        }
    };
    if !is_key(sent.text("key")) {
        let trouble = Trouble {
            whole: Some(visitor.texts.get("checkout.key_lost").to_owned()),
            ..Trouble::default()
        };
        let status = StatusCode::BAD_REQUEST;
        return form(&shop, &visitor, &cart, &sent, trouble, status).await;
    }
    if let Some(seen) = sent.number("seen") {
        match total(&shop, &visitor, &order).await {
            Some(total) if total.amount != seen => {
                return total_changed(&shop, &visitor, &cart, &sent, total).await;
            }
            total => order.expected_total = total,
        }
    }
    match ordered(&shop, &visitor, sent.text("key"), &mut order).await {
        Ok(order) => {
            let access = order.access_token.as_deref().unwrap_or_default();
            // A card is confirmed on a page of its own, which waits for the provider.
            let below = match order.payment.method {
                PaymentMethod::Stripe => "/pay",
                _ => "",
            };
            let address = pay::address(order.id, Some(access), below);
            // The cart stays in its cookie: it shows as empty while the order stands, and is
            // there again if the payment is refused.
            see_other(&address)
        }
        Err(error) => refused(&shop, &visitor, &cart, &sent, error).await,
    }
}

/// Whether the API takes it as an idempotency key. Ours always is one, unless the form was
/// tampered with or cut off on its way.
fn is_key(key: &str) -> bool {
    (1..=255).contains(&key.len()) && key.bytes().all(|b| (0x20..0x7f).contains(&b))
}

/// Sends the order. An order-api of the version before, while a newer one is rolled out, knows no
/// expected total.
async fn ordered(
    shop: &Shop,
    visitor: &Visitor,
    key: &str,
    order: &mut OrderInput,
) -> Result<Order, Error> {
    let unknown = |error: &Error| {
        let mut fields = error.fields().iter();
        error.kind() == Kind::Invalid && fields.any(|field| field.path == "expected_total")
    };
    match shop.api(visitor).place_order(key, order).await {
        Err(error) if unknown(&error) && order.expected_total.take().is_some() => {
            shop.api(visitor).place_order(key, order).await
        }
        ordered => ordered,
    }
}

/// The form once more, with the total that is to be paid by now.
async fn total_changed(
    shop: &Shop,
    visitor: &Visitor,
    cart: &str,
    sent: &Sent,
    total: Money,
) -> Result<Response, Failure> {
    let total = money::format(total, visitor.texts.language());
    let whole = Some(visitor.texts.with("checkout.total_changed", total));
    let trouble = Trouble {
        whole,
        keep_key: true,
        ..Trouble::default()
    };
    form(shop, visitor, cart, sent, trouble, StatusCode::CONFLICT).await
}

/// The total to be paid. A cart that became an order a click ago keeps its total, and one that
/// cannot be known is left to the order itself: none.
async fn total(shop: &Shop, visitor: &Visitor, order: &OrderInput) -> Option<Money> {
    let api = shop.api(visitor);
    let (cart, methods) = tokio::join!(
        api.cart(&order.cart_id),
        api.shipping_methods(&order.cart_id)
    );
    let (cart, methods) = (cart.ok()?, methods.ok()?);
    if cart.order_id.is_some() {
        return None;
    }
    let method = methods
        .iter()
        .find(|method| method.id == order.shipping_method)?;
    method.total
}

async fn refused(
    shop: &Shop,
    visitor: &Visitor,
    cart: &str,
    sent: &Sent,
    error: Error,
) -> Result<Response, Failure> {
    tracing::info!(code = error.code(), "an order was refused");
    let total = error.detail().and_then(|detail| detail.get("total"));
    let total = total.and_then(|total| Money::deserialize(total).ok());
    if let (codes::TOTAL_CHANGED, Some(total)) = (error.code(), total) {
        return total_changed(shop, visitor, cart, sent, total).await;
    }
    let whole = match (error.code(), error.kind()) {
        (codes::OUT_OF_STOCK | codes::NOT_FOR_SALE | codes::RESERVATION_EXPIRED, _) => {
            Some("checkout.out_of_stock")
        }
        (codes::CART_ORDERED | codes::IDEMPOTENCY_KEY_REUSED, _) => {
            return sent_before(shop, visitor, cart, sent, &error).await;
        }
        (codes::CART_EMPTY | codes::CART_NOT_FOUND, _) => return see_other("/cart"),
        (codes::SHIPPING_METHOD_UNKNOWN, _) => None,
        (_, Kind::Unauthenticated) => return session_ended(shop, visitor, cart, sent).await,
        (_, Kind::Forbidden | Kind::TooMany) => return Err(error.into()),
        (_, Kind::Unavailable | Kind::Internal) => Some("checkout.retry"),
        (_, Kind::Conflict | Kind::Unprocessable) => Some("problem.text_conflict"),
        _ if error.fields().is_empty() => Some("problem.text_bad"),
        _ => None,
    };
    let mut fields = error.fields().to_vec();
    if error.code() == codes::SHIPPING_METHOD_UNKNOWN {
        let path = "shipping_method".to_owned();
        fields.push(FieldError {
            path,
            message: error.message().to_owned(),
        });
    }
    let keep_key = matches!(error.kind(), Kind::Unavailable | Kind::Internal);
    let status = if keep_key {
        StatusCode::SERVICE_UNAVAILABLE
    } else {
        StatusCode::CONFLICT
    };
    let whole = whole.map(|key: &str| visitor.texts.get(key).to_owned());
    let trouble = Trouble {
        fields,
        whole,
        keep_key,
        ..Trouble::default()
    };
    form(shop, visitor, cart, sent, trouble, status).await
}

/// The form was sent before, perhaps with something else in it, as after the Back button: the way
/// to the order that the cart has become, or the form once more if it has not become one.
async fn sent_before(
    shop: &Shop,
    visitor: &Visitor,
    cart: &str,
    sent: &Sent,
    error: &Error,
) -> Result<Response, Failure> {
    let api = shop.api(visitor);
    let order = api.cart(cart).await.ok().and_then(|cart| cart.order_id);
    // A guest's order opens only by the link that holds its token, which we do not keep.
    let placed = match order {
        Some(id) if visitor.session.is_some() => api.order(id, None).await.ok(),
        _ => None,
    };
    let ordered = order.is_some() || error.code() == codes::CART_ORDERED;
    let words = match (ordered, &placed) {
        (true, Some(_)) => "checkout.already_ordered",
        (true, None) => "checkout.already_ordered_guest",
        (false, _) => "checkout.sent_before",
    };
    let trouble = Trouble {
        whole: Some(visitor.texts.get(words).to_owned()),
        placed: placed.map(|order| format!("/orders/{}", order.id)),
        ..Trouble::default()
    };
    form(shop, visitor, cart, sent, trouble, StatusCode::CONFLICT).await
}

/// The session has run out: what was typed stays, and the visitor may go on as a guest.
async fn session_ended(
    shop: &Shop,
    visitor: &Visitor,
    cart: &str,
    sent: &Sent,
) -> Result<Response, Failure> {
    let guest = Visitor {
        session: None,
        ..visitor.clone()
    };
    let whole = Some(visitor.texts.get("checkout.session_ended").to_owned());
    let trouble = Trouble {
        whole,
        ..Trouble::default()
    };
    let mut response = form(shop, &guest, cart, sent, trouble, StatusCode::CONFLICT).await?;
    forget_session(shop, &mut response)?;
    Ok(response)
}

/// The order in the form, or the places where it is none.
fn order_of(cart: &str, sent: &Sent, language: &str) -> Result<OrderInput, Vec<FieldError>> {
    let mut wrong = Vec::new();
    let mut miss = |path: &str, message: String| {
        wrong.push(FieldError {
            path: path.to_owned(),
            message,
        });
    };
    let email = sent
        .text("email")
        .parse()
        .map_err(|error: String| miss("email", error));
    for name in ["name", "line1", "city", "country"] {
        if sent.text(name).is_empty() {
            miss(name, "is missing".into());
        }
    }
    let method = sent
        .text("payment")
        .parse()
        .map_err(|error| miss("payment", error));
    if sent.text("shipping").is_empty() {
        miss("shipping_method", "is missing".into());
    }
    let (Ok(email), Ok(method), true) = (email, method, wrong.is_empty()) else {
        return Err(wrong);
    };
    let token = Some(sent.text("token").to_owned())
        .filter(|token| method == PaymentMethod::Test && !token.is_empty());
    Ok(OrderInput {
        cart_id: cart.to_owned(),
        email,
        shipping_address: Address {
            name: sent.text("name").to_owned(),
            line1: sent.text("line1").to_owned(),
            line2: sent.text("line2").to_owned(),
            city: sent.text("city").to_owned(),
            region: sent.text("region").to_owned(),
            postal_code: sent.text("postal_code").to_owned(),
            country: sent.text("country").to_owned(),
        },
        shipping_method: sent.text("shipping").to_owned(),
        payment: PaymentInput { method, token },
        expected_total: None,
        locale: Some(language.to_owned()),
    })
}

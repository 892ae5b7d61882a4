//! `/checkout`: where to, how, and how it is paid, on one page.
//!
//! The idempotency key is made when the form is shown and travels in it, so that a double click, a
//! reload or a retry after a lost answer is the same order. After a definite refusal the form gets
//! a new key, because what is sent next is another order.
//!
//! The form also carries the total that was shown. If it is not the one to be paid (another way of
//! shipping was chosen, a price has changed), the form comes back with the new one first: nobody
//! orders at a total not seen.

mod form;

use axum::{extract::State, response::Response};
use http::StatusCode;
use techcommerce_contracts::{
    codes,
    order_api::{Address, OrderInput, PaymentInput, PaymentMethod},
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
    let order = match order_of(&cart, &sent, visitor.texts.language()) {
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
    if let Some(total) = total_unseen(&shop, &visitor, &order, sent.number("seen")).await {
        let total = money::format(total, visitor.texts.language());
        let whole = Some(visitor.texts.with("checkout.total_changed", total));
        let trouble = Trouble {
            whole,
            keep_key: true,
            ..Trouble::default()
        };
        return form(&shop, &visitor, &cart, &sent, trouble, StatusCode::CONFLICT).await;
    }
    match shop
        .api(&visitor)
        .place_order(sent.text("key"), &order)
        .await
    {
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

/// The total to be paid, if it is not the one that was `seen`. A cart that became an order a click
/// ago keeps its total; a total that cannot be known is left to the order itself.
async fn total_unseen(
    shop: &Shop,
    visitor: &Visitor,
    order: &OrderInput,
    seen: Option<i64>,
) -> Option<Money> {
    let seen = seen?;
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
    method.total.filter(|total| total.amount != seen)
}

async fn refused(
    shop: &Shop,
    visitor: &Visitor,
    cart: &str,
    sent: &Sent,
    error: Error,
) -> Result<Response, Failure> {
    tracing::info!(code = error.code(), "an order was refused");
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
        locale: Some(language.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::{Fake, Site};

    const CART: &str = "tc_cart=cart-1";

    fn good() -> Vec<(&'static str, &'static str)> {
        vec![
            ("cart", "cart-1"),
            ("key", "key-1"),
            ("email", "ada@example.org"),
            ("name", "Ada"),
            ("line1", "Quay 1"),
            ("city", "Kiel"),
            ("postal_code", "24103"),
            ("country", "DE"),
            ("shipping", "standard"),
            ("payment", "test"),
            ("token", "tok_decline"),
        ]
    }

    fn with(name: &'static str, value: &'static str) -> Vec<(&'static str, &'static str)> {
        good()
            .into_iter()
            .map(|(n, v)| if n == name { (n, value) } else { (n, v) })
            .collect()
    }

    #[tokio::test]
    async fn the_form_helps_to_fill_itself_in() {
        let site = Site::new().await;
        let page = site.get_as("/checkout", CART).await.expect(StatusCode::OK);
        page.has(&[
            "autocomplete=\"email\"",
            "autocomplete=\"address-line1\"",
            "Test card",
        ]);
        page.has(&[
            "name=\"key\" value=\"",
            "<option value=\"DE\" selected>Germany",
            "Standard",
        ]);
        page.is_accessible();
    }

    #[tokio::test]
    async fn without_a_cart_there_is_nothing_to_check_out() {
        let site = Site::new().await;
        let page = site.get("/checkout").await.expect(StatusCode::SEE_OTHER);
        assert_eq!(page.header("location"), "/cart");
    }

    #[tokio::test]
    async fn a_good_form_becomes_an_order() {
        let site = Site::new().await;
        let page = site
            .post_as("/checkout", CART, &good())
            .await
            .expect(StatusCode::SEE_OTHER);
        let address = format!("/orders/{}?access_token=secret-1", Fake::ORDER);
        assert_eq!(page.header("location"), address);
        let sent = site.sent("POST", "/api/orders");
        assert!(sent.contains("\"token\":\"tok_decline\"") && sent.contains("\"city\":\"Kiel\""));
        assert_eq!(site.key(), "key-1");
    }

    #[tokio::test]
    async fn nobody_orders_at_a_total_not_seen() {
        let site = Site::new().await;
        let mut form = with("shipping", "express");
        form.push(("seen", "9000"));
        let page = site
            .post_as("/checkout", CART, &form)
            .await
            .expect(StatusCode::CONFLICT);
        page.has(&["The total is now €102.90", "name=\"seen\" value=\"10290\""]);
        page.has(&[
            "name=\"key\" value=\"key-1\"",
            "value=\"express\" data-preview=\"checkout-sums\" checked",
        ]);
        assert!(!site.was_asked("POST"));
        form.pop();
        form.push(("seen", "10290"));
        site.post_as("/checkout", CART, &form)
            .await
            .expect(StatusCode::SEE_OTHER);
    }

    #[tokio::test]
    async fn the_total_of_a_choice_is_shown_without_ordering() {
        let site = Site::new().await;
        let form = [
            ("cart", "cart-1"),
            ("shipping", "express"),
            ("preview", "1"),
        ];
        let page = site
            .post_as("/checkout", CART, &form)
            .await
            .expect(StatusCode::OK);
        page.has(&["€102.90"]);
        assert!(!site.was_asked("POST"));
    }

    #[tokio::test]
    async fn what_is_missing_is_said_at_its_field_and_above() {
        let site = Site::new().await;
        let form = with("city", " ");
        let page = site
            .post_as("/checkout", CART, &form)
            .await
            .expect(StatusCode::BAD_REQUEST);
        page.has(&[
            "id=\"problems\"",
            "<a href=\"#city\">City: Please fill this in.</a>",
        ]);
        page.has(&[
            "aria-describedby=\"city-error\"",
            "value=\"ada@example.org\"",
        ]);
        page.has(&["<option value=\"tok_decline\" selected>"]);
        page.is_accessible();
        assert!(!site.was_asked("POST"));
    }

    #[tokio::test]
    async fn what_the_api_refuses_is_said_at_its_field() {
        let fake = Fake::default().refuses_orders(
            400,
            serde_json::json!({"code": "invalid_input", "errors": [
                {"path": "shipping_address.postal_code", "message": "is none"}]}),
        );
        let site = Site::with(fake).await;
        let page = site
            .post_as("/checkout", CART, &good())
            .await
            .expect(StatusCode::CONFLICT);
        page.has(&["Postal code: Please check the postal code."]);
        page.lacks(&["value=\"key-1\""]);
    }

    #[tokio::test]
    async fn sold_out_meanwhile_is_said_in_words() {
        let fake = Fake::default().refuses_orders(409, serde_json::json!({"code": "out_of_stock"}));
        let site = Site::with(fake).await;
        let page = site
            .post_as("/checkout", CART, &good())
            .await
            .expect(StatusCode::CONFLICT);
        page.has(&["not in stock any more"]);
    }

    fn reused() -> Fake {
        Fake::default().refuses_orders(422, serde_json::json!({"code": "idempotency_key_reused"}))
    }

    #[tokio::test]
    async fn a_form_sent_back_after_the_order_leads_to_it() {
        let owner = "tc_cart=cart-1; tc_session=session-1";
        let ordered = Fake::default()
            .refuses_orders(409, serde_json::json!({"code": "cart_ordered"}))
            .cart_ordered();
        for fake in [reused().cart_ordered(), ordered] {
            let site = Site::with(fake).await;
            let page = site.post_as("/checkout", owner, &good()).await;
            let page = page.expect(StatusCode::CONFLICT);
            page.has(&[
                "This cart has already become an order.",
                &format!("href=\"/orders/{}\">See the order", Fake::ORDER),
            ]);
            page.lacks(&["Things have changed", "our e-mail"]);
            page.is_accessible();
            // A link that a guest cannot open is none: theirs is in the mail.
            let page = site.post_as("/checkout", CART, &good()).await;
            let page = page.expect(StatusCode::CONFLICT);
            page.has(&["already become an order. The link to it is in our e-mail"]);
            page.lacks(&["href=\"/orders/"]);
        }
    }

    #[tokio::test]
    async fn a_form_edited_after_it_was_sent_is_another_one() {
        let site = Site::with(reused()).await;
        let page = site.post_as("/checkout", CART, &good()).await;
        let page = page.expect(StatusCode::CONFLICT);
        page.has(&[
            "sent before with other details",
            "value=\"ada@example.org\"",
        ]);
        page.lacks(&["value=\"key-1\"", "Things have changed", "href=\"/orders/"]);
        page.is_accessible();
        let german = "tc_cart=cart-1; tc_language=de";
        let page = site.post_as("/checkout", german, &good()).await;
        page.expect(StatusCode::CONFLICT)
            .has(&["schon einmal mit anderen Angaben gesendet"]);
    }

    #[tokio::test]
    async fn a_form_without_its_key_comes_back_with_words_and_a_new_one() {
        let site = Site::new().await;
        let session = "tc_cart=cart-1; tc_session=session-1";
        let long: &'static str = "k".repeat(256).leak();
        for key in ["", " ", "schlüssel", long] {
            let mut form = with("key", key);
            form.retain(|(name, _)| *name != "name");
            form.push(("name", "Grace"));
            let page = site.post_as("/checkout", session, &form).await;
            let page = page.expect(StatusCode::BAD_REQUEST);
            page.has(&[
                "id=\"problems\"",
                "has not been placed",
                "name=\"key\" value=\"",
            ]);
            page.has(&["value=\"Grace\""]);
            page.lacks(&["name=\"key\" value=\"\"", "schlüssel"]);
            page.is_accessible();
        }
        assert!(!site.was_asked("POST"));
    }

    #[tokio::test]
    async fn no_refusal_is_without_words() {
        let fake = Fake::default().refuses_orders(400, serde_json::json!({"code": "strange"}));
        let site = Site::with(fake).await;
        let page = site.post_as("/checkout", CART, &good()).await;
        page.expect(StatusCode::CONFLICT).has(&["id=\"problems\""]);
    }

    #[tokio::test]
    async fn a_session_that_ended_meanwhile_loses_nothing_that_was_typed() {
        let fake =
            Fake::default().refuses_orders(401, serde_json::json!({"code": "unauthenticated"}));
        let site = Site::with(fake).await;
        let cookies = "tc_cart=cart-1; tc_session=old";
        let page = site
            .post_as("/checkout", cookies, &good())
            .await
            .expect(StatusCode::CONFLICT);
        page.has(&[
            "Your session has ended",
            "value=\"ada@example.org\"",
            "href=\"/login\"",
        ]);
        assert!(page.header("set-cookie").starts_with("tc_session=;"));
    }

    #[tokio::test]
    async fn an_unknown_outcome_keeps_the_key() {
        let fake = Fake::default().refuses_orders(503, serde_json::json!({"code": "unavailable"}));
        let site = Site::with(fake).await;
        let page = site.post_as("/checkout", CART, &good()).await;
        let page = page.expect(StatusCode::SERVICE_UNAVAILABLE);
        page.has(&[
            "you will not be charged twice",
            "name=\"key\" value=\"key-1\"",
        ]);
        page.is_accessible();
    }
}

//! `GET /orders/{id}/pay`: the customer confirms a payment by card.
//!
//! The card is typed into a frame of Stripe's, whose library comes from Stripe: this page alone lets
//! it in (its Content-Security-Policy), and what is typed never comes to the shop.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use techcommerce_contracts::order_api::{Order, OrderStatus, PaymentMethod, PaymentStatus};
use techcommerce_kernel::Uuid;

use crate::{
    failure::Failure,
    forms::{Asked, Sent},
    page::{Page, render, see_other},
    shop::Shop,
    visitor::Visitor,
};

/// What the page may load beside the shop's own: Stripe's library, its frames, and what it asks.
const POLICY: &str = "default-src 'self'; script-src 'self' https://js.stripe.com \
    https://*.js.stripe.com; connect-src 'self' https://api.stripe.com; frame-src \
    https://js.stripe.com https://*.js.stripe.com https://hooks.stripe.com; style-src 'self'; \
    img-src 'self' data: https://*.stripe.com; object-src 'none'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

#[derive(Template)]
#[template(path = "pay.html")]
struct PayPage {
    page: Page,
    number: String,
    total: String,
    /// The order's own page.
    order: String,
    /// What the customer confirms with; nothing: the provider has not answered yet.
    confirm: Option<Confirm>,
}

#[derive(Template)]
#[template(path = "pay_back.html")]
struct BackPage {
    page: Page,
}

struct Confirm {
    key: String,
    secret: String,
    /// Where the customer confirms without the library.
    elsewhere: Option<String>,
}

/// The page on which an order is paid by card; the order's own page if there is nothing to confirm.
///
/// # Errors
/// The API does not answer, or the order may not be seen.
pub async fn show(
    State(shop): State<Shop>,
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(sent): Asked,
) -> Result<Response, Failure> {
    let access = access_of(&sent);
    let id: Uuid = id.parse().map_err(|_| Failure::not_found())?;
    let api = shop.api(&visitor);
    let (page, order) = tokio::join!(shop.page(&visitor), api.order(id, access.clone()));
    let order = order?;
    let own = address(id, access.as_deref(), "");
    if !waits(&order) || shop.settings.stripe_publishable_key.is_empty() {
        return see_other(&own);
    }
    let confirm = order.payment.next_action.as_ref().map(|action| Confirm {
        key: shop.settings.stripe_publishable_key.clone(),
        secret: action.client_secret.clone(),
        elsewhere: action
            .redirect_url
            .clone()
            .filter(|url| url.starts_with("https://")),
    });
    let page = page.private();
    let view = PayPage {
        number: order.number.clone(),
        total: page.money(order.total),
        order: own,
        confirm,
        page: page.titled(visitor.texts.get("pay.title")),
    };
    let mut response = render(StatusCode::OK, &view.page, &view);
    let headers = response.headers_mut();
    let policy = HeaderValue::from_static(POLICY);
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    // The address opens the order: it is told to nobody, not even to Stripe.
    let policy = HeaderValue::from_static("same-origin");
    headers.insert(header::REFERRER_POLICY, policy);
    Ok(response)
}

/// Whether the customer may still have something to do.
fn waits(order: &Order) -> bool {
    order.payment.method == PaymentMethod::Stripe
        && order.status == OrderStatus::Placed
        && order.payment_status == PaymentStatus::Pending
}

/// What the address says opens the order.
pub fn access_of(sent: &Sent) -> Option<String> {
    Some(sent.text("access_token").to_owned()).filter(|token| !token.is_empty())
}

/// The page of a customer who comes back from the bank, by an address that does not open the order:
/// the browser may know the one that does.
pub async fn back(shop: &Shop, visitor: &Visitor) -> Response {
    let page = shop.page(visitor).await.private();
    let page = page.titled(visitor.texts.get("pay.back"));
    let view = BackPage { page };
    render(StatusCode::OK, &view.page, &view)
}

/// The address of an order's page, or of one below it.
pub fn address(id: Uuid, access: Option<&str>, below: &str) -> String {
    match access {
        Some(token) => {
            let query = serde_urlencoded::to_string([("access_token", token)]);
            format!("/orders/{id}{below}?{}", query.unwrap_or_default())
        }
        None => format!("/orders/{id}{below}"),
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use crate::testing::{Fake, Site};

    fn path() -> String {
        format!("/orders/{}/pay?access_token=secret-1", Fake::ORDER)
    }

    fn unpaid(action: serde_json::Value) -> Fake {
        Fake::default().order(json!({
            "status": "placed", "payment_status": "pending", "fulfillment_status": "unfulfilled",
            "payment": {
                "method": "stripe", "authorized": {"amount": 0, "currency": "EUR"},
                "captured": {"amount": 0, "currency": "EUR"},
                "refunded": {"amount": 0, "currency": "EUR"}, "failure": null,
                "next_action": action,
            },
        }))
    }

    #[tokio::test]
    async fn stripes_library_is_let_into_this_page_alone() {
        let action = json!({"kind": "stripe", "client_secret": "pi_1_secret_2"});
        let site = Site::with(unpaid(action)).await;
        let page = site.get(&path()).await.expect(StatusCode::OK);
        page.has(&[
            "data-secret=\"pi_1_secret_2\"",
            "data-key=\"pk_test_1\"",
            "https://js.stripe.com/v3/",
            "<noscript>",
        ]);
        page.is_accessible();
        assert!(
            page.header("content-security-policy")
                .contains("https://js.stripe.com")
        );
        assert_eq!(page.header("referrer-policy"), "same-origin");
        assert!(page.header("cache-control").contains("no-store"));
        let order = format!("/orders/{}?access_token=secret-1", Fake::ORDER);
        let page = site.get(&order).await.expect(StatusCode::OK);
        page.has(&[&format!(
            "/orders/{}/pay?access_token=secret-1",
            Fake::ORDER
        )]);
        assert!(!page.header("content-security-policy").contains("stripe"));
    }

    #[tokio::test]
    async fn who_comes_back_from_the_bank_is_not_told_that_there_is_no_order() {
        let path = format!(
            "/orders/{}?payment_intent=pi_1&redirect_status=succeeded",
            Fake::SMALL
        );
        let page = Site::new().await.get(&path).await.expect(StatusCode::OK);
        page.has(&["Your bank has answered", "id=\"pay-back\"", "noindex"]);
        page.is_accessible();
        assert!(page.header("cache-control").contains("no-store"));
        let path = format!("/orders/{}", Fake::SMALL);
        Site::new()
            .await
            .get(&path)
            .await
            .expect(StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn it_waits_for_the_provider_and_goes_when_all_is_done() {
        let site = Site::with(unpaid(serde_json::Value::Null)).await;
        let page = site.get(&path()).await.expect(StatusCode::OK);
        page.has(&["http-equiv=\"refresh\""]);
        let site = Site::new().await;
        let page = site.get(&path()).await.expect(StatusCode::SEE_OTHER);
        let order = format!("/orders/{}?access_token=secret-1", Fake::ORDER);
        assert_eq!(page.header("location"), order);
    }
}

//! `GET /orders/{id}`: where an order stands, for whoever has its link or placed it signed in.
//!
//! While the payment is under way the page asks again by itself: with the script in place, else by
//! a refresh that only browsers without scripts see.

use std::time::Duration;

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::{HeaderValue, StatusCode, header};
use techcommerce_contracts::order_api::{
    FulfillmentStatus, Order, OrderStatus, PaymentMethod, PaymentStatus, Shipment,
};
use techcommerce_kernel::{Kind, Uuid};

use super::{
    pay,
    sums::{self, Sum},
};
use crate::{
    catalogue::Picture,
    failure::Failure,
    forms::Asked,
    i18n::Texts,
    page::{Page, render},
    shop::Shop,
    visitor::Visitor,
};

#[derive(Template)]
#[template(path = "order.html")]
struct OrderPage {
    page: Page,
    number: String,
    heading: String,
    placed_on: String,
    guest: bool,
    refresh: Option<u64>,
    status_text: String,
    steps: Vec<Step>,
    notice: Option<String>,
    notice_bad: bool,
    /// Where the customer confirms the payment.
    pay: Option<String>,
    lines: Vec<Line>,
    address: Vec<String>,
    shipping_method: String,
    parcels: Vec<String>,
    payment_method: String,
    sums: Vec<Sum>,
}

/// A step on the order's way.
struct Step {
    /// `done`, `now`, `stopped` or nothing.
    class: &'static str,
    title: String,
    text: String,
}

struct Line {
    title: String,
    variant: String,
    picture: Option<Picture>,
    quantity: i64,
    unit: String,
    total: String,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct NotShown {
    page: Page,
    status: u16,
    heading: &'static str,
    text: &'static str,
    sign_in: bool,
    again: bool,
    reference: Option<String>,
}

/// The page of an order.
///
/// # Errors
/// The API does not answer. An order that may not be seen looks like one that is not there.
pub async fn show(
    State(shop): State<Shop>,
    visitor: Visitor,
    Path(id): Path<String>,
    Asked(sent): Asked,
) -> Result<Response, Failure> {
    let access = pay::access_of(&sent);
    let guest = access.is_some();
    let pay_at = access.clone();
    let confirmed = sent.text("confirmed") == "1" || sent.text("redirect_status") == "succeeded";
    let Ok(id) = id.parse::<Uuid>() else {
        return Ok(not_shown(&shop, &visitor).await);
    };
    let api = shop.api(&visitor);
    let (page, order) = tokio::join!(shop.page(&visitor), api.order(id, access));
    let order = match order {
        Ok(order) => order,
        Err(error) => match error.kind() {
            // Stripe sends customers back by an address without what opens the order.
            Kind::NotFound if !sent.text("redirect_status").is_empty() => {
                return Ok(pay::back(&shop, &visitor).await);
            }
            Kind::NotFound | Kind::Forbidden | Kind::Unauthenticated => {
                return Ok(not_shown(&shop, &visitor).await);
            }
            _ => return Err(error.into()),
        },
    };
    let age = shop.env.now().since(order.placed_at);
    let mut view = view(page.private(), &order, guest, age);
    // Who has just confirmed it waits for us to hear of it.
    let asked = order.payment.next_action.is_some() && !confirmed;
    if asked && !shop.settings.stripe_publishable_key.is_empty() {
        view.pay = Some(pay::address(id, pay_at.as_deref(), "/pay"));
        view.notice = Some(view.page.t("pay.needed").to_owned());
    }
    let mut response = render(StatusCode::OK, &view.page, &view);
    // The address opens the order: it is told to nobody, not even by a link.
    let policy = HeaderValue::from_static("same-origin");
    response
        .headers_mut()
        .insert(header::REFERRER_POLICY, policy);
    Ok(response)
}

async fn not_shown(shop: &Shop, visitor: &Visitor) -> Response {
    let page = shop
        .page(visitor)
        .await
        .private()
        .titled(visitor.texts.get("order.not_found"));
    let view = NotShown {
        status: 404,
        heading: "order.not_found",
        text: "order.not_found_text",
        sign_in: !page.signed_in,
        again: false,
        reference: None,
        page,
    };
    render(StatusCode::NOT_FOUND, &view.page, &view)
}

fn view(page: Page, order: &Order, guest: bool, age: Duration) -> OrderPage {
    let texts = page.texts().clone();
    let steps = steps(&page, order);
    let failed = failure(order);
    let cancelled = order.status == OrderStatus::Cancelled;
    let waits = order.status == OrderStatus::Placed
        && matches!(
            order.payment_status,
            PaymentStatus::Pending | PaymentStatus::Authorized
        );
    let by_invoice = order.payment.method == PaymentMethod::Invoice;
    let refresh = (waits && !by_invoice).then(|| refresh_after(age));
    let notice = match (failed, refresh, waits && by_invoice) {
        (Some(failure), ..) => Some(failure.text),
        (_, Some(_), _) => Some("order.refreshing"),
        (.., true) => Some("order.invoice_text"),
        _ if !cancelled && order.payment_status == PaymentStatus::Paid => Some("order.paid_text"),
        _ => None,
    };
    let first_name = order.shipping_address.name.split_whitespace().next();
    let lines = order.lines.iter().map(|line| Line {
        title: line.title.clone(),
        variant: line.variant_title.clone(),
        picture: line
            .image
            .as_ref()
            .and_then(Picture::of)
            .map(|picture| Picture {
                alt: String::new(),
                ..picture
            }),
        quantity: line.quantity,
        unit: page.money(line.unit_price),
        total: page.money(line.total),
    });
    OrderPage {
        number: order.number.clone(),
        heading: match first_name {
            _ if let Some(failure) = failed => texts.get(failure.title).to_owned(),
            _ if cancelled => texts.get("order.cancelled").to_owned(),
            Some(name) => texts.with("order.thanks", name),
            None => texts.get("order.thanks_plain").to_owned(),
        },
        placed_on: texts.day(order.placed_at),
        guest,
        refresh,
        status_text: status_of(&page, order),
        steps,
        notice: notice.map(|key| texts.with(key, order.email.as_str())),
        notice_bad: failed.is_some(),
        pay: None,
        lines: lines.collect(),
        address: address_of(&texts, order),
        shipping_method: shipping_of(order),
        parcels: order
            .shipments
            .iter()
            .filter_map(|s| parcel(&page, s))
            .collect(),
        payment_method: texts
            .get(&format!("checkout.pay_{}", order.payment.method.name()))
            .into(),
        sums: sums::of_order(page.texts(), order),
        page: page.titled(texts.with("order.title", &order.number)),
    }
}

/// A payment is mostly through in seconds; one that is not may take an hour.
fn refresh_after(age: Duration) -> u64 {
    match age.as_secs() {
        0..60 => 2,
        60..600 => 5,
        _ => 30,
    }
}

/// Why an order came to nothing by itself, as opposed to being called off.
#[derive(Clone, Copy)]
struct Failed {
    title: &'static str,
    text: &'static str,
}

/// `payment_status` says only that nothing was taken; the reason is in `payment.failure`.
fn failure(order: &Order) -> Option<Failed> {
    match order.payment.failure.as_deref()? {
        "out_of_stock" => Some(Failed {
            title: "order.sold_out",
            text: "order.sold_out_text",
        }),
        _ => Some(Failed {
            title: "order.pay_failed",
            text: "order.pay_failed_text",
        }),
    }
}

/// Where the order stands, in a few words.
pub fn status_of(page: &Page, order: &Order) -> String {
    let key = match (order.status, order.payment_status, order.fulfillment_status) {
        _ if let Some(failure) = failure(order) => failure.title,
        (OrderStatus::Cancelled, ..) => "order.cancelled",
        (_, PaymentStatus::Refunded, _) => "order.pay_refunded",
        (OrderStatus::Completed, ..) => "order.step_done",
        (_, PaymentStatus::Pending | PaymentStatus::Authorized, _) => payment_words(order),
        (.., FulfillmentStatus::Fulfilled) => "order.ship_done",
        (.., FulfillmentStatus::Partial) => "order.ship_partial",
        _ => payment_words(order),
    };
    page.t(key).to_owned()
}

fn payment_words(order: &Order) -> &'static str {
    match (order.payment_status, order.payment.method) {
        (PaymentStatus::Pending, PaymentMethod::Invoice) => "order.pay_pending_invoice",
        (PaymentStatus::Pending, _) => "order.pay_pending",
        (PaymentStatus::Authorized, _) => "order.pay_authorized",
        (PaymentStatus::Paid, _) => "order.pay_paid",
        (PaymentStatus::Failed, _) => failure(order).map_or("order.pay_none", |f| f.title),
        (PaymentStatus::PartiallyRefunded, _) => "order.pay_partially_refunded",
        (PaymentStatus::Refunded, _) => "order.pay_refunded",
    }
}

fn steps(page: &Page, order: &Order) -> Vec<Step> {
    let step = |class, title: &str, text: String| Step {
        class,
        title: page.t(title).into(),
        text,
    };
    let day = page.texts().day(order.placed_at);
    let stopped = order.status == OrderStatus::Cancelled;
    let payment = match order.payment_status {
        PaymentStatus::Failed => "stopped",
        PaymentStatus::Pending | PaymentStatus::Authorized if stopped => "",
        PaymentStatus::Pending | PaymentStatus::Authorized => "now",
        _ => "done",
    };
    let mut steps = vec![
        step("done", "order.step_placed", day),
        step(
            payment,
            "order.step_payment",
            page.t(payment_words(order)).to_owned(),
        ),
    ];
    if stopped {
        steps.push(step("stopped", "order.cancelled", String::new()));
        return steps;
    }
    let (class, words) = match order.fulfillment_status {
        FulfillmentStatus::Unfulfilled if payment == "done" => ("now", "order.ship_waiting"),
        FulfillmentStatus::Unfulfilled => ("", ""),
        FulfillmentStatus::Partial => ("now", "order.ship_partial"),
        FulfillmentStatus::Fulfilled => ("done", "order.ship_done"),
    };
    let words = if words.is_empty() { "" } else { page.t(words) };
    steps.push(step(class, "order.step_shipped", words.to_owned()));
    let done = if order.status == OrderStatus::Completed {
        "done"
    } else {
        ""
    };
    steps.push(step(done, "order.step_done", String::new()));
    steps
}

/// Where it goes, line by line.
pub fn address_of(texts: &Texts, order: &Order) -> Vec<String> {
    let to = &order.shipping_address;
    let country = texts
        .find(&format!("country.{}", to.country))
        .unwrap_or(&to.country);
    let town = format!("{} {}", to.postal_code, to.city);
    [
        &to.name,
        &to.line1,
        &to.line2,
        town.trim(),
        &to.region,
        country,
    ]
    .into_iter()
    .filter(|line| !line.is_empty())
    .map(str::to_owned)
    .collect()
}

/// The method's name with a capital; its title may have changed since.
pub fn shipping_of(order: &Order) -> String {
    let mut name = order.shipping_method.chars();
    name.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(name).collect()
    })
}

fn parcel(page: &Page, shipment: &Shipment) -> Option<String> {
    let parts = [
        shipment.carrier.as_deref(),
        shipment.tracking_number.as_deref(),
    ];
    let parts: Vec<&str> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| format!("{}: {}", page.t("order.tracking"), parts.join(" ")))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use crate::testing::{Fake, Site};

    fn address() -> String {
        format!("/orders/{}?access_token=secret-1", Fake::ORDER)
    }

    #[tokio::test]
    async fn asks_again_while_the_payment_is_under_way() {
        let site = Site::new().await;
        let page = site.get(&address()).await.expect(StatusCode::OK);
        page.has(&["<noscript><meta http-equiv=\"refresh\" content=\"2\"></noscript>"]);
        page.has(&[
            "data-poll=\"2\"",
            "Payment is under way",
            "Thank you, Ada.",
            "Order 1042",
        ]);
        assert_eq!(page.header("cache-control"), "private, no-store");
        assert_eq!(page.header("referrer-policy"), "same-origin");
        page.is_accessible();
    }

    #[tokio::test]
    async fn turns_to_paid_and_rests() {
        let site = Site::with(Fake::default().order(json!({"payment_status": "paid"}))).await;
        let page = site.get(&address()).await.expect(StatusCode::OK);
        page.has(&["Paid", "Being prepared"]);
        page.lacks(&["http-equiv=\"refresh\"", "data-poll"]);
    }

    #[tokio::test]
    async fn an_invoice_waits_without_asking() {
        let zero = json!({"amount": 0, "currency": "EUR"});
        let payment = json!({"method": "invoice", "authorized": zero, "captured": zero,
            "refunded": zero, "failure": null});
        let site = Site::with(Fake::default().order(json!({"payment": payment}))).await;
        let page = site.get(&address()).await.expect(StatusCode::OK);
        page.has(&["Waiting for your transfer", "Please transfer the total"]);
        page.lacks(&["data-poll"]);
    }

    #[tokio::test]
    async fn a_refused_payment_says_that_nobody_was_charged() {
        let site = Site::with(Fake::default().order(came_to_nothing(Some("declined")))).await;
        let page = site.get(&address()).await.expect(StatusCode::OK);
        page.has(&[
            "<h1>Payment failed</h1>",
            "You have not been charged",
            "href=\"/cart\">See",
        ]);
        page.is_accessible();
    }

    #[tokio::test]
    async fn what_sold_out_meanwhile_says_so() {
        let site = Site::with(Fake::default().order(came_to_nothing(Some("out_of_stock")))).await;
        let page = site.get(&address()).await.expect(StatusCode::OK);
        page.has(&["<h1>Sold out meanwhile</h1>", "You have not been charged"]);
        page.lacks(&["Payment failed"]);
    }

    #[tokio::test]
    async fn what_was_called_off_did_not_fail() {
        let site = Site::with(Fake::default().order(came_to_nothing(None))).await;
        let page = site.get(&address()).await.expect(StatusCode::OK);
        page.has(&["<h1>Order cancelled</h1>", "Nothing was charged"]);
        page.lacks(&["Payment failed", "try again", "href=\"/cart\">See"]);
    }

    fn came_to_nothing(failure: Option<&str>) -> serde_json::Value {
        let zero = json!({"amount": 0, "currency": "EUR"});
        let payment = json!({"method": "test", "authorized": zero, "captured": zero,
            "refunded": zero, "failure": failure});
        json!({"payment_status": "failed", "status": "cancelled", "payment": payment})
    }

    #[tokio::test]
    async fn without_its_token_an_order_is_not_there() {
        let site = Site::new().await;
        let address = format!("/orders/{}?access_token=guess", Fake::ORDER);
        let page = site.get(&address).await.expect(StatusCode::NOT_FOUND);
        page.has(&["We cannot show this order"]);
        site.get("/orders/1042").await.expect(StatusCode::NOT_FOUND);
    }
}

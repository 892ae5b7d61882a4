//! `GET /admin/orders/{id}`: everything about an order, and what may be done with it now.
//!
//! What may be done is said by the order itself (`staff.actions`). The forms are in
//! [`super::order_forms`], what they do in [`super::order_actions`].

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use techcommerce_contracts::order_api::{
    Order, OrderAction, OrderEvent, OrderLine, Shipment, StaffView,
};
use techcommerce_kernel::{Error, Kind, Uuid};

use super::{
    Desk, Frame, Section,
    form::Form,
    frame::show as answer,
    order_forms::{self, Forms, Step},
    parts::{Badge, When, address},
    people::People,
    words,
};
use crate::{
    catalogue::Picture,
    failure::Failure,
    pages::{
        order::{address_of, shipping_of},
        sums::{self, Sum},
    },
};

#[derive(Template)]
#[template(path = "admin/order.html")]
struct OrderPage {
    page: Frame,
    id: Uuid,
    placed: When,
    state: Option<Badge>,
    payment: Badge,
    fulfilment: Option<Badge>,
    lines: Vec<Line>,
    sums: Vec<Sum>,
    facts: Facts,
    shipments: Vec<Parcel>,
    refunds: Vec<Refund>,
    events: Vec<Happening>,
    forms: Forms,
    /// The step whose form came back with something wrong.
    open: Option<Step>,
}

struct Facts {
    name: String,
    email: String,
    customer: Option<String>,
    others: String,
    address: Vec<String>,
    shipping: String,
    method: String,
    authorized: Option<String>,
    captured: String,
    refunded: Option<String>,
    failure: Option<String>,
    discount: Option<String>,
    language: Option<String>,
}

/// A line of the order on a page.
pub struct Line {
    pub href: String,
    pub title: String,
    pub variant: String,
    pub sku: String,
    pub picture: Option<Picture>,
    pub quantity: i64,
    pub shipped: i64,
    pub unit: String,
    pub total: String,
}

struct Parcel {
    at: When,
    carrier: String,
    tracking: String,
    things: Vec<String>,
}

struct Refund {
    at: When,
    amount: String,
    reason: String,
    badge: Badge,
}

struct Happening {
    class: &'static str,
    title: String,
    text: String,
    note: String,
    who: String,
    at: When,
}

/// The page.
///
/// # Errors
/// There is no such order, or orders do not answer.
pub async fn show(desk: Desk, Path(id): Path<String>) -> Result<Response, Failure> {
    let order = find(&desk, &id).await?;
    let forms = Forms::fresh(&desk, &order);
    Ok(page(&desk, &order, forms, None, StatusCode::OK).await)
}

/// The order with this id.
///
/// # Errors
/// There is none, or orders do not answer.
pub async fn find(desk: &Desk, id: &str) -> Result<Order, Failure> {
    let Ok(id) = id.parse::<Uuid>() else {
        return Err(Failure::not_found());
    };
    match desk.api().order(id, None).await {
        Err(error) if error.kind() == Kind::NotFound => Err(Failure::not_found()),
        order => Ok(order?),
    }
}

/// The page again, with a form and what was wrong with it.
pub async fn again(desk: &Desk, order: &Order, step: Step, form: Form, error: &Error) -> Response {
    let mut forms = Forms::fresh(desk, order);
    let mut form = form;
    let status = form.told(error);
    forms.put(step, form);
    page(desk, order, forms, Some(step), status).await
}

/// The page with these forms.
pub async fn page(
    desk: &Desk,
    order: &Order,
    forms: Forms,
    open: Option<Step>,
    status: StatusCode,
) -> Response {
    let people = People::of(desk).await;
    let texts = desk.texts();
    let page = desk.frame(Section::Orders, texts.with("order.title", &order.number));
    let view = OrderPage {
        id: order.id,
        placed: page.when(order.placed_at),
        state: words::order(texts, order),
        payment: words::payment(texts, order),
        fulfilment: words::fulfilment(texts, order),
        lines: order
            .lines
            .iter()
            .map(|line| line_of(&page, line))
            .collect(),
        sums: sums::of_order(texts, order),
        facts: facts(desk, &page, order),
        shipments: order
            .shipments
            .iter()
            .map(|s| parcel(&page, order, s))
            .collect(),
        refunds: order.refunds.iter().map(|r| refund(&page, r)).collect(),
        events: order
            .events
            .iter()
            .rev()
            .map(|e| happening(desk, &page, &people, e))
            .collect(),
        forms,
        open,
        page,
    };
    answer(status, &view.page, &view)
}

/// Whether staff may do it now.
pub fn may(order: &Order, action: OrderAction) -> bool {
    let staff = order.staff.as_ref();
    staff.is_some_and(|staff: &StaffView| staff.actions.contains(&action))
}

/// A line as it is shown.
pub fn line_of(page: &Frame, line: &OrderLine) -> Line {
    let picture = line.image.as_ref().and_then(Picture::of);
    Line {
        href: format!("/admin/products/{}", line.product_id),
        title: line.title.clone(),
        variant: line.variant_title.clone(),
        sku: line.sku.clone().unwrap_or_default(),
        // The title stands beside it.
        picture: picture.map(|picture| Picture {
            alt: String::new(),
            ..picture
        }),
        quantity: line.quantity,
        shipped: line.shipped,
        unit: page.money(line.unit_price),
        total: page.money(line.total),
    }
}

fn facts(desk: &Desk, page: &Frame, order: &Order) -> Facts {
    let payment = &order.payment;
    let some = |money: techcommerce_kernel::Money| (money.amount > 0).then(|| page.money(money));
    let account = order.staff.as_ref().and_then(|staff| staff.account_id);
    let email = order.email.as_str();
    Facts {
        name: order.shipping_address.name.clone(),
        email: email.to_owned(),
        customer: account.map(|id| format!("/admin/customers/{id}")),
        others: address("/admin/orders", &[("q", email)]),
        address: address_of(page.texts(), order),
        shipping: shipping_of(order),
        method: page
            .t(&format!("checkout.pay_{}", payment.method.name()))
            .to_owned(),
        authorized: some(payment.authorized),
        captured: page.money(payment.captured),
        refunded: some(payment.refunded),
        failure: payment.failure.as_ref().map(|reason| {
            let known = desk.texts().find(&format!("failure.{reason}"));
            known.unwrap_or(reason).to_owned()
        }),
        discount: order.discount_code.clone(),
        language: desk
            .shop
            .languages
            .find(&order.locale)
            .map(|language| language.get("language.name").to_owned()),
    }
}

fn parcel(page: &Frame, order: &Order, shipment: &Shipment) -> Parcel {
    let things = shipment.lines.iter().filter_map(|part| {
        let line = order.lines.iter().find(|line| line.id == part.line_id)?;
        Some(format!(
            "{} × {}",
            part.quantity,
            order_forms::name_of(line)
        ))
    });
    Parcel {
        at: page.when(shipment.created_at),
        carrier: shipment.carrier.clone().unwrap_or_default(),
        tracking: shipment.tracking_number.clone().unwrap_or_default(),
        things: things.collect(),
    }
}

fn refund(page: &Frame, refund: &techcommerce_contracts::order_api::Refund) -> Refund {
    let (key, tone) = match refund.status.as_str() {
        "done" => ("word.refund_done", "good"),
        "failed" => ("word.refund_failed", "bad"),
        _ => ("word.refund_pending", "warn"),
    };
    Refund {
        at: page.when(refund.created_at),
        amount: page.money(refund.amount),
        reason: refund.reason.clone().unwrap_or_default(),
        badge: Badge::new(page.texts(), key, tone),
    }
}

fn happening(desk: &Desk, page: &Frame, people: &People, event: &OrderEvent) -> Happening {
    let known = format!("event.{}", event.kind);
    let title = page.texts().find(&known).map(str::to_owned);
    Happening {
        class: match event.kind.as_str() {
            "note" => "note",
            "payment_failed" | "cancelled" | "refund_failed" | "refund_returned" => "bad",
            _ => "",
        },
        title: title.unwrap_or_else(|| event.kind.replace('_', " ")),
        text: event.message.clone(),
        note: event.note.clone().unwrap_or_default(),
        who: event
            .actor
            .as_deref()
            .map(|actor| people.name(desk, actor))
            .unwrap_or_default(),
        at: page.when(event.at),
    }
}

//! `GET /admin/orders`: all orders, found and filtered.

use std::time::Duration;

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use techcommerce_contracts::order_api::{Attention, Order, OrderQuery};
use techcommerce_kernel::Timestamp;

use super::{
    Desk, Frame, Section,
    form::{Choice, Field, Form, Kind},
    frame::show as answer,
    parts::{Badge, Pager, When, address},
    words,
};
use crate::{
    failure::Failure,
    forms::{Asked, Sent},
};

const PATH: &str = "/admin/orders";
/// What the ways to other pages of the list keep.
const FILTERS: [&str; 8] = [
    "q",
    "attention",
    "status",
    "payment",
    "fulfilment",
    "from",
    "to",
    "account",
];

/// What is folded away on a narrow page.
const FOLDED: [&str; 5] = ["status", "payment", "fulfilment", "from", "to"];

#[derive(Template)]
#[template(path = "admin/orders.html")]
struct OrdersPage {
    page: Frame,
    tabs: Vec<Tab>,
    form: Form,
    attention: String,
    account: String,
    filtered: bool,
    /// Whether a filter that is folded away on a narrow page is in use.
    narrowed: bool,
    rows: Vec<Row>,
    pager: Pager,
}

/// One of several views on a list.
pub struct Tab {
    /// What it is called.
    pub text: String,
    /// Where it is.
    pub href: String,
    /// Whether it is this one.
    pub current: bool,
}

/// An order in a list.
pub struct Row {
    /// The order's page.
    pub href: String,
    /// Its number.
    pub number: String,
    /// When it was placed.
    pub placed: When,
    /// Who receives it.
    pub name: String,
    /// Whose it is.
    pub email: String,
    /// Whether it is called off or complete.
    pub state: Option<Badge>,
    /// Where the money is.
    pub payment: Badge,
    /// Where the goods are.
    pub fulfilment: Option<Badge>,
    /// How many things.
    pub units: String,
    /// What it comes to.
    pub total: String,
}

impl Row {
    /// `order` in a list on `page`.
    pub fn of(page: &Frame, order: &Order) -> Self {
        let texts = page.texts();
        Self {
            href: format!("{PATH}/{}", order.id),
            number: order.number.clone(),
            placed: page.when(order.placed_at),
            name: order.shipping_address.name.clone(),
            email: order.email.as_str().to_owned(),
            state: words::order(texts, order),
            payment: words::payment(texts, order),
            fulfilment: words::fulfilment(texts, order),
            units: page.n(
                "cart.count",
                &order.lines.iter().map(|line| line.quantity).sum(),
            ),
            total: page.money(order.total),
        }
    }
}

/// The list.
///
/// # Errors
/// Orders do not answer.
pub async fn show(desk: Desk, Asked(sent): Asked) -> Result<Response, Failure> {
    let mut form = filters(&desk).filled(&sent);
    let query = query(&desk, &mut form, &sent);
    let found = desk.api().orders(&query).await?;
    let mut page = desk.frame(Section::Orders, desk.t("desk.orders"));
    page.query = sent.text("q").to_owned();
    let view = OrdersPage {
        tabs: tabs(&desk, sent.text("attention")),
        filtered: FILTERS.iter().any(|name| !sent.text(name).is_empty()),
        narrowed: FOLDED.iter().any(|name| !sent.text(name).is_empty()),
        attention: sent.text("attention").to_owned(),
        account: sent.text("account").to_owned(),
        rows: found
            .items
            .iter()
            .map(|order| Row::of(&page, order))
            .collect(),
        pager: Pager::new(PATH, &sent, &FILTERS, found.next_cursor),
        form,
        page,
    };
    Ok(answer(StatusCode::OK, &view.page, &view))
}

fn tabs(desk: &Desk, chosen: &str) -> Vec<Tab> {
    let tab = |reason: &str, key: &str| Tab {
        text: desk.t(key).to_owned(),
        href: match reason {
            "" => PATH.to_owned(),
            reason => address(PATH, &[("attention", reason)]),
        },
        current: chosen == reason,
    };
    vec![
        tab("", "orders.tab_all"),
        tab(Attention::ToFulfil.name(), "orders.tab_to_fulfil"),
        tab(Attention::InvoicesOpen.name(), "orders.tab_invoices"),
        tab(Attention::PaymentFailed.name(), "orders.tab_failed"),
        tab(Attention::PaymentPendingLong.name(), "orders.tab_pending"),
        tab(Attention::PaymentDisputed.name(), "orders.tab_disputed"),
    ]
}

fn filters(desk: &Desk) -> Form {
    let any = || Choice::new("", desk.t("orders.any"));
    let select = |name: &str, label: &str, values: &[(&str, &str)]| {
        let choices = values
            .iter()
            .map(|(value, key)| Choice::new(*value, desk.t(key)));
        let choices = std::iter::once(any()).chain(choices).collect();
        Field::text(name, desk.t(label))
            .kind(Kind::Select(choices))
            .optional()
    };
    let date = |name: &str, label: &str| {
        Field::text(name, desk.t(label))
            .kind(Kind::Input("date"))
            .optional()
    };
    desk.form()
        .with(
            Field::text("q", desk.t("orders.find"))
                .kind(Kind::Input("search"))
                .optional(),
        )
        .with(select(
            "status",
            "orders.status",
            &[
                ("placed", "word.placed"),
                ("completed", "word.completed"),
                ("cancelled", "word.cancelled"),
            ],
        ))
        .with(select(
            "payment",
            "orders.payment",
            &[
                ("pending", "word.pay_pending"),
                ("authorized", "word.pay_authorized"),
                ("paid", "word.pay_paid"),
                ("failed", "word.pay_failed"),
                ("partially_refunded", "word.pay_partially_refunded"),
                ("refunded", "word.pay_refunded"),
            ],
        ))
        .with(select(
            "fulfilment",
            "orders.fulfilment",
            &[
                ("unfulfilled", "word.ship_unfulfilled"),
                ("partial", "word.ship_partial"),
                ("fulfilled", "word.ship_fulfilled"),
            ],
        ))
        .with(date("from", "orders.from"))
        .with(date("to", "orders.to"))
}

/// What is asked for; a filter that makes no sense is marked and left out.
fn query(desk: &Desk, form: &mut Form, sent: &Sent) -> OrderQuery {
    let text = |name: &str| Some(sent.text(name).to_owned()).filter(|text| !text.is_empty());
    let from = day(desk, form, sent, "from");
    let to = day(desk, form, sent, "to");
    OrderQuery {
        q: text("q"),
        status: sent.text("status").parse().ok(),
        payment_status: sent.text("payment").parse().ok(),
        fulfillment_status: sent.text("fulfilment").parse().ok(),
        attention: sent.text("attention").parse().ok(),
        account_id: sent.text("account").parse().ok(),
        from,
        to,
        limit: Some(25),
        cursor: text("cursor"),
        ..OrderQuery::default()
    }
}

/// The day in the filter `name` by the shop's clocks: its beginning, but of `to` its end, as the
/// last day is whole. What is no day is marked.
pub fn day(desk: &Desk, form: &mut Form, sent: &Sent, name: &str) -> Option<Timestamp> {
    let day = sent.text(name);
    if day.is_empty() {
        return None;
    }
    let zone = &desk.shop.settings.time_zone;
    let moment = match name {
        "to" => zone
            .moment(&format!("{day}T23:59"))
            .map(|minute| minute + Duration::from_secs(60)),
        _ => zone.moment(day),
    };
    if moment.is_none() {
        form.wrong(name, desk.t("field.invalid"));
    }
    moment
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use crate::testing::{Fake, STAFF, Site};

    #[tokio::test]
    async fn orders_are_listed_with_their_states() {
        let site = Site::new().await;
        let page = site.get_as("/admin/orders", STAFF).await;
        let page = page.expect(StatusCode::OK);
        page.has(&[
            &format!("href=\"/admin/orders/{}\"", Fake::ORDER),
            "1042",
            "Ada Lovelace",
            "ada@example.org",
            "To be paid",
            "Not sent",
            "€90.00",
            "15 Jan 2027, 07:59",
        ]);
        page.is_accessible();
    }

    #[tokio::test]
    async fn filters_are_asked_for_and_kept() {
        let site = Site::new().await;
        let address = "/admin/orders?q=ada&status=placed&payment=pending&fulfilment=partial\
                       &from=2026-11-01&to=2026-11-30&attention=to_fulfil&cursor=x";
        let page = site.get_as(address, STAFF).await.expect(StatusCode::OK);
        let asked = site.asked("/api/orders");
        for part in [
            "q=ada",
            "status=placed",
            "payment_status=pending",
            "fulfillment_status=partial",
            "from=2026-11-01T00%3A00%3A00Z",
            // The last day is whole.
            "to=2026-12-01T00%3A00%3A00Z",
            "attention=to_fulfil",
            "cursor=x",
        ] {
            assert!(asked.contains(part), "{part} in {asked}");
        }
        page.has(&[
            "value=\"2026-11-01\"",
            "<option value=\"partial\" selected>",
        ]);
        page.has(&["aria-current=\"page\">To be sent", "Back to the beginning"]);
    }

    #[tokio::test]
    async fn nonsense_is_marked_and_left_out() {
        let site = Site::new().await;
        let page = site
            .get_as("/admin/orders?from=soon&status=odd", STAFF)
            .await;
        page.expect(StatusCode::OK).has(&["id=\"from-error\""]);
        assert_eq!(site.asked("/api/orders"), "limit=25");
    }

    #[tokio::test]
    async fn nothing_found_says_what_to_do() {
        let none = json!({"items": [], "next_cursor": null});
        let site = Site::with(Fake::default().answers("GET", "/api/orders", 200, none)).await;
        let page = site.get_as("/admin/orders?q=nobody", STAFF).await;
        page.has(&["No order fits", "href=\"/admin/orders\">Show all"]);
        let page = site.get_as("/admin/orders", STAFF).await;
        page.has(&["No orders yet"]);
        page.is_accessible();
    }
}

//! `GET /admin/payments`: what somebody has to look at about payments, what can be done about each, and
//! what was done.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use techcommerce_contracts::order_api::{
    PaymentFinding, PaymentFindingAction as Action, PaymentFindingKind as Kind, PaymentFindingQuery,
};
use techcommerce_kernel::{Error, Kind as ErrorKind};

use super::{
    Desk, Frame, Section,
    frame::show as answer,
    orders::Tab,
    parts::{Badge, Pager, When, address},
};
use crate::{
    api::segment,
    failure::Failure,
    forms::{Asked, Sent},
    page::see_other,
};

/// The list.
pub(super) const PATH: &str = "/admin/payments";
/// The longest note that is asked for, in characters.
const MAX_NOTE: usize = 500;

#[derive(Template)]
#[template(path = "admin/payments.html")]
struct PaymentsPage {
    page: Frame,
    tabs: Vec<Tab>,
    open: bool,
    rows: Vec<Row>,
    pager: Pager,
}

struct Row {
    /// Its place on the page, for ids of fields.
    number: usize,
    /// Where its forms are sent.
    action: String,
    badge: Badge,
    /// What can be done about such a thing.
    advice: String,
    order: Option<Link>,
    amount: String,
    object: String,
    detail: String,
    since: When,
    due: Option<When>,
    closed: Option<When>,
    note: String,
    /// The money is on its way once more.
    under_way: bool,
    again: bool,
    settle: bool,
}

struct Link {
    href: String,
    text: String,
}

/// The list; of what is still to be done, unless asked otherwise.
///
/// # Errors
/// order-api does not answer.
pub async fn show(desk: Desk, Asked(sent): Asked) -> Result<Response, Failure> {
    let open = sent.text("state") != "closed";
    let query = PaymentFindingQuery {
        open: Some(open),
        limit: Some(50),
        cursor: Some(sent.text("cursor").to_owned()).filter(|cursor| !cursor.is_empty()),
    };
    let found = desk.api().payment_findings(&query).await?;
    let page = desk.frame(Section::Payments, desk.t("desk.payments"));
    let tab = |state: &str, current: bool| Tab {
        text: desk.t(&format!("finding.tab_{state}")).to_owned(),
        href: address(PATH, &[("state", state)]),
        current,
    };
    let rows = found.items.into_iter().enumerate();
    let view = PaymentsPage {
        tabs: vec![tab("open", open), tab("closed", !open)],
        open,
        rows: rows.map(|(number, it)| row(&page, number, it)).collect(),
        pager: Pager::new(PATH, &sent, &["state"], found.next_cursor),
        page,
    };
    Ok(answer(StatusCode::OK, &view.page, &view))
}

fn row(page: &Frame, number: usize, found: PaymentFinding) -> Row {
    let kind = found.kind.name();
    let tone = match (found.closed_at, found.kind) {
        (Some(_), _) => "",
        (None, Kind::Dispute | Kind::RefundFailed) => "bad",
        (None, _) => "warn",
    };
    let link = |(id, number): (techcommerce_kernel::Uuid, String)| Link {
        href: format!("/admin/orders/{id}"),
        text: page.tv("order.title", number),
    };
    let can = |action: Action| found.actions.contains(&action);
    Row {
        number,
        action: format!("{PATH}/{}", segment(&found.id)),
        badge: Badge::new(page.texts(), &format!("finding.{kind}"), tone),
        advice: page.t(&format!("finding.{kind}_text")).to_owned(),
        amount: found
            .amount
            .map(|amount| page.money(amount))
            .unwrap_or_default(),
        since: page.when(found.created_at),
        due: found.due_at.map(|at| page.when(at)),
        closed: found.closed_at.map(|at| page.when(at)),
        under_way: found.closed_at.is_none()
            && found.refund_id.is_some()
            && found.actions.is_empty(),
        again: can(Action::RefundAgain),
        settle: can(Action::Settle),
        order: found.order_id.zip(found.order_number).map(link),
        note: found.note.unwrap_or_default(),
        detail: match found.kind {
            // All that there is to say is in the advice.
            Kind::RefundFailed | Kind::UnknownPayment => String::new(),
            Kind::Dispute | Kind::Captured | Kind::Refunded => found.detail,
        },
        object: found.object,
    }
}

/// `POST /admin/payments/{id}/refund-again`
///
/// # Errors
/// order-api does not answer.
pub async fn refund_again(
    desk: Desk,
    Path(id): Path<String>,
    _: Sent,
) -> Result<Response, Failure> {
    let done = desk.api().refund_again(&id).await;
    finish(done, "finding-refunded")
}

/// `POST /admin/payments/{id}/settle`
///
/// # Errors
/// order-api does not answer.
pub async fn settle(desk: Desk, Path(id): Path<String>, sent: Sent) -> Result<Response, Failure> {
    let note: String = sent.text("note").trim().chars().take(MAX_NOTE).collect();
    if note.is_empty() {
        return see_other(&format!("{PATH}?note=finding-unsaid"));
    }
    let done = desk.api().settle_finding(&id, &note).await;
    finish(done, "finding-settled")
}

fn finish(done: Result<PaymentFinding, Error>, note: &str) -> Result<Response, Failure> {
    match done {
        Ok(_) => see_other(&format!("{PATH}?note={note}")),
        // Somebody was faster, or the money was paid back otherwise.
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::Conflict) => {
            see_other(&format!("{PATH}?note=finding-gone"))
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use crate::testing::{Fake, STAFF, Site};

    #[tokio::test]
    async fn what_was_found_says_what_can_be_done() {
        let site = Site::new().await;
        let page = site.get_as("/admin/payments", STAFF).await;
        let page = page.expect(StatusCode::OK);
        page.has(&[
            "Refund failed later",
            "€30.00",
            "/admin/orders/",
            "/admin/payments/refund_failed%3Are_1/refund-again",
            "Money of no order",
            "pi_9",
            "The customer’s bank disputes",
        ]);
        page.is_accessible();
        assert!(site.asked("/api/payments/findings").contains("open=true"));
        let it = "/admin/payments/refund_failed%3Are_1";
        let answer = site
            .post_as(&format!("{it}/refund-again"), STAFF, &[])
            .await;
        let answer = answer.expect(StatusCode::SEE_OTHER);
        assert_eq!(
            answer.header("location"),
            "/admin/payments?note=finding-refunded"
        );
        let why = [("note", "by bank transfer")];
        let answer = site.post_as(&format!("{it}/settle"), STAFF, &why).await;
        let answer = answer.expect(StatusCode::SEE_OTHER);
        assert_eq!(
            answer.header("location"),
            "/admin/payments?note=finding-settled"
        );
        let sent = site.sent("POST", "/settle");
        assert!(sent.contains("by bank transfer"), "{sent}");
        let answer = site
            .post_as(&format!("{it}/settle"), STAFF, &[("note", " ")])
            .await;
        assert_eq!(
            answer.header("location"),
            "/admin/payments?note=finding-unsaid"
        );
    }

    #[tokio::test]
    async fn what_another_did_already_is_no_fault() {
        let path = "/api/payments/findings/some/refund-again";
        let gone = json!({"code": "finding_state"});
        let site = Site::with(Fake::default().answers("POST", path, 409, gone)).await;
        let answer = site
            .post_as("/admin/payments/some/refund-again", STAFF, &[])
            .await;
        let answer = answer.expect(StatusCode::SEE_OTHER);
        assert_eq!(
            answer.header("location"),
            "/admin/payments?note=finding-gone"
        );
    }

    #[tokio::test]
    async fn nothing_found_is_good_news() {
        let none = json!({"items": [], "next_cursor": null});
        let fake = Fake::default().answers("GET", "/api/payments/findings", 200, none);
        let page = Site::with(fake)
            .await
            .get_as("/admin/payments", STAFF)
            .await;
        let page = page.expect(StatusCode::OK);
        page.has(&["Nothing to look at"]);
        page.is_accessible();
    }
}

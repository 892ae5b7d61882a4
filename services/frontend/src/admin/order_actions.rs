//! What staff do with an order. Each form carries a key, so that sending it twice does it once;
//! what went wrong is said on the order's page, with what was typed.

use axum::{extract::Path, response::Response};
use http::StatusCode;
use techcommerce_contracts::order_api::Order;
use techcommerce_kernel::Error;

use super::{
    Desk,
    form::Form,
    order::{again, find, page},
    order_forms::{Forms, Step, read_cancel, read_note, read_refund, read_ship},
};
use crate::{failure::Failure, forms::Sent, page::see_other};

/// `POST /admin/orders/{id}/shipments`
///
/// # Errors
/// There is no such order, or orders do not answer.
pub async fn ship(desk: Desk, Path(id): Path<String>, sent: Sent) -> Result<Response, Failure> {
    let order = find(&desk, &id).await?;
    let (form, input) = read_ship(&desk, &order, &sent);
    let Some(input) = input else {
        return Ok(refused(&desk, &order, Step::Ship, form).await);
    };
    let done = desk.api().ship(order.id, form.key(), &input).await;
    answer(&desk, &order, (Step::Ship, "shipped"), form, done).await
}

/// `POST /admin/orders/{id}/refunds`
///
/// # Errors
/// There is no such order, or orders do not answer.
pub async fn refund(desk: Desk, Path(id): Path<String>, sent: Sent) -> Result<Response, Failure> {
    let order = find(&desk, &id).await?;
    let (form, input) = read_refund(&desk, &order, &sent);
    let Some(input) = input else {
        return Ok(refused(&desk, &order, Step::Refund, form).await);
    };
    let done = desk.api().refund(order.id, form.key(), &input).await;
    answer(&desk, &order, (Step::Refund, "refunded"), form, done).await
}

/// `POST /admin/orders/{id}/cancel`
///
/// # Errors
/// There is no such order, or orders do not answer.
pub async fn cancel(desk: Desk, Path(id): Path<String>, sent: Sent) -> Result<Response, Failure> {
    let order = find(&desk, &id).await?;
    let (form, input) = read_cancel(&desk, &sent);
    let Some(input) = input else {
        return Ok(refused(&desk, &order, Step::Cancel, form).await);
    };
    let done = desk.api().cancel(order.id, form.key(), &input).await;
    answer(&desk, &order, (Step::Cancel, "cancelled"), form, done).await
}

/// `POST /admin/orders/{id}/mark-paid`
///
/// # Errors
/// There is no such order, or orders do not answer.
pub async fn mark_paid(
    desk: Desk,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, Failure> {
    let order = find(&desk, &id).await?;
    let form = desk.form_once().filled(&sent);
    let done = desk.api().mark_paid(order.id, form.key()).await;
    answer(&desk, &order, (Step::Pay, "paid"), form, done).await
}

/// `POST /admin/orders/{id}/notes`
///
/// # Errors
/// There is no such order, or orders do not answer.
pub async fn note(desk: Desk, Path(id): Path<String>, sent: Sent) -> Result<Response, Failure> {
    let order = find(&desk, &id).await?;
    let (form, input) = read_note(&desk, &sent);
    let Some(input) = input else {
        return Ok(refused(&desk, &order, Step::Note, form).await);
    };
    let done = desk.api().note(order.id, form.key(), &input).await;
    answer(&desk, &order, (Step::Note, "noted"), form, done).await
}

async fn refused(desk: &Desk, order: &Order, step: Step, form: Form) -> Response {
    let mut forms = Forms::fresh(desk, order);
    forms.put(step, form);
    page(desk, order, forms, Some(step), StatusCode::BAD_REQUEST).await
}

async fn answer(
    desk: &Desk,
    order: &Order,
    (step, note): (Step, &str),
    form: Form,
    done: Result<Order, Error>,
) -> Result<Response, Failure> {
    match done {
        Ok(_) => see_other(&format!("/admin/orders/{}?note={note}", order.id)),
        Err(error) => Ok(again(desk, order, step, form, &error).await),
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::{Value, json};

    use crate::testing::{Fake, STAFF, Site};

    fn address(step: &str) -> String {
        format!("/admin/orders/{}/{step}", Fake::ORDER)
    }

    fn count(what: &str) -> String {
        format!("{what}-{}", Fake::LARGE)
    }

    async fn after(site: &Site, step: &str, form: &[(&str, &str)], note: &str) -> Value {
        let answer = site.post_as(&address(step), STAFF, form).await;
        let answer = answer.expect(StatusCode::SEE_OTHER);
        let order = format!("/admin/orders/{}?note={note}", Fake::ORDER);
        assert_eq!(answer.header("location"), order);
        let page = site.get_as(&order, STAFF).await.expect(StatusCode::OK);
        page.has(&["class=\"notice\">"]);
        let body = site.sent("POST", step);
        serde_json::from_str(&body).unwrap_or(Value::Null)
    }

    #[tokio::test]
    async fn the_page_shows_everything_and_what_may_be_done() {
        let site = Site::new().await;
        let page = site
            .get_as(&format!("/admin/orders/{}", Fake::ORDER), STAFF)
            .await;
        let page = page.expect(StatusCode::OK);
        page.has(&[
            "<h1>Order 1042</h1>",
            "Ada Lovelace",
            "24103 Kiel",
            "Oak bowl",
            "/shipments\"",
            "/refunds\"",
            "/cancel\"",
            "/mark-paid\"",
            "value=\"90.00\"",
            "Ring twice",
            "Grace Hopper",
            "Order placed",
        ]);
        page.is_accessible();
        let page = site.get_as("/admin/orders/1042", STAFF).await;
        page.expect(StatusCode::NOT_FOUND)
            .has(&["There is nothing here"]);
    }

    #[tokio::test]
    async fn part_of_it_is_shipped() {
        let site = Site::new().await;
        let quantity = count("quantity");
        let form = [
            ("key", "k-1"),
            ("carrier", "DHL"),
            ("tracking_number", ""),
            (&quantity, "2"),
        ];
        let body = after(&site, "shipments", &form, "shipped").await;
        let lines = json!([{"line_id": Fake::LARGE, "quantity": 2}]);
        assert_eq!(
            body,
            json!({"lines": lines, "tracking_number": null, "carrier": "DHL"})
        );
        assert_eq!(site.key_of("/shipments"), "k-1");
    }

    #[tokio::test]
    async fn what_cannot_be_shipped_is_said_at_the_field() {
        let site = Site::new().await;
        let quantity = count("quantity");
        let form = [("key", "k-1"), ("carrier", "DHL"), (quantity.as_str(), "4")];
        let page = site.post_as(&address("shipments"), STAFF, &form).await;
        let page = page.expect(StatusCode::BAD_REQUEST);
        page.has(&[
            "0 to 3",
            "value=\"DHL\"",
            "value=\"k-1\"",
            "id=\"problems\"",
        ]);
        page.is_accessible();
        let form = [("key", "k-1"), (quantity.as_str(), "0")];
        let page = site.post_as(&address("shipments"), STAFF, &form).await;
        page.expect(StatusCode::BAD_REQUEST)
            .has(&["Choose at least one"]);
        assert!(!site.was_asked("POST"));
    }

    #[tokio::test]
    async fn part_of_the_money_goes_back_and_some_goods_into_stock() {
        let site = Site::new().await;
        let restock = count("restock");
        let form = [
            ("key", "k-2"),
            ("amount", "30,00"),
            ("reason", "Chipped"),
            ("message", "Sorry!"),
            (restock.as_str(), "1"),
        ];
        let body = after(&site, "refunds", &form, "refunded").await;
        let wanted = json!({"amount": {"amount": 3000, "currency": "EUR"}, "reason": "Chipped",
            "message": "Sorry!", "restock": [{"line_id": Fake::LARGE, "quantity": 1}]});
        assert_eq!(body, wanted);
        assert_eq!(site.key_of("/refunds"), "k-2");
        let page = site
            .post_as(&address("refunds"), STAFF, &[("amount", "much")])
            .await;
        page.expect(StatusCode::BAD_REQUEST)
            .has(&["id=\"amount-error\"", "id=\"refund-reason-error\""]);
    }

    #[tokio::test]
    async fn what_the_api_refuses_keeps_what_was_typed() {
        let path = "/api/orders/0193a1b2-0000-7000-8000-000000000003/refunds";
        let refusal = json!({"code": "refund_exceeds_captured"});
        let site = Site::with(Fake::default().answers("POST", path, 409, refusal)).await;
        let form = [("key", "k-3"), ("amount", "900"), ("reason", "Gift")];
        let page = site.post_as(&address("refunds"), STAFF, &form).await;
        let page = page.expect(StatusCode::CONFLICT);
        page.has(&[
            "more than is left",
            "value=\"900\"",
            "value=\"Gift\"",
            "value=\"k-3\"",
        ]);
        page.lacks(&["secret detail"]);
        page.is_accessible();
        // A key that was used for something else would refuse for ever.
        let refusal = json!({"code": "idempotency_key_reused"});
        let site = Site::with(Fake::default().answers("POST", path, 422, refusal)).await;
        let page = site.post_as(&address("refunds"), STAFF, &form).await;
        page.lacks(&["value=\"k-3\""]);
    }

    #[tokio::test]
    async fn cancelled_paid_and_noted() {
        let site = Site::new().await;
        let form = [("reason", "Asked for"), ("message", "")];
        let body = after(&site, "cancel", &form, "cancelled").await;
        assert_eq!(body, json!({"reason": "Asked for"}));
        after(&site, "mark-paid", &[], "paid").await;
        let form = [("key", "k-4"), ("text", "Ring twice")];
        let body = after(&site, "notes", &form, "noted").await;
        assert_eq!(body, json!({"text": "Ring twice"}));
        assert_eq!(site.key_of("/notes"), "k-4");
        let page = site
            .post_as(&address("notes"), STAFF, &[("text", " ")])
            .await;
        page.expect(StatusCode::BAD_REQUEST)
            .has(&["Please fill this in."]);
    }
}

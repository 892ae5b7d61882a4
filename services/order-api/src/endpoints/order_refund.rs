//! `POST /orders/{id}/refunds`: pays back.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `order_not_found`, 409
//! `refund_exceeds_captured`, `order_state` or `shipment_exceeds_ordered`, 422
//! `idempotency_key_reused`, 503 `unavailable`.

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use techcommerce_contracts::{
    Problem,
    order_api::{Order, RefundInput, ShipmentLine},
};
use techcommerce_http::{ApiResult, Path, Staff};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_once::{Answer, Keyed};
use techcommerce_store::{Conn, transact};

use super::checked_text;
use crate::{
    app::App,
    orders::{self, Audience, Cause},
    path::Event,
};

/// Pays back some or all of what was captured, never more than is left, also when two ask at
/// once. The provider is told right afterwards: look at the refund's `status`. With an
/// `Idempotency-Key` a repeat is the same refund. The customer is shown the `message`, and gets it
/// by mail when the money is paid back; the `reason` is for staff.
#[utoipa::path(
    post, path = "/orders/{id}/refunds", tag = "orders", operation_id = "refund_order",
    security(("bearer" = []), ("cookie" = [])),
    params(
        ("id" = Uuid, Path, description = "The order's id."),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters. The same request under the same key within a day is done once and has the same answer; another request under it is refused."),
    ),
    request_body = RefundInput,
    responses(
        (status = 201, description = "The order with the refund.", body = Order),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`order_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`refund_exceeds_captured` with `refundable`, `order_state`, `shipment_exceeds_ordered`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn refund(
    State(app): State<App>,
    Staff(staff): Staff,
    Path(order): Path<Uuid>,
    Keyed { once, input }: Keyed<RefundInput>,
) -> ApiResult<Answer> {
    let reason = checked_text("reason", &input.reason)?;
    match &input.amount {
        Some(amount) if amount.currency != app.settings.currency => {
            return Err(Error::invalid_field("amount.currency", "is not the order's").into());
        }
        Some(amount) if amount.amount <= 0 => {
            return Err(Error::invalid_field("amount.amount", "must be more than zero").into());
        }
        _ => {}
    }
    let id = once.id().unwrap_or_else(|| app.env.new_id());
    let actor = staff.actor();
    let message = checked_text("message", &input.message)?;
    let cause = Cause {
        reason: &reason,
        message: &message,
        ..Cause::by(&actor)
    };
    let answer = transact!(app.db, |tx| -> Result<Answer, Error> {
        if let Some(answer) = once.begin(tx, &app.env).await? {
            return Ok(answer);
        }
        let state = orders::lock(tx, order).await?;
        let known = state.refunds.iter().find(|refund| refund.id == id);
        let amount = match (&input.amount, known) {
            (Some(amount), _) => amount.amount,
            (None, Some(known)) => known.amount,
            (None, None) => state.refundable(),
        };
        let restock = positions(tx, order, "restock", &input.restock).await?;
        let event = Event::RefundRequested {
            id,
            amount,
            restock,
        };
        let changed = orders::change(tx, &app, order, &event, cause).await?;
        let said = json!({
            "refund": id, "amount": app.money(amount), "reason": reason, "message": message,
            "restock": input.restock,
        });
        orders::record(tx, &app, (&staff, "order.refund"), order, &changed, said).await?;
        let shown = orders::show_in(tx, order, Audience::Staff).await?;
        once.keep(tx, Answer::json(StatusCode::CREATED, &shown)?)
            .await
    })?;
    app.queue.wake();
    Ok(answer)
}

/// The positions of lines that a request names by their ids.
pub(super) async fn positions(
    conn: &mut Conn,
    order: Uuid,
    path: &str,
    wanted: &[ShipmentLine],
) -> Result<Vec<(u32, i64)>, Error> {
    let lines = orders::lines(conn, &[order]).await?;
    let mut positions: Vec<(u32, i64)> = Vec::with_capacity(wanted.len());
    for (line, index) in wanted.iter().zip(0_usize..) {
        let wrong =
            |name: &str, why: &str| Error::invalid_field(format!("{path}[{index}].{name}"), why);
        let found = lines.iter().find(|row| row.id == line.line_id);
        let found = found.ok_or_else(|| wrong("line_id", "is no line of this order"))?;
        let position = u32::try_from(found.position).map_err(Error::internal)?;
        if line.quantity <= 0 || line.quantity > found.quantity {
            return Err(wrong("quantity", "must be between 1 and what was ordered"));
        }
        if positions.iter().any(|(known, _)| *known == position) {
            return Err(wrong("line_id", "is named twice"));
        }
        positions.push((position, line.quantity));
    }
    Ok(positions)
}

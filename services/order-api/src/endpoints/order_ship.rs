//! `POST /orders/{id}/shipments`: goods leave the house.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `order_not_found`, 409
//! `order_state` or `shipment_exceeds_ordered`, 422 `idempotency_key_reused`, 503 `unavailable`.

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use techcommerce_contracts::{
    Problem,
    order_api::{Order, ShipmentInput},
};
use techcommerce_http::{ApiResult, Path, Staff};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_once::{Answer, Keyed};
use techcommerce_store::transact;

use super::{checked_text, order_refund::positions};
use crate::{
    app::App,
    orders::{self, Audience, Cause, NewShipment},
    path::Event,
};

/// Notes that goods have left the house: some lines, or all that is left. When all is shipped and
/// paid, the order is completed. With an `Idempotency-Key` a repeat is the same shipment.
#[utoipa::path(
    post, path = "/orders/{id}/shipments", tag = "orders", operation_id = "ship_order",
    security(("bearer" = []), ("cookie" = [])),
    params(
        ("id" = Uuid, Path, description = "The order's id."),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters. The same request under the same key within a day is done once and has the same answer; another request under it is refused."),
    ),
    request_body = ShipmentInput,
    responses(
        (status = 201, description = "The order with the shipment.", body = Order),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`order_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`order_state`, `shipment_exceeds_ordered`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn ship(
    State(app): State<App>,
    Staff(staff): Staff,
    Path(order): Path<Uuid>,
    Keyed { once, input }: Keyed<ShipmentInput>,
) -> ApiResult<Answer> {
    let text = |path, text: &Option<String>| match text {
        Some(text) => checked_text(path, text).map(|text| (!text.is_empty()).then_some(text)),
        None => Ok(None),
    };
    let actor = staff.actor();
    let id = once.id().unwrap_or_else(|| app.env.new_id());
    let shipment = NewShipment {
        id,
        order,
        carrier: text("carrier", &input.carrier)?,
        tracking_number: text("tracking_number", &input.tracking_number)?,
        actor: &actor,
    };
    let answer = transact!(app.db, |tx| -> Result<Answer, Error> {
        if let Some(answer) = once.begin(tx, &app.env).await? {
            return Ok(answer);
        }
        let state = orders::lock(tx, order).await?;
        let lines = match &input.lines {
            Some(lines) => Some(positions(tx, order, "lines", lines).await?),
            None => None,
        };
        // Under a key of longer than a day ago.
        if orders::is_known_shipment(tx, &shipment, lines.as_deref()).await? {
            let shown = orders::show_in(tx, order, Audience::Staff).await?;
            return once
                .keep(tx, Answer::json(StatusCode::CREATED, &shown)?)
                .await;
        }
        let lines = lines.unwrap_or_else(|| state.open_lines());
        let event = Event::Shipped {
            lines: lines.clone(),
        };
        let changed = orders::change(tx, &app, order, &event, Cause::by(&actor)).await?;
        orders::insert_shipment(tx, &app.env, &shipment, &lines).await?;
        let said = json!({
            "shipment": id, "carrier": shipment.carrier,
            "tracking_number": shipment.tracking_number,
            "units": lines.iter().map(|(_, quantity)| quantity).sum::<i64>(),
        });
        orders::record(tx, &app, (&staff, "order.ship"), order, &changed, said).await?;
        let shown = orders::show_in(tx, order, Audience::Staff).await?;
        once.keep(tx, Answer::json(StatusCode::CREATED, &shown)?)
            .await
    })?;
    app.queue.wake();
    Ok(answer)
}

//! `POST /orders/{id}/shipments`: goods leave the house.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `order_not_found`, 409
//! `order_state` or `shipment_exceeds_ordered`, 503 `unavailable`.

use axum::extract::State;
use http::StatusCode;
use techcommerce_contracts::{
    Problem,
    order_api::{Order, ShipmentInput},
};
use techcommerce_http::{ApiResult, Json, Path, Staff};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::{Conn, execute, transact};

use super::{Private, checked_text, order_refund::positions, private};
use crate::{
    app::App,
    orders::{self, Audience, Cause},
    path::Event,
};

/// Notes that goods have left the house: some lines, or all that is left. When all is shipped and
/// paid, the order is completed.
#[utoipa::path(
    post, path = "/orders/{id}/shipments", tag = "orders", operation_id = "ship_order",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = Uuid, Path, description = "The order's id.")),
    request_body = ShipmentInput,
    responses(
        (status = 201, description = "The order with the shipment.", body = Order),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`order_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`order_state`, `shipment_exceeds_ordered`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn ship(
    State(app): State<App>,
    Staff(staff): Staff,
    Path(order): Path<Uuid>,
    Json(input): Json<ShipmentInput>,
) -> ApiResult<(StatusCode, Private<Order>)> {
    let text = |path, text: &Option<String>| match text {
        Some(text) => checked_text(path, text).map(|text| (!text.is_empty()).then_some(text)),
        None => Ok(None),
    };
    let actor = staff.actor();
    let shipment = NewShipment {
        id: app.env.new_id(),
        order,
        carrier: text("carrier", &input.carrier)?,
        tracking_number: text("tracking_number", &input.tracking_number)?,
        actor: &actor,
    };
    let cause = Cause {
        actor: &actor,
        reason: "",
        by_job: false,
    };
    transact!(app.db, |tx| -> Result<(), Error> {
        let state = orders::lock(tx, order).await?;
        let lines = match &input.lines {
            Some(lines) => positions(tx, order, "lines", lines).await?,
            None => (0_u32..)
                .zip(&state.lines)
                .map(|(position, line)| (position, line.open()))
                .filter(|(_, open)| *open > 0)
                .collect(),
        };
        let event = Event::Shipped {
            lines: lines.clone(),
        };
        orders::change(tx, &app, order, &event, cause).await?;
        insert(tx, &app, &shipment, &lines).await
    })?;
    app.queue.wake();
    let order = orders::show(&app, order, Audience::Staff).await?;
    Ok((StatusCode::CREATED, private(order)))
}

struct NewShipment<'a> {
    id: Uuid,
    order: Uuid,
    carrier: Option<String>,
    tracking_number: Option<String>,
    actor: &'a str,
}

async fn insert(
    tx: &mut Conn,
    app: &App,
    shipment: &NewShipment<'_>,
    lines: &[(u32, i64)],
) -> Result<(), Error> {
    const SHIPMENT: &str = "INSERT INTO shipments \
         (id, order_id, carrier, tracking_number, actor, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    const LINE: &str = "INSERT INTO shipment_lines (shipment_id, order_line_id, quantity) \
         SELECT $1, id, $2 FROM order_lines WHERE order_id = $3 AND position = $4";
    execute!(
        tx,
        sqlx::query(SHIPMENT)
            .bind(shipment.id)
            .bind(shipment.order)
            .bind(shipment.carrier.as_deref())
            .bind(shipment.tracking_number.as_deref())
            .bind(shipment.actor)
            .bind(app.env.now().as_micros())
    )?;
    for &(position, quantity) in lines {
        execute!(
            tx,
            sqlx::query(LINE)
                .bind(shipment.id)
                .bind(quantity)
                .bind(shipment.order)
                .bind(i64::from(position))
        )?;
    }
    Ok(())
}

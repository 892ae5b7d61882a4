//! `POST /orders/{id}/cancel`: gives an order up.
//!
//! Errors: 401 `unauthenticated`, 403 `forbidden`, 404 `order_not_found`, 409 `order_state` once
//! goods have left the house, 503 `unavailable`. An order that is cancelled already stays so.

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    order_api::{CancelInput, Order},
};
use techcommerce_http::{ApiResult, Path, Staff};
use techcommerce_kernel::Uuid;
use techcommerce_once::{Answer, Keyed, KeyedOrDefault};

use super::{Asked, checked_text, staff_event};
use crate::{app::App, path::Event};

/// Gives an order up before anything was shipped. What is held is let go, what was paid is paid
/// back, and the goods go back into stock. Doing so twice is doing so once. The customer gets a
/// mail, with the `message` if there is one; the `reason` is for staff.
#[utoipa::path(
    post, path = "/orders/{id}/cancel", tag = "orders", operation_id = "cancel_order",
    security(("bearer" = []), ("cookie" = [])),
    params(
        ("id" = Uuid, Path, description = "The order's id."),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters. The same request under the same key within a day is done once and has the same answer; another request under it is refused."),
    ),
    request_body = CancelInput,
    responses(
        (status = 200, description = "The order, cancelled.", body = Order),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`order_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`order_state`: goods have left the house", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn cancel(
    State(app): State<App>,
    Staff(staff): Staff,
    Path(id): Path<Uuid>,
    KeyedOrDefault(Keyed { once, input }): KeyedOrDefault<CancelInput>,
) -> ApiResult<Answer> {
    let reason = checked_text("reason", &input.reason)?;
    let asked = Asked {
        who: &staff,
        action: "order.cancel",
        event: Event::CancelRequested,
        reason: &reason,
        message: &checked_text("message", &input.message)?,
    };
    staff_event(&app, id, asked, &once).await
}

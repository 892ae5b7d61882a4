//! `POST /orders/{id}/mark-paid`: the money of an invoice has arrived.
//!
//! Errors: 401 `unauthenticated`, 403 `forbidden`, 404 `order_not_found`, 409 `order_state` for
//! orders that are not paid by invoice or are cancelled, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{Problem, order_api::Order};
use techcommerce_http::{ApiResult, Path, Staff};
use techcommerce_kernel::Uuid;
use techcommerce_once::{Answer, Once};

use super::{Asked, staff_event};
use crate::{app::App, path::Event};

/// Notes that the money of an invoice has arrived. Doing so twice is doing so once.
#[utoipa::path(
    post, path = "/orders/{id}/mark-paid", tag = "orders", operation_id = "mark_order_paid",
    security(("bearer" = []), ("cookie" = [])),
    params(
        ("id" = Uuid, Path, description = "The order's id."),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters. The same request under the same key within a day is done once and has the same answer; another request under it is refused."),
    ),
    responses(
        (status = 200, description = "The order, paid.", body = Order),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`order_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`order_state`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn mark_paid(
    State(app): State<App>,
    Staff(staff): Staff,
    Path(id): Path<Uuid>,
    once: Once,
) -> ApiResult<Answer> {
    let asked = Asked {
        who: &staff,
        action: "order.mark_paid",
        event: Event::MarkedPaid,
        reason: "",
        message: "",
    };
    staff_event(&app, id, asked, &once).await
}

//! `POST /webhooks/{id}/deliveries/{delivery_id}/resend`: sends an event again.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `webhook_not_found`,
//! `webhook_delivery_not_found`, 409 `webhook_disabled`, 503 `unavailable`.

use axum::extract::State;
use http::StatusCode;
use techcommerce_contracts::{Problem, order_api::WebhookDelivery};
use techcommerce_http::{Admin, ApiResult, Path};
use techcommerce_kernel::Uuid;

use super::{Private, private};
use crate::{app::App, webhooks};

/// Sends an event again, whatever became of it, with the same `webhook-id`.
#[utoipa::path(
    post, path = "/webhooks/{id}/deliveries/{delivery_id}/resend", tag = "webhooks", operation_id = "resend_webhook_delivery",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = Uuid, Path, description = "The webhook's id."), ("delivery_id" = Uuid, Path, description = "The delivery's id."),),
    responses(
        (status = 202, description = "It is on its way.", body = WebhookDelivery),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`webhook_not_found`, `webhook_delivery_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`webhook_disabled`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn resend(
    State(app): State<App>,
    Admin(admin): Admin,
    Path((id, delivery)): Path<(Uuid, Uuid)>,
) -> ApiResult<(StatusCode, Private<WebhookDelivery>)> {
    let delivery = webhooks::resend(&app, &admin, id, delivery).await?;
    Ok((StatusCode::ACCEPTED, private(delivery)))
}

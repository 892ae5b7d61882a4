//! `GET /webhooks/{id}/deliveries/{delivery_id}`: one delivery.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `webhook_not_found`,
//! `webhook_delivery_not_found`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{Problem, order_api::WebhookDeliveryDetail};
use techcommerce_http::{Admin, ApiResult, Path};
use techcommerce_kernel::Uuid;

use super::{Private, private};
use crate::{app::App, webhooks};

/// One delivery, with what is sent and every attempt.
#[utoipa::path(
    get, path = "/webhooks/{id}/deliveries/{delivery_id}", tag = "webhooks", operation_id = "get_webhook_delivery",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = Uuid, Path, description = "The webhook's id."), ("delivery_id" = Uuid, Path, description = "The delivery's id."),),
    responses(
        (status = 200, description = "The delivery.", body = WebhookDeliveryDetail),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`webhook_not_found`, `webhook_delivery_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn show(
    State(app): State<App>,
    Admin(_): Admin,
    Path((id, delivery)): Path<(Uuid, Uuid)>,
) -> ApiResult<Private<WebhookDeliveryDetail>> {
    Ok(private(webhooks::delivery(&app, id, delivery).await?))
}

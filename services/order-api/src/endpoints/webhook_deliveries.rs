//! `GET /webhooks/{id}/deliveries`: what was sent to a webhook.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `webhook_not_found`,
//! 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{
    ListQuery, Page, Problem,
    order_api::{WebhookDelivery, WebhookDeliveryQuery},
};
use techcommerce_http::{Admin, ApiResult, Path, Query};
use techcommerce_kernel::Uuid;

use super::{Private, private};
use crate::{app::App, webhooks};

/// What was sent to a webhook, and what became of it, the latest first.
#[utoipa::path(
    get, path = "/webhooks/{id}/deliveries", tag = "webhooks", operation_id = "list_webhook_deliveries",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = Uuid, Path, description = "The webhook's id."), WebhookDeliveryQuery),
    responses(
        (status = 200, description = "A page of deliveries.", body = Page<WebhookDelivery>),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`webhook_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<App>,
    Admin(_): Admin,
    Path(id): Path<Uuid>,
    Query(query): Query<WebhookDeliveryQuery>,
) -> ApiResult<Private<Page<WebhookDelivery>>> {
    let limit = ListQuery {
        limit: query.limit,
        cursor: None,
    }
    .limit()?;
    Ok(private(
        webhooks::deliveries(&app, id, &query, limit).await?,
    ))
}

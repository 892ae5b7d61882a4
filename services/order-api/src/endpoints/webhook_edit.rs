//! `PATCH /webhooks/{id}`: changes a webhook.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `webhook_not_found`,
//! 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    order_api::{Webhook, WebhookEdit},
};
use techcommerce_http::{Admin, ApiResult, Json, Path};
use techcommerce_kernel::Uuid;

use super::{Private, private};
use crate::{app::App, webhooks};

/// Changes what is named of a webhook. What waits to be sent is given up when it is disabled.
#[utoipa::path(
    patch, path = "/webhooks/{id}", tag = "webhooks", operation_id = "update_webhook",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = Uuid, Path, description = "The webhook's id."),),
    request_body = WebhookEdit,
    responses(
        (status = 200, description = "The webhook.", body = Webhook),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`webhook_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn edit(
    State(app): State<App>,
    Admin(admin): Admin,
    Path(id): Path<Uuid>,
    Json(edit): Json<WebhookEdit>,
) -> ApiResult<Private<Webhook>> {
    Ok(private(webhooks::edit(&app, &admin, id, &edit).await?))
}

//! `DELETE /webhooks/{id}`: deletes a webhook.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `webhook_not_found`,
//! 503 `unavailable`.

use axum::extract::State;
use http::StatusCode;
use techcommerce_contracts::Problem;
use techcommerce_http::{Admin, ApiResult, Path};
use techcommerce_kernel::Uuid;

use crate::{app::App, webhooks};

/// Deletes a webhook, with its secrets and what was sent to it.
#[utoipa::path(
    delete, path = "/webhooks/{id}", tag = "webhooks", operation_id = "delete_webhook",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = Uuid, Path, description = "The webhook's id."),),
    responses(
        (status = 204, description = "It is gone."),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`webhook_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn delete(
    State(app): State<App>,
    Admin(admin): Admin,
    Path(id): Path<Uuid>,
) -> ApiResult<StatusCode> {
    webhooks::delete(&app, &admin, id).await?;
    Ok(StatusCode::NO_CONTENT)
}

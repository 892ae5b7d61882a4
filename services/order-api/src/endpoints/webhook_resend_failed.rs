//! `POST /webhooks/{id}/resend-failed`: sends again all that did not arrive.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `webhook_not_found`,
//! 409 `webhook_disabled`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{Problem, order_api::WebhookResent};
use techcommerce_http::{Admin, ApiResult, Path};
use techcommerce_kernel::Uuid;

use super::{Private, private};
use crate::{app::App, webhooks};

/// Sends again what failed or was given up, the oldest first, at most 1,000 at a time.
#[utoipa::path(
    post, path = "/webhooks/{id}/resend-failed", tag = "webhooks", operation_id = "resend_failed_webhook_deliveries",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = Uuid, Path, description = "The webhook's id."),),
    responses(
        (status = 200, description = "How many.", body = WebhookResent),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`webhook_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`webhook_disabled`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn resend_failed(
    State(app): State<App>,
    Admin(admin): Admin,
    Path(id): Path<Uuid>,
) -> ApiResult<Private<WebhookResent>> {
    Ok(private(webhooks::resend_failed(&app, &admin, id).await?))
}

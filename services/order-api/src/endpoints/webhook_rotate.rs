//! `POST /webhooks/{id}/rotate-secret`: a new secret.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `webhook_not_found`,
//! 422 `idempotency_key_reused`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{Problem, order_api::WebhookRotated};
use techcommerce_http::{Admin, ApiResult, Path};
use techcommerce_kernel::Uuid;
use techcommerce_once::Once;

use super::{Private, private};
use crate::{app::App, webhooks};

/// Gives a webhook a new secret. For 24 hours everything is signed with that of before, too.
#[utoipa::path(
    post, path = "/webhooks/{id}/rotate-secret", tag = "webhooks", operation_id = "rotate_webhook_secret",
    security(("bearer" = []), ("cookie" = [])),
    params(
        ("id" = Uuid, Path, description = "The webhook's id."),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters. The same request under the same key within a day is done once and has the same answer; another request under it is refused."),
    ),
    responses(
        (status = 200, description = "The new secret.", body = WebhookRotated),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`webhook_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn rotate(
    State(app): State<App>,
    Admin(admin): Admin,
    Path(id): Path<Uuid>,
    once: Once,
) -> ApiResult<Private<WebhookRotated>> {
    Ok(private(webhooks::rotate(&app, &admin, id, &once).await?))
}

//! `POST /webhooks`: makes a webhook.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `webhook_not_found` (the
//! same request made one before, which is deleted), 409 `webhook_limit`, 422
//! `idempotency_key_reused`, 503 `unavailable`.

use axum::extract::State;
use http::StatusCode;
use techcommerce_contracts::{
    Problem,
    order_api::{NewWebhook, WebhookCreated},
};
use techcommerce_http::{Admin, ApiResult};
use techcommerce_once::Keyed;

use super::{Private, private};
use crate::{app::App, webhooks};

/// Makes a webhook. Its secret is in the answer and nowhere else: keep it.
#[utoipa::path(
    post, path = "/webhooks", tag = "webhooks", operation_id = "create_webhook",
    security(("bearer" = []), ("cookie" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters. The same request under the same key within a day is done once and has the same answer; another request under it is refused."),
    ),
    request_body = NewWebhook,
    responses(
        (status = 201, description = "The webhook and its secret.", body = WebhookCreated),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`webhook_not_found`: the same request made one before, which is deleted", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`webhook_limit`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(app): State<App>,
    Admin(admin): Admin,
    Keyed { once, input }: Keyed<NewWebhook>,
) -> ApiResult<(StatusCode, Private<WebhookCreated>)> {
    let made = webhooks::create(&app, &admin, &input, &once).await?;
    Ok((StatusCode::CREATED, private(made)))
}

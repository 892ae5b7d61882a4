//! `POST /webhooks/{id}/test`: sends a trial.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `webhook_not_found`,
//! 503 `unavailable`.

use axum::extract::State;
use http::StatusCode;
use techcommerce_contracts::{Problem, order_api::WebhookDelivery};
use techcommerce_http::{Admin, ApiResult, Path};
use techcommerce_kernel::Uuid;

use super::{Private, private};
use crate::{app::App, webhooks};

/// Sends an event of the type `webhook.test`, once; also to a webhook that is disabled.
#[utoipa::path(
    post, path = "/webhooks/{id}/test", tag = "webhooks", operation_id = "test_webhook",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = Uuid, Path, description = "The webhook's id."),),
    responses(
        (status = 202, description = "It is on its way.", body = WebhookDelivery),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`webhook_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn test(
    State(app): State<App>,
    Admin(admin): Admin,
    Path(id): Path<Uuid>,
) -> ApiResult<(StatusCode, Private<WebhookDelivery>)> {
    let delivery = webhooks::test(&app, &admin, id).await?;
    Ok((StatusCode::ACCEPTED, private(delivery)))
}

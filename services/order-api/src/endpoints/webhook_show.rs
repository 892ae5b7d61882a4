//! `GET /webhooks/{id}`: one webhook.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `webhook_not_found`,
//! 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{Problem, order_api::Webhook};
use techcommerce_http::{Admin, ApiResult, Path};
use techcommerce_kernel::Uuid;

use super::{Private, private};
use crate::{app::App, webhooks};

/// One webhook.
#[utoipa::path(
    get, path = "/webhooks/{id}", tag = "webhooks", operation_id = "get_webhook",
    security(("bearer" = []), ("cookie" = [])),
    params(("id" = Uuid, Path, description = "The webhook's id."),),
    responses(
        (status = 200, description = "The webhook.", body = Webhook),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`webhook_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn show(
    State(app): State<App>,
    Admin(_): Admin,
    Path(id): Path<Uuid>,
) -> ApiResult<Private<Webhook>> {
    Ok(private(webhooks::show(&app, id).await?))
}

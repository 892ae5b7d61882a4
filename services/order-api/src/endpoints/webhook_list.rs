//! `GET /webhooks`: where the shop tells others what happens.
//!
//! Errors: 401 `unauthenticated`, 403 `forbidden`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{Problem, order_api::WebhookList};
use techcommerce_http::{Admin, ApiResult};

use super::{Private, private};
use crate::{app::App, webhooks};

/// All webhooks.
#[utoipa::path(
    get, path = "/webhooks", tag = "webhooks", operation_id = "list_webhooks",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "All webhooks.", body = WebhookList),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(State(app): State<App>, Admin(_): Admin) -> ApiResult<Private<WebhookList>> {
    let items = webhooks::list(&app).await?;
    Ok(private(WebhookList {
        items,
        next_cursor: None,
    }))
}

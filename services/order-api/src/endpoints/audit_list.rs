//! `GET /audit/orders`: what staff changed about orders, discounts and this service's jobs.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{
    Page, Problem,
    audit::{AuditEntry, AuditQuery},
};
use techcommerce_http::{ApiResult, Query, Staff};

use super::{Private, private};
use crate::app::App;

/// What staff changed about orders, discounts and their jobs, the latest first.
#[utoipa::path(
    get, path = "/audit/orders", tag = "audit", operation_id = "list_order_audit",
    security(("bearer" = []), ("cookie" = [])),
    params(AuditQuery),
    responses(
        (status = 200, description = "A page of entries.", body = Page<AuditEntry>),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<App>,
    Staff(_): Staff,
    Query(query): Query<AuditQuery>,
) -> ApiResult<Private<Page<AuditEntry>>> {
    Ok(private(techcommerce_audit::list(&app.db, &query).await?))
}

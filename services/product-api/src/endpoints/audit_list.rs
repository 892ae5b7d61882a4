//! `GET /audit/catalogue`: who changed what in the catalogue. For staff.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`.

use axum::extract::State;
use techcommerce_contracts::{
    Page, Problem,
    audit::{AuditEntry, AuditQuery},
};
use techcommerce_http::{ApiResult, Json, Query, Staff};

use super::App;

/// Who changed products, categories and stock, the latest first.
#[utoipa::path(
    get, path = "/audit/catalogue", tag = "products", operation_id = "audit_catalogue",
    params(AuditQuery),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "A page of entries.", body = Page<AuditEntry>),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<App>,
    _: Staff,
    Query(query): Query<AuditQuery>,
) -> ApiResult<Json<Page<AuditEntry>>> {
    Ok(Json(techcommerce_audit::list(&app.db, &query).await?))
}

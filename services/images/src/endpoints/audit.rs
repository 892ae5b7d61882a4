//! `GET /audit/images`: who of the staff uploaded what.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 503 `unavailable`.

use axum::extract::State as FromState;
use techcommerce_contracts::{
    Page, Problem,
    audit::{AuditEntry, AuditQuery},
};
use techcommerce_http::{ApiResult, Json, Query, Staff};

use crate::State;

/// What staff did with pictures, the latest first
#[utoipa::path(
    get, path = "/api/audit/images", tag = "audit", operation_id = "audit_images",
    params(AuditQuery),
    responses(
        (status = 200, description = "A page of entries", body = Page<AuditEntry>),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Only staff may do this", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(crate) async fn audit(
    FromState(state): FromState<State>,
    _staff: Staff,
    Query(query): Query<AuditQuery>,
) -> ApiResult<Json<Page<AuditEntry>>> {
    Ok(Json(techcommerce_audit::list(&state.db, &query).await?))
}

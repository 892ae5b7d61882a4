//! `GET /products/imports`: the imports, the newest first. For staff.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`.

use axum::extract::State;
use techcommerce_contracts::{ListQuery, Page, Problem, product_api::ImportRun};
use techcommerce_http::{ApiResult, Json, Query, Staff, cursor};
use techcommerce_kernel::Uuid;

use super::{App, import_show::shown};
use crate::import::runs;

/// The imports and dry runs of the last 90 days, the newest first, with the counts of their
/// reports.
#[utoipa::path(
    get, path = "/products/imports", tag = "products", operation_id = "list_imports",
    params(ListQuery),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "A page of imports.", body = Page<ImportRun>),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<App>,
    _: Staff,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Page<ImportRun>>> {
    let limit = query.limit()?;
    let before: Option<(i64, Uuid)> = query.cursor.as_deref().map(cursor::decode).transpose()?;
    let mut conn = app.db.read().await?;
    let one_more = i64::try_from(limit + 1).unwrap_or(i64::MAX);
    let mut rows = runs::list(&mut conn, before, one_more).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = match rows.last().filter(|_| more) {
        Some(last) => Some(cursor::encode(&(last.started_at, last.id))?),
        None => None,
    };
    let mut items = Vec::with_capacity(rows.len());
    for row in &rows {
        items.push(shown(&mut conn, app.env.now(), row).await?);
    }
    Ok(Json(Page { items, next_cursor }))
}

//! `GET /stock` and `GET /stock/{variant_id}/movements`: the stock of all variants, and how one
//! came about. For staff.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `variant_not_found`.

use axum::extract::State;
use techcommerce_contracts::{
    ListQuery, Page, Problem,
    product_api::{StockItem, StockMovement, StockQuery},
};
use techcommerce_http::{ApiResult, Json, Path, Query, Staff};
use techcommerce_kernel::Uuid;

use super::{App, variant_not_found};
use crate::stock;

/// The stock of all variants whose product is not archived.
///
/// The newest products first; with `below` the variants of which the fewest are left.
#[utoipa::path(
    get, path = "/stock", tag = "products", operation_id = "list_stock",
    params(StockQuery),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "A page of variants.", body = Page<StockItem>),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<App>,
    _: Staff,
    Query(query): Query<StockQuery>,
) -> ApiResult<Json<Page<StockItem>>> {
    let mut conn = app.db.read().await?;
    Ok(Json(stock::items(&mut conn, &query).await?))
}

/// How the stock of a variant came about, the newest movement first.
#[utoipa::path(
    get, path = "/stock/{variant_id}/movements", tag = "products", operation_id = "list_stock_movements",
    params(("variant_id" = Uuid, Path, description = "The variant's id."), ListQuery),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "A page of movements.", body = Page<StockMovement>),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`variant_not_found`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn movements(
    State(app): State<App>,
    _: Staff,
    Path(variant_id): Path<Uuid>,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Page<StockMovement>>> {
    let mut conn = app.db.read().await?;
    if stock::level(&mut conn, variant_id).await?.is_none() {
        return Err(variant_not_found().into());
    }
    Ok(Json(stock::movements(&mut conn, variant_id, &query).await?))
}

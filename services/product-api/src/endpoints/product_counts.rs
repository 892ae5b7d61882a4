//! `GET /products/counts`: the catalogue in numbers. For staff.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`.

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    product_api::{ProductCounts, ProductCountsQuery},
};
use techcommerce_http::{ApiResult, Json, Query, Staff};
use techcommerce_kernel::Error;

use super::App;
use crate::catalogue::read;

/// Below how many pieces a variant is low on stock, if nobody says.
const BELOW: i64 = 5;

/// How many products there are, and how many of their variants run out.
#[utoipa::path(
    get, path = "/products/counts", tag = "products", operation_id = "count_products",
    params(ProductCountsQuery),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The numbers, as the database has them now.", body = ProductCounts),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn counts(
    State(app): State<App>,
    _: Staff,
    Query(query): Query<ProductCountsQuery>,
) -> ApiResult<Json<ProductCounts>> {
    let below = query.below.unwrap_or(BELOW);
    if below < 1 {
        return Err(Error::invalid_field("below", "must be 1 or more").into());
    }
    let mut conn = app.db.read().await?;
    Ok(Json(read::counts(&mut conn, below).await?))
}

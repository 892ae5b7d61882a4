//! `GET /discounts`: the discount codes.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{
    ListQuery, Page, Problem,
    order_api::{Discount, DiscountQuery},
};
use techcommerce_http::{ApiResult, Query, Staff};

use super::{Private, private};
use crate::{app::App, discounts};

/// The discount codes in the order of the alphabet.
#[utoipa::path(
    get, path = "/discounts", tag = "discounts", operation_id = "list_discounts",
    security(("bearer" = []), ("cookie" = [])),
    params(DiscountQuery),
    responses(
        (status = 200, description = "A page of discounts.", body = Page<Discount>),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<App>,
    Staff(_): Staff,
    Query(query): Query<DiscountQuery>,
) -> ApiResult<Private<Page<Discount>>> {
    let limit = ListQuery {
        limit: query.limit,
        cursor: None,
    }
    .limit()?;
    Ok(private(discounts::list(&app, &query, limit).await?))
}

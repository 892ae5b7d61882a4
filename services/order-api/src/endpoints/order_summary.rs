//! `GET /orders/summary`: the dashboard's figures.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    order_api::{OrderSummary, SummaryQuery},
};
use techcommerce_http::{ApiResult, Query, Staff};
use techcommerce_kernel::Error;

use super::{Private, private};
use crate::{app::App, orders};

/// How orders went today and in the last days, what somebody has to look at, and what sells best.
/// Days are those of the setting `shop.time_zone`; each counts the orders that were placed on it
/// and are not cancelled, at their totals.
#[utoipa::path(
    get, path = "/orders/summary", tag = "orders", operation_id = "summarize_orders",
    security(("bearer" = []), ("cookie" = [])),
    params(SummaryQuery),
    responses(
        (status = 200, description = "The figures.", body = OrderSummary),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn summary(
    State(app): State<App>,
    Staff(_): Staff,
    Query(query): Query<SummaryQuery>,
) -> ApiResult<Private<OrderSummary>> {
    match query.days.unwrap_or(30) {
        days @ 1..=366 => Ok(private(orders::summary(&app, days).await?)),
        _ => Err(Error::invalid_field("days", "must be between 1 and 366").into()),
    }
}

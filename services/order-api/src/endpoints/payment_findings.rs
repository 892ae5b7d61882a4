//! `GET /payments/findings`: what somebody has to look at about payments.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{
    ListQuery, Page, Problem,
    order_api::{PaymentFinding, PaymentFindingQuery},
};
use techcommerce_http::{ApiResult, Query, Staff};

use super::{Private, private};
use crate::{app::App, payment::dealt};

/// Disputes, refunds that failed after all, and whatever the books of the shop and of the payment
/// provider do not agree on; also what belongs to no order. The latest first.
#[utoipa::path(
    get, path = "/payments/findings", tag = "orders", operation_id = "list_payment_findings",
    security(("bearer" = []), ("cookie" = [])),
    params(PaymentFindingQuery),
    responses(
        (status = 200, description = "A page of findings.", body = Page<PaymentFinding>),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<App>,
    Staff(_): Staff,
    Query(query): Query<PaymentFindingQuery>,
) -> ApiResult<Private<Page<PaymentFinding>>> {
    let limit = ListQuery {
        limit: query.limit,
        cursor: None,
    }
    .limit()?;
    Ok(private(dealt::list(&app, &query, limit).await?))
}

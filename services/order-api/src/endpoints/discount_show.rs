//! `GET /discounts/{code}`: one discount code.
//!
//! Errors: 401 `unauthenticated`, 403 `forbidden`, 404 `discount_not_found`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{Problem, order_api::Discount};
use techcommerce_http::{ApiResult, Path, Staff};

use super::{Private, private};
use crate::{app::App, discounts};

/// One discount code, and how many orders have used it.
#[utoipa::path(
    get, path = "/discounts/{code}", tag = "discounts", operation_id = "get_discount",
    security(("bearer" = []), ("cookie" = [])),
    params(("code" = String, Path, description = "The code; case does not matter.")),
    responses(
        (status = 200, description = "The discount.", body = Discount),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`discount_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn show(
    State(app): State<App>,
    Staff(_): Staff,
    Path(code): Path<String>,
) -> ApiResult<Private<Discount>> {
    Ok(private(discounts::show(&app, &code).await?))
}

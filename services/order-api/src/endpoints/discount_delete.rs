//! `DELETE /discounts/{code}`: deletes a discount code that no order names.
//!
//! Errors: 401 `unauthenticated`, 403 `forbidden`, 404 `discount_not_found`, 409 `discount_in_use`, 503
//! `unavailable`.

use axum::extract::State;
use http::StatusCode;
use techcommerce_contracts::Problem;
use techcommerce_http::{ApiResult, Path, Staff};

use crate::{app::App, discounts};

/// Deletes a discount code that no order names; one that orders name can be switched off.
#[utoipa::path(
    delete, path = "/discounts/{code}", tag = "discounts", operation_id = "delete_discount",
    security(("bearer" = []), ("cookie" = [])),
    params(("code" = String, Path, description = "The code; case does not matter.")),
    responses(
        (status = 204, description = "It is gone."),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`discount_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`discount_in_use`: orders name it; set `active` to false instead", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn delete(
    State(app): State<App>,
    Staff(staff): Staff,
    Path(code): Path<String>,
) -> ApiResult<StatusCode> {
    discounts::delete(&app, &staff, &code).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! `PATCH /discounts/{code}`: changes a discount code.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `discount_not_found`, 503
//! `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    order_api::{Discount, DiscountEdit},
};
use techcommerce_http::{ApiResult, Json, Path, Staff};

use super::{Private, private};
use crate::{app::App, discounts};

/// Changes what is named of a discount code. Orders that were placed with it stay as they are.
#[utoipa::path(
    patch, path = "/discounts/{code}", tag = "discounts", operation_id = "update_discount",
    security(("bearer" = []), ("cookie" = [])),
    params(("code" = String, Path, description = "The code; case does not matter.")),
    request_body = DiscountEdit,
    responses(
        (status = 200, description = "The discount.", body = Discount),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`discount_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn edit(
    State(app): State<App>,
    Staff(staff): Staff,
    Path(code): Path<String>,
    Json(edit): Json<DiscountEdit>,
) -> ApiResult<Private<Discount>> {
    Ok(private(discounts::edit(&app, &staff, &code, &edit).await?))
}

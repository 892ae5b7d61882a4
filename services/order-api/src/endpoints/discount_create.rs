//! `POST /discounts`: makes a discount code.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 409 `discount_code_taken`, 503
//! `unavailable`.

use axum::extract::State;
use http::StatusCode;
use techcommerce_contracts::{
    Problem,
    order_api::{Discount, NewDiscountInput},
};
use techcommerce_http::{ApiResult, Json, Staff};

use super::{Private, private};
use crate::{app::App, discounts};

/// Makes a discount code.
#[utoipa::path(
    post, path = "/discounts", tag = "discounts", operation_id = "create_discount",
    security(("bearer" = []), ("cookie" = [])),
    request_body = NewDiscountInput,
    responses(
        (status = 201, description = "The discount.", body = Discount),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`discount_code_taken`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(app): State<App>,
    Staff(staff): Staff,
    Json(input): Json<NewDiscountInput>,
) -> ApiResult<(StatusCode, Private<Discount>)> {
    let discount = discounts::create_for_staff(&app, &staff, &input).await?;
    Ok((StatusCode::CREATED, private(discount)))
}

//! `POST /discounts`: makes a discount code.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 409 `discount_code_taken`, 503
//! `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    order_api::{Discount, NewDiscountInput},
};
use techcommerce_http::{ApiResult, Staff};
use techcommerce_once::{Answer, Keyed};

use crate::{app::App, discounts};

/// Makes a discount code.
#[utoipa::path(
    post, path = "/discounts", tag = "discounts", operation_id = "create_discount",
    security(("bearer" = []), ("cookie" = [])),
    params(
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters. The same request under the same key within a day is done once and has the same answer; another request under it is refused."),
    ),
    request_body = NewDiscountInput,
    responses(
        (status = 201, description = "The discount.", body = Discount),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`discount_code_taken`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(app): State<App>,
    Staff(staff): Staff,
    Keyed { once, input }: Keyed<NewDiscountInput>,
) -> ApiResult<Answer> {
    Ok(discounts::create_for_staff(&app, &staff, &input, &once).await?)
}

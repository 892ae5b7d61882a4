//! `POST /stock/{variant_id}/adjustments`: some came or went. For staff.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `variant_not_found`,
//! 409 `stock_below_zero`.

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    product_api::{StockAdjustment, StockLevel},
};
use techcommerce_http::{ApiResult, Path, Staff};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_once::{Answer, Keyed};

use super::{
    App, note,
    stock_write::{Write, write},
};
use crate::catalogue::limits;

/// Adds to the stock, or takes from it.
///
/// Two adjustments at once both count. Send an `Idempotency-Key` with each: without one nobody can
/// tell a repeated one from a second one.
#[utoipa::path(
    post, path = "/stock/{variant_id}/adjustments", tag = "products", operation_id = "adjust_stock",
    params(
        ("variant_id" = Uuid, Path, description = "The variant's id."),
        ("Idempotency-Key" = Option<String>, Header, description = "1 to 255 printable characters. The same request under the same key within a day is done once and has the same answer; another request under it is refused."),
    ),
    request_body = StockAdjustment,
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The level as it is now.", body = StockLevel),
        (status = 400, description = "`invalid_json`, `invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`variant_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`stock_below_zero`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
        (status = 422, description = "`idempotency_key_reused`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn adjust(
    State(app): State<App>,
    Staff(principal): Staff,
    Path(variant_id): Path<Uuid>,
    Keyed { once, input }: Keyed<StockAdjustment>,
) -> ApiResult<Answer> {
    if input.delta == 0 || !(-limits::STOCK..=limits::STOCK).contains(&input.delta) {
        let message = format!(
            "must be other than 0 and at most {} either way",
            limits::STOCK
        );
        return Err(Error::invalid_field("delta", message).into());
    }
    let note = note("reason", &input.reason)?;
    let answer = write(
        &app,
        &principal,
        variant_id,
        Write::Adjust(input.delta),
        &note,
        &once,
    )
    .await?;
    Ok(answer)
}

//! `GET`/`PUT /stock/{variant_id}`: how many of a variant there are. For staff.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `variant_not_found`.

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    product_api::{StockInput, StockLevel},
};
use techcommerce_http::{ApiResult, Json, Path, Staff};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_once::{Answer, Once};

use super::{
    App, note, shown_level,
    stock_write::{Write, write},
    variant_not_found,
};
use crate::{catalogue::limits, stock};

/// How many of a variant there are, and how many of them are promised.
#[utoipa::path(
    get, path = "/stock/{variant_id}", tag = "products", operation_id = "get_stock",
    params(("variant_id" = Uuid, Path, description = "The variant's id.")),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The level.", body = StockLevel),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`variant_not_found`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn show(
    State(app): State<App>,
    _: Staff,
    Path(variant_id): Path<Uuid>,
) -> ApiResult<Json<StockLevel>> {
    let mut conn = app.db.read().await?;
    let level = stock::level(&mut conn, variant_id)
        .await?
        .ok_or_else(variant_not_found)?;
    Ok(Json(shown_level(level)))
}

/// Sets how many there are, by counting.
///
/// It may be fewer than are promised: then nothing more can be reserved, and a promise that can
/// no longer be kept is refused when it is to be sold, before anybody is charged.
#[utoipa::path(
    put, path = "/stock/{variant_id}", tag = "products", operation_id = "set_stock",
    params(("variant_id" = Uuid, Path, description = "The variant's id.")),
    request_body = StockInput,
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The level as it is now.", body = StockLevel),
        (status = 400, description = "`invalid_json`, `invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`variant_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn set(
    State(app): State<App>,
    Staff(principal): Staff,
    Path(variant_id): Path<Uuid>,
    Json(input): Json<StockInput>,
) -> ApiResult<Answer> {
    if !(0..=limits::STOCK).contains(&input.on_hand) {
        let message = format!("must be between 0 and {}", limits::STOCK);
        return Err(Error::invalid_field("on_hand", message).into());
    }
    let note = note("reason", input.reason.as_deref().unwrap_or("counted"))?;
    // Counting the same twice is counting it once.
    let answer = write(
        &app,
        &principal,
        variant_id,
        Write::Set(input.on_hand),
        &note,
        &Once::UNNAMED,
    )
    .await?;
    Ok(answer)
}

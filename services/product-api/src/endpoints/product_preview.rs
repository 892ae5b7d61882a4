//! `POST /products/preview`: what would be kept of a description. For staff.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`.

use techcommerce_contracts::{Problem, product_api::DescriptionPreview};
use techcommerce_http::{ApiResult, Json, Staff};

use crate::catalogue::input;

/// A description as it would be kept: without anything but plain formatting. Changes nothing.
#[utoipa::path(
    post, path = "/products/preview", tag = "products", operation_id = "preview_description",
    request_body = DescriptionPreview,
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The description.", body = DescriptionPreview),
        (status = 400, description = "`invalid_json`, `invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn preview(
    _: Staff,
    Json(input): Json<DescriptionPreview>,
) -> ApiResult<Json<DescriptionPreview>> {
    let description = input::description(&input.description)?;
    Ok(Json(DescriptionPreview { description }))
}

//! `GET /images/{id}`: what is known of a picture, for staff.
//!
//! Errors: 401 `unauthenticated`, 403 `forbidden`, 404 `image_not_found`, 503 `unavailable`.

use axum::extract::State as FromState;
use techcommerce_contracts::{Problem, images::ImageDetails};
use techcommerce_http::{ApiResult, Json, Path, Staff};
use techcommerce_kernel::Uuid;

use super::{not_found, shown};
use crate::{State, rows};

/// What is known of a picture
#[utoipa::path(
    get, path = "/api/images/{id}", tag = "images", operation_id = "get_image",
    params(("id" = Uuid, Path, description = "The picture")),
    responses(
        (status = 200, description = "The picture", body = ImageDetails),
        (status = 400, description = "The id is none", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Only staff may do this", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such picture", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(crate) async fn details(
    FromState(state): FromState<State>,
    _staff: Staff,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<ImageDetails>> {
    if let Some(details) = state.builtin.details(id)? {
        return Ok(Json(details));
    }
    let row = rows::by_id(&state.db, id).await?.ok_or_else(not_found)?;
    Ok(Json(shown(row)))
}

//! `GET /images`: the pictures that there are, for staff.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 503 `unavailable`.

use axum::extract::State as FromState;
use techcommerce_contracts::{ListQuery, Page, Problem, images::ImageDetails};
use techcommerce_http::{ApiResult, Json, Query, Staff, cursor};
use techcommerce_kernel::Uuid;

use super::shown;
use crate::{State, rows};

/// All pictures, the latest first
///
/// Those that are part of the program are not among them.
#[utoipa::path(
    get, path = "/api/images", tag = "images", operation_id = "list_images",
    params(ListQuery),
    responses(
        (status = 200, description = "A page of pictures", body = Page<ImageDetails>),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Only staff may do this", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(crate) async fn list(
    FromState(state): FromState<State>,
    _staff: Staff,
    Query(query): Query<ListQuery>,
) -> ApiResult<Json<Page<ImageDetails>>> {
    let limit = query.limit()?;
    let after: Option<(i64, Uuid)> = query.cursor.as_deref().map(cursor::decode).transpose()?;
    let mut rows = rows::list(&state.db, after, limit + 1).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = match rows.last() {
        Some(last) if more => Some(cursor::encode(&(last.created_at, last.id))?),
        _ => None,
    };
    Ok(Json(Page {
        items: rows.into_iter().map(shown).collect(),
        next_cursor,
    }))
}

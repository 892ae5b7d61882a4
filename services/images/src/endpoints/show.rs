//! `GET /images/{id}/{variant}`: a picture in one size, for anyone.
//!
//! Errors: 404 `image_not_found`, 503 `unavailable`.

use axum::{
    body::Body,
    extract::{Path, State as FromState},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use techcommerce_contracts::Problem;
use techcommerce_http::{ApiResult, etag};
use techcommerce_kernel::{Error, Uuid};

use super::not_found;
use crate::{
    State,
    files::{Content, away},
    variant::Variant,
};

/// One size of an id never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// The largest size in place of one that is about to be made.
const FOR_NOW: &str = "public, max-age=5";

/// A picture in one size
///
/// Until the size is made, the largest stands in for it and may be kept for some seconds only.
#[utoipa::path(
    get, path = "/images/{id}/{variant}", tag = "images", operation_id = "show_image",
    params(
        ("id" = Uuid, Path, description = "The picture"),
        ("variant" = String, Path, description = "`w320`, `w640`, `w1280` or `original`"),
    ),
    responses(
        (status = 200, description = "WebP", body = Vec<u8>, content_type = "image/webp"),
        (status = 304, description = "The client has it already"),
        (status = 503, description = "The store cannot be reached", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "There is no such picture", body = Problem, content_type = "application/problem+json"),
    ),
    security(()),
)]
pub(crate) async fn show(
    FromState(state): FromState<State>,
    Path((id, variant)): Path<(String, String)>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let id: Uuid = id.parse().map_err(|_| not_found())?;
    let wanted = Variant::parse(&variant).ok_or_else(not_found)?;
    if let Some(bytes) = state.builtin.get(id, wanted) {
        let tag = tag(id, wanted)?;
        if etag::matches(&headers, tag.to_str().map_err(Error::internal)?) {
            return Ok(dressed(
                StatusCode::NOT_MODIFIED.into_response(),
                tag,
                FOR_EVER,
            ));
        }
        return Ok(dressed(
            picture(Content::Whole(bytes.into())),
            tag,
            FOR_EVER,
        ));
    }
    let size = state.size_of(id).await?.ok_or_else(not_found)?;
    let wanted = wanted.file(size);
    let has = |variant| -> Result<bool, Error> {
        let tag = tag(id, variant)?;
        Ok(etag::matches(
            &headers,
            tag.to_str().map_err(Error::internal)?,
        ))
    };
    // Who has this size got it here: it is there, and the store need not be asked.
    if has(wanted)? {
        let answer = StatusCode::NOT_MODIFIED.into_response();
        return Ok(dressed(answer, tag(id, wanted)?, FOR_EVER));
    }
    let mut damaged = false;
    // Not made yet, lost or damaged: any other is better than a broken picture.
    let others = Variant::all().filter(|other| *other != wanted);
    for variant in std::iter::once(wanted).chain(others) {
        let content = match state.files.get(id, variant).await? {
            None => continue,
            Some(Content::Damaged) => {
                damaged = true;
                continue;
            }
            Some(content) => content,
        };
        let keep = if variant == wanted { FOR_EVER } else { FOR_NOW };
        let answer = if has(variant)? {
            StatusCode::NOT_MODIFIED.into_response()
        } else {
            picture(content)
        };
        return Ok(dressed(answer, tag(id, variant)?, keep));
    }
    if damaged {
        return Err(away("all files of the picture are damaged").into());
    }
    tracing::error!(%id, "the files of a picture are gone");
    Err(not_found().into())
}

/// Names the bytes, not the address: what stands in for a size has the tag of what it is.
fn tag(id: Uuid, variant: Variant) -> Result<HeaderValue, Error> {
    HeaderValue::from_str(&format!("\"{}-{}\"", id.simple(), variant.name()))
        .map_err(Error::internal)
}

fn picture(content: Content) -> Response {
    let (length, body) = match content {
        Content::Whole(bytes) => (bytes.len() as u64, Body::from(bytes)),
        Content::Pieces(length, pieces) => (length, Body::from_stream(pieces)),
        // Passed over before.
        Content::Damaged => (0, Body::empty()),
    };
    let webp = HeaderValue::from_static("image/webp");
    let headers = [
        (header::CONTENT_TYPE, webp),
        (header::CONTENT_LENGTH, HeaderValue::from(length)),
    ];
    (headers, body).into_response()
}

fn dressed(mut answer: Response, tag: HeaderValue, keep: &'static str) -> Response {
    let headers = answer.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(keep));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    headers.insert(header::ETAG, tag);
    answer
}

//! `GET /images/{id}/{variant}`: a picture in one size, for anyone and for ever the same.

use axum::{
    body::Body,
    extract::{Path, State as FromState},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use techcommerce_contracts::{Problem, codes::IMAGE_NOT_FOUND};
use techcommerce_http::{ApiResult, etag};
use techcommerce_kernel::{Error, Uuid};

use crate::{State, files::away, variant::Variant};

/// What an id stands for never changes.
const FOR_EVER: &str = "public, max-age=31536000, immutable";

/// Up to so many bytes a file is read at once.
const AT_ONCE: u64 = 512 * 1024;

/// A picture in one size
#[utoipa::path(
    get, path = "/images/{id}/{variant}", tag = "images", operation_id = "show_image",
    params(
        ("id" = Uuid, Path, description = "The picture"),
        ("variant" = String, Path, description = "`w320`, `w640`, `w1280` or `original`"),
    ),
    responses(
        (status = 200, description = "WebP; it never changes", body = Vec<u8>, content_type = "image/webp"),
        (status = 304, description = "The client has it already"),
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
    let variant = Variant::parse(&variant).ok_or_else(not_found)?;
    let builtin = state.builtin.get(id, variant);
    if builtin.is_none() && !state.is_known(id).await? {
        return Err(not_found().into());
    }
    let tag = format!("\"{}-{}\"", id.simple(), variant.name());
    let mut response = if etag::matches(&headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let mut response = match builtin {
            Some(bytes) => Body::from(bytes).into_response(),
            None => stored(&state, id, variant).await?,
        };
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, HeaderValue::from_static("image/webp"));
        response
    };
    let answer = response.headers_mut();
    answer.insert(header::CACHE_CONTROL, HeaderValue::from_static(FOR_EVER));
    answer.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    answer.insert(
        header::ETAG,
        HeaderValue::from_str(&tag).map_err(Error::internal)?,
    );
    Ok(response)
}

async fn stored(state: &State, id: Uuid, variant: Variant) -> Result<Response, Error> {
    let file = state.files.get(id, variant).await?.ok_or_else(|| {
        tracing::error!(%id, variant = variant.name(), "the file of a picture is gone");
        not_found()
    })?;
    let length = file.meta.size;
    // A local file comes in chunks of 8 KB, each by way of another thread: at once is cheaper.
    let body = if length <= AT_ONCE {
        Body::from(file.bytes().await.map_err(away)?)
    } else {
        Body::from_stream(file.into_stream())
    };
    let mut response = body.into_response();
    response
        .headers_mut()
        .insert(header::CONTENT_LENGTH, HeaderValue::from(length));
    Ok(response)
}

pub(crate) fn not_found() -> Error {
    Error::not_found(IMAGE_NOT_FOUND, "There is no such picture.")
}

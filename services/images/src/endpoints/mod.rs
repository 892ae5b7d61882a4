//! The service's endpoints, one file each.

mod audit;
mod details;
mod internal;
mod list;
mod show;
mod upload;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    routing::{get, post},
};
use techcommerce_contracts::{codes::IMAGE_NOT_FOUND, images::ImageDetails};
use techcommerce_kernel::{Error, Timestamp};
use utoipa::OpenApi;

use crate::{MAX_BYTES, State, rows::ImageRow, variant::describe};

/// What a form needs around its file.
const FORM_BYTES: usize = 64 * 1024;

#[derive(OpenApi)]
#[openapi(paths(audit::audit, details::details, list::list, show::show, upload::upload))]
pub(crate) struct Document;

pub(crate) fn routes() -> Router<State> {
    let limit = usize::try_from(MAX_BYTES).unwrap_or(usize::MAX) + FORM_BYTES;
    Router::new()
        .route("/images", get(list::list))
        .route(
            "/images/upload",
            post(upload::upload).layer(DefaultBodyLimit::max(limit)),
        )
        .route("/images/{id}", get(details::details))
        .route("/images/{id}/{variant}", get(show::show))
        .route("/audit/images", get(audit::audit))
        .route("/internal/images", post(internal::create))
        .route("/internal/images/{id}", get(internal::get))
}

fn not_found() -> Error {
    Error::not_found(IMAGE_NOT_FOUND, "There is no such picture.")
}

/// A row as staff see it.
fn shown(row: ImageRow) -> ImageDetails {
    let image = describe(row.id, row.size());
    ImageDetails {
        id: image.id,
        url: image.url,
        width: image.width,
        height: image.height,
        variants: image.variants,
        file_name: row.file_name,
        format: row.format,
        uploaded_bytes: row.uploaded_bytes,
        stored_bytes: row.bytes,
        sizes_ready: row.sized_at.is_some(),
        created_at: Some(Timestamp::from_micros(row.created_at)),
    }
}

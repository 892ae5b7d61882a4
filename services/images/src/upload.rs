//! `POST /images/upload`: staff add a picture.

use axum::{
    extract::{Multipart, State as FromState, multipart::MultipartRejection},
    response::{IntoResponse, Response},
};
use futures_util::TryStreamExt;
use http::StatusCode;
use techcommerce_contracts::{Problem, codes::IMAGE_REFUSED, images::Uploaded};
use techcommerce_http::{ApiResult, Json, Staff};
use techcommerce_kernel::{Error, Kind};
use utoipa::ToSchema;

use crate::{State, add::add, receive::receive};

/// The form of an upload.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the form; it is read as a stream")]
pub(crate) struct UploadForm {
    /// A PNG, JPEG or WebP picture of at most 20 MB and 40 million pixels.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Add a picture
///
/// The picture is turned upright and encoded anew, so that no metadata of it is left, and is
/// there in all sizes when this answers. The same file again gives the same picture.
#[utoipa::path(
    post, path = "/api/images/upload", tag = "images", operation_id = "upload_image",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "The picture", body = Uploaded),
        (status = 400, description = "No file, or a broken one, or too many pixels", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Only staff may do this", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The file is larger than 20 MB", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "No PNG, JPEG or WebP", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(crate) async fn upload(
    FromState(state): FromState<State>,
    _staff: Staff,
    form: Result<Multipart, MultipartRejection>,
) -> ApiResult<Response> {
    let mut form = form.map_err(|rejection| {
        Error::new(
            Kind::UnsupportedMedia,
            "unsupported_media_type",
            "Send the picture as multipart/form-data in the field `file`.",
        )
        .caused_by(rejection)
    })?;
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        if field.name() != Some("file") {
            continue;
        }
        let chunks = field.map_err(unreadable);
        let upload = receive(&state.incoming, &state.env, chunks).await?;
        let uploaded = add(&state, upload).await?;
        return Ok((StatusCode::CREATED, Json(uploaded)).into_response());
    }
    Err(Error::invalid_field(
        "file",
        "is missing: send the picture as a file in this field",
    )
    .into())
}

fn unreadable(error: axum::extract::multipart::MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Error::new(
            Kind::TooLarge,
            IMAGE_REFUSED,
            "The file is larger than 20 MB.",
        );
    }
    Error::invalid("invalid_form", "The form broke off or is malformed.").caused_by(error)
}

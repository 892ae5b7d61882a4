//! `POST /images/upload`: staff add a picture.
//!
//! Errors: 400 `image_refused`, `invalid_form`, `invalid_input`, 401 `unauthenticated`,
//! 403 `forbidden`, 413 and 415 `image_refused`, 503 `unavailable`.

use axum::{
    extract::{Multipart, State as FromState, multipart::MultipartRejection},
    response::{IntoResponse, Response},
};
use futures_util::TryStreamExt;
use http::StatusCode;
use techcommerce_contracts::{Principal, Problem, images::Uploaded};
use techcommerce_http::{ApiResult, Json, Staff};
use techcommerce_kernel::{Error, Kind};
use utoipa::ToSchema;

use crate::{
    State,
    add::{Incoming, add, count},
    receive::{receive, too_large},
};

/// The most characters of a file's name that are kept.
const NAME_LENGTH: usize = 200;

/// The form of an upload.
#[derive(Debug, ToSchema)]
#[allow(dead_code, reason = "describes the form; it is read as a stream")]
pub(crate) struct UploadForm {
    /// A PNG, JPEG, GIF or WebP picture of at most 20 MB and 40 million pixels.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// Add a picture
///
/// The picture is turned upright and encoded anew, so that no metadata of it is left. All its
/// addresses work from now on: until the smaller sizes are made, they give the largest. The same
/// file again gives the same picture. One picture a request; other fields are passed over.
#[utoipa::path(
    post, path = "/api/images/upload", tag = "images", operation_id = "upload_image",
    request_body(content = UploadForm, content_type = "multipart/form-data"),
    responses(
        (status = 201, description = "The picture", body = Uploaded),
        (status = 400, description = "No file, or a broken one, or too many pixels", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "Nobody is signed in", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "Only staff may do this", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "The file is larger than 20 MB", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "No PNG, JPEG, GIF or WebP", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "The store cannot be reached; nothing was kept", body = Problem, content_type = "application/problem+json"),
    ),
    security(("bearer" = []), ("cookie" = [])),
)]
pub(crate) async fn upload(
    FromState(state): FromState<State>,
    Staff(staff): Staff,
    form: Result<Multipart, MultipartRejection>,
) -> ApiResult<Response> {
    let uploaded = count(&state, take(&state, &staff, form).await)?;
    Ok((StatusCode::CREATED, Json(uploaded)).into_response())
}

async fn take(
    state: &State,
    staff: &Principal,
    form: Result<Multipart, MultipartRejection>,
) -> Result<(Uploaded, bool), Error> {
    let mut form = form.map_err(|rejection| {
        Error::new(
            Kind::UnsupportedMedia,
            "unsupported_media_type",
            "Send the picture as multipart/form-data in the field `file`.",
        )
        .caused_by(rejection)
    })?;
    let mut taken = None;
    while let Some(field) = form.next_field().await.map_err(unreadable)? {
        if field.name() != Some("file") {
            continue;
        }
        if taken.is_some() {
            return Err(Error::invalid_field(
                "file",
                "is there twice: send one picture a request",
            ));
        }
        let file_name = field.file_name().and_then(plain_name);
        let content = receive(&state.incoming, field.map_err(unreadable)).await?;
        taken = Some(Incoming {
            content,
            file_name,
            staff: Some(staff),
        });
    }
    let Some(upload) = taken else {
        return Err(Error::invalid_field(
            "file",
            "is missing: send the picture as a file in this field",
        ));
    };
    add(state, upload).await
}

/// The name without folders and without what is no text; only ever shown.
fn plain_name(name: &str) -> Option<String> {
    let name = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain = name
        .chars()
        .filter(|c| !c.is_control() && !is_invisible(*c));
    let plain: String = plain.take(NAME_LENGTH).collect();
    let plain = plain.trim();
    (!plain.is_empty()).then(|| plain.to_owned())
}

/// What turns the direction of writing, or has no width, so that a name looks like another.
fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
}

fn unreadable(error: axum::extract::multipart::MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return too_large();
    }
    Error::invalid("invalid_form", "The form broke off or is malformed.").caused_by(error)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_plain() {
        let plain = |name| plain_name(name).unwrap_or_default();
        assert_eq!(plain("mug.png"), "mug.png");
        assert_eq!(plain("C:\\shop\\Becher grün.jpg"), "Becher grün.jpg");
        assert_eq!(plain("../../etc/passwd"), "passwd");
        assert_eq!(plain("a\u{202e}gnp.exe\0\n"), "agnp.exe");
        assert_eq!(plain_name("/"), None);
        assert_eq!(plain(&"x".repeat(5000)).len(), NAME_LENGTH);
    }
}

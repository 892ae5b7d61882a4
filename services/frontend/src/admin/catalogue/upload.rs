//! Forms with files (`multipart/form-data`): fields are read, files are passed on as they come, so
//! that no file is ever held whole.

use std::{convert::Infallible, io};

use axum::extract::{
    Multipart,
    multipart::{Field, MultipartError, MultipartRejection},
};
use bytes::Bytes;
use futures_util::stream;
use http::StatusCode;
use http_body_util::{BodyExt, Full};
use techcommerce_contracts::{channel::Body, codes, images::Uploaded};
use techcommerce_kernel::{Error, Kind};
use tokio::sync::mpsc;

use super::{calls, product::fields::Fields};
use crate::{admin::Desk, failure::Failure};

/// The most bytes of all fields that are no files.
const FIELDS: usize = 8 * 1024 * 1024;
/// The most pictures in one go.
const PICTURES: usize = 50;

/// A form with what became of its pictures.
#[derive(Debug, Default)]
pub struct Posted {
    /// The fields.
    pub fields: Fields,
    /// The pictures that the shop took, in their order.
    pub uploaded: Vec<Uploaded>,
    /// The files that it did not take, and why.
    pub refused: Vec<String>,
}

/// Reads a form; each file in it is a picture for the shop.
///
/// # Errors
/// The form is malformed, or one may not upload.
pub async fn with_pictures(
    desk: &Desk,
    form: Result<Multipart, MultipartRejection>,
) -> Result<Posted, Failure> {
    let mut form = form.map_err(unreadable)?;
    let mut posted = Posted::default();
    let mut left = FIELDS;
    let mut pictures = 0;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        let Some(file_name) = field.file_name().map(str::to_owned) else {
            read_field(field, &mut posted.fields, &mut left).await?;
            continue;
        };
        // A field for files that was left empty is sent all the same.
        if file_name.is_empty() {
            continue;
        }
        pictures += 1;
        if pictures > PICTURES {
            let text = desk
                .visitor
                .texts
                .with("goods_wrong.too_many_pictures", PICTURES);
            posted.refused.push(text);
            break;
        }
        let answer = passed_on(field, |file| calls::upload_picture(desk, &file_name, file)).await;
        match answer {
            Ok(uploaded) => posted.uploaded.push(uploaded),
            Err(error) if error.code() == codes::IMAGE_REFUSED => {
                let why = desk.explain(&error);
                posted.refused.push(format!("{file_name}: {why}"));
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(posted)
}

/// Reads a form up to its first file and passes that on. The fields must stand before it.
///
/// # Errors
/// The form is malformed; there is no file in it (`invalid_input`); what `pass` refuses.
pub async fn with_file<T>(
    form: Result<Multipart, MultipartRejection>,
    pass: impl AsyncFnOnce(Fields, String, Body) -> Result<T, Error>,
) -> Result<T, Error> {
    let mut form = form.map_err(unreadable)?;
    let mut fields = Fields::default();
    let mut left = FIELDS;
    while let Some(field) = form.next_field().await.map_err(broken)? {
        match field.file_name().map(str::to_owned) {
            None => read_field(field, &mut fields, &mut left).await?,
            Some(name) if name.is_empty() => {}
            Some(name) => return passed_on(field, |file| pass(fields, name, file)).await,
        }
    }
    Err(Error::invalid_field("file", "is missing"))
}

async fn read_field(field: Field<'_>, into: &mut Fields, left: &mut usize) -> Result<(), Error> {
    let Some(name) = field.name().map(str::to_owned) else {
        return Ok(());
    };
    let value = field.text().await.map_err(broken)?;
    let wrong = || Error::invalid(codes::INVALID_INPUT, "The form could not be read.");
    *left = left
        .checked_sub(name.len() + value.len())
        .ok_or_else(wrong)?;
    // No database takes U+0000 into a text, and nobody types it.
    if value.contains('\0') {
        return Err(wrong());
    }
    into.push(name, value);
    Ok(())
}

/// Sends the field's bytes through `send` while they arrive.
async fn passed_on<T>(
    mut field: Field<'_>,
    send: impl AsyncFnOnce(Body) -> Result<T, Error>,
) -> Result<T, Error> {
    let (chunks, receiver) = mpsc::channel::<Result<Bytes, io::Error>>(2);
    let body = Body::from_stream(stream::unfold(receiver, async |mut receiver| {
        let chunk = receiver.recv().await?;
        Some((chunk, receiver))
    }));
    let pump = async move {
        loop {
            let chunk = match field.chunk().await {
                Ok(Some(chunk)) => Ok(chunk),
                Ok(None) => return,
                Err(_) => Err(io::Error::from(io::ErrorKind::UnexpectedEof)),
            };
            let ends = chunk.is_err();
            // Whoever reads has seen enough when it does not go through.
            if chunks.send(chunk).await.is_err() || ends {
                return;
            }
        }
    };
    let (answer, ()) = tokio::join!(send(body), pump);
    answer
}

/// `file` between two texts.
pub fn framed(head: String, file: Body, tail: String) -> Body {
    let text = |text: String| {
        let body = Full::new(Bytes::from(text));
        Body::new(body.map_err(|never: Infallible| match never {}))
    };
    let parts = [text(head), file, text(tail)];
    let chunks = stream::unfold(
        parts.into_iter().collect::<std::collections::VecDeque<_>>(),
        next,
    );
    Body::from_stream(chunks)
}

type Parts = std::collections::VecDeque<Body>;

/// The next bytes of the first part that has any.
async fn next(mut parts: Parts) -> Option<(Result<Bytes, axum::Error>, Parts)> {
    while let Some(part) = parts.front_mut() {
        match part.frame().await {
            Some(Ok(frame)) => {
                if let Ok(bytes) = frame.into_data() {
                    return Some((Ok(bytes), parts));
                }
            }
            Some(Err(error)) => return Some((Err(axum::Error::new(error)), Parts::new())),
            None => {
                parts.pop_front();
            }
        }
    }
    None
}

fn unreadable(rejection: MultipartRejection) -> Error {
    Error::invalid(codes::INVALID_INPUT, "The form could not be read.").caused_by(rejection)
}

fn broken(error: MultipartError) -> Error {
    if error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Error::new(Kind::TooLarge, "too_large", "The form is too large.");
    }
    Error::invalid(codes::INVALID_INPUT, "The form broke off or is malformed.").caused_by(error)
}

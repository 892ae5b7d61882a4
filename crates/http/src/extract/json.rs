//! A JSON body.

use axum::{
    extract::{FromRequest, Request, rejection::BytesRejection},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http::{HeaderMap, StatusCode, header};
use http_body_util::LengthLimitError;
use serde::{Serialize, de::DeserializeOwned};
use techcommerce_contracts::codes;
use techcommerce_kernel::{Error, Kind};

use super::{NO_NUL, full_path, strict::Strict, without_value};
use crate::{ApiError, arrival};

/// A JSON body, in or out.
///
/// Errors: 415 `unsupported_media_type`, 413 `too_large`, 400 `invalid_json` (no JSON) or
/// `invalid_input` (another shape, with `errors`).
#[derive(Debug, Clone, Copy, Default)]
pub struct Json<T>(pub T);

impl<T: DeserializeOwned, S: Send + Sync> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        Self::with_bytes(request, state).await.map(|(json, _)| json)
    }
}

impl<T: DeserializeOwned> Json<T> {
    /// The body, and as it was sent.
    ///
    /// # Errors
    /// Those of the extractor.
    pub async fn with_bytes<S: Send + Sync>(
        request: Request,
        state: &S,
    ) -> Result<(Self, Bytes), ApiError> {
        if !is_json(request.headers()) {
            return Err(Error::new(
                Kind::UnsupportedMedia,
                "unsupported_media_type",
                "Send JSON, with the header `Content-Type: application/json`.",
            )
            .into());
        }
        let bytes = Bytes::from_request(request, state).await.map_err(unread)?;
        Ok((Self(from_slice(&bytes)?), bytes))
    }
}

impl<T: Serialize> IntoResponse for Json<T> {
    fn into_response(self) -> Response {
        match serde_json::to_vec(&self.0) {
            Ok(body) => ([(header::CONTENT_TYPE, "application/json")], body).into_response(),
            Err(error) => ApiError(Error::internal(error)).into_response(),
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
    else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/json")
        || (essence.len() > 17
            && essence.is_char_boundary(12)
            && essence[..12].eq_ignore_ascii_case("application/")
            && essence.to_ascii_lowercase().ends_with("+json"))
}

fn unread(rejection: BytesRejection) -> ApiError {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE || grew_too_large(&rejection) {
        Error::new(
            Kind::TooLarge,
            "too_large",
            "The body is larger than allowed here.",
        )
        .into()
    } else {
        arrival::unread().into()
    }
}

/// Whether somebody on the way in cut the body off at their own limit.
fn grew_too_large(rejection: &BytesRejection) -> bool {
    let mut cause = std::error::Error::source(rejection);
    while let Some(error) = cause {
        if error.is::<LengthLimitError>() {
            return true;
        }
        cause = error.source();
    }
    false
}

/// Reads `bytes` as JSON of shape `T`.
fn from_slice<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Error> {
    if escapes_nul(bytes) {
        return Err(Error::invalid_field("", NO_NUL));
    }
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut deserializer).map_err(|error| {
        let path = error.path().to_string();
        explain(&path, error.inner(), bytes.is_empty())
    })?;
    deserializer
        .end()
        .map_err(|error| explain("", &error, false))?;
    // Only what has a list can have one in the place of an object.
    if bytes.contains(&b'[') {
        let plain = serde_json::from_slice(bytes).map_err(|error| explain("", &error, false))?;
        serde_path_to_error::deserialize::<_, T>(Strict(plain)).map_err(|error| {
            let path = error.path().to_string();
            explain(&path, error.inner(), false)
        })?;
    }
    Ok(value)
}

/// Whether a text in this JSON holds NUL, which JSON can only write as an escape.
fn escapes_nul(json: &[u8]) -> bool {
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| *byte == b'\\') {
        let after = &rest[at + 1..];
        if after.starts_with(b"u0000") {
            return true;
        }
        // The next byte is escaped, be it another backslash.
        rest = after.get(1..).unwrap_or_default();
    }
    false
}

fn explain(path: &str, error: &serde_json::Error, empty: bool) -> Error {
    if empty {
        return Error::invalid(codes::INVALID_JSON, "The body is empty; JSON is expected.");
    }
    let text = error.to_string();
    if !error.is_data() {
        return Error::invalid(
            codes::INVALID_JSON,
            format!("The body is not JSON: {text}."),
        );
    }
    // The place in the text helps nobody who made the body by a program; the path does.
    let message = match text.rsplit_once(" at line ") {
        Some((message, _)) => message,
        None => &text,
    };
    Error::invalid_field(full_path(path, message), without_value(message))
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use serde::Deserialize;

    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Order {
        email: String,
        lines: Vec<Line>,
    }

    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "only its shape matters")]
    struct Line {
        quantity: u32,
    }

    async fn take(media_type: &str, body: &'static str) -> Result<Order, Error> {
        let request = Request::builder()
            .header(header::CONTENT_TYPE, media_type)
            .body(Body::from(body))
            .unwrap();
        Json::from_request(request, &())
            .await
            .map(|Json(order)| order)
            .map_err(|ApiError(error)| error)
    }

    async fn path_of(body: &'static str) -> String {
        let error = take("application/json", body).await.unwrap_err();
        assert_eq!(error.code(), codes::INVALID_INPUT);
        error.fields()[0].path.clone()
    }

    #[tokio::test]
    async fn the_place_of_a_mistake_is_named() {
        let path = path_of(r#"{"email":"a","lines":[{"quantity":"two"}]}"#).await;
        assert_eq!(path, "lines[0].quantity");
        assert_eq!(
            path_of(r#"{"email":"a","lines":[{}]}"#).await,
            "lines[0].quantity"
        );
        assert_eq!(path_of(r#"{"lines":[]}"#).await, "email");
        assert_eq!(path_of(r#"{"email":"a","lines":[],"x":1}"#).await, "x");
        assert_eq!(path_of("[]").await, "");
    }

    #[tokio::test]
    async fn a_list_in_the_place_of_an_object_is_refused() {
        assert_eq!(path_of(r#"["a",[]]"#).await, "");
        assert_eq!(path_of(r#"{"email":"a","lines":[[2]]}"#).await, "lines[0]");
        let good = r#"{"email":"a","lines":[{"quantity":2}]}"#;
        assert!(take("application/json", good).await.is_ok());
    }

    #[tokio::test]
    async fn a_body_that_was_cut_off_for_its_length_is_too_large() {
        let long = Body::from(r#"{"email":"a","lines":[]}"#);
        let request = Request::builder()
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::new(http_body_util::Limited::new(long, 10)))
            .unwrap();
        let taken = Json::<Order>::from_request(request, &()).await;
        let ApiError(error) = taken.map(drop).unwrap_err();
        assert_eq!((error.kind(), error.code()), (Kind::TooLarge, "too_large"));
    }

    #[tokio::test]
    async fn what_is_no_json_is_told_so() {
        for body in [
            "",
            "{",
            "{\"email\":",
            "{\"email\":\"a\",\"lines\":[]} more",
        ] {
            let error = take("application/json", body).await.unwrap_err();
            assert_eq!(
                (error.kind(), error.code()),
                (Kind::Invalid, "invalid_json"),
                "{body}"
            );
        }
    }

    #[tokio::test]
    async fn nul_is_refused_and_what_looks_like_it_is_not() {
        let body = r#"{"email":"a\u0000","lines":[]}"#;
        let error = take("application/json", body).await.unwrap_err();
        assert_eq!(error.code(), codes::INVALID_INPUT);
        for fine in [
            r#"{"email":"\\u0000","lines":[]}"#,
            r#"{"email":"u0000","lines":[]}"#,
        ] {
            assert!(take("application/json", fine).await.is_ok(), "{fine}");
        }
        assert!(take("application/json", r#"{"email":"\"#).await.is_err());
    }

    #[tokio::test]
    async fn media_types_are_looked_at() {
        let body = r#"{"email":"a","lines":[]}"#;
        for good in [
            "application/json",
            "Application/JSON; charset=utf-8",
            "application/x+json",
        ] {
            assert!(take(good, body).await.is_ok(), "{good}");
        }
        for bad in ["text/plain", "application/xml", "", "äpplication/json"] {
            let error = take(bad, body).await.unwrap_err();
            assert_eq!(error.kind(), Kind::UnsupportedMedia, "{bad}");
        }
    }
}

//! Conditional answers: who has the newest copy already gets a 304 (RFC 9110 §13).

use std::convert::Infallible;

use axum::{
    body::Body,
    extract::FromRequestParts,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode, header, request::Parts};
use sha2::{Digest, Sha256};
use techcommerce_kernel::Error;

/// A weak entity tag of these bytes. Weak, because a compressing layer may change the bytes on
/// their way without changing what they mean.
pub fn of(bytes: &[u8]) -> String {
    let hash = Sha256::digest(bytes);
    format!("W/\"{}\"", URL_SAFE_NO_PAD.encode(&hash[..16]))
}

/// Whether `If-None-Match` names this tag (weak comparison).
pub fn matches(headers: &HeaderMap, tag: &str) -> bool {
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let wanted = opaque(tag);
    headers
        .get_all(header::IF_NONE_MATCH)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|candidate| candidate.trim() == "*" || opaque(candidate) == wanted)
}

/// The headers of a request that say which copies are there already, and no others.
#[derive(Debug, Clone, Default)]
pub struct IfNoneMatch(pub HeaderMap);

impl<S: Sync> FromRequestParts<S> for IfNoneMatch {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let values = parts.headers.get_all(header::IF_NONE_MATCH).iter();
        let named = |value: &HeaderValue| (header::IF_NONE_MATCH, value.clone());
        Ok(Self(values.map(named).collect()))
    }
}

/// [`of`] as a header's value.
///
/// # Errors
/// Never in practice: a tag is of letters.
pub fn header(bytes: &[u8]) -> Result<HeaderValue, Error> {
    HeaderValue::try_from(of(bytes)).map_err(Error::internal)
}

/// `body` with its tag and `cache_control`, or a 304 without it if the client has it already.
/// `headers` are the request's; the request must be a GET or HEAD.
pub fn answer(
    headers: &HeaderMap,
    media_type: &'static str,
    cache_control: &'static str,
    body: impl Into<Bytes>,
) -> Response {
    let body = body.into();
    match header(&body) {
        Ok(tag) => tagged(headers, media_type, cache_control, tag, || body),
        Err(error) => crate::ApiError(error).into_response(),
    }
}

/// As [`answer`], for a body whose tag is known before it is made.
pub fn tagged(
    headers: &HeaderMap,
    media_type: &'static str,
    cache_control: &'static str,
    tag: HeaderValue,
    body: impl FnOnce() -> Bytes,
) -> Response {
    let known = headers.contains_key(header::IF_NONE_MATCH)
        && tag.to_str().is_ok_and(|tag| matches(headers, tag));
    let mut response = if known {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        let kind = [(header::CONTENT_TYPE, HeaderValue::from_static(media_type))];
        (kind, Body::from(body())).into_response()
    };
    let answer = response.headers_mut();
    // The edge adds its own; to grow on the way would be to hash them all again.
    answer.reserve(20);
    answer.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static(cache_control),
    );
    answer.insert(header::ETAG, tag);
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asking(tag: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::IF_NONE_MATCH, tag.parse().unwrap());
        headers
    }

    #[test]
    fn the_same_bytes_are_not_sent_twice() {
        let first = answer(&HeaderMap::new(), "application/json", "no-cache", "{}");
        assert_eq!(first.status(), 200);
        let tag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
        for known in [tag.clone(), "*".to_owned(), format!("\"x\", {}", &tag[2..])] {
            let again = answer(&asking(&known), "application/json", "no-cache", "{}");
            assert_eq!(again.status(), 304, "{known}");
            assert_eq!(again.headers()[header::ETAG], tag.as_str());
        }
        let other = answer(&asking(&tag), "application/json", "no-cache", "{ }");
        assert_eq!(other.status(), 200);
    }
}

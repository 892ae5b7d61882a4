//! Conditional answers: who has the newest copy already gets a 304 (RFC 9110 §13).

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use sha2::{Digest, Sha256};

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

/// `body` with its tag and `cache_control`, or a 304 without it if the client has it already.
/// `headers` are the request's; the request must be a GET or HEAD.
pub fn answer(
    headers: &HeaderMap,
    media_type: &'static str,
    cache_control: &'static str,
    body: impl Into<bytes::Bytes>,
) -> Response {
    let body = body.into();
    let tag = of(&body);
    let mut response = if matches(headers, &tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, media_type)], Body::from(body)).into_response()
    };
    let answer = response.headers_mut();
    answer.insert(
        header::CACHE_CONTROL,
        HeaderValue::from_static(cache_control),
    );
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        answer.insert(header::ETAG, tag);
    }
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

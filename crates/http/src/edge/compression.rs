//! Compression, for what gains from it.

use std::{
    convert::Infallible,
    future::ready,
    sync::{Arc, Mutex, PoisonError},
};

use axum::{Router, body::Body, response::Response};
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, StatusCode, header};
use http_body_util::{BodyExt, Collected};
use tower::{Layer, ServiceExt, service_fn};
use tower_http::compression::{
    CompressionLayer,
    predicate::{DefaultPredicate, NotForContentType, Predicate},
};

/// The default leaves out short answers, pictures (but not SVG), event streams and gRPC.
fn worth_it() -> impl Predicate {
    DefaultPredicate::new()
        .and(NotForContentType::const_new("font/"))
        .and(NotForContentType::const_new("video/"))
        .and(NotForContentType::const_new("application/zip"))
        .and(NotForContentType::const_new("application/gzip"))
}

/// Compresses answers (br, zstd, gzip: what the client takes) that are not compressed already.
pub fn compress(router: Router) -> Router {
    router.layer(CompressionLayer::new().compress_when(worth_it()))
}

/// What a request says of compression, kept for its answer.
pub(crate) struct Accepted(HeaderMap);

impl Accepted {
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let mut values = headers.get_all(header::ACCEPT_ENCODING).iter().peekable();
        values.peek()?;
        let named = |value: &HeaderValue| (header::ACCEPT_ENCODING, value.clone());
        Some(Self(values.map(named).collect()))
    }

    /// As [`compress`] does it, for one answer; from what is kept of it, if it is.
    async fn compressed(self, mut answer: Response) -> Response {
        let kept = answer.extensions_mut().remove::<Packed>();
        let Some(kept) = kept.filter(|_| is_worth_it(&answer)) else {
            return Box::pin(self.packed(answer)).await;
        };
        let wish = self.wish();
        if let Some((encoding, bytes)) = kept.get(&wish) {
            *answer.body_mut() = Body::from(bytes);
            let headers = answer.headers_mut();
            if let Some(encoding) = encoding {
                headers.remove(header::CONTENT_LENGTH);
                headers.insert(header::CONTENT_ENCODING, encoding);
            }
            headers.append(header::VARY, HeaderValue::from_static("accept-encoding"));
            return answer;
        }
        let (head, body) = Box::pin(self.packed(answer)).await.into_parts();
        // It is in memory already, so it cannot fail, or be long in coming.
        let bytes = body.collect().await.map(Collected::to_bytes);
        let bytes = bytes.unwrap_or_default();
        if head.status == StatusCode::OK {
            let encoding = head.headers.get(header::CONTENT_ENCODING).cloned();
            kept.put(wish, encoding, &bytes);
        }
        Response::from_parts(head, Body::from(bytes))
    }

    /// All that is said, to the letter.
    fn wish(&self) -> Vec<u8> {
        let values = self.0.values().map(HeaderValue::as_bytes);
        values.collect::<Vec<_>>().join(&b',')
    }

    async fn packed(self, answer: Response) -> Response {
        let mut request = Request::new(());
        *request.headers_mut() = self.0;
        let mut answer = Some(answer);
        let made = service_fn(move |_: Request<()>| {
            ready(Ok::<_, Infallible>(answer.take().unwrap_or_default()))
        });
        let layer = CompressionLayer::new().compress_when(worth_it());
        match layer.layer(made).oneshot(request).await {
            Ok(answer) => answer.map(Body::new),
            Err(never) => match never {},
        }
    }
}

/// Compresses an answer as [`compress`] does, if its request asked for it.
pub(crate) async fn compressed(accepted: Option<Accepted>, mut answer: Response) -> Response {
    if let Some(accepted) = accepted {
        return accepted.compressed(answer).await;
    }
    // Most programs do not ask. Caches must know that others may get it otherwise.
    if is_worth_it(&answer) {
        let name = HeaderValue::from_static("accept-encoding");
        answer.headers_mut().append(header::VARY, name);
    }
    answer
}

/// As the layer decides.
fn is_worth_it(answer: &Response) -> bool {
    let headers = answer.headers();
    !headers.contains_key(header::CONTENT_ENCODING)
        && !headers.contains_key(header::CONTENT_RANGE)
        && worth_it().should_compress(answer)
}

/// What an answer that is given often was compressed to, for each way to ask that was met. Whoever
/// keeps such an answer keeps this with it, and leaves a clone in its extensions. Clones are the
/// same.
#[derive(Debug, Clone, Default)]
pub struct Packed(Arc<Mutex<Vec<Kept>>>);

/// How it was asked for, its encoding, and the bytes.
type Kept = (Vec<u8>, Option<HeaderValue>, Bytes);

impl Packed {
    /// Browsers and programs ask in a handful of ways; strangers could ask in any.
    const WAYS: usize = 4;
    const LONGEST_WISH: usize = 64;

    fn get(&self, wish: &[u8]) -> Option<(Option<HeaderValue>, Bytes)> {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = known.iter().find(|(asked, ..)| asked == wish);
        kept.map(|(_, encoding, bytes)| (encoding.clone(), bytes.clone()))
    }

    fn put(&self, wish: Vec<u8>, encoding: Option<HeaderValue>, bytes: &Bytes) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let fits = known.len() < Self::WAYS && wish.len() <= Self::LONGEST_WISH;
        // Two may have made it at once.
        if fits && !known.iter().any(|(asked, ..)| *asked == wish) {
            known.push((wish, encoding, bytes.clone()));
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::{response::IntoResponse, routing::get};

    use super::*;

    /// What one answer is sent as, which is the same with the layer and for an answer by itself.
    async fn encoding_of(media_type: &'static str, accepts: &str) -> Option<String> {
        let tea = move || ([(header::CONTENT_TYPE, media_type)], "tea ".repeat(1000));
        let answer = move || async move { tea() };
        let request = Request::get("/")
            .header(header::ACCEPT_ENCODING, accepts)
            .body(Body::empty())
            .unwrap();
        let router = compress(Router::new().route("/", get(answer)));
        let accepted = Accepted::of(request.headers());
        let response = router.oneshot(request).await.unwrap();
        let alone = compressed(accepted, tea().into_response()).await;
        for name in [header::CONTENT_ENCODING, header::VARY] {
            assert_eq!(alone.headers().get(&name), response.headers().get(&name));
        }
        let encoding = response.headers().get(header::CONTENT_ENCODING)?;
        Some(encoding.to_str().unwrap().to_owned())
    }

    #[tokio::test]
    async fn texts_are_compressed_as_the_client_likes() {
        for accepts in ["br", "zstd", "gzip"] {
            assert_eq!(
                encoding_of("text/html", accepts).await.as_deref(),
                Some(accepts)
            );
        }
        assert_eq!(encoding_of("text/html", "identity").await, None);
        assert_eq!(
            encoding_of("image/svg+xml", "gzip").await.as_deref(),
            Some("gzip")
        );
    }

    #[tokio::test]
    async fn who_does_not_ask_gets_it_as_it_is() {
        let answer = |body: &'static str| ([(header::CONTENT_TYPE, "text/plain")], body);
        let long = answer(concat!(
            "0123456789",
            "0123456789",
            "0123456789",
            "01234567890"
        ));
        let response = compressed(None, long.into_response()).await;
        assert_eq!(response.headers()[header::VARY], "accept-encoding");
        assert!(!response.headers().contains_key(header::CONTENT_ENCODING));
        let short = compressed(None, answer("short").into_response()).await;
        assert!(!short.headers().contains_key(header::VARY));
    }

    #[tokio::test]
    async fn what_is_kept_is_compressed_once() {
        let kept = Packed::default();
        let asking = |wish: &'static str| {
            let wish = (header::ACCEPT_ENCODING, HeaderValue::from_static(wish));
            Accepted::of(&[wish].into_iter().collect())
        };
        let answer = |body: &str| {
            let kind = [(header::CONTENT_TYPE, "application/json")];
            let mut answer = (kind, body.repeat(1000)).into_response();
            answer.extensions_mut().insert(kept.clone());
            answer
        };
        for (wish, encoding) in [
            ("br, gzip", Some("br")),
            ("gzip", Some("gzip")),
            ("identity", None),
        ] {
            let first = compressed(asking(wish), answer("tea ")).await;
            // Another body shows which are kept.
            let again = compressed(asking(wish), answer("mug ")).await;
            for name in [header::CONTENT_ENCODING, header::VARY] {
                assert_eq!(
                    first.headers().get(&name),
                    again.headers().get(&name),
                    "{wish}"
                );
            }
            let sent = again.headers().get(header::CONTENT_ENCODING);
            assert_eq!(sent.map(|value| value.to_str().unwrap()), encoding);
            let first = first.into_body().collect().await.unwrap().to_bytes();
            let again = again.into_body().collect().await.unwrap().to_bytes();
            assert_eq!(first, again, "{wish}");
        }
        for number in 0..100 {
            kept.put(format!("gzip;q=0.{number}").into(), None, &Bytes::new());
        }
        assert_eq!(kept.0.lock().unwrap().len(), Packed::WAYS);
        let short = compressed(asking("gzip"), "short".into_response()).await;
        assert!(!short.headers().contains_key(header::CONTENT_ENCODING));
    }

    #[tokio::test]
    async fn what_is_compressed_already_stays() {
        for media_type in ["image/webp", "image/jpeg", "font/woff2", "application/zip"] {
            assert_eq!(
                encoding_of(media_type, "br, gzip").await,
                None,
                "{media_type}"
            );
        }
    }
}

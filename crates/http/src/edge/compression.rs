//! Compression, for what gains from it.

use axum::Router;
use tower_http::compression::{
    CompressionLayer,
    predicate::{DefaultPredicate, NotForContentType, Predicate},
};

/// Compresses answers (br, zstd, gzip: what the client takes) that are not compressed already.
pub fn compress(router: Router) -> Router {
    // The default leaves out short answers, pictures (but not SVG), event streams and gRPC.
    let worth_it = DefaultPredicate::new()
        .and(NotForContentType::const_new("font/"))
        .and(NotForContentType::const_new("video/"))
        .and(NotForContentType::const_new("application/zip"))
        .and(NotForContentType::const_new("application/gzip"));
    router.layer(CompressionLayer::new().compress_when(worth_it))
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use http::{Request, header};
    use tower::ServiceExt;

    use super::*;

    async fn encoding_of(media_type: &'static str, accepts: &str) -> Option<String> {
        let answer =
            move || async move { ([(header::CONTENT_TYPE, media_type)], "tea ".repeat(1000)) };
        let request = Request::get("/")
            .header(header::ACCEPT_ENCODING, accepts)
            .body(Body::empty())
            .unwrap();
        let router = compress(Router::new().route("/", get(answer)));
        let response = router.oneshot(request).await.unwrap();
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

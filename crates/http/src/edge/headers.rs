//! The headers that a careful site sends.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::Response,
};
use http::{HeaderMap, HeaderName, HeaderValue, header};

/// Nothing inline, nothing from elsewhere, nothing in a frame.
pub const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; \
    style-src 'self'; img-src 'self' data:; object-src 'none'; base-uri 'none'; \
    form-action 'self'; frame-ancestors 'none'";

/// Which headers are sent.
#[derive(Debug, Clone)]
pub struct SecurityHeaders {
    headers: Vec<(HeaderName, HeaderValue)>,
}

impl SecurityHeaders {
    /// For a shop at this address. Only one under TLS tells browsers to stay with TLS (HSTS).
    pub fn new(public_url: &str) -> Self {
        let fixed = |name: &'static str, value: &'static str| {
            (
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )
        };
        let mut headers = vec![
            (
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(CONTENT_SECURITY_POLICY),
            ),
            fixed("x-content-type-options", "nosniff"),
            fixed("x-frame-options", "DENY"),
            fixed("referrer-policy", "strict-origin-when-cross-origin"),
            fixed(
                "permissions-policy",
                "camera=(), microphone=(), geolocation=(), payment=(self), usb=()",
            ),
            fixed("cross-origin-opener-policy", "same-origin"),
        ];
        if public_url.starts_with("https://") {
            headers.push(fixed(
                "strict-transport-security",
                "max-age=31536000; includeSubDomains",
            ));
        }
        Self { headers }
    }

    /// Adds those that an answer does not set itself.
    pub(crate) fn add_to(&self, answer: &mut HeaderMap) {
        for (name, value) in &self.headers {
            answer.entry(name).or_insert_with(|| value.clone());
        }
    }
}

/// Adds the headers to every answer that does not set them itself.
pub fn security_headers(router: Router, headers: SecurityHeaders) -> Router {
    router.layer(middleware::from_fn_with_state(Arc::new(headers), add))
}

async fn add(State(ours): State<Arc<SecurityHeaders>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    ours.add_to(response.headers_mut());
    response
}

#[cfg(test)]
mod tests {
    use axum::{body::Body, routing::get};
    use tower::ServiceExt;

    use super::*;

    async fn headers(public_url: &str, path: &str) -> http::HeaderMap {
        let own = || async {
            (
                [(header::CONTENT_SECURITY_POLICY, "default-src 'none'")],
                "",
            )
        };
        let router = Router::new().route("/own", get(own));
        let router = security_headers(router, SecurityHeaders::new(public_url));
        let request = Request::get(path).body(Body::empty()).unwrap();
        router.oneshot(request).await.unwrap().headers().clone()
    }

    #[tokio::test]
    async fn every_answer_has_them_and_may_have_its_own() {
        let missing = headers("http://127.0.0.1:3000", "/nothing").await;
        assert_eq!(
            missing[header::CONTENT_SECURITY_POLICY],
            CONTENT_SECURITY_POLICY
        );
        assert_eq!(missing["x-content-type-options"], "nosniff");
        assert!(!missing.contains_key("strict-transport-security"));
        let own = headers("https://shop.test", "/own").await;
        assert_eq!(own[header::CONTENT_SECURITY_POLICY], "default-src 'none'");
        assert!(own.contains_key("strict-transport-security"));
    }

    #[test]
    fn nothing_inline_is_allowed() {
        assert!(!CONTENT_SECURITY_POLICY.contains("unsafe"));
        assert!(!CONTENT_SECURITY_POLICY.contains("  "));
    }
}

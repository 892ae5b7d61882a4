//! A changing request that a browser sends with our cookie must come from our own pages; one that
//! gives it a cookie must, too, or another site could sign its visitors in as somebody else.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, Method, header};
use techcommerce_contracts::codes;
use techcommerce_kernel::Error;

use crate::ApiError;

/// Which origins are our own, and which cookies make it matter.
#[derive(Debug, Clone)]
pub struct OriginCheck {
    origins: Vec<String>,
    cookies: Vec<String>,
    pages: bool,
}

impl OriginCheck {
    /// `origins` are addresses of the shop (`public_url`, and where it listens on loopback); only
    /// scheme, host and port count. `cookies` are the names of our cookies.
    pub fn new<O, C>(origins: O, cookies: C) -> Self
    where
        O: IntoIterator<Item: AsRef<str>>,
        C: IntoIterator<Item: Into<String>>,
    {
        Self {
            origins: origins
                .into_iter()
                .filter_map(|url| origin_of(url.as_ref()))
                .collect(),
            cookies: cookies.into_iter().map(Into::into).collect(),
            pages: false,
        }
    }

    /// For pages, whose forms any site could send without preflight: what says that it comes from
    /// another site is refused without our cookie as well. (Browsers leave a `SameSite` cookie out
    /// of just these requests, and the answer of a form may set one.)
    #[must_use]
    pub fn for_pages(mut self) -> Self {
        self.pages = true;
        self
    }

    /// Whether a request with this method and these headers may go on.
    ///
    /// # Errors
    /// 403 `cross_origin`.
    pub fn check(&self, method: &Method, headers: &HeaderMap) -> Result<(), Error> {
        let changes = !matches!(
            *method,
            Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
        );
        let matters =
            self.carries_our_cookie(headers) || (self.pages && says_where_it_comes_from(headers));
        if !changes || !matters || self.is_our_own(headers) {
            return Ok(());
        }
        Err(Error::forbidden(
            codes::CROSS_ORIGIN,
            "A request of a browser that changes something must come from the shop's own pages. If \
             this is the shop's own page, `public_url` is not set to the address in the browser.",
        ))
    }

    fn carries_our_cookie(&self, headers: &HeaderMap) -> bool {
        headers
            .get_all(header::COOKIE)
            .iter()
            .filter_map(|value| std::str::from_utf8(value.as_bytes()).ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.split('=').next())
            .any(|name| self.cookies.iter().any(|ours| ours == name.trim()))
    }

    fn is_our_own(&self, headers: &HeaderMap) -> bool {
        match headers.get(header::ORIGIN) {
            Some(origin) => origin
                .to_str()
                .ok()
                .and_then(origin_of)
                .is_some_and(|origin| self.origins.contains(&origin)),
            // Browsers that leave out Origin send this, and no script can set it.
            None => headers
                .get("sec-fetch-site")
                .is_some_and(|site| site == "same-origin"),
        }
    }
}

/// Browsers do, programs do not.
fn says_where_it_comes_from(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN) || headers.contains_key("sec-fetch-site")
}

/// Scheme, host and port of an address in the form in which browsers send them.
fn origin_of(url: &str) -> Option<String> {
    let uri: http::Uri = url.parse().ok()?;
    let scheme = uri.scheme_str()?.to_ascii_lowercase();
    let host = uri.host()?.to_ascii_lowercase();
    let default_port = match scheme.as_str() {
        "http" => 80,
        "https" => 443,
        _ => return None,
    };
    match uri.port_u16() {
        Some(port) if port != default_port => Some(format!("{scheme}://{host}:{port}")),
        _ => Some(format!("{scheme}://{host}")),
    }
}

/// Refuses changing requests with our cookie that come from other sites.
pub fn check_origin(router: Router, check: OriginCheck) -> Router {
    router.layer(middleware::from_fn_with_state(Arc::new(check), guard))
}

async fn guard(State(check): State<Arc<OriginCheck>>, request: Request, next: Next) -> Response {
    match check.check(request.method(), request.headers()) {
        Ok(()) => next.run(request).await,
        Err(error) => ApiError(error).into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(method: Method, headers: &[(&'static str, &'static str)]) -> bool {
        let check = OriginCheck::new(
            ["https://Shop.test/", "http://127.0.0.1:3000"],
            ["tc_session", "tc_cart"],
        );
        let headers = headers
            .iter()
            .map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap()))
            .collect();
        check.check(&method, &headers).is_ok()
    }

    const COOKIE: (&str, &str) = ("cookie", "theme=dark; tc_session=abc");

    #[test]
    fn a_page_takes_no_form_of_another_site() {
        let check = OriginCheck::new(["https://shop.test"], ["tc_session"]).for_pages();
        let allowed = |method: Method, name: &'static str, value: &'static str| {
            let headers = [(name.parse().unwrap(), value.parse().unwrap())];
            check.check(&method, &headers.into_iter().collect()).is_ok()
        };
        for (name, value) in [
            ("origin", "https://evil.test"),
            ("origin", "null"),
            ("sec-fetch-site", "cross-site"),
            ("sec-fetch-site", "same-site"),
        ] {
            assert!(!allowed(Method::POST, name, value), "{name}: {value}");
            assert!(allowed(Method::GET, name, value), "{name}: {value}");
        }
        assert!(allowed(Method::POST, "origin", "https://shop.test"));
        assert!(allowed(Method::POST, "sec-fetch-site", "same-origin"));
        assert!(allowed(Method::POST, "user-agent", "curl/8"), "a program");
    }

    #[test]
    fn only_changes_with_our_cookie_are_looked_at() {
        assert!(allowed(
            Method::GET,
            &[COOKIE, ("origin", "https://evil.test")]
        ));
        assert!(allowed(
            Method::POST,
            &[("cookie", "theme=dark; not_tc_session=1")]
        ));
        assert!(allowed(Method::POST, &[("authorization", "Bearer x")]));
        assert!(!allowed(Method::POST, &[COOKIE]));
        assert!(!allowed(Method::DELETE, &[("cookie", "tc_cart=1")]));
    }

    #[test]
    fn the_origin_must_be_ours() {
        for origin in [
            "https://shop.test",
            "https://shop.test:443",
            "http://127.0.0.1:3000",
        ] {
            assert!(
                allowed(Method::POST, &[COOKIE, ("origin", origin)]),
                "{origin}"
            );
        }
        for origin in [
            "null",
            "http://shop.test",
            "https://shop.test.evil.test",
            "https://shop.test:444",
            "http://127.0.0.1:3001",
            "http://localhost:3000",
        ] {
            assert!(
                !allowed(Method::POST, &[COOKIE, ("origin", origin)]),
                "{origin}"
            );
        }
        assert!(allowed(
            Method::POST,
            &[COOKIE, ("sec-fetch-site", "same-origin")]
        ));
        assert!(!allowed(
            Method::POST,
            &[COOKIE, ("sec-fetch-site", "same-site")]
        ));
        assert!(!allowed(
            Method::POST,
            &[
                COOKIE,
                ("sec-fetch-site", "same-origin"),
                ("origin", "https://evil.test")
            ]
        ));
    }
}

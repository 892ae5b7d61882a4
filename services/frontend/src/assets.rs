//! The files that pages load: named by their content, so that they may be kept for ever.

use std::{collections::HashMap, fmt::Write as _};

use axum::{
    extract::{Path, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, StatusCode, header};
use sha2::{Digest, Sha256};

use crate::{failure::Failure, shop::Shop};

const CSS: &str = include_str!("../static/shop.css");
const JS: &str = include_str!("../static/shop.js");
const ADMIN_CSS: &str = concat!(
    include_str!("../static/admin.css"),
    include_str!("../static/admin-catalogue.css"),
);
const ADMIN_JS: &str = concat!(
    include_str!("../static/admin.js"),
    include_str!("../static/admin-catalogue.js"),
);
const PAY_JS: &str = include_str!("../static/pay.js");
const ICON: &str = include_str!("../static/favicon.svg");
const PLACEHOLDER: &str = include_str!("../static/placeholder.svg");

const FOR_EVER: &str = "public, max-age=31536000, immutable";
const FOR_A_DAY: &str = "public, max-age=86400";

/// The addresses of the files, and the files.
#[derive(Debug)]
pub struct Assets {
    /// The stylesheet's address.
    pub css: String,
    /// The script's address.
    pub js: String,
    /// The address of what the pages for staff add to the stylesheet.
    pub admin_css: String,
    /// The address of what the pages for staff add to the script.
    pub admin_js: String,
    /// The address of the script of the page on which a card is paid with.
    pub pay_js: String,
    /// The icon's address.
    pub icon: String,
    files: HashMap<String, File>,
}

#[derive(Debug, Clone, Copy)]
struct File {
    body: &'static str,
    content_type: &'static str,
    cache: &'static str,
}

impl Assets {
    /// Reads the files that are compiled in.
    pub fn compiled_in() -> Self {
        let mut files = HashMap::new();
        let mut add = |stem: &str, ending: &str, body: &'static str, content_type| {
            let name = format!("{stem}.{}.{ending}", digest(body));
            let address = format!("/static/{name}");
            let file = File {
                body,
                content_type,
                cache: FOR_EVER,
            };
            files.insert(name, file);
            address
        };
        let css = add("shop", "css", CSS, "text/css; charset=utf-8");
        let js = add("shop", "js", JS, "text/javascript; charset=utf-8");
        let admin_css = add("admin", "css", ADMIN_CSS, "text/css; charset=utf-8");
        let admin_js = add("admin", "js", ADMIN_JS, "text/javascript; charset=utf-8");
        let pay_js = add("pay", "js", PAY_JS, "text/javascript; charset=utf-8");
        let icon = add("icon", "svg", ICON, "image/svg+xml");
        // What an import has not fetched yet points here by a fixed name.
        let file = File {
            body: PLACEHOLDER,
            content_type: "image/svg+xml",
            cache: FOR_A_DAY,
        };
        files.insert("placeholder.svg".to_owned(), file);
        Self {
            css,
            js,
            admin_css,
            admin_js,
            pay_js,
            icon,
            files,
        }
    }
}

/// The first ten digits of the content's SHA-256.
fn digest(body: &str) -> String {
    let mut text = String::with_capacity(10);
    for byte in &Sha256::digest(body.as_bytes())[..5] {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// `GET /static/{name}`
pub async fn file(
    State(shop): State<Shop>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let file = shop
        .assets
        .files
        .get(&name)
        .ok_or_else(Failure::not_found)?;
    let etag = format!("\"{}\"", digest(file.body));
    let known = headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|tag| tag == etag.as_str());
    let caching = [
        (header::CACHE_CONTROL, file.cache),
        (header::ETAG, etag.as_str()),
    ];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let kind = [(header::CONTENT_TYPE, file.content_type)];
    Ok((caching, kind, file.body).into_response())
}

/// `GET /favicon.ico`, which browsers ask for without being told to.
pub async fn favicon() -> Response {
    let kind = [
        (header::CONTENT_TYPE, "image/svg+xml"),
        (header::CACHE_CONTROL, FOR_A_DAY),
    ];
    (kind, ICON).into_response()
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Request, StatusCode};

    use crate::testing::Site;

    #[tokio::test]
    async fn files_are_named_by_content_and_kept_for_ever() {
        let site = Site::new().await;
        let addresses = site.get("/").await.addresses("/static/");
        assert_eq!(addresses.len(), 3, "{addresses:?}");
        for address in addresses {
            let file = site.get(&address).await.expect(StatusCode::OK);
            assert_eq!(file.header("cache-control"), super::FOR_EVER);
            let again = Request::get(&address).header("if-none-match", file.header("etag"));
            let again = site.send(again.body(Body::empty()).unwrap()).await;
            again.expect(StatusCode::NOT_MODIFIED);
        }
    }

    #[tokio::test]
    async fn what_has_a_fixed_name_is_asked_for_again() {
        let site = Site::new().await;
        for address in ["/static/placeholder.svg", "/favicon.ico"] {
            let file = site.get(address).await.expect(StatusCode::OK);
            assert_eq!(file.header("content-type"), "image/svg+xml");
            assert_eq!(file.header("cache-control"), super::FOR_A_DAY);
        }
        site.get("/static/shop.0.css")
            .await
            .expect(StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn texts_travel_compressed_under_a_strict_policy() {
        let site = Site::new().await;
        let css = site.get("/").await.addresses("/static/shop.").remove(0);
        let request = Request::get(&css).header("accept-encoding", "br, gzip");
        let request = request.body(Body::empty()).unwrap();
        assert_eq!(site.head(request).await["content-encoding"], "br");
        let page = site.get("/").await;
        let policy = page.header("content-security-policy");
        assert!(
            policy.contains("script-src 'self'") && !policy.contains("unsafe"),
            "{policy}"
        );
    }
}

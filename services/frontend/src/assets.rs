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
    pub fn new() -> Self {
        let mut files = HashMap::new();
        let mut add = |stem: &str, ending: &str, body: &'static str, content_type| {
            let name = format!("{stem}.{}.{ending}", digest(body));
            let address = format!("/static/{name}");
            let file = File { body, content_type, cache: FOR_EVER };
            files.insert(name, file);
            address
        };
        let css = add("shop", "css", CSS, "text/css; charset=utf-8");
        let js = add("shop", "js", JS, "text/javascript; charset=utf-8");
        let icon = add("icon", "svg", ICON, "image/svg+xml");
        // What an import has not fetched yet points here by a fixed name.
        let file = File { body: PLACEHOLDER, content_type: "image/svg+xml", cache: FOR_A_DAY };
        files.insert("placeholder.svg".to_owned(), file);
        Self { css, js, icon, files }
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
    let file = shop.assets.files.get(&name).ok_or_else(Failure::not_found)?;
    let etag = format!("\"{}\"", digest(file.body));
    let known = headers.get(header::IF_NONE_MATCH).is_some_and(|tag| tag == etag.as_str());
    let caching = [(header::CACHE_CONTROL, file.cache), (header::ETAG, etag.as_str())];
    if known {
        return Ok((StatusCode::NOT_MODIFIED, caching).into_response());
    }
    let kind = [(header::CONTENT_TYPE, file.content_type)];
    Ok((caching, kind, file.body).into_response())
}

/// `GET /favicon.ico`, which browsers ask for without being told to.
pub async fn favicon() -> Response {
    let kind = [(header::CONTENT_TYPE, "image/svg+xml"), (header::CACHE_CONTROL, FOR_A_DAY)];
    (kind, ICON).into_response()
}

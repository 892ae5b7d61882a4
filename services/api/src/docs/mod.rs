//! The document of the interface, for programs and for people.
//!
//! `GET /api/openapi.json` is the document of all services as the composition gives it;
//! `GET /api/docs` is the same as a page, rendered once at the start, with nothing from outside and
//! no script.

mod example;
mod model;
mod schema;

use std::{borrow::Cow, sync::Arc};

use askama::Template;
use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::get,
};
use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;
use techcommerce_kernel::Error;

const STYLE: &str = include_str!("../../assets/docs.css");
/// The page's own policy: its style sheet and nothing else.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
     form-action 'none'; frame-ancestors 'none'";

/// The document of the whole interface, finished.
#[derive(Debug, Clone)]
pub struct Document {
    /// As it is given out: JSON.
    text: Cow<'static, str>,
    /// The same, to look things up in.
    pub(crate) value: Value,
}

impl Document {
    /// # Errors
    /// `internal` if it is no JSON.
    pub fn parse(text: impl Into<Cow<'static, str>>) -> Result<Self, Error> {
        let text = text.into();
        let value = serde_json::from_str(&text).map_err(Error::internal)?;
        Ok(Self { text, value })
    }

    /// As it is given out.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// The routes of the document and its page.
///
/// # Errors
/// `internal` if the document cannot be shown.
pub fn router(document: Document) -> Result<Router, Error> {
    let page = model::Page::from_document(&document.value)
        .render()
        .map_err(Error::internal)?;
    let json = match document.text {
        Cow::Borrowed(text) => Bytes::from_static(text.as_bytes()),
        Cow::Owned(text) => Bytes::from(text),
    };
    let json = File::new("application/json", json);
    let page = File::new("text/html; charset=utf-8", page);
    let style = File::new("text/css; charset=utf-8", STYLE);
    let options = || async {
        (
            StatusCode::NO_CONTENT,
            [(header::ALLOW, "GET, HEAD, OPTIONS")],
        )
    };
    let serve = |file: File| get(move || async move { file.response() }).options(options);
    Ok(Router::new()
        .route("/api/openapi.json", serve(json))
        .route("/api/docs", serve(page))
        .route("/api/docs/style.css", serve(style)))
}

#[derive(Clone)]
struct File(Arc<(HeaderValue, Bytes)>);

impl File {
    fn new(media_type: &'static str, body: impl Into<Bytes>) -> Self {
        Self(Arc::new((
            HeaderValue::from_static(media_type),
            body.into(),
        )))
    }

    fn response(&self) -> Response {
        let (media_type, body) = self.0.as_ref();
        let headers = [
            (header::CONTENT_TYPE, media_type.clone()),
            (
                header::CACHE_CONTROL,
                HeaderValue::from_static("public, max-age=300"),
            ),
            (
                header::CONTENT_SECURITY_POLICY,
                HeaderValue::from_static(POLICY),
            ),
        ];
        (headers, body.clone()).into_response()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn page(document: serde_json::Value) -> String {
        model::Page::from_document(&document).render().unwrap()
    }

    #[test]
    fn everything_documented_is_shown() {
        let html = page(json!({
            "openapi": "3.1.0",
            "info": {"title": "Tidewell", "version": "1.2.3", "description": "What it is.\n\nHow."},
            "tags": [{"name": "products", "description": "What is sold."}],
            "paths": {"/api/products/{id}": {
                "get": {
                    "tags": ["products"], "operationId": "product", "summary": "One product",
                    "security": [{}, {"bearer": []}],
                    "parameters": [
                        {"name": "id", "in": "path", "required": true,
                         "description": "Id or <handle>.", "schema": {"type": "string"}},
                    ],
                    "responses": {
                        "200": {"description": "Found", "content": {"application/json":
                            {"schema": {"$ref": "#/components/schemas/Product"}}}},
                        "404": {"description": "`product_not_found`"},
                    },
                },
                "patch": {
                    "tags": ["products"], "summary": "Change it",
                    "requestBody": {"required": true, "content": {"application/json":
                        {"schema": {"$ref": "#/components/schemas/Product"}}}},
                    "responses": {"204": {"description": "Done"}},
                },
            }},
            "components": {"schemas": {"Product": {
                "type": "object", "description": "A thing that is sold.", "required": ["id"],
                "properties": {
                    "id": {"type": "string", "format": "uuid"},
                    "status": {"type": "string", "enum": ["draft", "active"]},
                    "price": {"oneOf": [{"type": "null"}, {"$ref": "#/components/schemas/Money"}]},
                    "related": {"type": "array", "items": {"$ref": "#/components/schemas/Product"}},
                }},
                "Money": {"type": "object", "properties": {"amount": {"type": "integer"}}}}},
        }));
        for part in [
            "Tidewell",
            "1.2.3",
            "What is sold.",
            "One product",
            "/api/products/{id}",
            "product_not_found",
            "href=\"#schema-Product\"",
            "id=\"schema-Money\"",
            "uuid",
            "&#34;draft&#34;",
            "optional",
        ] {
            assert!(html.contains(part), "{part} is missing in\n{html}");
        }
        assert!(
            html.contains("Id or &#60;handle&#62;."),
            "texts are escaped"
        );
        for forbidden in ["<script", "style=", "http://", "https://", "onclick"] {
            assert!(!html.contains(forbidden), "{forbidden} is in the page");
        }
    }

    #[test]
    fn a_page_of_nothing_is_a_page() {
        assert!(page(json!({"info": {"title": "x", "version": "1"}})).contains("<html"));
    }
}

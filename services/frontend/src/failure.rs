//! Failures as pages: what went wrong in the words of a shop, not of a protocol.
//!
//! A handler answers [`Failure`] by `?`, which is a problem document (RFC 9457) like everywhere
//! else. The layer [`explain`] lies outside of everything and puts a page in the place of each
//! such document, wherever it was made: a handler, a limit, a timeout or a caught panic.

use askama::Template;
use axum::{
    body::to_bytes,
    extract::{Request, State},
    middleware::Next,
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header};
use techcommerce_contracts::{Problem, codes, problem::kind_of};
use techcommerce_http::ApiError;
use techcommerce_kernel::{Error, Kind};

use crate::{
    admin,
    page::{Page, render},
    shop::Shop,
    visitor::Visitor,
};

/// A page that cannot be shown, and why.
#[derive(Debug)]
pub struct Failure(pub Error);

impl Failure {
    /// There is nothing at this address.
    pub fn not_found() -> Self {
        Self(Error::not_found(
            codes::NOT_FOUND,
            "There is nothing at this address.",
        ))
    }
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        ApiError(self.0).into_response()
    }
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemPage {
    page: Page,
    status: u16,
    heading: &'static str,
    text: &'static str,
    sign_in: bool,
    again: bool,
    reference: Option<String>,
}

/// What went wrong, as a page tells it.
#[derive(Debug)]
pub struct Told {
    /// The answer's status.
    pub status: StatusCode,
    /// What kind of failure it is.
    pub kind: Kind,
    /// Heading and text, as keys of the locales.
    pub words: (&'static str, &'static str),
    /// Whether to try again may help.
    pub again: bool,
    /// What to give when one writes to us.
    pub reference: Option<String>,
}

impl Told {
    /// As a page of the shop.
    pub async fn page(self, shop: &Shop, visitor: &Visitor) -> Response {
        let (heading, text) = self.words;
        let title = visitor.texts.get(heading);
        let page = ProblemPage {
            page: shop.page(visitor).await.private().titled(title),
            status: self.status.as_u16(),
            heading,
            text,
            sign_in: self.kind == Kind::Unauthenticated,
            again: self.again,
            reference: self.reference,
        };
        render(self.status, &page.page, &page)
    }
}

/// Problem documents become pages, except where programs are answered.
pub async fn explain(
    State(shop): State<Shop>,
    visitor: Visitor,
    request: Request,
    next: Next,
) -> Response {
    let for_programs = ["/api/", "/images/"]
        .iter()
        .any(|p| request.uri().path().starts_with(p));
    let path = request.uri().path();
    let for_staff = path == "/admin" || path.starts_with("/admin/");
    let readable = matches!(*request.method(), Method::GET | Method::HEAD);
    let response = next.run(request).await;
    let kind = response.headers().get(header::CONTENT_TYPE);
    if for_programs || kind.is_none_or(|kind| kind != "application/problem+json") {
        return response;
    }
    let (mut parts, body) = response.into_parts();
    let status = parts.status;
    let problem = to_bytes(body, 64 * 1024).await.ok();
    let problem: Option<Problem> = problem.and_then(|body| serde_json::from_slice(&body).ok());
    let code = problem.as_ref().map_or("", |problem| problem.code.as_str());
    let kind = kind_of(status.as_u16());
    let ours = matches!(kind, Kind::Unavailable | Kind::Internal);
    let told = Told {
        status,
        kind,
        words: match kind {
            Kind::Forbidden if for_staff && code != codes::CROSS_ORIGIN => {
                ("problem.title_staff", "problem.text_staff")
            }
            _ => words(kind, code),
        },
        again: readable && (ours || kind == Kind::TooMany),
        reference: problem
            .as_ref()
            .and_then(|problem| problem.request_id.clone())
            .filter(|_| ours),
    };
    let mut dressed = match for_staff {
        true => admin::problem::page(&shop, &visitor, told).await,
        false => told.page(&shop, &visitor).await,
    };
    // What the failure said of itself stays: the request's id, when to try again.
    for name in [
        header::CONTENT_TYPE,
        header::CONTENT_LENGTH,
        header::CACHE_CONTROL,
    ] {
        parts.headers.remove(name);
    }
    dressed.headers_mut().extend(parts.headers);
    *dressed.extensions_mut() = parts.extensions;
    dressed
}

/// Heading and text, as keys of the locales.
fn words(kind: Kind, code: &str) -> (&'static str, &'static str) {
    match kind {
        Kind::NotFound | Kind::MethodNotAllowed => {
            ("problem.title_not_found", "problem.text_not_found")
        }
        Kind::Forbidden if code == codes::CROSS_ORIGIN => {
            ("problem.title_origin", "problem.text_origin")
        }
        Kind::Forbidden => ("problem.title_forbidden", "problem.text_forbidden"),
        Kind::Unauthenticated => ("problem.title_sign_in", "problem.text_sign_in"),
        Kind::Conflict | Kind::Unprocessable => ("problem.title_conflict", "problem.text_conflict"),
        Kind::TooMany => ("problem.title_too_many", "problem.text_too_many"),
        Kind::Unavailable => ("problem.title_away", "problem.text_away"),
        Kind::Internal => ("problem.title_broken", "problem.text_broken"),
        Kind::Invalid | Kind::TooLarge | Kind::UnsupportedMedia => {
            ("problem.title_bad", "problem.text_bad")
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::{Fake, Site};

    #[tokio::test]
    async fn what_is_not_there_is_a_page_whatever_was_tried() {
        let site = Site::new().await;
        for address in ["/nowhere", "/orders/none/at/all", "/static/none.css"] {
            let page = site.get(address).await.expect(StatusCode::NOT_FOUND);
            page.has(&["<h1>This page has gone out with the tide</h1>"]);
            assert_eq!(page.header("content-type"), "text/html; charset=utf-8");
            page.is_accessible();
        }
        site.get("/logout")
            .await
            .expect(StatusCode::METHOD_NOT_ALLOWED)
            .has(&["<h1>"]);
    }

    #[tokio::test]
    async fn what_went_wrong_inside_stays_inside() {
        let site = Site::with(Fake::default().away("/api/")).await;
        let page = site
            .get("/products/oak-bowl")
            .await
            .expect(StatusCode::SERVICE_UNAVAILABLE);
        page.has(&["<h1>We will be right back</h1>", "give this number: <code>"]);
        page.lacks(&["secret detail", "unavailable"]);
        assert_eq!(page.header("cache-control"), "private, no-store");
        page.is_accessible();
    }

    #[tokio::test]
    async fn a_form_that_is_too_large_is_refused_in_words() {
        let site = Site::new().await;
        let long = "x".repeat(70_000);
        let page = site.post("/login", &[("email", &long)]).await;
        page.expect(StatusCode::PAYLOAD_TOO_LARGE)
            .has(&["We did not understand that"]);
    }
}

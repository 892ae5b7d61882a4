//! Errors as answers: the one place where a failure of the trade becomes an HTTP status.

use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use techcommerce_contracts::Problem;
use techcommerce_kernel::{Error, Kind};

/// What a handler returns.
pub type ApiResult<T> = Result<T, ApiError>;

/// An [`Error`] on its way out as `application/problem+json` (RFC 9457).
///
/// Everything that is an [`Error`] or becomes one turns into it by `?`. Causes go to the log,
/// never to the client.
#[derive(Debug)]
pub struct ApiError(pub Error);

impl<E: Into<Error>> From<E> for ApiError {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

/// A line about an error, at the level that is its kind's: our fault is somebody's to mend
/// (`error`), what is away comes back (`warn`), and what somebody asked wrongly is of interest to
/// programmers alone (`debug`). Of the last it says the code and the cause and no more: messages
/// and places may repeat what was sent.
pub fn log_error(error: &Error, what: &'static str) {
    let code = error.code();
    match error.kind() {
        Kind::Internal => tracing::error!(code, ?error, "{what}"),
        // In a rush there are thousands, and the metrics count them.
        Kind::Unavailable if code == Error::BUSY => tracing::debug!(code, "{what}"),
        Kind::Unavailable => tracing::warn!(code, ?error, "{what}"),
        _ => {
            let cause = std::error::Error::source(error).map(tracing::field::display);
            tracing::debug!(code, cause, "{what}");
        }
    }
}

/// The error's code, left in the answer's extensions for the access log.
#[derive(Debug, Clone)]
pub(crate) struct AnsweredWith(pub(crate) String);

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self(error) = self;
        let what = match error.kind() {
            Kind::Internal => "failed",
            Kind::Unavailable => "unavailable",
            _ => "refused",
        };
        log_error(&error, what);
        let problem = Problem::of(&error);
        let mut response = problem_response(&problem);
        if let Some(after) = error.retry_after_hint() {
            // Whole seconds, rounded up (RFC 9110 §10.2.3).
            let seconds = after.as_secs() + u64::from(after.subsec_nanos() > 0);
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if error.kind() == Kind::Unauthenticated {
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

/// A problem document as an answer. Nobody may keep it.
pub(crate) fn problem_response(problem: &Problem) -> Response {
    let status = StatusCode::from_u16(problem.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    // A document of texts and numbers always serialises.
    let body = serde_json::to_vec(problem).unwrap_or_default();
    let mut response = (
        status,
        [
            (header::CONTENT_TYPE, "application/problem+json"),
            (header::CACHE_CONTROL, "no-store"),
        ],
        body,
    )
        .into_response();
    response
        .extensions_mut()
        .insert(AnsweredWith(problem.code.clone()));
    response
}

/// Answers that axum or a layer made without a document of their own (404, 405, 413, …) get one.
pub(crate) fn with_document(response: Response) -> Response {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let is_bare = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_none_or(|t| t.as_bytes().starts_with(b"text/plain"));
    if !is_bare {
        return response;
    }
    let error = bare_error(status);
    let mut problem = Problem::of(&error);
    problem.status = status.as_u16();
    let mut with_document = problem_response(&problem);
    for name in [header::ALLOW, header::RETRY_AFTER, header::WWW_AUTHENTICATE] {
        if let Some(value) = response.headers().get(&name) {
            with_document.headers_mut().insert(name, value.clone());
        }
    }
    with_document
}

fn bare_error(status: StatusCode) -> Error {
    let kind = techcommerce_contracts::problem::kind_of(status.as_u16());
    let (code, message) = match kind {
        Kind::NotFound => ("not_found", "There is nothing at this address."),
        Kind::MethodNotAllowed => (
            "method_not_allowed",
            "This address does not take this method; see the header Allow.",
        ),
        Kind::TooLarge => ("too_large", "The body is larger than allowed here."),
        Kind::UnsupportedMedia => (
            "unsupported_media_type",
            "The body's media type is not taken here.",
        ),
        Kind::Unprocessable => ("invalid_input", "The body is not of the shape asked for."),
        Kind::Internal => return Error::internal("an answer without a document"),
        Kind::Unavailable => ("unavailable", "Temporarily unavailable; please try again."),
        Kind::Unauthenticated => ("unauthenticated", "Sign in first."),
        Kind::Forbidden => ("forbidden", "Not allowed."),
        Kind::Conflict => ("conflict", "The state of things does not allow it."),
        Kind::TooMany => ("too_many_requests", "Too many requests; try again later."),
        Kind::Invalid => ("invalid_request", "The request could not be read."),
    };
    Error::new(kind, code, message)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use axum::body::Body;
    use http_body_util::BodyExt;
    use serde_json::{Value, json};

    use super::*;

    async fn document(response: Response) -> (StatusCode, http::HeaderMap, Value) {
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let value = serde_json::from_slice(&bytes).unwrap();
        (head.status, head.headers, value)
    }

    #[tokio::test]
    async fn an_error_is_a_problem_document() {
        let error = Error::conflict("out_of_stock", "Two lines fall short.")
            .with_detail(json!({"lines": [1, 2]}))
            .field("lines[0].quantity", "only 1 left");
        let (status, headers, value) = document(ApiError::from(error).into_response()).await;
        assert_eq!(status, 409);
        assert_eq!(headers[header::CONTENT_TYPE], "application/problem+json");
        assert_eq!(value["type"], "urn:techcommerce:problem:out_of_stock");
        assert_eq!(value["status"], 409);
        assert_eq!(value["code"], "out_of_stock");
        assert_eq!(value["detail"], "Two lines fall short.");
        assert_eq!(value["lines"], json!([1, 2]));
        assert_eq!(value["errors"][0]["path"], "lines[0].quantity");
    }

    #[tokio::test]
    async fn a_cause_stays_inside() {
        let (status, _, value) =
            document(ApiError(Error::internal("SELECT secret")).into_response()).await;
        assert_eq!(status, 500);
        assert!(!value.to_string().contains("SELECT"));
    }

    #[tokio::test]
    async fn waiting_is_told_in_whole_seconds() {
        let error = Error::too_many("Slow down.", Duration::from_millis(1200));
        let response = ApiError(error).into_response();
        assert_eq!(response.headers()[header::RETRY_AFTER], "2");
    }

    #[tokio::test]
    async fn bare_errors_get_a_document_and_others_stay() {
        let bare = Response::builder()
            .status(405)
            .header(header::ALLOW, "GET")
            .body(Body::empty())
            .unwrap();
        let (status, headers, value) = document(with_document(bare)).await;
        assert_eq!(status, 405);
        assert_eq!(headers[header::ALLOW], "GET");
        assert_eq!(value["code"], "method_not_allowed");

        let page = Response::builder()
            .status(404)
            .header(header::CONTENT_TYPE, "text/html; charset=utf-8")
            .body(Body::from("<h1>"))
            .unwrap();
        let page = with_document(page);
        assert_eq!(page.into_body().collect().await.unwrap().to_bytes(), "<h1>");
    }
}

//! Problem documents (RFC 9457) as they are sent and read.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Error, FieldError, Kind};
use utoipa::ToSchema;

use crate::context::RequestContext;

/// What every error looks like: `application/problem+json`, RFC 9457.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// Names the sort of problem: `urn:techcommerce:problem:<code>`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The sort of problem in a few words.
    pub title: String,
    /// The HTTP status.
    #[schema(examples(409))]
    pub status: u16,
    /// What happened, for a person.
    pub detail: String,
    /// A stable code, for a program.
    #[schema(examples("out_of_stock"))]
    pub code: String,
    /// Names the request in the shop's logs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Names the trace that the request is part of, here and in the shop's logs: 32 hexadecimal
    /// digits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(examples("4bf92f3577b34da6a3ce929d0e0e4736"))]
    pub trace_id: Option<String>,
    /// For bad input: each place and what is wrong with it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
    /// Further members, by code.
    #[serde(flatten)]
    #[schema(additional_properties)]
    pub detail_members: serde_json::Map<String, serde_json::Value>,
}

/// The HTTP status and title of each kind of failure.
pub const fn status_of(kind: Kind) -> (u16, &'static str) {
    match kind {
        Kind::Invalid => (400, "The request is not valid"),
        Kind::Unauthenticated => (401, "Sign in first"),
        Kind::Forbidden => (403, "Not allowed"),
        Kind::NotFound => (404, "Not found"),
        Kind::MethodNotAllowed => (405, "Method not allowed"),
        Kind::Conflict => (409, "The state of things does not allow it"),
        Kind::TooLarge => (413, "Too large"),
        Kind::UnsupportedMedia => (415, "Media type not supported"),
        Kind::Unprocessable => (422, "Contradicts an earlier request"),
        Kind::TooMany => (429, "Too many requests"),
        Kind::Internal => (500, "Internal error"),
        Kind::Unavailable => (503, "Temporarily unavailable"),
    }
}

/// The kind of failure that an HTTP status stands for.
pub const fn kind_of(status: u16) -> Kind {
    match status {
        401 => Kind::Unauthenticated,
        403 => Kind::Forbidden,
        404 | 410 => Kind::NotFound,
        405 => Kind::MethodNotAllowed,
        409 | 412 => Kind::Conflict,
        413 => Kind::TooLarge,
        415 => Kind::UnsupportedMedia,
        422 => Kind::Unprocessable,
        429 => Kind::TooMany,
        502..=504 => Kind::Unavailable,
        400..=499 => Kind::Invalid,
        _ => Kind::Internal,
    }
}

impl Problem {
    /// The problem document of an error, in the request that this task works for.
    pub fn of(error: &Error) -> Self {
        let request = RequestContext::current();
        let (status, title) = status_of(error.kind());
        Self {
            kind: format!("urn:techcommerce:problem:{}", error.code()),
            title: title.to_owned(),
            status,
            detail: error.message().to_owned(),
            code: error.code().to_owned(),
            request_id: request.as_ref().map(|r| r.request_id.as_ref().to_owned()),
            trace_id: request.map(|r| r.trace.trace_id_hex()),
            errors: error.fields().to_vec(),
            detail_members: match error.detail() {
                Some(serde_json::Value::Object(members)) => members.clone(),
                _ => serde_json::Map::new(),
            },
        }
    }

    /// The error that another service told us by this document.
    pub fn into_error(self) -> Error {
        let error = Error::new(kind_of(self.status), self.code, self.detail)
            .with_fields(self.errors)
            .with_detail(serde_json::Value::Object(self.detail_members));
        match kind_of(self.status) {
            Kind::Unavailable | Kind::TooMany => error
                .transient()
                .retry_after(std::time::Duration::from_secs(1)),
            _ => error,
        }
    }
}

//! What a request carries from service to service, so that its log lines and traces meet.
//!
//! The server side sets the context around each request ([`RequestContext::scope`]); whoever
//! calls another service, or writes a job, reads it with [`RequestContext::current`].

use std::{fmt, future::Future, str::FromStr, sync::Arc};

use http::{HeaderMap, HeaderName, HeaderValue};
use techcommerce_telemetry::{LogScope, scrub};

/// The header with the request's id.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// The header with the trace and the caller's span (W3C Trace Context, level 1).
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

tokio::task_local! {
    static CURRENT: RequestContext;
}

/// The id of the request under way, and its place in a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestContext {
    /// Printable ASCII, at most 64 characters; the same in every service that the request meets.
    pub request_id: Arc<str>,
    /// The span of this service.
    pub trace: TraceParent,
}

impl RequestContext {
    /// The context of the request that this task works for.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// Runs `future` with this context. A spawned task does not inherit it: scope it again.
    pub fn scope<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// Runs `work`, which is to be spawned, as part of this task's request: its log lines, its
    /// spans and its calls belong to it.
    pub fn carried<F: Future>(work: F) -> impl Future<Output = F::Output> {
        let (context, scope) = (Self::current(), LogScope::current());
        async move {
            match (context, scope) {
                (Some(context), Some(scope)) => scope.around(context.scope(work)).await,
                _ => work.await,
            }
        }
    }

    /// Writes the context into the headers of a call to another service, which `span` stands for
    /// (without one, the call is made by the span of this service).
    pub fn inject(&self, span: Option<u64>, headers: &mut HeaderMap) {
        let trace = span.map_or(self.trace, |span| self.trace.child(span));
        if let Ok(id) = HeaderValue::from_str(&self.request_id) {
            headers.insert(REQUEST_ID, id);
        }
        if let Ok(parent) = HeaderValue::from_str(&trace.to_string()) {
            headers.insert(TRACEPARENT, parent);
        }
    }

    /// The incoming request id if it is sane: 8 to 64 characters of `A–Z a–z 0–9 . _ -`, and not
    /// the number of a card or a token: it goes into every line and trace.
    pub fn incoming_request_id(headers: &HeaderMap) -> Option<Arc<str>> {
        let id = headers.get(REQUEST_ID)?.to_str().ok()?;
        let sane = (8..=64).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
            && scrub(id) == id;
        sane.then(|| id.into())
    }

    /// The caller's trace and span if the header is well formed.
    pub fn incoming_trace(headers: &HeaderMap) -> Option<TraceParent> {
        headers.get(TRACEPARENT)?.to_str().ok()?.parse().ok()
    }
}

/// A place in a trace, as W3C Trace Context has it: `00-{trace}-{span}-{flags}`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceParent {
    /// Never 0.
    pub trace_id: u128,
    /// Never 0.
    pub span_id: u64,
    /// Bit 0: the caller records this trace.
    pub flags: u8,
}

impl TraceParent {
    /// The trace's id as 32 hexadecimal digits.
    pub fn trace_id_hex(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// Whether the caller keeps this trace.
    pub const fn is_sampled(&self) -> bool {
        self.flags & 1 == 1
    }

    /// A new span of the same trace.
    #[must_use]
    pub fn child(self, span_id: u64) -> Self {
        Self {
            span_id: span_id.max(1),
            ..self
        }
    }
}

impl fmt::Display for TraceParent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "00-{:032x}-{:016x}-{:02x}",
            self.trace_id, self.span_id, self.flags
        )
    }
}

/// The text is not a `traceparent`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotATraceParent;

impl FromStr for TraceParent {
    type Err = NotATraceParent;

    fn from_str(text: &str) -> Result<Self, NotATraceParent> {
        fn hex(part: Option<&str>, length: usize) -> Result<&str, NotATraceParent> {
            part.filter(|p| {
                p.len() == length
                    && p.bytes()
                        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
            })
            .ok_or(NotATraceParent)
        }
        let mut parts = text.split('-');
        let version = hex(parts.next(), 2)?;
        let trace_id = hex(parts.next(), 32)?;
        let span_id = hex(parts.next(), 16)?;
        let flags = hex(parts.next(), 2)?;
        // Version 00 has exactly four parts; a later one may have more; ff is forbidden.
        if version == "ff" || (version == "00" && parts.next().is_some()) {
            return Err(NotATraceParent);
        }
        let parent = Self {
            trace_id: u128::from_str_radix(trace_id, 16).map_err(|_| NotATraceParent)?,
            span_id: u64::from_str_radix(span_id, 16).map_err(|_| NotATraceParent)?,
            flags: u8::from_str_radix(flags, 16).map_err(|_| NotATraceParent)?,
        };
        if parent.trace_id == 0 || parent.span_id == 0 {
            return Err(NotATraceParent);
        }
        Ok(parent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const EXAMPLE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    #[test]
    fn a_traceparent_is_read_and_written() {
        let parent: TraceParent = EXAMPLE.parse().unwrap();
        assert_eq!(parent.to_string(), EXAMPLE);
        assert_eq!(parent.trace_id_hex(), "4bf92f3577b34da6a3ce929d0e0e4736");
        assert_eq!(parent.child(0).span_id, 1, "a span's id is never zero");
    }

    #[test]
    fn nonsense_is_not_taken() {
        for text in [
            "",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01",
            "00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
            "00-+bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
        ] {
            assert!(text.parse::<TraceParent>().is_err(), "{text}");
        }
    }

    #[test]
    fn only_sane_request_ids_are_taken() {
        let with = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(REQUEST_ID, HeaderValue::from_str(value).unwrap());
            RequestContext::incoming_request_id(&headers)
        };
        assert_eq!(with("abc-12345").as_deref(), Some("abc-12345"));
        assert_eq!(with("short"), None);
        assert_eq!(with("with space and \"quotes\""), None);
        assert_eq!(with(&"x".repeat(65)), None);
        for secret in [
            "4242424242424242",
            "4242-4242-4242-4242",
            "tcs_0123456789abcdef",
            "eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl",
        ] {
            assert_eq!(with(secret), None, "{secret}");
        }
    }
}

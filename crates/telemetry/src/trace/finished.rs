//! What is left of a span when it has ended.

use std::borrow::Cow;

/// Which side of a call a span is, as OpenTelemetry names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SpanKind {
    /// A step of the work itself.
    Internal,
    /// Answers a request.
    Server,
    /// Calls somebody.
    Client,
    /// Does later what somebody asked for.
    Consumer,
}

/// The value of an attribute.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// A text of ours: never what a client sent.
    Text(Cow<'static, str>),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
}

impl From<&'static str> for Value {
    fn from(text: &'static str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(Cow::Owned(text))
    }
}

impl From<Cow<'static, str>> for Value {
    fn from(text: Cow<'static, str>) -> Self {
        Self::Text(text)
    }
}

impl From<u16> for Value {
    fn from(number: u16) -> Self {
        Self::Number(number.into())
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Number(number.into())
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Number(number)
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Flag(flag)
    }
}

/// Another span that has to do with this one, perhaps of another trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Its trace.
    pub trace_id: u128,
    /// The span.
    pub span_id: u64,
    /// How it has to do with it, as `enqueued_by`.
    pub relation: &'static str,
}

/// A span that has ended.
#[derive(Debug, Clone, PartialEq)]
pub struct Finished {
    /// Whose work it was.
    pub service: &'static str,
    /// Never 0.
    pub span_id: u64,
    /// 0 for the first of a trace.
    pub parent_id: u64,
    /// Few different ones: a route template, a verb and a table, a kind of job.
    pub name: Cow<'static, str>,
    /// Which side it is.
    pub kind: SpanKind,
    /// Nanoseconds since 1970.
    pub started: u64,
    /// Nanoseconds since 1970, not before `started`.
    pub ended: u64,
    /// By the names of OpenTelemetry's conventions where they have one.
    pub attributes: Vec<(&'static str, Value)>,
    /// What it has to do with.
    pub links: Vec<Link>,
    /// Why it failed, as a stable code; `None` if it did not.
    pub error: Option<Cow<'static, str>>,
}

/// Spans of one trace that go out together.
#[derive(Debug, Clone, PartialEq)]
pub struct Batch {
    /// Their trace.
    pub trace_id: u128,
    /// Whether the trace is one of the share that is kept; else it was kept because it failed or
    /// was slow, and other processes may not have kept theirs.
    pub sampled: bool,
    /// In the order in which they ended.
    pub spans: Vec<Finished>,
}

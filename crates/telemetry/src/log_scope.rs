//! Whose request a task works for, as log lines tell it.
//!
//! A span could say the same, but costs more than the line: it is made, filled, entered and left
//! for each request, also where nothing is logged.

use std::{borrow::Cow, future::Future, sync::Arc};

use crate::{ActiveSpan, redact::scrub};

tokio::task_local! {
    static CURRENT: LogScope;
}

/// What every line that is written on behalf of a request says.
#[derive(Debug, Clone)]
pub struct LogScope {
    /// The service that works for it.
    pub service: &'static str,
    /// Its id: letters, digits, `.`, `_` and `-`; empty where the work is for several.
    pub request_id: Arc<str>,
    /// The trace that it is part of.
    pub trace_id: u128,
    /// The span that it works below, if it is traced.
    pub span: Option<ActiveSpan>,
}

impl LogScope {
    /// The scope of the request that this task works for.
    pub fn current() -> Option<Self> {
        CURRENT.try_with(Clone::clone).ok()
    }

    /// The same request, now below `span`; without a request, for whatever `span` is part of.
    pub(crate) fn of_span(span: ActiveSpan) -> Self {
        let trace_id = span.trace_id();
        match Self::current().filter(|scope| scope.trace_id == trace_id) {
            Some(scope) => Self {
                span: Some(span),
                ..scope
            },
            None => Self {
                service: span.service(),
                request_id: Arc::default(),
                trace_id,
                span: Some(span),
            },
        }
    }

    /// Runs `future` in this scope. A spawned task does not inherit it: scope it again.
    pub fn around<F: Future>(self, future: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, future)
    }

    /// The trace's id as 32 hexadecimal digits.
    pub(crate) fn trace_id_hex(&self) -> String {
        format!("{:032x}", self.trace_id)
    }

    /// The request's id, unless somebody sent the number of a card as one.
    pub(crate) fn shown_request_id(&self) -> Cow<'_, str> {
        let could_be_a_number = |b: u8| b.is_ascii_digit() || b == b'-';
        match self.request_id.bytes().all(could_be_a_number) {
            true => scrub(&self.request_id),
            false => Cow::Borrowed(&self.request_id),
        }
    }
}

/// The span that this task works below, if it is traced.
pub(crate) fn current_span() -> Option<ActiveSpan> {
    CURRENT.try_with(|scope| scope.span.clone()).ok().flatten()
}

/// Lets `look` see the scope, if there is one.
pub(crate) fn with(look: impl FnOnce(&LogScope)) {
    let _ = CURRENT.try_with(look);
}

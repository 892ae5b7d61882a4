//! Spans that are under way.

use std::{borrow::Cow, fmt, future::Future, sync::Arc, time::Duration};

use futures_util::future::Either;
use techcommerce_kernel::Called;
use tokio::time::Instant;

use super::{
    finished::{Finished, Link, SpanKind, Value},
    local::Local,
    tracer::Root,
};
use crate::log_scope::{self, LogScope};

/// A span that is under way, or nothing where nothing is traced. It ends when it is dropped.
#[derive(Default)]
#[must_use = "a span that is dropped has ended"]
pub struct Span(Option<Box<Open>>);

struct Open {
    local: Arc<Local>,
    is_root: bool,
    started: Instant,
    span: Finished,
}

/// The span that a task works below. Kept in the [`LogScope`].
#[derive(Clone)]
pub struct ActiveSpan {
    local: Arc<Local>,
    service: &'static str,
    span_id: u64,
}

impl ActiveSpan {
    /// The span that this task works below, if it is traced.
    pub fn current() -> Option<Self> {
        log_scope::current_span()
    }

    /// Whose work it is.
    pub fn service(&self) -> &'static str {
        self.service
    }

    /// Its trace.
    pub fn trace_id(&self) -> u128 {
        self.local.trace_id
    }

    /// Its own id.
    pub fn span_id(&self) -> u64 {
        self.span_id
    }

    /// Begins a span below it.
    pub fn child(&self, kind: SpanKind, name: impl Into<Cow<'static, str>>) -> Span {
        self.child_of(self.service, kind, name)
    }

    /// Begins a span below it that is another service's work.
    pub fn child_of(
        &self,
        service: &'static str,
        kind: SpanKind,
        name: impl Into<Cow<'static, str>>,
    ) -> Span {
        let Some(span_id) = self.local.next_id() else {
            return Span::default();
        };
        let started = Instant::now();
        let span = Finished {
            service,
            span_id,
            parent_id: self.span_id,
            name: name.into(),
            kind,
            started: self.local.at(started),
            ended: 0,
            attributes: Vec::new(),
            links: Vec::new(),
            error: None,
        };
        Span(Some(Box::new(Open {
            local: Arc::clone(&self.local),
            is_root: false,
            started,
            span,
        })))
    }

    /// Its trace and its own id, to be linked to.
    pub fn link(&self, relation: &'static str) -> Link {
        Link {
            trace_id: self.local.trace_id,
            span_id: self.span_id,
            relation,
        }
    }

    /// Runs `work`, whose spans are below this one, wherever it is run.
    pub fn around<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        LogScope::of_span(self).around(work)
    }
}

impl Span {
    pub(super) fn root(local: Arc<Local>, root: Root) -> Self {
        let started = Instant::now();
        let span = Finished {
            service: root.service,
            span_id: root.span_id,
            parent_id: root.parent_id,
            name: root.name,
            kind: root.kind,
            started: local.at(started),
            ended: 0,
            attributes: Vec::new(),
            links: root.link.into_iter().collect(),
            error: None,
        };
        Self(Some(Box::new(Open {
            local,
            is_root: true,
            started,
            span,
        })))
    }

    /// Begins a span below the one that this task works for; nothing if it is not traced.
    pub fn child<N: Into<Cow<'static, str>>>(kind: SpanKind, name: impl FnOnce() -> N) -> Self {
        log_scope::current_span().map_or_else(Self::default, |active| active.child(kind, name()))
    }

    /// Whether anything is recorded.
    pub const fn is_recording(&self) -> bool {
        self.0.is_some()
    }

    /// Its id, if it is recorded.
    pub fn id(&self) -> Option<u64> {
        self.0.as_ref().map(|open| open.span.span_id)
    }

    /// The name, where it is known only later.
    pub fn rename(&mut self, name: impl FnOnce() -> String) {
        if let Some(open) = &mut self.0 {
            open.span.name = Cow::Owned(name());
        }
    }

    /// Says something about it.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        if let Some(open) = &mut self.0 {
            open.span.attributes.push((name, value.into()));
        }
    }

    /// It failed, for a reason that has a stable code.
    pub fn fail(&mut self, code: impl Into<Cow<'static, str>>) {
        if let Some(open) = &mut self.0 {
            open.span.error = Some(code.into());
        }
    }

    /// What it has to do with.
    pub fn link(&mut self, link: Link) {
        if let Some(open) = &mut self.0 {
            open.span.links.push(link);
        }
    }

    /// It as the span that others are below.
    pub fn active(&self) -> Option<ActiveSpan> {
        self.0.as_ref().map(|open| ActiveSpan {
            local: Arc::clone(&open.local),
            service: open.span.service,
            span_id: open.span.span_id,
        })
    }

    /// Runs `work`, whose spans are below this one. Not an `async fn`: that would hold the place of
    /// `work` twice.
    pub fn around<F: Future>(&self, work: F) -> impl Future<Output = F::Output> + use<F> {
        match self.active() {
            Some(active) => Either::Left(active.around(work)),
            None => Either::Right(work),
        }
    }
}

impl Drop for Span {
    fn drop(&mut self) {
        let Some(open) = self.0.take() else {
            return;
        };
        let Open {
            local,
            is_root,
            started,
            mut span,
        } = *open;
        // By the clock that only goes forward.
        let taken = started.elapsed();
        span.ended = span
            .started
            .saturating_add(u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX));
        if !is_root {
            local.ended(span);
            return;
        }
        let left_out = local.left_out();
        if left_out > 0 {
            let left_out = i64::try_from(left_out).unwrap_or(i64::MAX);
            span.attributes
                .push(("techcommerce.spans_left_out", left_out.into()));
        }
        local.root_ended(span);
    }
}

/// Records a call to `dependency` that ended just now and took so long.
pub fn measured_call(dependency: &'static str, how: Called, taken: Duration) {
    let mut span = past(SpanKind::Client, dependency, taken);
    span.set("peer.service", dependency);
    if dependency == "redis" {
        span.set("db.system.name", "redis");
    }
    if how != Called::Ok {
        span.fail(how.label());
    }
}

/// Records a step of the work that ended just now and took so long.
pub fn past_span(name: &'static str, taken: Duration) {
    drop(past(SpanKind::Internal, name, taken));
}

/// A span that began `taken` ago, before it was known to be recorded.
fn past(kind: SpanKind, name: &'static str, taken: Duration) -> Span {
    let mut span = Span::child(kind, || name);
    if let Some(open) = &mut span.0 {
        open.started = open.started.checked_sub(taken).unwrap_or(open.started);
        let nanos = u64::try_from(taken.as_nanos()).unwrap_or(u64::MAX);
        open.span.started = open.span.started.saturating_sub(nanos);
    }
    span
}

impl fmt::Debug for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Some(open) => write!(f, "Span({})", open.span.name),
            None => f.write_str("Span(off)"),
        }
    }
}

impl fmt::Debug for ActiveSpan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActiveSpan({:016x})", self.span_id)
    }
}

//! What decides about traces, one for each process.

use std::{
    borrow::Cow,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{sync::mpsc, time::Instant};

use super::{
    Span,
    finished::{Batch, Link, SpanKind},
    local::Local,
    outbox::Outbox,
};
use crate::{Counter, Counters, Label, Telemetry};

/// How many spans may wait for the exporter: some megabytes at most.
const ROOM: usize = 8192;
/// How many local roots a second are kept beyond the share because they failed or were slow. A
/// flood of errors looks the same after the first hundred.
const KEPT_A_SECOND: u64 = 100;

/// What is traced.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TraceOptions {
    /// The share of ordinary traces that are kept, from 0 to 1.
    pub sample: f64,
    /// A request or job that took at least so long is kept in any case.
    pub slow: Duration,
}

/// Makes the roots of traces. Clones are the same; [`Tracer::default`] is off.
#[derive(Clone, Default)]
pub struct Tracer {
    on: Option<Arc<Inner>>,
    /// Whether a trace that comes from outside is continued, be it only in the log.
    continues_outside: bool,
}

pub(super) struct Inner {
    pub slow: Duration,
    /// A trace is kept if its id's lower half is below this.
    keep_below: u128,
    queue: mpsc::UnboundedSender<Batch>,
    /// How many spans wait in the queue.
    waiting: Arc<AtomicUsize>,
    dropped: Counter,
    started: Instant,
    /// The second that is counted (upper half), and how many were kept in it (lower half).
    kept: AtomicU64,
}

/// The root of a local part of a trace.
#[derive(Debug, Clone)]
pub struct Root {
    /// Whose work it is.
    pub service: &'static str,
    /// Which side it is.
    pub kind: SpanKind,
    /// See [`Finished::name`](super::Finished::name).
    pub name: Cow<'static, str>,
    /// The trace that it is part of.
    pub trace_id: u128,
    /// Its own id.
    pub span_id: u64,
    /// The span that caused it, of this trace; 0 if there is none.
    pub parent_id: u64,
    /// Whether the trace is one of the share that is kept.
    pub sampled: bool,
    /// What else it has to do with.
    pub link: Option<Link>,
}

/// Registers what is counted of spans.
pub fn describe(telemetry: &Telemetry) -> Counters<1> {
    let spans = telemetry.counters(
        "techcommerce_traces_spans_total",
        "Spans by what became of them: sent to the collector, dropped because too many were \
         waiting for it, or failed because it did not take them",
        [Label::one_of("outcome", &["sent", "dropped", "failed"])],
    );
    spans.at_zero()
}

impl Tracer {
    /// A tracer, and where what it keeps waits to be exported.
    pub fn new(options: TraceOptions, telemetry: &Telemetry) -> (Self, Outbox) {
        let spans = describe(telemetry);
        let (queue, receiver) = mpsc::unbounded_channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let outbox = Outbox::new(
            receiver,
            Arc::clone(&waiting),
            spans.with(["sent"]),
            spans.with(["failed"]),
        );
        let whole = 2_f64.powi(64);
        let inner = Inner {
            slow: options.slow,
            // As a whole number it saturates at both ends.
            keep_below: (options.sample.clamp(0.0, 1.0) * whole) as u128,
            queue,
            waiting,
            dropped: spans.with(["dropped"]),
            started: Instant::now(),
            kept: AtomicU64::new(0),
        };
        let tracer = Self {
            on: Some(Arc::new(inner)),
            continues_outside: false,
        };
        (tracer, outbox)
    }

    /// The same, but says whether a trace that comes from outside is continued: only where a proxy
    /// of the operator makes or checks what it says.
    #[must_use]
    pub fn continuing_outside(self, continues_outside: bool) -> Self {
        Self {
            continues_outside,
            ..self
        }
    }

    /// Whether anything is traced.
    pub fn is_on(&self) -> bool {
        self.on.is_some()
    }

    /// Whether the new trace of this id is one of the share that is kept. It follows from the id,
    /// whose lower half is random.
    pub fn samples(&self, trace_id: u128) -> bool {
        self.on
            .as_ref()
            .is_some_and(|inner| trace_id & u128::from(u64::MAX) < inner.keep_below)
    }

    /// Whether a trace that comes from outside is continued.
    pub fn continues_outside(&self) -> bool {
        self.continues_outside
    }

    /// Begins a root; nothing if traces are off.
    pub fn root(&self, root: impl FnOnce() -> Root) -> Span {
        let Some(inner) = &self.on else {
            return Span::default();
        };
        let root = root();
        let local = Local::new(Arc::clone(inner), root.trace_id, root.span_id, root.sampled);
        Span::root(Arc::new(local), root)
    }
}

impl Inner {
    /// Whether one more may be kept beyond the share, in this second.
    pub fn may_keep(&self, now: Instant) -> bool {
        let second = now.saturating_duration_since(self.started).as_secs() << 32;
        let seen = self
            .kept
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |kept| {
                match kept >> 32 << 32 == second {
                    true if kept & u64::from(u32::MAX) >= KEPT_A_SECOND => None,
                    true => Some(kept + 1),
                    false => Some(second + 1),
                }
            });
        seen.is_ok()
    }

    pub fn send(&self, batch: Batch) {
        let spans = batch.spans.len();
        let waiting = self.waiting.fetch_add(spans, Ordering::Relaxed);
        if waiting + spans <= ROOM && self.queue.send(batch).is_ok() {
            return;
        }
        self.waiting.fetch_sub(spans, Ordering::Relaxed);
        self.dropped.inc_by(spans as u64);
    }
}

impl fmt::Debug for Tracer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.is_on() {
            true => "Tracer(on)",
            false => "Tracer(off)",
        })
    }
}

//! The spans of one request or one run of a job, in one process.

use std::{
    mem,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use techcommerce_kernel::env::{Clock, SystemClock};
use tokio::time::Instant;

use super::{
    finished::{Batch, Finished},
    tracer::Inner,
};
use crate::metrics::lock;

/// How many spans a local root may have: an import of a hundred thousand rows is told by its first
/// ones. Further ones are not begun, so that none is left without its parent.
const MOST: u64 = 512;

/// A local root and what was recorded below it.
pub(super) struct Local {
    pub tracer: Arc<Inner>,
    pub trace_id: u128,
    /// Whether the whole trace is one of the share that is kept.
    pub sampled: bool,
    began: Instant,
    /// Nanoseconds since 1970, read once: within a root time only goes forward.
    began_at: u64,
    /// Ids of spans follow from this; the root's own id is as good as any.
    seed: u64,
    begun: AtomicU64,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    spans: Vec<Finished>,
    failed: bool,
    /// Whether the root has ended, and if so whether its spans went out.
    ended: Option<bool>,
}

impl Local {
    pub fn new(tracer: Arc<Inner>, trace_id: u128, root_id: u64, sampled: bool) -> Self {
        let now = SystemClock.now().as_micros();
        Self {
            tracer,
            trace_id,
            sampled,
            began: Instant::now(),
            began_at: u64::try_from(now).unwrap_or(0).saturating_mul(1000),
            seed: root_id,
            begun: AtomicU64::new(0),
            state: Mutex::default(),
        }
    }

    /// The id of a new span; `None` if there are too many.
    pub fn next_id(&self) -> Option<u64> {
        let number = self.begun.fetch_add(1, Ordering::Relaxed) + 1;
        if number > MOST {
            return None;
        }
        Some(mixed(self.seed ^ number.wrapping_mul(ODD)).max(1))
    }

    /// How many spans were not begun because there were too many.
    pub fn left_out(&self) -> u64 {
        self.begun.load(Ordering::Relaxed).saturating_sub(MOST)
    }

    /// `moment` in nanoseconds since 1970.
    pub fn at(&self, moment: Instant) -> u64 {
        let since = moment.saturating_duration_since(self.began).as_nanos();
        self.began_at
            .saturating_add(u64::try_from(since).unwrap_or(u64::MAX))
    }

    /// A span below the root has ended.
    pub fn ended(&self, span: Finished) {
        let mut state = lock(&self.state);
        state.failed |= span.error.is_some();
        match state.ended {
            None => state.spans.push(span),
            // The client went away, or something goes on behind the answer.
            Some(true) => {
                drop(state);
                self.send(vec![span]);
            }
            Some(false) => {}
        }
    }

    /// The root has ended: its spans go out or are forgotten.
    pub fn root_ended(&self, mut root: Finished) {
        let mut state = lock(&self.state);
        let failed = state.failed || root.error.is_some();
        let took = Duration::from_nanos(root.ended.saturating_sub(root.started));
        let kept_for = match (failed, took >= self.tracer.slow) {
            _ if self.sampled => None,
            (true, _) => Some("error"),
            (false, true) => Some("slow"),
            (false, false) => None,
        };
        let kept_for = kept_for.filter(|_| self.tracer.may_keep(Instant::now()));
        if let Some(why) = kept_for {
            root.attributes.push(("techcommerce.kept_for", why.into()));
        }
        let out = self.sampled || kept_for.is_some();
        state.ended = Some(out);
        let mut spans = mem::take(&mut state.spans);
        drop(state);
        if out {
            spans.push(root);
            self.send(spans);
        }
    }

    fn send(&self, spans: Vec<Finished>) {
        self.tracer.send(Batch {
            trace_id: self.trace_id,
            sampled: self.sampled,
            spans,
        });
    }
}

/// An odd number far from regular (the golden ratio in 64 bits).
const ODD: u64 = 0x9e37_79b9_7f4a_7c15;

/// A one-to-one mixture of all bits (the finisher of SplitMix64), so that the spans of a root have
/// different ids for sure.
const fn mixed(mut bits: u64) -> u64 {
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

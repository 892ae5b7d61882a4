//! Where spans wait for the exporter.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
};

use tokio::sync::mpsc;

use super::Batch;
use crate::Counter;

/// Spans on their way out, and what is counted of them. It belongs to the exporter.
pub struct Outbox {
    queue: mpsc::UnboundedReceiver<Batch>,
    waiting: Arc<AtomicUsize>,
    sent: Counter,
    failed: Counter,
}

impl Outbox {
    pub(super) fn new(
        queue: mpsc::UnboundedReceiver<Batch>,
        waiting: Arc<AtomicUsize>,
        sent: Counter,
        failed: Counter,
    ) -> Self {
        Self {
            queue,
            waiting,
            sent,
            failed,
        }
    }

    /// The next batch as soon as there is one. Nothing is lost if this is given up.
    pub async fn next(&mut self) -> Option<Batch> {
        self.queue.recv().await
    }

    /// The next batch if there is one already.
    pub fn ready(&mut self) -> Option<Batch> {
        self.queue.try_recv().ok()
    }

    /// So many spans were taken by the collector, and so many were not; their room is free again.
    pub fn settled(&self, sent: usize, failed: usize) {
        self.waiting.fetch_sub(sent + failed, Ordering::Relaxed);
        self.sent.inc_by(sent as u64);
        self.failed.inc_by(failed as u64);
    }
}

impl fmt::Debug for Outbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outbox({})", self.waiting.load(Ordering::Relaxed))
    }
}

//! Tells the read model of this process that there is something to read.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::sync::{Notify, watch};

/// Tells the model of new changes, and tells others how far the model is. Clones are the same.
#[derive(Debug, Clone)]
pub struct Notifier {
    changed: Arc<Notify>,
    applied: Arc<watch::Sender<i64>>,
    /// How often something changed that may have brought stock back.
    heard: Arc<AtomicU64>,
}

impl Default for Notifier {
    fn default() -> Self {
        Self {
            changed: Arc::default(),
            applied: Arc::new(watch::channel(-1).0),
            heard: Arc::default(),
        }
    }
}

impl Notifier {
    /// Changes up to a position are committed. Call it after the commit.
    pub fn changed(&self, position: Option<i64>) {
        if position.is_some() {
            self.heard.fetch_add(1, Ordering::AcqRel);
            self.changed.notify_one();
        }
    }

    /// As [`Notifier::changed`], for changes that only take stock away.
    pub fn taken(&self, position: Option<i64>) {
        if position.is_some() {
            self.changed.notify_one();
        }
    }

    /// How many changes of this process there were that may have brought stock back.
    pub fn heard(&self) -> u64 {
        self.heard.load(Ordering::Acquire)
    }

    /// Waits for [`Notifier::changed`], or for `at_most`.
    pub(super) async fn wait(&self, at_most: Duration) {
        let _ = tokio::time::timeout(at_most, self.changed.notified()).await;
    }

    /// The model shows all changes up to a position.
    pub(super) fn applied(&self, position: i64) {
        self.applied.send_replace(position);
    }

    /// How far the model is.
    pub fn position(&self) -> i64 {
        *self.applied.borrow()
    }

    /// Tells the model and waits until it shows the change, so that whoever wrote it reads it
    /// back; not longer than a second, for the change is made either way.
    pub async fn caught_up(&self, position: Option<i64>) {
        let Some(position) = position else { return };
        self.changed(Some(position));
        let mut applied = self.applied.subscribe();
        let reached = applied.wait_for(|applied| *applied >= position);
        if tokio::time::timeout(Duration::from_secs(1), reached)
            .await
            .is_err()
        {
            tracing::warn!(
                position,
                "the read model lags behind a write of this process"
            );
        }
    }
}

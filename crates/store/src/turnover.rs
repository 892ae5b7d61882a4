//! When connections are closed: as they grow old, and when the address has changed since.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{Connection, postgres::PgPoolOptions};
use tokio::time::Instant;

/// A connection is closed after this long, so that a server that was added gets its share.
const LIFETIME: Duration = Duration::from_secs(30 * 60);
/// A connection that nobody used for longer is tried before it is handed out.
pub(crate) const FRESH: Duration = Duration::from_secs(1);

/// What the connections of a pool have lived through.
#[derive(Debug, Default)]
pub(crate) struct Turnover {
    connected: AtomicBool,
    refused: AtomicBool,
    turned_over: Mutex<Option<Instant>>,
}

impl Turnover {
    /// Lets the pool ask us before it hands out and takes back. A connection that nobody used for
    /// longer than `fresh` is tried first.
    pub(crate) fn watch(self: &Arc<Self>, pool: PgPoolOptions, fresh: Duration) -> PgPoolOptions {
        let (connects, hands_out, takes_back) = (self.clone(), self.clone(), self.clone());
        pool.max_lifetime(None)
            .test_before_acquire(false)
            .after_connect(move |_, _| {
                connects.connected.store(true, Ordering::Relaxed);
                connects.refused.store(false, Ordering::Relaxed);
                Box::pin(async { Ok(()) })
            })
            .before_acquire(move |conn, meta| {
                let old = hands_out.is_of_before(meta.age);
                Box::pin(async move {
                    if old {
                        return Ok(false);
                    }
                    if meta.idle_for > fresh {
                        conn.ping().await?;
                    }
                    Ok(true)
                })
            })
            .after_release(move |_, meta| {
                // While no new one can be made, the old ones are all there is.
                let ends = meta.age > LIFETIME && !takes_back.refused.load(Ordering::Relaxed);
                let keeps = !ends && !takes_back.is_of_before(meta.age);
                Box::pin(async move { Ok(keeps) })
            })
    }

    /// From now on, connections that are open already are closed when they come back.
    pub(crate) fn turn_over(&self) {
        *self.moment() = Some(Instant::now());
        self.set_refused(false);
    }

    pub(crate) fn set_refused(&self, refused: bool) {
        self.refused.store(refused, Ordering::Relaxed);
    }

    /// Whether a connection was ever made.
    pub(crate) fn has_connected(&self) -> bool {
        self.connected.load(Ordering::Relaxed)
    }

    fn is_of_before(&self, age: Duration) -> bool {
        let moment = *self.moment();
        moment.is_some_and(|moment| age > moment.elapsed())
    }

    fn moment(&self) -> std::sync::MutexGuard<'_, Option<Instant>> {
        self.turned_over
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

//! How a migration treads beside those who use the same tables.

use std::{fmt, sync::Arc, time::Duration};

/// How it treads.
///
/// Whoever waits for a lock of a whole table has everybody wait behind it who comes later, and
/// whoever has it everybody at all. So it waits only for a moment, gives up what it has, and comes
/// again; and once it has a lock, it is through in a moment, or gives all of it up.
#[derive(Clone)]
pub struct Pace {
    /// How long one attempt waits for a lock.
    pub lock_wait: Duration,
    /// How long a transaction may last, none: as long as it takes.
    pub transaction: Option<Duration>,
    /// The first pause before it comes again; each is twice the one before, up to `longest_pause`.
    pub first_pause: Duration,
    /// See `first_pause`.
    pub longest_pause: Duration,
    /// For how long it comes again when others hold the table.
    pub patience: Duration,
    /// How many transactions that last too long are tried: a machine may be busy for a moment.
    pub too_long: u32,
    /// Between two batches.
    pub batch_pause: Duration,
    /// Who is told what happens; the log, unless [`Pace::telling`] says otherwise.
    pub told: Arc<dyn Fn(&Told<'_>) + Send + Sync>,
}

/// What a migration has to say on its way.
#[derive(Debug)]
pub enum Told<'a> {
    /// Another process brings the same schema up to date; it is waited for.
    Waits,
    /// This migration begins.
    Begins(&'a str),
    /// Somebody holds what it needs, or it took too long: it comes again after this pause.
    Again {
        /// The migration.
        migration: &'a str,
        /// Why, as the server says it, and who holds it, if that is known.
        why: &'a str,
        /// The pause.
        pause: Duration,
    },
    /// So many rows were changed, in so many batches.
    Batches {
        /// The migration.
        migration: &'a str,
        /// How many rows.
        rows: u64,
        /// In how many batches.
        batches: u64,
    },
}

impl fmt::Display for Told<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waits => write!(f, "another process brings it up to date; waiting for that"),
            Self::Begins(migration) => write!(f, "applies {migration}"),
            Self::Again {
                migration,
                why,
                pause,
            } => write!(
                f,
                "{migration} gives way ({why}) and comes again in {:.1} s",
                pause.as_secs_f64()
            ),
            Self::Batches {
                migration,
                rows,
                batches,
            } => write!(f, "{migration} changed {rows} rows in {batches} batches"),
        }
    }
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            lock_wait: Duration::from_millis(200),
            transaction: Some(Duration::from_millis(500)),
            first_pause: Duration::from_millis(300),
            longest_pause: Duration::from_secs(5),
            patience: Duration::from_secs(10 * 60),
            too_long: 5,
            batch_pause: Duration::from_millis(20),
            told: Arc::new(|told| tracing::info!("migration: {told}")),
        }
    }
}

impl Pace {
    /// For a shop that is closed: a transaction lasts as long as it takes.
    pub fn closed() -> Self {
        Self {
            transaction: None,
            ..Self::default()
        }
    }

    /// Tells what happens to somebody else than the log.
    #[must_use]
    pub fn telling(self, told: impl Fn(&Told<'_>) + Send + Sync + 'static) -> Self {
        Self {
            told: Arc::new(told),
            ..self
        }
    }

    pub(crate) fn tell(&self, told: &Told<'_>) {
        (self.told)(told);
    }

    /// The pause after so many attempts.
    pub(crate) fn pause(&self, attempts: u32) -> Duration {
        let doubled = self.first_pause.saturating_mul(1 << attempts.min(16));
        doubled.min(self.longest_pause)
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace")
            .field("lock_wait", &self.lock_wait)
            .field("transaction", &self.transaction)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

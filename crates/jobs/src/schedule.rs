//! Work that comes round with the clock.

use std::time::Duration;

use techcommerce_kernel::Error;
use techcommerce_store::{StoreError, transact, with};

use crate::{NewJob, Queue, backoff, enqueue};

/// A job that is written once in every slot of `every`, however many workers run.
#[derive(Debug, Clone)]
pub struct Schedule {
    /// Its name among the service's schedules; never changed.
    pub name: &'static str,
    /// The length of a slot; slots are counted from 1970.
    pub every: Duration,
    /// The kind of the job; its payload is null.
    pub kind: &'static str,
    /// How often the job of one slot is tried: few, for the next slot comes anyway.
    pub max_attempts: u32,
}

impl Schedule {
    /// A job of `kind` once in every slot of `every`.
    pub fn new(name: &'static str, every: Duration, kind: &'static str) -> Self {
        Self {
            name,
            every,
            kind,
            max_attempts: 3,
        }
    }

    /// Tries the job of a slot as often as other jobs, over some nine hours: where what it needs may be
    /// away for longer than a few seconds, and nobody is to be called for it.
    #[must_use]
    pub fn patient(self) -> Self {
        Self {
            max_attempts: backoff::MAX_ATTEMPTS,
            ..self
        }
    }

    /// When the slot of the time `micros` began. A slot is known by its beginning, not by its
    /// number: numbers of slots of another length say nothing about each other, so a schedule
    /// that is made rarer would wait for decades.
    pub(crate) fn slot(&self, micros: i64) -> i64 {
        let every = i64::try_from(self.every.as_micros())
            .unwrap_or(i64::MAX)
            .max(1);
        micros.saturating_sub(micros.rem_euclid(every))
    }
}

impl Queue {
    /// Writes the job of the slot that it is now, unless that was done: then gives `false`.
    /// Slots that passed while no worker ran are not made up for, and a slot whose predecessor's
    /// job has not ended is passed over, so that slow work does not pile up.
    pub(crate) async fn enqueue_slot(&self, schedule: &Schedule, slot: i64) -> Result<bool, Error> {
        const TAKE: &str = "INSERT INTO job_schedules (name, slot) VALUES ($1, $2) \
             ON CONFLICT (name) DO UPDATE SET slot = excluded.slot WHERE job_schedules.slot < excluded.slot \
             RETURNING slot";
        const OPEN: &str = "SELECT COUNT(*) FROM jobs WHERE finished_at IS NULL AND kind = $1";
        transact!(self.db, |tx| -> Result<bool, Error> {
            let taken: Option<i64> = with!(tx, |c| {
                sqlx::query_scalar(TAKE)
                    .bind(schedule.name)
                    .bind(slot)
                    .fetch_optional(c)
                    .await
            })?;
            if taken.is_none() {
                return Ok(false);
            }
            let open: Result<i64, StoreError> = with!(tx, |c| sqlx::query_scalar(OPEN)
                .bind(schedule.kind)
                .fetch_one(c)
                .await);
            if open? > 0 {
                return Ok(false);
            }
            let job = NewJob::new(schedule.kind).max_attempts(schedule.max_attempts);
            enqueue(tx, &self.env, job).await?;
            Ok(true)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_schedule_that_becomes_rarer_goes_on() {
        const NOW: i64 = 1_800_000_123_456_789;
        let schedule = |seconds| Schedule::new("expire", Duration::from_secs(seconds), "expire");
        let (minutely, daily) = (schedule(60), schedule(86_400));
        assert!(minutely.slot(NOW) <= NOW && minutely.slot(NOW) > NOW - 60_000_000);
        assert_eq!(minutely.slot(minutely.slot(NOW)), minutely.slot(NOW));
        assert!(daily.slot(NOW + 86_400_000_000) > minutely.slot(NOW));
    }
}

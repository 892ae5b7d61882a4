//! What another clock wrote.
//!
//! Times in the queue are those of whoever wrote them, and clocks differ or jump. One that ran
//! ahead leaves jobs behind that are due in a time that is long in coming: written by a service
//! whose clock was ahead, put off or taken by a worker's. Nobody would look at them until then. It
//! leaves schedules behind whose slots are taken until then.

use std::time::Duration;

use sqlx::AssertSqlSafe;
use techcommerce_kernel::Error;
use techcommerce_store::{execute, transact};

use crate::{JobSet, backoff};

/// In microseconds, the longest pause that a job with so many `attempts` can be at: one second doubles with
/// each, and what is more than an hour from the thirteenth on is no longer looked at.
const LONGEST: &str = "(CAST(1000000 AS BIGINT) << \
     CAST(CASE WHEN attempts > 13 THEN 13 ELSE attempts END - 1 AS INTEGER))";

impl JobSet {
    /// Puts right what a clock that ran ahead has written, and gives how many jobs and schedules that were:
    ///
    /// - a job that was written in a time to come is due as long after now as it was to be after that:
    ///   now, if it was due at once;
    /// - no lease ends later than two `lease`s from now: one that does ends after one;
    /// - a job of a kind whose handler says that it is put off for less than usual
    ///   ([`Handler::longest_pause`](crate::Handler::longest_pause)) is not put off for longer;
    /// - no job whose last attempt failed waits longer than the pause after so many failures can be;
    /// - a schedule whose slot begins more than a `lease` from now takes the slot that it is.
    ///
    /// Should it be the own clock that is wrong, jobs run early or twice, which they may.
    pub async fn put_clocks_right(&self, lease: Duration) -> Result<u64, Error> {
        const WRITTEN: &str = "UPDATE jobs SET due_at = due_at - (created_at - $1), created_at = $1 \
             WHERE finished_at IS NULL AND due_at > $1 AND created_at > $1 \
             AND state = 'ready' AND attempts = 0";
        const LEASED: &str = "UPDATE jobs SET due_at = $2 WHERE finished_at IS NULL AND due_at > $1 \
             AND state = 'running'";
        const PUT_OFF: &str = "UPDATE jobs SET due_at = $2 WHERE finished_at IS NULL AND due_at > $1 \
             AND state = 'ready' AND kind = $3";
        // Who postpones leaves no error, so that one was a failure.
        let failed = format!(
            "UPDATE jobs SET due_at = $1 + {LONGEST} WHERE finished_at IS NULL \
             AND due_at > $1 + {LONGEST} \
             AND state = 'ready' AND attempts > 0 AND last_error IS NOT NULL"
        );
        const SLOTS: &str = "UPDATE job_schedules SET slot = 0 WHERE slot > $1";
        let queue = self.queue();
        let now = queue.env.now();
        let brief: Vec<(&str, Duration)> = self
            .kinds()
            .iter()
            .filter_map(|kind| Some((*kind, self.handler(kind)?.longest_pause())))
            .filter(|(_, longest)| *longest < backoff::LONGEST)
            .collect();
        let (right, slots) = transact!(queue.db, |tx| -> Result<(u64, u64), Error> {
            let mut right = execute!(tx, sqlx::query(WRITTEN).bind(now.as_micros()))?;
            right += execute!(
                tx,
                sqlx::query(AssertSqlSafe(failed.as_str())).bind(now.as_micros())
            )?;
            right += execute!(
                tx,
                sqlx::query(LEASED)
                    .bind((now + lease * 2).as_micros())
                    .bind((now + lease).as_micros())
            )?;
            for (kind, longest) in &brief {
                right += execute!(
                    tx,
                    sqlx::query(PUT_OFF)
                        .bind((now + *longest).as_micros())
                        .bind(now.as_micros())
                        .bind(*kind)
                )?;
            }
            let slots = execute!(tx, sqlx::query(SLOTS).bind((now + lease).as_micros()))?;
            Ok((right, slots))
        })?;
        if slots > 0 {
            self.forget_slots();
        }
        Ok(right + slots)
    }
}

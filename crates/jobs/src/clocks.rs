//! What another clock wrote.
//!
//! Times in the queue are those of whoever wrote them, and clocks differ or jump. One that ran
//! ahead leaves jobs behind that are due in a time that is long in coming: written by a service
//! whose clock was ahead, put off or taken by a worker's. Nobody would look at them until then.

use std::time::Duration;

use techcommerce_kernel::Error;
use techcommerce_store::{execute, transact};

use crate::{JobSet, backoff};

impl JobSet {
    /// Puts right what a clock that ran ahead has written, and gives how many jobs that were:
    ///
    /// - a job that was due at once when it was written is due now;
    /// - no lease ends later than two `lease`s from now: one that does ends after one;
    /// - a job of a kind whose handler says that it is put off for less than usual
    ///   ([`Handler::longest_pause`](crate::Handler::longest_pause)) is not put off for longer.
    ///
    /// Should it be the own clock that is wrong, jobs run early or twice, which they may.
    pub async fn put_clocks_right(&self, lease: Duration) -> Result<u64, Error> {
        const AT_ONCE: &str = "UPDATE jobs SET due_at = $1 WHERE finished_at IS NULL AND due_at > $1 \
             AND state = 'ready' AND attempts = 0 AND due_at = created_at";
        const LEASED: &str = "UPDATE jobs SET due_at = $2 WHERE finished_at IS NULL AND due_at > $1 \
             AND state = 'running'";
        const PUT_OFF: &str = "UPDATE jobs SET due_at = $2 WHERE finished_at IS NULL AND due_at > $1 \
             AND state = 'ready' AND kind = $3";
        let queue = self.queue();
        let now = queue.env.now();
        let brief: Vec<(&str, Duration)> = self
            .kinds()
            .iter()
            .filter_map(|kind| Some((*kind, self.handler(kind)?.longest_pause())))
            .filter(|(_, longest)| *longest < backoff::LONGEST)
            .collect();
        transact!(queue.db, |tx| -> Result<u64, Error> {
            let mut right = execute!(tx, sqlx::query(AT_ONCE).bind(now.as_micros()))?;
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
            Ok(right)
        })
    }
}

//! What another clock wrote.
//!
//! Times in the queue are those of whoever wrote them, and clocks differ or jump. One that ran
//! ahead leaves jobs behind that are due in a time that is long in coming: written by a service
//! whose clock was ahead, put off or taken by a worker's. Nobody would look at them until then. It
//! leaves schedules behind whose slots are taken until then.

use std::time::Duration;

use techcommerce_kernel::Error;
use techcommerce_store::{execute, transact};

use crate::JobSet;

/// Clocks that differ by less are right.
const DIFFER: Duration = Duration::from_secs(1);

impl JobSet {
    /// Puts right what a clock that ran ahead has written, and gives how many jobs and schedules that were:
    ///
    /// - a job whose time was said in a time to come is due, or leased, as long after now as it was to be
    ///   after that;
    /// - a schedule whose slot begins more than a `lease` from now takes the slot that it is.
    ///
    /// Should it be the own clock that is wrong, jobs run early or twice, which they may.
    pub async fn put_clocks_right(&self, lease: Duration) -> Result<u64, Error> {
        const DUE: &str = "UPDATE jobs SET due_at = due_at - (due_set_at - $1), due_set_at = $1 \
             WHERE finished_at IS NULL AND due_at > $1 AND due_set_at > $2";
        const SLOTS: &str = "UPDATE job_schedules SET slot = 0 WHERE slot > $1";
        let queue = self.queue();
        let now = queue.env.now();
        let (jobs, slots) = transact!(queue.db, |tx| -> Result<(u64, u64), Error> {
            let jobs = execute!(
                tx,
                sqlx::query(DUE)
                    .bind(now.as_micros())
                    .bind((now + DIFFER).as_micros())
            )?;
            let slots = execute!(tx, sqlx::query(SLOTS).bind((now + lease).as_micros()))?;
            Ok((jobs, slots))
        })?;
        if slots > 0 {
            self.forget_slots();
        }
        Ok(jobs + slots)
    }
}

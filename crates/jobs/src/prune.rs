//! Old rows go: a handler and a schedule that every set has.

use std::time::Duration;

use async_trait::async_trait;
use techcommerce_kernel::{Error, Timestamp};
use techcommerce_store::{execute, transact};

use crate::{Handler, Job, Outcome, Queue};

/// How long a finished job is kept.
pub const KEEP_DONE: Duration = Duration::from_hours(7 * 24);
/// How long a worker that is silent is remembered.
const KEEP_WORKERS: Duration = Duration::from_hours(24);
/// Rows in one transaction, so that nobody waits long for the database.
const BATCH: i64 = 1000;

pub(crate) const KIND: &str = "jobs.prune";

pub(crate) struct Prune(pub Queue);

#[async_trait]
impl Handler for Prune {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, _job: &Job) -> Result<Outcome, Error> {
        const DONE: &str = "DELETE FROM jobs WHERE id IN (SELECT id FROM jobs \
             WHERE state = 'done' AND finished_at < $1 ORDER BY finished_at LIMIT $2)";
        const WORKERS: &str = "DELETE FROM job_workers WHERE name IN (SELECT name FROM job_workers \
             WHERE seen_at < $1 LIMIT $2)";
        let now = self.0.env.now();
        self.delete(DONE, now - KEEP_DONE).await?;
        self.delete(WORKERS, now - KEEP_WORKERS).await?;
        Ok(Outcome::Done)
    }
}

impl Prune {
    async fn delete(&self, sql: &'static str, before: Timestamp) -> Result<(), Error> {
        loop {
            let gone = transact!(self.0.db, |tx| -> Result<u64, Error> {
                Ok(execute!(
                    tx,
                    sqlx::query(sql).bind(before.as_micros()).bind(BATCH)
                )?)
            })?;
            if gone < BATCH.unsigned_abs() {
                return Ok(());
            }
        }
    }
}

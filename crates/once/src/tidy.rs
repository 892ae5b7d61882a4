//! Answers are forgotten after a day.

use std::time::Duration;

use async_trait::async_trait;
use techcommerce_jobs::{Handler, Job, Outcome, Schedule};
use techcommerce_kernel::{Env, Error};
use techcommerce_store::{Db, execute, transact};

/// How long an answer is kept at least.
pub const KEEP: Duration = Duration::from_hours(24);
/// Rows that one transaction deletes at most.
const BATCH: i64 = 500;

const KIND: &str = "idempotency.prune";

/// Runs the schedule.
pub struct Prune {
    db: Db,
    env: Env,
}

/// When it runs.
pub fn schedule() -> Schedule {
    Schedule::new(KIND, Duration::from_hours(1), KIND)
}

impl Prune {
    /// Forgets what is old in this database.
    pub fn new(db: Db, env: Env) -> Self {
        Self { db, env }
    }

    async fn some(&self) -> Result<u64, Error> {
        const DELETE: &str = "DELETE FROM idempotency_answers WHERE id IN \
             (SELECT id FROM idempotency_answers WHERE created_at < $1 ORDER BY created_at LIMIT $2)";
        let before = self.env.now() - KEEP;
        transact!(self.db, |tx| -> Result<u64, Error> {
            Ok(execute!(
                tx,
                sqlx::query(DELETE).bind(before.as_micros()).bind(BATCH)
            )?)
        })
    }
}

#[async_trait]
impl Handler for Prune {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, _: &Job) -> Result<Outcome, Error> {
        while self.some().await? > 0 {}
        Ok(Outcome::Done)
    }
}

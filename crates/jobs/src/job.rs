//! A job that somebody holds.

use std::time::Duration;

use serde::de::DeserializeOwned;
use techcommerce_kernel::{Env, Error, Timestamp, Uuid};
use techcommerce_store::{Conn, execute};

/// A job under a lease. Whoever holds it runs it; see [`Queue::claim`](crate::Queue::claim).
#[derive(Debug, Clone)]
pub struct Job {
    /// The job's id: the same at each attempt, so fit as an idempotency key towards others.
    pub id: Uuid,
    /// Which handler runs it.
    pub kind: String,
    /// Which attempt this is, from 1.
    pub attempt: u32,
    /// How many there may be.
    pub max_attempts: u32,
    /// When it was written.
    pub created_at: Timestamp,
    pub(crate) payload: String,
    pub(crate) fence: i64,
    pub(crate) lease: Duration,
    pub(crate) request_id: Option<String>,
    pub(crate) traceparent: Option<String>,
}

impl Job {
    /// What the writer of the job put in.
    ///
    /// # Errors
    /// `internal` if it is something else; a handler that changes its payload's shape must go on
    /// understanding the old one.
    pub fn payload<T: DeserializeOwned>(&self) -> Result<T, Error> {
        serde_json::from_str(&self.payload).map_err(Error::internal)
    }

    /// Makes sure, inside a transaction, that the job is still ours until the commit: nobody can
    /// take it in the meantime.
    ///
    /// # Errors
    /// `job_lost` (conflict) if its lease ran out and somebody else has taken it.
    pub async fn guard(&self, tx: &mut Conn) -> Result<(), Error> {
        const GUARD: &str =
            "UPDATE jobs SET fence = fence WHERE id = $1 AND fence = $2 AND state = 'running'";
        held(execute!(
            tx,
            sqlx::query(GUARD).bind(self.id).bind(self.fence)
        )?)
    }

    /// Finishes the job in the transaction that makes its change: both happen or neither does.
    /// The handler then returns [`Outcome::Done`](crate::Outcome::Done).
    ///
    /// # Errors
    /// `job_lost` (conflict) if its lease ran out and somebody else has taken it.
    pub async fn complete_in(&self, tx: &mut Conn, env: &Env) -> Result<(), Error> {
        // Finishing twice under one fence is finishing once.
        const COMPLETE: &str = "UPDATE jobs SET state = 'done', finished_at = COALESCE(finished_at, $3), \
             worker = NULL, last_error = NULL \
             WHERE id = $1 AND fence = $2 AND state IN ('running', 'done')";
        let now = env.now().as_micros();
        held(execute!(
            tx,
            sqlx::query(COMPLETE)
                .bind(self.id)
                .bind(self.fence)
                .bind(now)
        )?)
    }

    /// Puts the job off for so long in the transaction that makes its change, and gives until when; this uses
    /// up no attempt. The handler then returns [`Outcome::Postponed`](crate::Outcome::Postponed).
    ///
    /// # Errors
    /// `job_lost` (conflict) if its lease ran out and somebody else has taken it.
    pub async fn postpone_in(
        &self,
        tx: &mut Conn,
        env: &Env,
        time: Duration,
    ) -> Result<Timestamp, Error> {
        const POSTPONE: &str = "UPDATE jobs SET state = 'ready', due_at = $3, due_set_at = $4, worker = NULL, \
             attempts = attempts - 1, last_error = NULL WHERE id = $1 AND fence = $2 AND state = 'running'";
        let now = env.now();
        let at = now + time;
        held(execute!(
            tx,
            sqlx::query(POSTPONE)
                .bind(self.id)
                .bind(self.fence)
                .bind(at.as_micros())
                .bind(now.as_micros())
        )?)?;
        Ok(at)
    }
}

/// The one row of the job was ours, or the job is lost.
pub(crate) fn held(rows: u64) -> Result<(), Error> {
    if rows == 1 {
        return Ok(());
    }
    Err(Error::conflict(
        LOST,
        "The job was taken over by another worker.",
    ))
}

/// The code of [`held`]'s error.
pub(crate) const LOST: &str = "job_lost";

/// A row as it is read back when it is taken.
#[derive(Debug, sqlx::FromRow)]
pub(crate) struct JobRow {
    pub id: Uuid,
    pub kind: String,
    pub payload: String,
    pub attempts: i64,
    pub max_attempts: i64,
    pub fence: i64,
    pub request_id: Option<String>,
    pub traceparent: Option<String>,
    pub created_at: i64,
}

impl JobRow {
    pub(crate) fn into_job(self, lease: Duration) -> Job {
        Job {
            id: self.id,
            kind: self.kind,
            attempt: u32::try_from(self.attempts).unwrap_or(u32::MAX),
            max_attempts: u32::try_from(self.max_attempts).unwrap_or(u32::MAX),
            created_at: Timestamp::from_micros(self.created_at),
            payload: self.payload,
            fence: self.fence,
            lease,
            request_id: self.request_id,
            traceparent: self.traceparent,
        }
    }
}

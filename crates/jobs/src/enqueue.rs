//! Writing jobs.

use serde::Serialize;
use techcommerce_contracts::context::RequestContext;
use techcommerce_kernel::{Env, Error, Timestamp, Uuid};
use techcommerce_store::{Conn, with};

use crate::backoff;

/// A job that is yet to be written.
#[derive(Debug, Clone)]
pub struct NewJob {
    kind: &'static str,
    payload: serde_json::Value,
    run_at: Option<Timestamp>,
    unique_key: Option<String>,
    max_attempts: u32,
}

impl NewJob {
    /// A job of `kind` (as `order.pay`), due at once.
    pub fn new(kind: &'static str) -> Self {
        Self {
            kind,
            payload: serde_json::Value::Null,
            run_at: None,
            unique_key: None,
            max_attempts: backoff::MAX_ATTEMPTS,
        }
    }

    /// What the handler needs to know: ids rather than copies, and never a secret.
    ///
    /// # Errors
    /// `internal` if it cannot be written as JSON.
    pub fn payload<T: Serialize>(mut self, payload: &T) -> Result<Self, Error> {
        self.payload = serde_json::to_value(payload).map_err(Error::internal)?;
        Ok(self)
    }

    /// Not before `time`.
    #[must_use]
    pub fn run_at(mut self, time: Timestamp) -> Self {
        self.run_at = Some(time);
        self
    }

    /// Only if the queue has no job with this key yet, finished ones included (those are kept
    /// for a week).
    #[must_use]
    pub fn unique(mut self, key: impl Into<String>) -> Self {
        self.unique_key = Some(key.into());
        self
    }

    /// How often it is tried before it is given up; at least once. 20 times if not said.
    #[must_use]
    pub fn max_attempts(mut self, times: u32) -> Self {
        self.max_attempts = times.max(1);
        self
    }
}

/// Writes a job in the caller's transaction and gives its id, or the id of the job that already
/// has its unique key. Call [`Queue::wake`](crate::Queue::wake) after the commit.
///
/// # Errors
/// Those of the database.
pub async fn enqueue(tx: &mut Conn, env: &Env, job: NewJob) -> Result<Uuid, Error> {
    const INSERT: &str = "INSERT INTO jobs (id, kind, payload, state, due_at, unique_key, attempts, \
         max_attempts, fence, request_id, traceparent, created_at) \
         VALUES ($1, $2, $3, 'ready', $4, $5, 0, $6, 0, $7, $8, $9) \
         ON CONFLICT (unique_key) DO NOTHING RETURNING id";
    let id = env.new_id();
    let now = env.now();
    let payload = job.payload.to_string();
    let context = RequestContext::current();
    let request_id = context
        .as_ref()
        .map(|context| context.request_id.to_string());
    let traceparent = context.map(|context| context.trace.to_string());
    let written: Option<Uuid> = with!(tx, |c| {
        sqlx::query_scalar(INSERT)
            .bind(id)
            .bind(job.kind)
            .bind(&payload)
            .bind(job.run_at.unwrap_or(now).as_micros())
            .bind(job.unique_key.as_deref())
            .bind(i64::from(job.max_attempts))
            .bind(request_id.as_deref())
            .bind(traceparent.as_deref())
            .bind(now.as_micros())
            .fetch_optional(c)
            .await
    })?;
    if let Some(id) = written {
        return Ok(id);
    }
    Ok(with!(tx, |c| {
        sqlx::query_scalar("SELECT id FROM jobs WHERE unique_key = $1")
            .bind(job.unique_key.as_deref())
            .fetch_one(c)
            .await
    })?)
}

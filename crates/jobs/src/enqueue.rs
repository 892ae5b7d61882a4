//! Writing jobs.

use std::time::Duration;

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
    due: Due,
    unique_key: Option<String>,
    max_attempts: u32,
}

#[derive(Debug, Clone, Copy)]
enum Due {
    At(Timestamp),
    /// After it is written.
    After(Duration),
}

impl Due {
    fn of(self, written: Timestamp) -> Timestamp {
        match self {
            Self::At(time) => time,
            Self::After(time) => written + time,
        }
    }
}

impl NewJob {
    /// A job of `kind` (as `order.pay`), due at once.
    pub fn new(kind: &'static str) -> Self {
        Self {
            kind,
            payload: serde_json::Value::Null,
            due: Due::After(Duration::ZERO),
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
        self.due = Due::At(time);
        self
    }

    /// Not before so much time has passed since it was written. Said so it is known for what it is where
    /// clocks differ or jump.
    #[must_use]
    pub fn after(mut self, time: Duration) -> Self {
        self.due = Due::After(time);
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

/// What all jobs that are written at one moment have in common.
struct Writer {
    now: Timestamp,
    request_id: Option<String>,
    traceparent: Option<String>,
}

impl Writer {
    fn new(env: &Env) -> Self {
        let context = RequestContext::current();
        Self {
            now: env.now(),
            request_id: context
                .as_ref()
                .map(|context| context.request_id.to_string()),
            traceparent: context.map(|context| context.trace.to_string()),
        }
    }
}

const INSERT: &str = "INSERT INTO jobs (id, kind, payload, state, due_at, unique_key, attempts, \
     max_attempts, fence, request_id, traceparent, created_at, due_set_at) VALUES";

/// The placeholders of a job's row, from the `first` on.
fn placeholders(first: usize) -> String {
    let [
        id,
        kind,
        payload,
        due,
        unique,
        attempts,
        request,
        trace,
        created,
    ] = std::array::from_fn(|index| first + index);
    format!(
        "(${id}, ${kind}, ${payload}, 'ready', ${due}, ${unique}, 0, ${attempts}, 0, ${request}, \
         ${trace}, ${created}, ${created})"
    )
}

/// Binds a job's values in the order of [`placeholders`].
macro_rules! bind_job {
    ($query:expr, $id:expr, $payload:expr, $job:expr, $writer:expr) => {
        $query
            .bind($id)
            .bind($job.kind)
            .bind($payload)
            .bind($job.due.of($writer.now).as_micros())
            .bind($job.unique_key.as_deref())
            .bind(i64::from($job.max_attempts))
            .bind($writer.request_id.as_deref())
            .bind($writer.traceparent.as_deref())
            .bind($writer.now.as_micros())
    };
}

/// Writes a job in the caller's transaction and gives its id, or the id of the job that already
/// has its unique key. Call [`Queue::wake`](crate::Queue::wake) after the commit.
///
/// # Errors
/// Those of the database.
pub async fn enqueue(tx: &mut Conn, env: &Env, job: NewJob) -> Result<Uuid, Error> {
    let writer = Writer::new(env);
    let (id, payload) = (env.new_id(), job.payload.to_string());
    let sql = format!(
        "{INSERT} {} ON CONFLICT (unique_key) DO NOTHING RETURNING id",
        placeholders(1)
    );
    let written: Option<Uuid> = with!(tx, |c| {
        let query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql.as_str()));
        bind_job!(query, id, &payload, job, writer)
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

/// Writes a few jobs that have no unique keys in one statement and gives their ids. Otherwise as
/// [`enqueue`].
///
/// # Errors
/// Those of the database, which refuses a unique key that is there already.
pub async fn enqueue_all<const N: usize>(
    tx: &mut Conn,
    env: &Env,
    jobs: [NewJob; N],
) -> Result<[Uuid; N], Error> {
    let writer = Writer::new(env);
    let ids = std::array::from_fn(|_| env.new_id());
    let rows: Vec<String> = (0..N).map(|row| placeholders(1 + row * 9)).collect();
    let sql = format!("{INSERT} {}", rows.join(", "));
    let payloads: Vec<String> = jobs.iter().map(|job| job.payload.to_string()).collect();
    with!(tx, |c| {
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str()));
        for ((id, job), payload) in ids.iter().zip(&jobs).zip(&payloads) {
            query = bind_job!(query, *id, payload, job, writer);
        }
        query.execute(c).await.map(|_| ())
    })?;
    Ok(ids)
}

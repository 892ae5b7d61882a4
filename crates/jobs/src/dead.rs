//! What staff and monitoring see of a queue.

use std::time::Duration;

use techcommerce_contracts::codes;
use techcommerce_kernel::{Env, Error, Timestamp, Uuid};
use techcommerce_store::{Conn, Db, execute, transact, with};

use crate::Queue;

/// A job that was given up.
#[derive(Debug, Clone, serde::Serialize)]
pub struct DeadJob {
    /// Its id.
    pub id: Uuid,
    /// Its kind, as `order.pay`.
    pub kind: String,
    /// What it was to work on.
    pub payload: serde_json::Value,
    /// How often it was tried.
    pub attempts: i64,
    /// Why the last attempt failed, for the staff.
    pub last_error: Option<String>,
    /// When it was written.
    pub created_at: Timestamp,
    /// When it was given up.
    pub died_at: Timestamp,
}

/// How a queue stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Stats {
    /// Jobs that wait to be taken now.
    pub ready: u64,
    /// Jobs whose time has not come yet.
    pub scheduled: u64,
    /// Jobs that are being run.
    pub running: u64,
    /// Jobs that were given up.
    pub dead: u64,
    /// How long the job that has waited longest could have been taken.
    pub oldest: Duration,
}

#[derive(sqlx::FromRow)]
struct DeadRow {
    id: Uuid,
    kind: String,
    payload: String,
    attempts: i64,
    last_error: Option<String>,
    created_at: i64,
    finished_at: i64,
}

/// How the jobs of one kind stand.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct KindStats {
    /// Their kind.
    pub kind: String,
    /// Could be taken now.
    pub ready: i64,
    /// Wait for their time.
    pub scheduled: i64,
    /// Are being run.
    pub running: i64,
    /// Were given up.
    pub dead: i64,
    /// When the one that waits longest could have been taken, in microseconds since 1970.
    pub oldest: Option<i64>,
}

#[derive(sqlx::FromRow)]
struct StatsRow {
    ready: i64,
    running: i64,
    open: i64,
    oldest: Option<i64>,
}

impl Queue {
    /// The dead jobs with ids after `after`, in the order they were written, `limit` at most.
    pub async fn list_dead(&self, after: Option<Uuid>, limit: u32) -> Result<Vec<DeadJob>, Error> {
        let mut conn = self.db.read().await?;
        let rows: Vec<DeadRow> = with!(conn, |c| {
            sqlx::query_as(
                "SELECT id, kind, payload, attempts, last_error, created_at, finished_at FROM jobs \
                 WHERE state = 'dead' AND id > $1 ORDER BY id LIMIT $2",
            )
            .bind(after.unwrap_or(Uuid::nil()))
            .bind(i64::from(limit))
            .fetch_all(c)
            .await
        })?;
        Ok(rows.into_iter().map(DeadJob::from).collect())
    }

    /// Lets a dead job run again, now and with all its attempts.
    ///
    /// # Errors
    /// `job_not_found` if there is no dead job with this id.
    pub async fn retry_dead(&self, id: Uuid) -> Result<(), Error> {
        transact!(self.db, |tx| -> Result<String, Error> {
            self.retry_in(tx, id).await
        })?;
        self.wake();
        Ok(())
    }

    /// As [`Queue::retry_dead`], in the caller's transaction on [`Queue::db`]; gives the job's
    /// kind. Call [`Queue::wake`] after the commit.
    ///
    /// # Errors
    /// `job_not_found` if there is no dead job with this id.
    pub async fn retry_in(&self, tx: &mut Conn, id: Uuid) -> Result<String, Error> {
        const RETRY: &str = "UPDATE jobs SET state = 'ready', due_at = $2, due_set_at = $2, attempts = 0, \
             finished_at = NULL \
             WHERE id = $1 AND state = 'dead' RETURNING kind";
        let now = self.env.now().as_micros();
        let kind: Option<String> = with!(tx, |c| sqlx::query_scalar(RETRY)
            .bind(id)
            .bind(now)
            .fetch_optional(c)
            .await)?;
        kind.ok_or_else(not_dead)
    }

    /// Lets the dead jobs of a kind run again, as [`Queue::retry_in`], those written first first and
    /// `limit` at most; how many there were.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn retry_kind_in(&self, tx: &mut Conn, kind: &str, limit: u32) -> Result<u64, Error> {
        const RETRY: &str = "UPDATE jobs SET state = 'ready', due_at = $2, due_set_at = $2, attempts = 0, \
             finished_at = NULL \
             WHERE id IN (SELECT id FROM jobs WHERE state = 'dead' AND kind = $1 ORDER BY id LIMIT $3) \
             AND state = 'dead'";
        let now = self.env.now().as_micros();
        Ok(execute!(
            tx,
            sqlx::query(RETRY)
                .bind(kind)
                .bind(now)
                .bind(i64::from(limit))
        )?)
    }

    /// Deletes a dead job in the caller's transaction on [`Queue::db`]: nobody will run it again.
    /// Gives its kind.
    ///
    /// # Errors
    /// `job_not_found` if there is no dead job with this id.
    pub async fn discard_in(&self, tx: &mut Conn, id: Uuid) -> Result<String, Error> {
        const DISCARD: &str = "DELETE FROM jobs WHERE id = $1 AND state = 'dead' RETURNING kind";
        let kind: Option<String> = with!(tx, |c| sqlx::query_scalar(DISCARD)
            .bind(id)
            .fetch_optional(c)
            .await)?;
        kind.ok_or_else(not_dead)
    }

    /// The database that the queue is in.
    pub fn db(&self) -> &Db {
        &self.db
    }

    /// The queue's clock and randomness.
    pub fn env(&self) -> &Env {
        &self.env
    }

    /// How the queue stands, by the kinds of which there are jobs.
    pub async fn stats_by_kind(&self) -> Result<Vec<KindStats>, Error> {
        const OPEN: &str = "SELECT kind, \
             COUNT(CASE WHEN state = 'ready' AND due_at <= $1 THEN 1 END) AS ready, \
             COUNT(CASE WHEN state = 'ready' AND due_at > $1 THEN 1 END) AS scheduled, \
             COUNT(CASE WHEN state = 'running' THEN 1 END) AS running, CAST(0 AS bigint) AS dead, \
             MIN(CASE WHEN state = 'ready' AND due_at <= $1 THEN due_at END) AS oldest \
             FROM jobs WHERE finished_at IS NULL GROUP BY kind";
        const DEAD: &str = "SELECT kind, COUNT(*) FROM jobs WHERE state = 'dead' GROUP BY kind";
        let now = self.env.now().as_micros();
        let mut conn = self.db.read().await?;
        let mut kinds: Vec<KindStats> =
            with!(conn, |c| sqlx::query_as(OPEN).bind(now).fetch_all(c).await)?;
        let dead: Vec<(String, i64)> = with!(conn, |c| sqlx::query_as(DEAD).fetch_all(c).await)?;
        for (kind, dead) in dead {
            match kinds.iter_mut().find(|known| known.kind == kind) {
                Some(known) => known.dead = dead,
                None => kinds.push(KindStats {
                    kind,
                    ready: 0,
                    scheduled: 0,
                    running: 0,
                    dead,
                    oldest: None,
                }),
            }
        }
        Ok(kinds)
    }

    /// How the queue stands.
    pub async fn stats(&self) -> Result<Stats, Error> {
        let now = self.env.now();
        let mut conn = self.db.read().await?;
        let row: StatsRow = with!(conn, |c| {
            sqlx::query_as(
                "SELECT COUNT(CASE WHEN state = 'ready' AND due_at <= $1 THEN 1 END) AS ready, \
                 COUNT(CASE WHEN state = 'running' THEN 1 END) AS running, \
                 COUNT(*) AS open, \
                 MIN(CASE WHEN state = 'ready' AND due_at <= $1 THEN due_at END) AS oldest \
                 FROM jobs WHERE finished_at IS NULL",
            )
            .bind(now.as_micros())
            .fetch_one(c)
            .await
        })?;
        let dead: i64 = with!(conn, |c| {
            sqlx::query_scalar("SELECT COUNT(*) FROM jobs WHERE state = 'dead'")
                .fetch_one(c)
                .await
        })?;
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        Ok(Stats {
            ready: count(row.ready),
            scheduled: count(row.open - row.ready - row.running),
            running: count(row.running),
            dead: count(dead),
            oldest: row
                .oldest
                .map_or(Duration::ZERO, |due| now.since(Timestamp::from_micros(due))),
        })
    }
}

fn not_dead() -> Error {
    Error::not_found(
        codes::JOB_NOT_FOUND,
        "There is no dead job with this id. Perhaps somebody was quicker.",
    )
}

impl From<DeadRow> for DeadJob {
    fn from(row: DeadRow) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            payload: serde_json::from_str(&row.payload).unwrap_or_default(),
            attempts: row.attempts,
            last_error: row.last_error,
            created_at: Timestamp::from_micros(row.created_at),
            died_at: Timestamp::from_micros(row.finished_at),
        }
    }
}

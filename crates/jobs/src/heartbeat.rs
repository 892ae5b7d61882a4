//! Workers leave a sign of life in each queue that they serve.

use techcommerce_kernel::{Error, Timestamp};
use techcommerce_store::{execute, transact, with};

use crate::Queue;

/// A worker's sign of life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkerSeen {
    /// The worker's name.
    pub name: String,
    /// When it last wrote.
    pub seen_at: Timestamp,
}

impl Queue {
    /// A worker starts: leases that one of the same name held are given back at once, for it
    /// ended without doing so. (Should it live after all, its fence is stale.)
    pub async fn worker_started(&self, worker: &str) -> Result<u64, Error> {
        const GIVE_BACK: &str = "UPDATE jobs SET state = 'ready', due_at = $2, due_set_at = $2, worker = NULL, \
             fence = fence + 1 \
             WHERE finished_at IS NULL AND worker = $1";
        let now = self.env.now().as_micros();
        let given_back = transact!(self.db, |tx| -> Result<u64, Error> {
            Ok(execute!(tx, sqlx::query(GIVE_BACK).bind(worker).bind(now))?)
        })?;
        self.heartbeat(worker).await?;
        Ok(given_back)
    }

    /// The worker lives.
    pub async fn heartbeat(&self, worker: &str) -> Result<(), Error> {
        const SEEN: &str = "INSERT INTO job_workers (name, started_at, seen_at) VALUES ($1, $2, $2) \
             ON CONFLICT (name) DO UPDATE SET seen_at = excluded.seen_at";
        let now = self.env.now().as_micros();
        transact!(self.db, |tx| -> Result<(), Error> {
            execute!(tx, sqlx::query(SEEN).bind(worker).bind(now))?;
            Ok(())
        })
    }

    /// The workers that were seen in the last `within`, the one seen last first, `limit` at most;
    /// each with when it started.
    pub async fn workers(
        &self,
        within: std::time::Duration,
        limit: u32,
    ) -> Result<Vec<techcommerce_contracts::jobs::WorkerSeen>, Error> {
        const LIST: &str = "SELECT name, started_at, seen_at FROM job_workers \
             WHERE seen_at >= $1 ORDER BY seen_at DESC, name LIMIT $2";
        let within = i64::try_from(within.as_micros()).unwrap_or(i64::MAX);
        let since = self.env.now().as_micros().saturating_sub(within);
        let mut conn = self.db.read().await?;
        let rows: Vec<(String, i64, i64)> = with!(conn, |c| sqlx::query_as(LIST)
            .bind(since)
            .bind(i64::from(limit))
            .fetch_all(c)
            .await)?;
        let seen = rows.into_iter().map(|(name, started, seen)| {
            techcommerce_contracts::jobs::WorkerSeen {
                name,
                started_at: Timestamp::from_micros(started),
                seen_at: Timestamp::from_micros(seen),
            }
        });
        Ok(seen.collect())
    }

    /// The worker that was seen last, if there ever was one.
    pub async fn last_heartbeat(&self) -> Result<Option<WorkerSeen>, Error> {
        let mut conn = self.db.read().await?;
        let row: Option<(String, i64)> = with!(conn, |c| {
            sqlx::query_as(
                "SELECT name, seen_at FROM job_workers ORDER BY seen_at DESC, name LIMIT 1",
            )
            .fetch_optional(c)
            .await
        })?;
        Ok(row.map(|(name, seen_at)| WorkerSeen {
            name,
            seen_at: Timestamp::from_micros(seen_at),
        }))
    }
}

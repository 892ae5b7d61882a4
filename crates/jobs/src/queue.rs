//! Taking jobs and giving them back.

use std::time::Duration;

use techcommerce_kernel::{Env, Error, Timestamp};
use techcommerce_store::{Db, StoreError, dialect::in_list, execute, single, with};
use techcommerce_telemetry::scrub;

use crate::{
    Job, Sleeper, Wake, backoff,
    job::{JobRow, held},
};

/// The longest error that is kept with a job, in bytes.
const ERROR_LIMIT: usize = 2000;

/// The queue of one service. Clones are the same queue.
#[derive(Debug, Clone)]
pub struct Queue {
    pub(crate) db: Db,
    pub(crate) env: Env,
    wake: Wake,
}

/// What a worker asks for.
#[derive(Debug, Clone, Copy)]
pub struct Claim<'a> {
    /// Who asks, unique among the workers that run.
    pub worker: &'a str,
    /// The kinds it can run: a job of a kind that only a newer version knows is left to it.
    pub kinds: &'a [&'static str],
    /// How many at most.
    pub limit: usize,
    /// For how long they are its alone, unless it extends the lease.
    pub lease: Duration,
}

impl Queue {
    /// The queue in `db`, whose migrations came from [`with_tables`](crate::with_tables).
    pub fn new(db: Db, env: Env, wake: Wake) -> Self {
        Self { db, env, wake }
    }

    /// Wakes the workers in this process. Call it after the commit of what enqueued.
    pub fn wake(&self) {
        self.wake.wake();
    }

    /// Somebody who is woken by [`Queue::wake`].
    pub fn sleeper(&self) -> Sleeper {
        self.wake.sleeper()
    }

    /// Whether the queue's database answers.
    pub async fn ping(&self) -> Result<(), Error> {
        self.db.ping().await
    }

    /// When the next job can be taken (perhaps in the past), if any is open.
    pub async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let mut conn = self.db.read().await?;
        let due: Option<i64> = with!(conn, |c| {
            sqlx::query_scalar("SELECT MIN(due_at) FROM jobs WHERE finished_at IS NULL")
                .fetch_one(c)
                .await
        })?;
        Ok(due.map(Timestamp::from_micros))
    }

    /// Takes jobs that are due, those longest due first: waiting ones, and ones whose holder let
    /// the lease run out. Each is given to one caller only.
    ///
    /// A job that made its worker vanish at its last attempt is dead instead.
    pub async fn claim(&self, claim: Claim<'_>) -> Result<Vec<Job>, Error> {
        let now = self.env.now();
        if claim.limit == 0
            || claim.kinds.is_empty()
            || self.next_due().await?.is_none_or(|due| due > now)
        {
            // An idle poll takes no write lock.
            return Ok(Vec::new());
        }
        let sql = format!(
            "WITH due AS MATERIALIZED (SELECT id FROM jobs WHERE finished_at IS NULL AND due_at <= $1 \
             AND kind IN {} ORDER BY due_at, id LIMIT $2{}) \
             UPDATE jobs SET state = 'running', due_at = $3, due_set_at = $1, worker = $4, \
             fence = fence + 1, attempts = attempts + 1 WHERE id IN (SELECT id FROM due) \
             RETURNING id, kind, payload, attempts, max_attempts, fence, request_id, traceparent, created_at",
            in_list(5, claim.kinds.len()),
            self.db.dialect().skip_locked(),
        );
        let leased_until = now + claim.lease;
        let rows: Vec<JobRow> = single!(self.db, |conn| -> Result<Vec<JobRow>, StoreError> {
            with!(conn, |c| {
                let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
                    .bind(now.as_micros())
                    .bind(i64::try_from(claim.limit).unwrap_or(i64::MAX))
                    .bind(leased_until.as_micros())
                    .bind(claim.worker);
                for kind in claim.kinds {
                    query = query.bind(*kind);
                }
                query.fetch_all(c).await
            })
        })?;
        let mut jobs = Vec::with_capacity(rows.len());
        for row in rows {
            let job = row.into_job(claim.lease);
            if job.attempt > job.max_attempts {
                self.bury(&job, "the worker vanished while it ran the last attempt")
                    .await?;
            } else {
                jobs.push(job);
            }
        }
        // Ids are made in the order of time.
        jobs.sort_by_key(|job| job.id);
        Ok(jobs)
    }

    /// The job is done. Doing so twice, or after [`Job::complete_in`], changes nothing.
    ///
    /// # Errors
    /// `job_lost` (conflict), as for all that follow, if somebody else has taken the job.
    pub async fn complete(&self, job: &Job) -> Result<(), Error> {
        single!(self.db, |conn| -> Result<(), Error> {
            job.complete_in(conn, &self.env).await
        })
    }

    /// The attempt failed: the job is tried again after a pause of at most `longest`, or is dead if
    /// that was its last attempt. Gives the time of the next attempt.
    pub async fn fail(
        &self,
        job: &Job,
        why: &str,
        longest: Duration,
    ) -> Result<Option<Timestamp>, Error> {
        if job.attempt >= job.max_attempts {
            self.bury(job, why).await?;
            return Ok(None);
        }
        let now = self.env.now();
        let at = now + backoff::pause_up_to(&self.env, job.attempt, longest);
        const FAIL: &str = "UPDATE jobs SET state = 'ready', due_at = $3, due_set_at = $5, worker = NULL, \
             last_error = $4 \
             WHERE id = $1 AND fence = $2 AND state = 'running'";
        self.change(job, FAIL, now, at, Some(&kept(why))).await?;
        Ok(Some(at))
    }

    /// The job is not to be tried again by itself: it is dead at once.
    pub async fn bury(&self, job: &Job, why: &str) -> Result<(), Error> {
        const BURY: &str = "UPDATE jobs SET state = 'dead', finished_at = $3, due_set_at = $5, worker = NULL, \
             last_error = $4 \
             WHERE id = $1 AND fence = $2 AND state = 'running'";
        let now = self.env.now();
        self.change(job, BURY, now, now, Some(&kept(why))).await
    }

    /// The job is to run (again) after `time`, without this having been a failure: it uses up no attempt.
    /// Gives when that is.
    pub async fn postpone(&self, job: &Job, time: Duration) -> Result<Timestamp, Error> {
        single!(self.db, |conn| -> Result<Timestamp, Error> {
            job.postpone_in(conn, &self.env, time).await
        })
    }

    /// Gives back a job that was not run to its end, as at shutdown: somebody else may take it now.
    pub async fn release(&self, job: &Job) -> Result<(), Error> {
        self.postpone(job, Duration::ZERO).await?;
        self.wake();
        Ok(())
    }

    /// Holds the job for one more lease from now on. One that its handler has just finished by
    /// [`Job::complete_in`] is not lost either.
    pub async fn extend(&self, job: &Job) -> Result<(), Error> {
        const EXTEND: &str = "UPDATE jobs SET due_at = $3, due_set_at = $5, last_error = COALESCE($4, last_error) \
             WHERE id = $1 AND fence = $2 AND state IN ('running', 'done')";
        let now = self.env.now();
        self.change(job, EXTEND, now, now + job.lease, None).await
    }

    /// `now` and `at` are of one reading of the clock, which may jump between two.
    async fn change(
        &self,
        job: &Job,
        sql: &'static str,
        now: Timestamp,
        at: Timestamp,
        why: Option<&str>,
    ) -> Result<(), Error> {
        single!(self.db, |conn| -> Result<(), Error> {
            held(execute!(
                conn,
                sqlx::query(sql)
                    .bind(job.id)
                    .bind(job.fence)
                    .bind(at.as_micros())
                    .bind(why)
                    .bind(now.as_micros())
            )?)
        })
    }
}

/// What is kept of an error: no secret, not all of a long one, and no NUL, which PostgreSQL takes in no text
/// (an error may repeat what somebody else answered).
fn kept(text: &str) -> String {
    let text = &*scrub(text);
    let mut end = text.len().min(ERROR_LIMIT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].replace('\0', "")
}

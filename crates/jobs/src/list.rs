//! The jobs that are not done, as staff see them.

use techcommerce_contracts::jobs::{JobDetail, JobEntry, JobState};
use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Conn, with};

use crate::JobSet;

/// Which jobs of a queue.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// That stand there; wherever they stand if `None`.
    pub state: Option<JobState>,
    /// Of this kind.
    pub kind: Option<&'a str>,
    /// Written before this one.
    pub before: Option<Uuid>,
    /// How many at most.
    pub limit: usize,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    kind: String,
    state: String,
    attempts: i64,
    max_attempts: i64,
    last_error: Option<String>,
    created_at: i64,
    due_at: i64,
    finished_at: Option<i64>,
}

/// Each is a part of the queue that an index of its own knows.
const OPEN: &str = "finished_at IS NULL";
const WAITING: &str = "finished_at IS NULL AND state = 'ready'";
const RUNNING: &str = "finished_at IS NULL AND state = 'running'";
const DEAD: &str = "state = 'dead'";

impl JobSet {
    /// The jobs that are not done, those written last first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn list(&self, wanted: Wanted<'_>) -> Result<Vec<JobEntry>, Error> {
        let parts: &[&str] = match wanted.state {
            Some(JobState::Waiting) => &[WAITING],
            Some(JobState::Running) => &[RUNNING],
            Some(JobState::Dead) => &[DEAD],
            None => &[OPEN, DEAD],
        };
        let mut conn = self.queue().db.read().await?;
        let mut rows = Vec::new();
        for part in parts {
            rows.extend(part_of(&mut conn, part, wanted).await?);
        }
        // Ids are made in the order of time.
        rows.sort_by_key(|row| std::cmp::Reverse(row.id));
        rows.truncate(wanted.limit);
        Ok(rows
            .into_iter()
            .map(|row| row.shown(self.service()))
            .collect())
    }
}

#[derive(sqlx::FromRow)]
struct WholeRow {
    #[sqlx(flatten)]
    row: Row,
    payload: String,
    worker: Option<String>,
}

impl JobSet {
    /// A job that is not done, with what it works on as it was written.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn find(&self, id: Uuid) -> Result<Option<JobDetail>, Error> {
        const FIND: &str = "SELECT id, kind, state, attempts, max_attempts, last_error, \
             created_at, due_at, finished_at, payload, worker FROM jobs \
             WHERE id = $1 AND (finished_at IS NULL OR state = 'dead')";
        let mut conn = self.queue().db.read().await?;
        let found: Option<WholeRow> = with!(conn, |c| sqlx::query_as(FIND)
            .bind(id)
            .fetch_optional(c)
            .await)?;
        Ok(found.map(|found| JobDetail {
            job: found.row.shown(self.service()),
            payload: serde_json::from_str(&found.payload).unwrap_or_default(),
            worker: found.worker,
        }))
    }
}

async fn part_of(conn: &mut Conn, part: &str, wanted: Wanted<'_>) -> Result<Vec<Row>, Error> {
    // An empty kind asks for all, so that the placeholders keep their numbers.
    let sql = format!(
        "SELECT id, kind, state, attempts, max_attempts, last_error, created_at, due_at, \
         finished_at FROM jobs WHERE {part} AND id < $1 AND ($2 = '' OR kind = $2) \
         ORDER BY id DESC LIMIT $3"
    );
    Ok(with!(conn, |c| sqlx::query_as(sqlx::AssertSqlSafe(
        sql.as_str()
    ))
    .bind(wanted.before.unwrap_or(Uuid::max()))
    .bind(wanted.kind.unwrap_or_default())
    .bind(i64::try_from(wanted.limit).unwrap_or(i64::MAX))
    .fetch_all(c)
    .await)?)
}

impl Row {
    fn shown(self, service: &str) -> JobEntry {
        JobEntry {
            service: service.to_owned(),
            id: self.id,
            kind: self.kind,
            state: match self.state.as_str() {
                "dead" => JobState::Dead,
                "running" => JobState::Running,
                _ => JobState::Waiting,
            },
            attempts: self.attempts,
            max_attempts: self.max_attempts,
            last_error: self.last_error,
            created_at: Timestamp::from_micros(self.created_at),
            run_at: Timestamp::from_micros(self.finished_at.unwrap_or(self.due_at)),
        }
    }
}

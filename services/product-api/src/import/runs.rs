//! Runs as they are stored: how far each came, and what it has to say.

use techcommerce_audit::Entry;
use techcommerce_contracts::{
    codes,
    product_api::{ImportChange, ImportError, ImportOutcome, ImportReport, ImportState},
};
use techcommerce_kernel::{Currency, Env, Error, Timestamp, Uuid};
use techcommerce_store::{Conn, Db, StoreError, execute, transact, with};

use super::report::Refusal;
use crate::pictures;

/// Raise it when the same file comes to other products, or in another order: a run that was begun
/// by an older reading is not gone on with, but begun anew.
const READER: i64 = 1;

/// How many notes of each kind are kept.
pub const MAX_NOTES: u64 = 1_000;

/// A run that does not come further for so long was broken off.
const SILENCE: std::time::Duration = std::time::Duration::from_secs(60);

/// A file, and who imports it how.
#[derive(Debug, Clone)]
pub(super) struct Begin<'a> {
    pub file_hash: &'a str,
    pub file_bytes: u64,
    pub file_name: Option<&'a str>,
    pub actor: &'a str,
    pub dry_run: bool,
    pub currency: Currency,
}

/// A run that we may write to.
#[derive(Debug, Clone)]
pub(super) struct Run {
    pub id: Uuid,
    pub counts: Counts,
    fence: i64,
    notes: i64,
    changes: u64,
}

/// What a run did so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub items: u64,
    pub rows: u64,
    pub created: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub refused: u64,
    pub warned: u64,
    pub percent: u32,
}

/// What a batch adds to a run.
#[derive(Debug, Clone, Default)]
pub(super) struct Step {
    /// Products and refused rows that are dealt with now.
    pub items: u64,
    /// Rows from the beginning.
    pub rows: u64,
    /// How far in the file.
    pub percent: u32,
    pub unchanged: u64,
    pub changes: Vec<ImportChange>,
    pub refusals: Vec<Refusal>,
    pub warnings: Vec<Refusal>,
}

/// A run as it is read.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct RunRow {
    pub id: Uuid,
    pub file_hash: String,
    pub file_name: Option<String>,
    pub file_bytes: i64,
    pub actor: String,
    pub dry_run: bool,
    pub format: String,
    pub currency: String,
    pub reader: i64,
    pub state: String,
    pub error: Option<String>,
    pub fence: i64,
    pub resumed: bool,
    pub percent: i64,
    pub items: i64,
    pub rows_read: i64,
    pub created: i64,
    pub updated: i64,
    pub unchanged: i64,
    pub refused: i64,
    pub warned: i64,
    pub started_at: i64,
    pub updated_at: i64,
    pub finished_at: Option<i64>,
}

const RUN: &str = "SELECT id, file_hash, file_name, file_bytes, actor, dry_run, format, currency,
    reader, state, error, fence, resumed, percent, items, rows_read, created, updated, unchanged,
    refused, warned, started_at, updated_at, finished_at FROM import_runs";

fn number(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn count(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// Begins a run, or goes on with the last one if it was of the same file and did not come to its
/// end. Whoever was at that one can write no more.
pub(super) async fn begin(db: &Db, env: &Env, what: &Begin<'_>) -> Result<Run, Error> {
    let now = env.now().as_micros();
    let id = env.new_id();
    transact!(db, |tx| -> Result<Run, Error> {
        if !what.dry_run
            && let Some(last) = last(tx).await?
            && last.file_hash == what.file_hash
            && last.state != "done"
            && last.reader == READER
            && last.currency == what.currency.code()
        {
            return go_on(tx, now, &last).await;
        }
        execute!(
            tx,
            sqlx::query(
                "INSERT INTO import_runs (id, file_hash, file_name, file_bytes, actor, dry_run,
                 format, currency, reader, state, fence, resumed, percent, items, rows_read,
                 created, updated, unchanged, refused, warned, started_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, '', $7, $8, 'running', 1, FALSE, 0, 0, 0,
                 0, 0, 0, 0, 0, $9, $9)"
            )
            .bind(id)
            .bind(what.file_hash)
            .bind(what.file_name)
            .bind(number(what.file_bytes))
            .bind(what.actor)
            .bind(what.dry_run)
            .bind(what.currency.code())
            .bind(READER)
            .bind(now)
        )?;
        if !what.dry_run {
            let change = serde_json::json!({ "sha256": what.file_hash, "bytes": what.file_bytes });
            let title = what.file_name.unwrap_or_default();
            let entry = Entry::by(what.actor, "catalogue.import").object("import", id, title);
            techcommerce_audit::record(tx, env, entry.change(&change)).await?;
        }
        Ok(Run {
            id,
            counts: Counts::default(),
            fence: 1,
            notes: 0,
            changes: 0,
        })
    })
}

/// The last run that was no dry run: one before it is not gone on with, for the catalogue is no
/// longer as it left it.
async fn last(tx: &mut Conn) -> Result<Option<RunRow>, StoreError> {
    let sql = format!("{RUN} WHERE dry_run = FALSE ORDER BY started_at DESC, id DESC LIMIT 1");
    with!(tx, |c| sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
        .fetch_optional(c)
        .await)
}

async fn go_on(tx: &mut Conn, now: i64, last: &RunRow) -> Result<Run, Error> {
    let fence: i64 = with!(tx, |c| sqlx::query_scalar(
        "UPDATE import_runs SET fence = fence + 1, state = 'running', error = NULL,
         resumed = TRUE, finished_at = NULL, updated_at = $1 WHERE id = $2 RETURNING fence"
    )
    .bind(now)
    .bind(last.id)
    .fetch_one(c)
    .await)?;
    let (notes, changes): (i64, i64) = with!(tx, |c| sqlx::query_as(
        "SELECT CAST(COALESCE(MAX(number), 0) AS BIGINT),
         COUNT(CASE WHEN kind IN ('created', 'updated') THEN 1 END)
         FROM import_notes WHERE run_id = $1"
    )
    .bind(last.id)
    .fetch_one(c)
    .await)?;
    Ok(Run {
        id: last.id,
        counts: Counts {
            items: count(last.items),
            rows: count(last.rows_read),
            created: count(last.created),
            updated: count(last.updated),
            unchanged: count(last.unchanged),
            refused: count(last.refused),
            warned: count(last.warned),
            percent: u32::try_from(last.percent).unwrap_or(0),
        },
        fence,
        notes,
        changes: count(changes),
    })
}

impl Run {
    /// Notes the format.
    pub async fn set_format(&self, db: &Db, format: &str) -> Result<(), Error> {
        transact!(db, |tx| -> Result<(), Error> {
            let rows = execute!(
                tx,
                sqlx::query("UPDATE import_runs SET format = $1 WHERE id = $2 AND fence = $3")
                    .bind(format)
                    .bind(self.id)
                    .bind(self.fence)
            )?;
            ours(rows)
        })
    }

    /// Writes what a batch did, in the batch's transaction, and gives the run as it then is.
    ///
    /// # Errors
    /// `import_taken_over` if somebody else goes on with the run.
    pub async fn record(&self, tx: &mut Conn, env: &Env, step: &Step) -> Result<Self, Error> {
        let mut next = self.clone();
        let counts = &mut next.counts;
        counts.items += step.items;
        counts.rows = counts.rows.max(step.rows);
        counts.percent = step.percent.min(100);
        counts.unchanged += step.unchanged;
        for change in &step.changes {
            match change.outcome {
                ImportOutcome::Created => counts.created += 1,
                ImportOutcome::Updated => counts.updated += 1,
            }
            if next.changes < MAX_NOTES {
                next.changes += 1;
                next.notes += 1;
                let kind = match change.outcome {
                    ImportOutcome::Created => "created",
                    ImportOutcome::Updated => "updated",
                };
                let what = (change.handle.as_str(), change.title.as_str(), "");
                note(tx, self.id, next.notes, kind, change.line, what).await?;
            }
        }
        for (kind, refusals) in [("error", &step.refusals), ("warning", &step.warnings)] {
            for refusal in refusals {
                let before = match kind {
                    "error" => &mut next.counts.refused,
                    _ => &mut next.counts.warned,
                };
                *before += 1;
                if *before <= MAX_NOTES {
                    next.notes += 1;
                    let (reason, mend) = refusal.reason_and_mend();
                    let column = refusal.column.as_deref().unwrap_or_default();
                    let what = (column, reason, mend);
                    note(tx, self.id, next.notes, kind, refusal.line, what).await?;
                }
            }
        }
        let counts = next.counts;
        let rows = execute!(
            tx,
            sqlx::query(
                "UPDATE import_runs SET items = $1, rows_read = $2, percent = $3, created = $4,
                 updated = $5, unchanged = $6, refused = $7, warned = $8, updated_at = $9
                 WHERE id = $10 AND fence = $11 AND state = 'running'"
            )
            .bind(number(counts.items))
            .bind(number(counts.rows))
            .bind(i64::from(counts.percent))
            .bind(number(counts.created))
            .bind(number(counts.updated))
            .bind(number(counts.unchanged))
            .bind(number(counts.refused))
            .bind(number(counts.warned))
            .bind(env.now().as_micros())
            .bind(self.id)
            .bind(self.fence)
        )?;
        ours(rows)?;
        Ok(next)
    }

    /// Ends the run: with an error, or well.
    pub async fn end(
        &self,
        db: &Db,
        env: &Env,
        what: &Begin<'_>,
        error: Option<&Error>,
    ) -> Result<(), Error> {
        let now = env.now().as_micros();
        let state = if error.is_some() { "failed" } else { "done" };
        let percent = if error.is_some() {
            self.counts.percent
        } else {
            100
        };
        let message = error.map(Error::message);
        transact!(db, |tx| -> Result<(), Error> {
            let rows = execute!(
                tx,
                sqlx::query(
                    "UPDATE import_runs SET state = $1, error = $2, percent = $3, finished_at = $4,
                     updated_at = $4 WHERE id = $5 AND fence = $6 AND state = 'running'"
                )
                .bind(state)
                .bind(message)
                .bind(i64::from(percent))
                .bind(now)
                .bind(self.id)
                .bind(self.fence)
            )?;
            ours(rows)?;
            if what.dry_run {
                return Ok(());
            }
            pictures::fetch_rest(tx, env, self.id).await?;
            if error.is_none() {
                // Nobody needs to import it again.
                execute!(
                    tx,
                    sqlx::query("DELETE FROM import_files WHERE file_hash = $1")
                        .bind(what.file_hash)
                )?;
            }
            let counts = self.counts;
            let change = serde_json::json!({
                "state": state, "error": message, "created": counts.created,
                "updated": counts.updated, "unchanged": counts.unchanged,
                "refused": counts.refused,
            });
            let title = what.file_name.unwrap_or_default();
            let entry = Entry::by(what.actor, "catalogue.import_end");
            let entry = entry.object("import", self.id, title).change(&change);
            techcommerce_audit::record(tx, env, entry).await
        })
    }
}

async fn note(
    tx: &mut Conn,
    run: Uuid,
    place: i64,
    kind: &str,
    line: u64,
    (column, reason, mend): (&str, &str, &str),
) -> Result<(), StoreError> {
    execute!(
        tx,
        sqlx::query(
            "INSERT INTO import_notes (run_id, number, kind, line, place, reason, mend)
             VALUES ($1, $2, $3, $4, $5, $6, $7)"
        )
        .bind(run)
        .bind(place)
        .bind(kind)
        .bind(number(line))
        .bind(cut(column))
        .bind(cut(reason))
        .bind(cut(mend))
    )?;
    Ok(())
}

/// A column's name may be anything.
fn cut(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(1_000).collect()
}

fn ours(rows: u64) -> Result<(), Error> {
    if rows == 1 {
        return Ok(());
    }
    Err(Error::conflict(
        codes::IMPORT_TAKEN_OVER,
        "The same file is being imported by somebody else, who took this import over.",
    ))
}

/// The run with an id.
pub async fn row(conn: &mut Conn, id: Uuid) -> Result<RunRow, Error> {
    let sql = format!("{RUN} WHERE id = $1");
    let row: Option<RunRow> = with!(conn, |c| sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
        .bind(id)
        .fetch_optional(c)
        .await)?;
    row.ok_or_else(|| Error::not_found(codes::IMPORT_NOT_FOUND, "There is no such import."))
}

/// Runs that were started before a time and id, the newest first.
pub async fn list(
    conn: &mut Conn,
    before: Option<(i64, Uuid)>,
    limit: i64,
) -> Result<Vec<RunRow>, StoreError> {
    let (at, id) = before.unwrap_or((i64::MAX, Uuid::max()));
    let sql = format!(
        "{RUN} WHERE started_at < $1 OR (started_at = $1 AND id < $2)
         ORDER BY started_at DESC, id DESC LIMIT $3"
    );
    with!(conn, |c| sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
        .bind(at)
        .bind(id)
        .bind(limit)
        .fetch_all(c)
        .await)
}

impl RunRow {
    /// How it stands at `now`.
    pub fn state(&self, now: Timestamp) -> ImportState {
        match self.state.as_str() {
            "done" => ImportState::Done,
            "failed" => ImportState::Failed,
            _ if now.since(Timestamp::from_micros(self.updated_at)) > SILENCE => {
                ImportState::Interrupted
            }
            _ => ImportState::Running,
        }
    }

    /// Its report without what stands in rows of its own.
    pub fn counts(&self) -> ImportReport {
        ImportReport {
            id: Some(self.id),
            format: self.format.clone(),
            dry_run: self.dry_run,
            resumed: self.resumed,
            rows: count(self.rows_read),
            created: count(self.created),
            updated: count(self.updated),
            unchanged: count(self.unchanged),
            refused: count(self.refused),
            warned: count(self.warned),
            ..ImportReport::default()
        }
    }
}

/// All that a run has to say.
pub async fn report(conn: &mut Conn, run: &RunRow) -> Result<ImportReport, Error> {
    type Note = (String, i64, String, String, String);
    let notes: Vec<Note> = with!(conn, |c| sqlx::query_as(
        "SELECT kind, line, place, reason, mend FROM import_notes WHERE run_id = $1
         ORDER BY line, number"
    )
    .bind(run.id)
    .fetch_all(c)
    .await)?;
    let mut report = run.counts();
    for (kind, line, place, reason, mend) in notes {
        let line = count(line);
        let outcome = match kind.as_str() {
            "created" => ImportOutcome::Created,
            "updated" => ImportOutcome::Updated,
            other => {
                let error = ImportError {
                    line,
                    column: place,
                    reason,
                    mend,
                };
                match other {
                    "error" => report.errors.push(error),
                    _ => report.warnings.push(error),
                }
                continue;
            }
        };
        report.changes.push(ImportChange {
            line,
            outcome,
            handle: place,
            title: reason,
        });
    }
    Ok(report)
}

/// Takes away runs that were started before `before`, at most `limit`, and gives how many went.
pub async fn prune(tx: &mut Conn, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    const OLD: &str =
        "SELECT id FROM import_runs WHERE started_at < $1 ORDER BY started_at, id LIMIT $2";
    let notes = format!("DELETE FROM import_notes WHERE run_id IN ({OLD})");
    execute!(
        tx,
        sqlx::query(sqlx::AssertSqlSafe(notes.as_str()))
            .bind(before.as_micros())
            .bind(limit)
    )?;
    let runs = format!("DELETE FROM import_runs WHERE id IN ({OLD})");
    execute!(
        tx,
        sqlx::query(sqlx::AssertSqlSafe(runs.as_str()))
            .bind(before.as_micros())
            .bind(limit)
    )
}

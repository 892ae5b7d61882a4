//! The pictures that are to be fetched, as they are stored.

use sha2::{Digest, Sha256};
use techcommerce_contracts::product_api::{ImportPictures, PictureError};
use techcommerce_jobs::{NewJob, enqueue};
use techcommerce_kernel::{Env, Error, Timestamp, Uuid};
use techcommerce_store::{Conn, StoreError, execute, with};

use super::job;
use crate::catalogue::draft::{ProductDraft, hex};

/// How many given-up pictures of a run are named.
const MAX_NAMED: i64 = 100;

/// A picture that is to be fetched.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub(super) struct Wanted {
    pub product_id: Uuid,
    pub source_hash: String,
    pub source_url: String,
    pub attempts: i64,
}

/// Asks for the pictures of a product that are not there yet, on behalf of an import.
///
/// # Errors
/// Those of the database.
pub async fn want(
    tx: &mut Conn,
    env: &Env,
    run: Uuid,
    product: Uuid,
    draft: &ProductDraft,
) -> Result<(), Error> {
    ask(tx, env, run, product, draft, "").await
}

/// As [`want`], but only for those that were given up.
///
/// # Errors
/// Those of the database.
pub async fn want_failed(
    tx: &mut Conn,
    env: &Env,
    run: Uuid,
    product: Uuid,
    draft: &ProductDraft,
) -> Result<(), Error> {
    ask(
        tx,
        env,
        run,
        product,
        draft,
        " WHERE picture_fetches.state = 'failed'",
    )
    .await
}

async fn ask(
    tx: &mut Conn,
    env: &Env,
    run: Uuid,
    product: Uuid,
    draft: &ProductDraft,
    only: &'static str,
) -> Result<(), Error> {
    let sql = format!(
        "INSERT INTO picture_fetches (product_id, source_hash, source_url, run_id, state, attempts,
         due_at, updated_at) VALUES ($1, $2, $3, $4, 'waiting', 0, $5, $5)
         ON CONFLICT (product_id, source_hash) DO UPDATE SET state = 'waiting', attempts = 0,
         run_id = excluded.run_id, due_at = excluded.due_at, last_error = NULL,
         updated_at = excluded.updated_at{only}"
    );
    let missing = draft.images.iter().filter(|image| image.image_id.is_none());
    let mut asked = 0;
    for url in missing.filter_map(|image| image.source_url.as_deref()) {
        asked += execute!(
            tx,
            sqlx::query(sqlx::AssertSqlSafe(sql.as_str()))
                .bind(product)
                .bind(hex(&Sha256::digest(url)))
                .bind(url)
                .bind(run)
                .bind(env.now().as_micros())
        )?;
    }
    if asked > 0 {
        fetch_for(tx, env, run, "begin").await?;
    }
    Ok(())
}

/// A run came to its end: what was asked for while the job of its beginning had nothing to do is
/// fetched too.
///
/// # Errors
/// Those of the database.
pub async fn fetch_rest(tx: &mut Conn, env: &Env, run: Uuid) -> Result<(), Error> {
    if tally(tx, run).await?.waiting > 0 {
        fetch_for(tx, env, run, "end").await?;
    }
    Ok(())
}

/// A job that goes on while something is due. There is one for each moment of a run, so that there
/// are never many.
async fn fetch_for(tx: &mut Conn, env: &Env, run: Uuid, moment: &str) -> Result<(), Error> {
    let job = NewJob::new(job::KIND)
        .unique(format!("{}:{run}:{moment}", job::KIND))
        .payload(&job::ForRun { run })?;
    enqueue(tx, env, job).await?;
    Ok(())
}

/// Takes up to `limit` that are due; nobody else gets them until `until`.
pub(super) async fn claim(
    tx: &mut Conn,
    now: Timestamp,
    until: Timestamp,
    limit: i64,
) -> Result<Vec<Wanted>, StoreError> {
    let sql = format!(
        "SELECT product_id, source_hash, source_url, attempts FROM picture_fetches
         WHERE state = 'waiting' AND due_at <= $1
         ORDER BY due_at, product_id, source_hash LIMIT $2{}",
        tx.dialect().skip_locked()
    );
    let wanted: Vec<Wanted> = with!(tx, |c| sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
        .bind(now.as_micros())
        .bind(limit)
        .fetch_all(c)
        .await)?;
    for picture in &wanted {
        execute!(
            tx,
            sqlx::query(
                "UPDATE picture_fetches SET due_at = $1, attempts = attempts + 1
                 WHERE product_id = $2 AND source_hash = $3"
            )
            .bind(until.as_micros())
            .bind(picture.product_id)
            .bind(picture.source_hash.as_str())
        )?;
    }
    Ok(wanted)
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy)]
pub(super) enum Became<'a> {
    /// It is there, or nobody wants it any more.
    Done,
    /// It is tried again.
    Waits(Timestamp, &'a str),
    /// It is given up.
    Failed(&'a str),
}

/// Writes what became of it.
pub(super) async fn settle(
    tx: &mut Conn,
    now: Timestamp,
    picture: &Wanted,
    became: Became<'_>,
) -> Result<(), StoreError> {
    let (state, due, error) = match became {
        Became::Done => ("done", now, None),
        Became::Waits(at, why) => ("waiting", at, Some(why)),
        Became::Failed(why) => ("failed", now, Some(why)),
    };
    let error: Option<String> = error.map(|why| why.chars().take(500).collect());
    execute!(
        tx,
        sqlx::query(
            "UPDATE picture_fetches SET state = $1, due_at = $2, last_error = $3, updated_at = $4
             WHERE product_id = $5 AND source_hash = $6 AND state = 'waiting'"
        )
        .bind(state)
        .bind(due.as_micros())
        .bind(error)
        .bind(now.as_micros())
        .bind(picture.product_id)
        .bind(picture.source_hash.as_str())
    )?;
    Ok(())
}

/// Forgets what came to its end before `before`, at most `limit`, and gives how many that were. An
/// import that names such a picture again asks for it again, if it is not there.
///
/// # Errors
/// Those of the database.
pub async fn prune(tx: &mut Conn, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    execute!(
        tx,
        sqlx::query(
            "DELETE FROM picture_fetches WHERE (product_id, source_hash) IN
             (SELECT product_id, source_hash FROM picture_fetches
              WHERE state <> 'waiting' AND updated_at < $1
              ORDER BY product_id, source_hash LIMIT $2)"
        )
        .bind(before.as_micros())
        .bind(limit)
    )
}

/// How the pictures of runs stand, without why some were given up.
///
/// # Errors
/// Those of the database.
pub async fn tally(conn: &mut Conn, run: Uuid) -> Result<ImportPictures, StoreError> {
    let (waiting, fetched, failed): (i64, i64, i64) = with!(conn, |c| sqlx::query_as(
        "SELECT COUNT(CASE WHEN state = 'waiting' THEN 1 END),
         COUNT(CASE WHEN state = 'done' THEN 1 END),
         COUNT(CASE WHEN state = 'failed' THEN 1 END)
         FROM picture_fetches WHERE run_id = $1"
    )
    .bind(run)
    .fetch_one(c)
    .await)?;
    let count = |number: i64| u64::try_from(number).unwrap_or(0);
    Ok(ImportPictures {
        waiting: count(waiting),
        fetched: count(fetched),
        failed: count(failed),
        errors: Vec::new(),
    })
}

/// Why pictures of a run were given up, for the first of them.
///
/// # Errors
/// Those of the database.
pub async fn failures(conn: &mut Conn, run: Uuid) -> Result<Vec<PictureError>, StoreError> {
    let rows: Vec<(Uuid, String, Option<String>)> = with!(conn, |c| sqlx::query_as(
        "SELECT product_id, source_url, last_error FROM picture_fetches
         WHERE run_id = $1 AND state = 'failed' ORDER BY product_id, source_hash LIMIT $2"
    )
    .bind(run)
    .bind(MAX_NAMED)
    .fetch_all(c)
    .await)?;
    let rows = rows.into_iter();
    Ok(rows
        .map(|(product_id, address, reason)| PictureError {
            product_id,
            address,
            reason: reason.unwrap_or_default(),
        })
        .collect())
}

//! Uploaded files, kept for a day in the database: any replica can go on with them.

use std::io::{Read, Write};

use techcommerce_kernel::{Error, Timestamp};
use techcommerce_store::{Conn, Db, StoreError, execute, transact, with};

/// Bytes of a piece.
const PART: usize = 1024 * 1024;

/// Keeps a file; the same one again costs little.
pub async fn keep(
    db: &Db,
    now: Timestamp,
    file_hash: &str,
    mut file: impl Read + Send,
) -> Result<(), Error> {
    let mut part = 0_i64;
    loop {
        let mut content = Vec::with_capacity(PART);
        (&mut file).take(PART as u64).read_to_end(&mut content)?;
        if content.is_empty() {
            return Ok(());
        }
        transact!(db, |tx| -> Result<(), Error> {
            execute!(
                tx,
                sqlx::query(
                    "INSERT INTO import_files (file_hash, part, content, created_at)
                     VALUES ($1, $2, $3, $4)
                     ON CONFLICT (file_hash, part) DO UPDATE SET created_at = excluded.created_at"
                )
                .bind(file_hash)
                .bind(part)
                .bind(content.as_slice())
                .bind(now.as_micros())
            )?;
            Ok(())
        })?;
        part += 1;
    }
}

/// Whether all of a file is there.
pub async fn is_kept(conn: &mut Conn, file_hash: &str, bytes: i64) -> Result<bool, StoreError> {
    let parts: i64 = with!(conn, |c| sqlx::query_scalar(
        "SELECT COUNT(*) FROM import_files WHERE file_hash = $1"
    )
    .bind(file_hash)
    .fetch_one(c)
    .await)?;
    let size = i64::try_from(PART).unwrap_or(i64::MAX);
    Ok(bytes > 0 && parts == (bytes + size - 1) / size)
}

/// Writes a kept file into another.
pub async fn restore(db: &Db, file_hash: &str, to: &mut (impl Write + Send)) -> Result<(), Error> {
    for part in 0_i64.. {
        let mut conn = db.read().await?;
        let content: Option<Vec<u8>> = with!(conn, |c| sqlx::query_scalar(
            "SELECT content FROM import_files WHERE file_hash = $1 AND part = $2"
        )
        .bind(file_hash)
        .bind(part)
        .fetch_optional(c)
        .await)?;
        drop(conn);
        let Some(content) = content else { break };
        to.write_all(&content)?;
    }
    Ok(to.flush()?)
}

/// Takes away pieces that were written before `before`, at most `limit`.
pub async fn prune(tx: &mut Conn, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    execute!(
        tx,
        sqlx::query(
            "DELETE FROM import_files WHERE file_hash IN (SELECT file_hash FROM import_files
             WHERE created_at < $1 GROUP BY file_hash ORDER BY file_hash LIMIT $2)"
        )
        .bind(before.as_micros())
        .bind(limit)
    )
}

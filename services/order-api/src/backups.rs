//! What is known of the shop's backups. They are taken elsewhere; whoever takes one says so here.

use techcommerce_kernel::{Env, Error, Timestamp};
use techcommerce_store::{Db, execute, single, with};

/// How many are remembered.
const KEPT: i64 = 1000;

/// A backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backup {
    /// What was committed before is in it.
    pub taken_at: Timestamp,
    /// How large it is.
    pub bytes: u64,
    /// When it was restored somewhere and found whole.
    pub verified_at: Option<Timestamp>,
}

/// What there is to say about all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Newest {
    /// The one that was taken last.
    pub last: Backup,
    /// When one was last found whole.
    pub verified_at: Option<Timestamp>,
}

#[derive(sqlx::FromRow)]
struct Row {
    taken_at: i64,
    bytes: i64,
    verified_at: Option<i64>,
}

impl From<Row> for Backup {
    fn from(row: Row) -> Self {
        Self {
            taken_at: Timestamp::from_micros(row.taken_at),
            bytes: u64::try_from(row.bytes).unwrap_or(0),
            verified_at: row.verified_at.map(Timestamp::from_micros),
        }
    }
}

/// Notes a backup. The one that was taken at the same moment is the same: saying it again, with
/// when it was verified, adds that.
///
/// # Errors
/// `invalid_input` for what lies in the future or was verified before it was taken; those of the
/// database.
pub async fn record(db: &Db, env: &Env, backup: &Backup) -> Result<(), Error> {
    const PUT: &str = "INSERT INTO backups (id, taken_at, bytes, verified_at, recorded_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (taken_at) DO UPDATE SET bytes = excluded.bytes, \
         verified_at = COALESCE(excluded.verified_at, backups.verified_at)";
    const PRUNE: &str = "DELETE FROM backups WHERE taken_at < (SELECT MIN(taken_at) FROM \
         (SELECT taken_at FROM backups ORDER BY taken_at DESC LIMIT $1) AS newest)";
    let now = env.now();
    if backup.taken_at > now {
        return Err(wrong("--taken-at lies in the future."));
    }
    if let Some(verified) = backup.verified_at {
        if verified > now {
            return Err(wrong("--verified-at lies in the future."));
        }
        if verified < backup.taken_at {
            return Err(wrong("--verified-at is before the backup was taken."));
        }
    }
    let bytes =
        i64::try_from(backup.bytes).map_err(|_| wrong("--bytes is more than anybody can have."))?;
    single!(db, |conn| -> Result<(), Error> {
        execute!(
            conn,
            sqlx::query(PUT)
                .bind(env.new_id())
                .bind(backup.taken_at.as_micros())
                .bind(bytes)
                .bind(backup.verified_at.map(Timestamp::as_micros))
                .bind(now.as_micros())
        )?;
        Ok(())
    })?;
    single!(db, |conn| -> Result<(), Error> {
        execute!(conn, sqlx::query(PRUNE).bind(KEPT))?;
        Ok(())
    })
}

fn wrong(message: &'static str) -> Error {
    Error::invalid("invalid_input", message)
}

/// The backups, those taken last first.
///
/// # Errors
/// Those of the database.
pub async fn list(db: &Db, limit: u32) -> Result<Vec<Backup>, Error> {
    const LIST: &str =
        "SELECT taken_at, bytes, verified_at FROM backups ORDER BY taken_at DESC LIMIT $1";
    let mut conn = db.read().await?;
    let rows: Vec<Row> = with!(conn, |c| sqlx::query_as(LIST)
        .bind(i64::from(limit))
        .fetch_all(c)
        .await)?;
    Ok(rows.into_iter().map(Backup::from).collect())
}

/// The newest one, if there is any.
///
/// # Errors
/// Those of the database.
pub async fn newest(db: &Db) -> Result<Option<Newest>, Error> {
    const VERIFIED: &str = "SELECT MAX(verified_at) FROM backups WHERE verified_at IS NOT NULL";
    let Some(last) = list(db, 1).await?.pop() else {
        return Ok(None);
    };
    let mut conn = db.read().await?;
    let verified: Option<i64> = with!(conn, |c| sqlx::query_scalar(VERIFIED).fetch_one(c).await)?;
    Ok(Some(Newest {
        last,
        verified_at: verified.map(Timestamp::from_micros),
    }))
}

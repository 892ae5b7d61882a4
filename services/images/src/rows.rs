//! The pictures that there are.

use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Conn, Db, dialect::in_list, execute, with};

/// A picture's row.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ImageRow {
    pub id: Uuid,
    pub width: i64,
    pub height: i64,
    pub bytes: i64,
    pub created_at: i64,
    pub format: Option<String>,
    pub file_name: Option<String>,
    pub uploaded_bytes: Option<i64>,
    /// When the smaller sizes were there, if they are.
    pub sized_at: Option<i64>,
}

const COLUMNS: &str =
    "id, width, height, bytes, created_at, format, file_name, uploaded_bytes, sized_at";

impl ImageRow {
    pub fn size(&self) -> (u32, u32) {
        let side = |side: i64| u32::try_from(side).unwrap_or(0);
        (side(self.width), side(self.height))
    }
}

/// A picture whose largest size is written.
pub(crate) struct NewImage<'a> {
    pub id: Uuid,
    pub hash: &'a [u8; 32],
    pub size: (u32, u32),
    pub bytes: i64,
    pub at: Timestamp,
    pub format: &'a str,
    pub file_name: Option<&'a str>,
    pub uploaded_bytes: i64,
    /// Whether there are no smaller sizes to make.
    pub sized: bool,
}

/// The picture that was made of an upload with this hash.
pub(crate) async fn by_hash(db: &Db, hash: &[u8; 32]) -> Result<Option<ImageRow>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM images WHERE content_hash = $1");
    let mut conn = db.read().await?;
    Ok(with!(conn, |c| sqlx::query_as(sqlx::AssertSqlSafe(
        sql.as_str()
    ))
    .bind(hash.as_slice())
    .fetch_optional(c)
    .await)?)
}

/// The picture of this id.
pub(crate) async fn by_id(db: &Db, id: Uuid) -> Result<Option<ImageRow>, Error> {
    let sql = format!("SELECT {COLUMNS} FROM images WHERE id = $1");
    let mut conn = db.read().await?;
    Ok(with!(conn, |c| sqlx::query_as(sqlx::AssertSqlSafe(
        sql.as_str()
    ))
    .bind(id)
    .fetch_optional(c)
    .await)?)
}

/// Pictures, the latest first, from behind `after` on.
pub(crate) async fn list(
    db: &Db,
    after: Option<(i64, Uuid)>,
    limit: usize,
) -> Result<Vec<ImageRow>, Error> {
    let sql = format!(
        "SELECT {COLUMNS} FROM images WHERE created_at < $1 OR (created_at = $1 AND id < $2) \
         ORDER BY created_at DESC, id DESC LIMIT $3"
    );
    let (at, id) = after.unwrap_or((i64::MAX, Uuid::max()));
    let mut conn = db.read().await?;
    Ok(with!(conn, |c| sqlx::query_as(sqlx::AssertSqlSafe(
        sql.as_str()
    ))
    .bind(at)
    .bind(id)
    .bind(i64::try_from(limit).unwrap_or(i64::MAX))
    .fetch_all(c)
    .await)?)
}

/// Pictures from before `before` whose sizes are still not there.
pub(crate) async fn unsized_before(db: &Db, before: Timestamp) -> Result<Vec<Uuid>, Error> {
    const SQL: &str = "SELECT id FROM images WHERE sized_at IS NULL AND created_at < $1 \
         ORDER BY created_at, id LIMIT 1000";
    let mut conn = db.read().await?;
    Ok(with!(conn, |c| sqlx::query_scalar(SQL)
        .bind(before.as_micros())
        .fetch_all(c)
        .await)?)
}

/// Which of these ids are pictures.
pub(crate) async fn existing(db: &Db, ids: &[Uuid]) -> Result<Vec<Uuid>, Error> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let sql = format!(
        "SELECT id FROM images WHERE id IN {}",
        in_list(1, ids.len())
    );
    let mut conn = db.read().await?;
    Ok(with!(conn, |c| {
        let mut query = sqlx::query_scalar(sqlx::AssertSqlSafe(sql.as_str()));
        for id in ids {
            query = query.bind(*id);
        }
        query.fetch_all(c).await
    })?)
}

/// Makes it a picture. `false` if another with the same hash was first.
pub(crate) async fn insert(tx: &mut Conn, image: &NewImage<'_>) -> Result<bool, Error> {
    const SQL: &str = "INSERT INTO images (id, content_hash, width, height, bytes, created_at, \
         format, file_name, uploaded_bytes, sized_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (content_hash) DO NOTHING";
    let at = image.at.as_micros();
    let written = execute!(
        tx,
        sqlx::query(SQL)
            .bind(image.id)
            .bind(image.hash.as_slice())
            .bind(i64::from(image.size.0))
            .bind(i64::from(image.size.1))
            .bind(image.bytes)
            .bind(at)
            .bind(image.format)
            .bind(image.file_name)
            .bind(image.uploaded_bytes)
            .bind(image.sized.then_some(at))
    )?;
    Ok(written == 1)
}

/// Notes that the sizes are there, `bytes` in all.
pub(crate) async fn sized(tx: &mut Conn, id: Uuid, bytes: i64, at: Timestamp) -> Result<(), Error> {
    const SQL: &str = "UPDATE images SET bytes = $2, sized_at = $3 WHERE id = $1";
    execute!(
        tx,
        sqlx::query(SQL).bind(id).bind(bytes).bind(at.as_micros())
    )?;
    Ok(())
}

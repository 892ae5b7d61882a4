//! The pictures that there are.

use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Db, dialect::in_list, transact, with};

/// A picture's row.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(crate) struct ImageRow {
    pub id: Uuid,
    pub width: i64,
    pub height: i64,
}

impl ImageRow {
    pub fn size(&self) -> (u32, u32) {
        let side = |side: i64| u32::try_from(side).unwrap_or(0);
        (side(self.width), side(self.height))
    }
}

/// A picture whose files are written.
pub(crate) struct NewImage<'a> {
    pub id: Uuid,
    pub hash: &'a [u8; 32],
    pub size: (u32, u32),
    pub bytes: i64,
    pub at: Timestamp,
}

/// The picture that was made of an upload with this hash.
pub(crate) async fn by_hash(db: &Db, hash: &[u8; 32]) -> Result<Option<ImageRow>, Error> {
    const SQL: &str = "SELECT id, width, height FROM images WHERE content_hash = $1";
    let mut conn = db.read().await?;
    Ok(with!(conn, |c| sqlx::query_as(SQL)
        .bind(hash.as_slice())
        .fetch_optional(c)
        .await)?)
}

/// The picture of this id.
pub(crate) async fn by_id(db: &Db, id: Uuid) -> Result<Option<ImageRow>, Error> {
    const SQL: &str = "SELECT id, width, height FROM images WHERE id = $1";
    let mut conn = db.read().await?;
    Ok(with!(conn, |c| sqlx::query_as(SQL)
        .bind(id)
        .fetch_optional(c)
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
pub(crate) async fn insert(db: &Db, image: &NewImage<'_>) -> Result<bool, Error> {
    const SQL: &str = "INSERT INTO images (id, content_hash, width, height, bytes, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (content_hash) DO NOTHING RETURNING id";
    let written: Option<Uuid> = transact!(db, |tx| -> Result<Option<Uuid>, Error> {
        Ok(with!(tx, |c| {
            sqlx::query_scalar(SQL)
                .bind(image.id)
                .bind(image.hash.as_slice())
                .bind(i64::from(image.size.0))
                .bind(i64::from(image.size.1))
                .bind(image.bytes)
                .bind(image.at.as_micros())
                .fetch_optional(c)
                .await
        })?)
    })?;
    Ok(written.is_some())
}

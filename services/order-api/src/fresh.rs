//! Whether anything has happened here yet.

use techcommerce_kernel::Error;
use techcommerce_store::{Db, with};

/// Whether nobody has bought anything, and no discount was given out.
///
/// # Errors
/// Those of the database.
pub async fn is_new(db: &Db) -> Result<bool, Error> {
    let mut conn = db.read().await?;
    let used: Option<i64> = with!(conn, |c| {
        sqlx::query_scalar(
            "SELECT CAST(1 AS BIGINT) WHERE EXISTS (SELECT 1 FROM orders) \
             OR EXISTS (SELECT 1 FROM discounts) OR EXISTS (SELECT 1 FROM carts)",
        )
        .fetch_optional(c)
        .await
    })?;
    Ok(used.is_none())
}

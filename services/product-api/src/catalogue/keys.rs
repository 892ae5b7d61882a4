//! Keeps what products are found by in step with what they are called.
//!
//! Whoever writes a product writes its key. But rows of before the key was there have the nearest
//! that SQL knows, and while a new version comes in the one before writes titles without keys.

use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::{Db, execute, transact, with};

use super::text::fold;

/// How many products are looked at together.
const PAGE: i64 = 500;

/// Mends the keys that are not those of their titles; gives how many were not.
///
/// # Errors
/// If the database cannot be read or written.
pub async fn mend(db: &Db) -> Result<u64, Error> {
    let mut mended = 0;
    let mut after = Uuid::nil();
    loop {
        let mut conn = db.read().await?;
        let rows: Vec<(Uuid, String, String)> = with!(conn, |c| sqlx::query_as(
            "SELECT id, title, title_key FROM products WHERE id > $1 ORDER BY id LIMIT $2"
        )
        .bind(after)
        .bind(PAGE)
        .fetch_all(c)
        .await)?;
        drop(conn);
        let Some((last, ..)) = rows.last() else {
            return Ok(mended);
        };
        after = *last;
        let wrong: Vec<(Uuid, &str, String)> = rows
            .iter()
            .map(|(id, title, key)| (*id, title.as_str(), key, fold(title)))
            .filter(|(_, _, key, right)| *key != right)
            .map(|(id, title, _, right)| (id, title, right))
            .collect();
        if wrong.is_empty() {
            continue;
        }
        mended += transact!(db, |tx| -> Result<u64, Error> {
            let mut rows = 0;
            for (id, title, right) in &wrong {
                // Unless somebody has given it another title since.
                rows += execute!(
                    tx,
                    sqlx::query("UPDATE products SET title_key = $1 WHERE id = $2 AND title = $3")
                        .bind(right.as_str())
                        .bind(*id)
                        .bind(*title)
                )?;
            }
            Ok(rows)
        })?;
    }
}

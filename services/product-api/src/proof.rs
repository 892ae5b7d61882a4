//! What a restored shop is held against: the chain over the ledger of the stock, and what is known
//! of reservations.

use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Chain, Db, dialect::in_list, with};

/// How many rows are read at a time.
const PAGE: i64 = 1000;

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    variant_id: Uuid,
    delta: i64,
    on_hand_after: i64,
    reason: String,
    created_at: i64,
}

/// The chain over the ledger of the stock, or its movements up to `until`, in the order of `id`. The
/// fields: id, variant, change, what was there after it, reason, `created_at`.
///
/// # Errors
/// Those of the database.
pub async fn stock(db: &Db, until: Option<Timestamp>) -> Result<Chain, Error> {
    const SQL: &str = "SELECT id, variant_id, delta, on_hand_after, reason, created_at \
         FROM stock_movements WHERE id > $1 AND created_at <= $2 ORDER BY id LIMIT $3";
    let until = until.map_or(i64::MAX, Timestamp::as_micros);
    let mut chain = Chain::default();
    let mut after = Uuid::nil();
    loop {
        let mut conn = db.read().await?;
        let rows: Vec<Row> = with!(conn, |c| sqlx::query_as(SQL)
            .bind(after)
            .bind(until)
            .bind(PAGE)
            .fetch_all(c)
            .await)?;
        drop(conn);
        let Some(last) = rows.last() else {
            return Ok(chain);
        };
        after = last.id;
        for row in &rows {
            chain.add(&[
                &row.id,
                &row.variant_id,
                &row.delta,
                &row.on_hand_after,
                &row.reason,
                &row.created_at,
            ]);
        }
    }
}

/// Which of these reservations are there, each with whether it was claimed: taken out of the stock
/// for good.
///
/// # Errors
/// Those of the database.
pub async fn reservations(db: &Db, ids: &[Uuid]) -> Result<Vec<(Uuid, bool)>, Error> {
    let mut found = Vec::with_capacity(ids.len());
    for ids in ids.chunks(500) {
        let sql = format!(
            "SELECT id, state = 'claimed' AS claimed FROM reservations WHERE id IN {}",
            in_list(1, ids.len())
        );
        let mut conn = db.read().await?;
        let rows: Vec<(Uuid, bool)> = with!(conn, |c| {
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()));
            for id in ids {
                query = query.bind(*id);
            }
            query.fetch_all(c).await
        })?;
        found.extend(rows);
    }
    Ok(found)
}

//! What a restored shop is held against: chains over what never changes once it was written, and
//! what orders say of reservations, which another service keeps.

use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Chain, Db, with};

/// How many rows are read at a time.
const PAGE: i64 = 1000;
/// Reservations that are over are forgotten after 30 days; so far back from the newest order theirs
/// are surely there.
const REMEMBERED: i64 = 7 * 24 * 3600 * 1_000_000;

#[derive(sqlx::FromRow)]
struct OrderRow {
    id: Uuid,
    number: i64,
    currency: String,
    total: i64,
    placed_at: i64,
}

/// The chain over all orders, or over those that were placed up to `until`, in the order of
/// `placed_at` and `id`. The fields: id, number, currency, total in minor units, `placed_at` in
/// microseconds since 1970.
///
/// # Errors
/// Those of the database.
pub async fn orders(db: &Db, until: Option<Timestamp>) -> Result<Chain, Error> {
    const SQL: &str = "SELECT id, number, currency, total, placed_at FROM orders \
         WHERE (placed_at > $1 OR (placed_at = $1 AND id > $2)) AND placed_at <= $3 \
         ORDER BY placed_at, id LIMIT $4";
    let until = until.map_or(i64::MAX, Timestamp::as_micros);
    let mut chain = Chain::default();
    let mut after = (i64::MIN, Uuid::nil());
    loop {
        let mut conn = db.read().await?;
        let rows: Vec<OrderRow> = with!(conn, |c| sqlx::query_as(SQL)
            .bind(after.0)
            .bind(after.1)
            .bind(until)
            .bind(PAGE)
            .fetch_all(c)
            .await)?;
        drop(conn);
        let Some(last) = rows.last() else {
            return Ok(chain);
        };
        after = (last.placed_at, last.id);
        for row in &rows {
            chain.add(&[
                &row.id,
                &row.number,
                &row.currency,
                &row.total,
                &row.placed_at,
            ]);
        }
    }
}

#[derive(sqlx::FromRow)]
struct EntryRow {
    id: Uuid,
    order_id: Uuid,
    once: String,
    amount: i64,
    currency: String,
    created_at: i64,
}

/// The chain over the ledger of payments, or its entries up to `until`, in the order of `id`. The
/// fields: id, order, what it is (each is there once), amount, currency, `created_at`.
///
/// # Errors
/// Those of the database.
pub async fn payments(db: &Db, until: Option<Timestamp>) -> Result<Chain, Error> {
    const SQL: &str = "SELECT id, order_id, once, amount, currency, created_at FROM payments_ledger \
         WHERE id > $1 AND created_at <= $2 ORDER BY id LIMIT $3";
    let until = until.map_or(i64::MAX, Timestamp::as_micros);
    let mut chain = Chain::default();
    let mut after = Uuid::nil();
    loop {
        let mut conn = db.read().await?;
        let rows: Vec<EntryRow> = with!(conn, |c| sqlx::query_as(SQL)
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
                &row.order_id,
                &row.once,
                &row.amount,
                &row.currency,
                &row.created_at,
            ]);
        }
    }
}

/// An order, and what it holds or has taken of the stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, sqlx::FromRow)]
pub struct Reserved {
    /// The order.
    pub id: Uuid,
    /// Its number.
    pub number: i64,
    /// Its reservation.
    pub reservation_id: Uuid,
    /// Whether money was taken for it; the goods were, before.
    pub paid: bool,
}

/// Orders of the last days before the newest one, from behind `after` on: their reservations have
/// to be known to product-api. Nothing is left: there are no more.
///
/// # Errors
/// Those of the database.
pub async fn reserved(db: &Db, after: Uuid) -> Result<Vec<Reserved>, Error> {
    const SQL: &str = "SELECT id, number, reservation_id, captured > 0 AS paid FROM orders \
         WHERE id > $1 AND placed_at > (SELECT MAX(placed_at) FROM orders) - $2 \
         ORDER BY id LIMIT $3";
    let mut conn = db.read().await?;
    Ok(with!(conn, |c| sqlx::query_as(SQL)
        .bind(after)
        .bind(REMEMBERED)
        .bind(PAGE)
        .fetch_all(c)
        .await)?)
}

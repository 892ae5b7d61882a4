//! Carts as they are stored.

use sqlx::types::Json;
use techcommerce_contracts::product_api::Quote;
use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Conn, Db, execute, single, transact, with};

use super::{MAX_LINES, changed, not_found, ordered};

/// A cart's row.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct CartRow {
    /// As it was given.
    pub discount_code: Option<String>,
    /// The order that the cart became.
    pub order_id: Option<Uuid>,
}

impl CartRow {
    /// Itself, if it has not become an order.
    ///
    /// # Errors
    /// `cart_ordered`.
    pub fn open(self) -> Result<Self, Error> {
        match self.order_id {
            None => Ok(self),
            Some(_) => Err(ordered()),
        }
    }
}

/// A line's row.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct LineRow {
    /// What.
    pub variant_id: Uuid,
    /// How many.
    pub quantity: i64,
    /// What it was when it was put in.
    pub seen: Json<Quote>,
    /// When it was put in, in microseconds.
    pub added_at: i64,
}

/// A cart with its lines in the order in which they were added, at one moment.
#[derive(Debug, Clone)]
pub struct Whole {
    /// The cart.
    pub row: CartRow,
    /// Its lines.
    pub lines: Vec<LineRow>,
    /// Names what it holds: every change of a cart or its lines gives it a later one.
    pub version: i64,
}

#[derive(sqlx::FromRow)]
struct WholeRow {
    discount_code: Option<String>,
    order_id: Option<Uuid>,
    updated_at: i64,
    variant_id: Option<Uuid>,
    quantity: Option<i64>,
    seen: Option<Json<Quote>>,
    added_at: Option<i64>,
}

/// Writes an empty cart.
pub async fn insert(db: &Db, key: &str, now: Timestamp) -> Result<CartRow, Error> {
    const INSERT: &str = "INSERT INTO carts (key, created_at, updated_at) VALUES ($1, $2, $2)";
    single!(db, |conn| -> Result<(), Error> {
        execute!(conn, sqlx::query(INSERT).bind(key).bind(now.as_micros()))?;
        Ok(())
    })?;
    Ok(CartRow {
        discount_code: None,
        order_id: None,
    })
}

/// The cart with its lines, if it is there.
pub async fn whole(conn: &mut Conn, key: &str) -> Result<Option<Whole>, Error> {
    const FIND: &str = "SELECT c.discount_code, c.order_id, c.updated_at, l.variant_id, \
         l.quantity, l.seen, l.added_at FROM carts c LEFT JOIN cart_lines l ON l.cart_key = c.key \
         WHERE c.key = $1 ORDER BY l.added_at, l.variant_id";
    let rows: Vec<WholeRow> = with!(conn, |c| sqlx::query_as(FIND).bind(key).fetch_all(c).await)?;
    let mut whole: Option<Whole> = None;
    for row in rows {
        let whole = whole.get_or_insert_with(|| Whole {
            row: CartRow {
                discount_code: row.discount_code,
                order_id: row.order_id,
            },
            lines: Vec::new(),
            version: row.updated_at,
        });
        // A cart without lines is one row of it alone.
        if let (Some(variant_id), Some(quantity), Some(seen), Some(added_at)) =
            (row.variant_id, row.quantity, row.seen, row.added_at)
        {
            whole.lines.push(LineRow {
                variant_id,
                quantity,
                seen,
                added_at,
            });
        }
    }
    Ok(whole)
}

/// The cart's lines in the order in which they were added.
pub async fn lines(conn: &mut Conn, key: &str) -> Result<Vec<LineRow>, Error> {
    const LINES: &str = "SELECT variant_id, quantity, seen, added_at FROM cart_lines \
         WHERE cart_key = $1 ORDER BY added_at, variant_id";
    Ok(with!(conn, |c| sqlx::query_as(LINES)
        .bind(key)
        .fetch_all(c)
        .await)?)
}

/// Locks the cart, whatever it has become.
///
/// # Errors
/// `cart_not_found`.
pub async fn lock(tx: &mut Conn, key: &str, now: Timestamp) -> Result<CartRow, Error> {
    // Later than before, whatever the clock says.
    const LOCK: &str = "UPDATE carts SET updated_at = \
         CASE WHEN updated_at < $2 THEN $2 ELSE updated_at + 1 END \
         WHERE key = $1 RETURNING discount_code, order_id";
    let row: Option<CartRow> = with!(tx, |c| sqlx::query_as(LOCK)
        .bind(key)
        .bind(now.as_micros())
        .fetch_optional(c)
        .await)?;
    row.ok_or_else(not_found)
}

/// Locks the cart as it is, whatever it has become, and gives its version.
///
/// # Errors
/// `cart_not_found`.
pub async fn hold(tx: &mut Conn, key: &str) -> Result<(CartRow, i64), Error> {
    const HOLD: &str = "UPDATE carts SET updated_at = updated_at WHERE key = $1 \
         RETURNING discount_code, order_id, updated_at";
    let row: Option<(Option<String>, Option<Uuid>, i64)> = with!(tx, |c| sqlx::query_as(HOLD)
        .bind(key)
        .fetch_optional(c)
        .await)?;
    let (discount_code, order_id, version) = row.ok_or_else(not_found)?;
    let row = CartRow {
        discount_code,
        order_id,
    };
    Ok((row, version))
}

/// Locks a cart that has not become an order.
///
/// # Errors
/// `cart_not_found`, `cart_ordered`.
pub async fn lock_open(tx: &mut Conn, key: &str, now: Timestamp) -> Result<CartRow, Error> {
    lock(tx, key, now).await?.open()
}

/// Locks an open cart that is still as it was `seen`; `false` if it is not.
pub async fn lock_seen(tx: &mut Conn, key: &str, seen: i64, now: Timestamp) -> Result<bool, Error> {
    const LOCK: &str = "UPDATE carts SET updated_at = $2 \
         WHERE key = $1 AND updated_at = $3 AND order_id IS NULL";
    let later = now.as_micros().max(seen.saturating_add(1));
    Ok(execute!(tx, sqlx::query(LOCK).bind(key).bind(later).bind(seen))? == 1)
}

/// Sets how many of a variant an open cart holds whose `lines` these are. At least one.
///
/// # Errors
/// `cart_too_large` for one line more than a cart may hold.
pub async fn put_line(
    tx: &mut Conn,
    key: &str,
    lines: &mut Vec<LineRow>,
    quote: &Quote,
    quantity: i64,
    now: Timestamp,
) -> Result<(), Error> {
    const PUT: &str = "INSERT INTO cart_lines (cart_key, variant_id, quantity, seen, added_at) \
         VALUES ($1, $2, $3, $4, $5) ON CONFLICT (cart_key, variant_id) \
         DO UPDATE SET quantity = excluded.quantity, seen = excluded.seen";
    let variant_id = quote.variant_id;
    let known = lines.iter().position(|line| line.variant_id == variant_id);
    if known.is_none() && lines.len() >= MAX_LINES {
        return Err(Error::conflict(
            "cart_too_large",
            "The cart holds as many different things as one can: 100. Order these first.",
        ));
    }
    let added_at = now.as_micros();
    execute!(
        tx,
        sqlx::query(PUT)
            .bind(key)
            .bind(variant_id)
            .bind(quantity)
            .bind(Json(quote))
            .bind(added_at)
    )?;
    if let Some(line) = known.and_then(|known| lines.get_mut(known)) {
        line.quantity = quantity;
        line.seen = Json(quote.clone());
    } else {
        lines.push(LineRow {
            variant_id,
            quantity,
            seen: Json(quote.clone()),
            added_at,
        });
        lines.sort_by_key(|line| (line.added_at, line.variant_id));
    }
    Ok(())
}

/// Takes a line out of an open cart whose `lines` these are, if it is there.
pub async fn remove_line(
    tx: &mut Conn,
    key: &str,
    lines: &mut Vec<LineRow>,
    variant: Uuid,
) -> Result<(), Error> {
    const REMOVE: &str = "DELETE FROM cart_lines WHERE cart_key = $1 AND variant_id = $2";
    execute!(tx, sqlx::query(REMOVE).bind(key).bind(variant))?;
    lines.retain(|line| line.variant_id != variant);
    Ok(())
}

/// Sets or takes away the discount code of an open cart.
pub async fn put_discount(tx: &mut Conn, key: &str, code: Option<&str>) -> Result<(), Error> {
    const PUT: &str = "UPDATE carts SET discount_code = $2 WHERE key = $1";
    execute!(tx, sqlx::query(PUT).bind(key).bind(code))?;
    Ok(())
}

/// Makes the cart that order, if it is still what it was at this version.
///
/// # Errors
/// `cart_ordered` if it became another one meanwhile, `cart_changed`.
pub async fn take(
    tx: &mut Conn,
    key: &str,
    version: Option<i64>,
    order: Uuid,
    now: Timestamp,
) -> Result<(), Error> {
    const TAKE: &str = "UPDATE carts SET order_id = $2, updated_at = $3 \
         WHERE key = $1 AND order_id IS NULL AND updated_at = COALESCE($4, updated_at)";
    const IS_OPEN: &str = "SELECT COUNT(*) FROM carts WHERE key = $1 AND order_id IS NULL";
    let taken = execute!(
        tx,
        sqlx::query(TAKE)
            .bind(key)
            .bind(order)
            .bind(now.as_micros())
            .bind(version)
    )?;
    if taken == 1 {
        return Ok(());
    }
    let open: i64 = with!(tx, |c| sqlx::query_scalar(IS_OPEN)
        .bind(key)
        .fetch_one(c)
        .await)?;
    Err(if open == 1 { changed() } else { ordered() })
}

/// The order failed: the cart may be ordered again.
pub async fn reopen(tx: &mut Conn, key: &str, order: Uuid, now: Timestamp) -> Result<(), Error> {
    const REOPEN: &str =
        "UPDATE carts SET order_id = NULL, updated_at = $3 WHERE key = $1 AND order_id = $2";
    execute!(
        tx,
        sqlx::query(REOPEN)
            .bind(key)
            .bind(order)
            .bind(now.as_micros())
    )?;
    Ok(())
}

/// Deletes up to `limit` carts that nobody has touched since `before`, and gives how many. Orders
/// keep what they need of their carts.
pub async fn delete_stale(db: &Db, before: Timestamp, limit: i64) -> Result<u64, Error> {
    // The age is asked twice: PostgreSQL asks only the outer condition again after it has waited
    // for somebody who was changing the cart.
    const DELETE: &str = "DELETE FROM carts WHERE updated_at < $1 AND key IN \
         (SELECT key FROM carts WHERE updated_at < $1 ORDER BY key LIMIT $2)";
    transact!(db, |tx| -> Result<u64, Error> {
        Ok(execute!(
            tx,
            sqlx::query(DELETE).bind(before.as_micros()).bind(limit)
        )?)
    })
}

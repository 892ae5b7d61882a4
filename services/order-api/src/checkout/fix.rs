//! What a request to order asks for, fixed before anything else happens.

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use techcommerce_contracts::codes;
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::{Conn, execute, transact, with};

use super::{Attempt, flow};
use crate::{app::App, carts};

/// The cart at the moment of the request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Snapshot {
    /// Sets this attempt apart from an earlier one under the same key that was refused: giving
    /// back what that one held must never touch what this one holds.
    pub nonce: Uuid,
    /// In the cart's order.
    pub lines: Vec<SnapshotLine>,
    /// The code that was applied.
    pub discount_code: Option<String>,
}

/// A line of the cart at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotLine {
    /// What.
    pub variant_id: Uuid,
    /// How many.
    pub quantity: i64,
}

/// What [`fix`] found.
type Fixed = flow::Fixed<Snapshot, Uuid>;

#[derive(sqlx::FromRow)]
struct Record {
    request_hash: String,
    snapshot: Json<Snapshot>,
    order_id: Option<Uuid>,
}

/// Fixes what the attempt asks for, or finds what was fixed when it came before.
pub(super) async fn fix(app: &App, attempt: &Attempt) -> Result<Fixed, Error> {
    const INSERT: &str = "INSERT INTO idempotency_records \
         (id, request_hash, cart_key, snapshot, created_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO NOTHING";
    transact!(app.db, |tx| -> Result<Fixed, Error> {
        let now = app.env.now();
        let cart = carts::lock(tx, &attempt.cart_key, now).await;
        let open = match cart.and_then(carts::CartRow::open) {
            Ok(cart) => Ok((cart, carts::lines(tx, &attempt.cart_key).await?)),
            Err(error) if error.is_transient() => return Err(error),
            Err(error) => Err(error),
        };
        let (cart, lines) = match open {
            Ok((cart, lines)) if !lines.is_empty() => (cart, lines),
            // The same request may have made it an order before, perhaps while we waited for it.
            open => {
                return match (record(tx, attempt.id).await?, open) {
                    (Some(record), _) => known(record, attempt),
                    (None, Err(error)) => Err(error),
                    (None, Ok(_)) => Err(Error::conflict(codes::CART_EMPTY, "The cart is empty.")),
                };
            }
        };
        let snapshot = Snapshot {
            nonce: app.env.new_id(),
            lines: lines
                .iter()
                .map(|line| SnapshotLine {
                    variant_id: line.variant_id,
                    quantity: line.quantity,
                })
                .collect(),
            discount_code: cart.discount_code,
        };
        if execute!(
            tx,
            sqlx::query(INSERT)
                .bind(attempt.id)
                .bind(&attempt.request_hash)
                .bind(&attempt.cart_key)
                .bind(Json(&snapshot))
                .bind(now.as_micros())
        )? == 1
        {
            return Ok(Fixed::Open(snapshot));
        }
        // The same request came before, or another with the same key.
        let record = record(tx, attempt.id).await?.ok_or_else(in_doubt)?;
        known(record, attempt)
    })
}

fn known(record: Record, attempt: &Attempt) -> Result<Fixed, Error> {
    if record.request_hash != attempt.request_hash {
        return Err(Error::unprocessable(
            codes::IDEMPOTENCY_KEY_REUSED,
            "This Idempotency-Key came with another request before. Use a new one.",
        ));
    }
    Ok(match record.order_id {
        Some(order) => Fixed::Ordered(order),
        None => Fixed::Open(record.snapshot.0),
    })
}

async fn record(conn: &mut Conn, id: Uuid) -> Result<Option<Record>, Error> {
    const FIND: &str =
        "SELECT request_hash, snapshot, order_id FROM idempotency_records WHERE id = $1";
    Ok(with!(conn, |c| sqlx::query_as(FIND)
        .bind(id)
        .fetch_optional(c)
        .await)?)
}

/// The order that the attempt has become.
pub(super) async fn order_of(app: &App, id: Uuid) -> Result<Option<Uuid>, Error> {
    let mut conn = app.db.read().await?;
    Ok(record(&mut conn, id)
        .await?
        .and_then(|record| record.order_id))
}

/// Writes that the attempt has become this order, and locks that out for others; gives the order
/// that it has become already, if it has.
///
/// # Errors
/// `unavailable` if the attempt was given up meanwhile.
pub(super) async fn answer(tx: &mut Conn, id: Uuid, order: Uuid) -> Result<Option<Uuid>, Error> {
    const ANSWER: &str =
        "UPDATE idempotency_records SET order_id = $2 WHERE id = $1 AND order_id IS NULL";
    if execute!(tx, sqlx::query(ANSWER).bind(id).bind(order))? == 1 {
        return Ok(None);
    }
    match record(tx, id).await?.and_then(|record| record.order_id) {
        Some(other) => Ok(Some(other)),
        None => Err(in_doubt()),
    }
}

/// Forgets an attempt that has not become an order, so that its key may be tried again; `false`
/// if it has, or was forgotten already.
pub(super) async fn forget(app: &App, id: Uuid) -> Result<bool, Error> {
    const FORGET: &str = "DELETE FROM idempotency_records WHERE id = $1 AND order_id IS NULL";
    transact!(app.db, |tx| -> Result<bool, Error> {
        Ok(execute!(tx, sqlx::query(FORGET).bind(id))? == 1)
    })
}

fn in_doubt() -> Error {
    Error::unavailable("The same order was sent twice at once. Please send it again.")
}

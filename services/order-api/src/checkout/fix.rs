//! What a request to order asks for, fixed before anything else happens.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::types::Json;
use techcommerce_contracts::codes;
use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Conn, execute, transact, with};

use super::{
    Attempt, Placed,
    flow::{self, Forgotten, Written},
};
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
    /// The cart's version that held it last. None: fixed by a program that did not know it.
    #[serde(default)]
    pub cart_version: Option<i64>,
}

impl Snapshot {
    /// Whether the same is asked for.
    fn asks_for(&self, other: &Self) -> bool {
        self.lines == other.lines && self.discount_code == other.discount_code
    }
}

/// A line of the cart at that moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct SnapshotLine {
    /// What.
    pub variant_id: Uuid,
    /// How many.
    pub quantity: i64,
}

/// No request to order is at work for longer.
const LONGEST: Duration = Duration::from_mins(1);

/// What [`fix`] found.
type Fixed = flow::Fixed<Snapshot, Uuid>;

/// What came of fixing a request.
pub(super) struct Fixing {
    /// What is asked for, or why nothing can be.
    pub fixed: Result<Fixed, Error>,
    /// What was fixed when the request came before, and is not asked for any more.
    pub instead_of: Option<Snapshot>,
}

impl From<Fixed> for Fixing {
    fn from(fixed: Fixed) -> Self {
        Self {
            fixed: Ok(fixed),
            instead_of: None,
        }
    }
}

#[derive(sqlx::FromRow)]
struct Record {
    request_hash: String,
    snapshot: Json<Snapshot>,
    order_id: Option<Uuid>,
    created_at: i64,
}

/// Fixes what the attempt asks for, or finds what was fixed when it came before. If the cart was
/// changed since, what it holds now is asked for: that is what was shown.
pub(super) async fn fix(app: &App, attempt: &Attempt) -> Result<Fixing, Error> {
    const INSERT: &str = "INSERT INTO idempotency_records \
         (id, request_hash, cart_key, snapshot, created_at) VALUES ($1, $2, $3, $4, $5) \
         ON CONFLICT (id) DO NOTHING";
    transact!(app.db, |tx| -> Result<Fixing, Error> {
        let cart = carts::hold(tx, &attempt.cart_key).await;
        let open = cart.and_then(|(cart, version)| Ok((cart.open()?, version)));
        let (cart, version) = match open {
            Ok(open) => open,
            Err(error) if error.is_transient() => return Err(error),
            // The same request may have made it an order before, perhaps while we waited for it.
            Err(error) => {
                return match record(tx, attempt.id).await? {
                    Some(record) => Ok(known(record, attempt)?.into()),
                    None => Err(error),
                };
            }
        };
        let lines = carts::lines(tx, &attempt.cart_key).await?;
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
            cart_version: Some(version),
        };
        let new = !snapshot.lines.is_empty()
            && execute!(
                tx,
                sqlx::query(INSERT)
                    .bind(attempt.id)
                    .bind(&attempt.request_hash)
                    .bind(&attempt.cart_key)
                    .bind(Json(&snapshot))
                    .bind(app.env.now().as_micros())
            )? == 1;
        if new {
            return Ok(Fixed::Open(snapshot).into());
        }
        // The same request came before, or another with the same key.
        let record = record(tx, attempt.id).await?;
        let fixed_at = record.as_ref().map_or(0, |record| record.created_at);
        let fresh = app.env.now().since(Timestamp::from_micros(fixed_at)) < LONGEST;
        match record {
            Some(record) => match known(record, attempt)? {
                // A program of the version before may be at it, which would write its order all the
                // same.
                Fixed::Open(old)
                    if old.cart_version.is_none() && fresh && !old.asks_for(&snapshot) =>
                {
                    Err(flow::in_doubt())
                }
                Fixed::Open(old) => anew(tx, attempt, old, snapshot).await,
                ordered @ Fixed::Ordered(_) => Ok(ordered.into()),
            },
            None if snapshot.lines.is_empty() => Err(empty()),
            None => Err(flow::in_doubt()),
        }
    })
}

/// What a request asks for that came before and has not become an order.
async fn anew(
    tx: &mut Conn,
    attempt: &Attempt,
    old: Snapshot,
    now: Snapshot,
) -> Result<Fixing, Error> {
    const CHANGE: &str = "UPDATE idempotency_records SET snapshot = $3 \
         WHERE id = $1 AND order_id IS NULL AND snapshot ->> 'nonce' = $2";
    if old.asks_for(&now) {
        let still = Snapshot {
            cart_version: now.cart_version,
            ..old
        };
        return Ok(Fixed::Open(still).into());
    }
    let fixed = if now.lines.is_empty() {
        if !delete(tx, attempt.id, &old).await? {
            return Err(flow::in_doubt());
        }
        Err(empty())
    } else {
        let changed = execute!(
            tx,
            sqlx::query(CHANGE)
                .bind(attempt.id)
                .bind(old.nonce.to_string())
                .bind(Json(&now))
        )?;
        if changed == 0 {
            return Err(flow::in_doubt());
        }
        Ok(Fixed::Open(now))
    };
    Ok(Fixing {
        fixed,
        instead_of: Some(old),
    })
}

fn empty() -> Error {
    Error::conflict(codes::CART_EMPTY, "The cart is empty.")
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
    const FIND: &str = "SELECT request_hash, snapshot, order_id, created_at FROM idempotency_records WHERE id = $1";
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

/// Writes that the attempt has become this order, made of this snapshot, and locks that out for
/// others. What it has become otherwise, if it asks for the snapshot no more.
pub(super) async fn answer(
    tx: &mut Conn,
    id: Uuid,
    snapshot: &Snapshot,
    order: Uuid,
) -> Result<Option<Written<Placed>>, Error> {
    const ANSWER: &str = "UPDATE idempotency_records SET order_id = $3 \
         WHERE id = $1 AND order_id IS NULL AND snapshot ->> 'nonce' = $2";
    let nonce = snapshot.nonce.to_string();
    if execute!(tx, sqlx::query(ANSWER).bind(id).bind(nonce).bind(order))? == 1 {
        return Ok(None);
    }
    Ok(Some(match of(tx, id, snapshot).await? {
        Some(order) => Written::Order(Placed::Before(order)),
        None => Written::GivenUp,
    }))
}

/// The order that was made of this snapshot of the attempt.
async fn of(conn: &mut Conn, id: Uuid, snapshot: &Snapshot) -> Result<Option<Uuid>, Error> {
    let record = record(conn, id).await?;
    let record = record.filter(|record| record.snapshot.nonce == snapshot.nonce);
    Ok(record.and_then(|record| record.order_id))
}

/// Forgets an attempt that asks for this snapshot and has not become an order, so that its key may
/// be tried again.
pub(super) async fn forget(
    app: &App,
    id: Uuid,
    snapshot: &Snapshot,
) -> Result<Forgotten<Placed>, Error> {
    transact!(app.db, |tx| -> Result<Forgotten<Placed>, Error> {
        if delete(tx, id, snapshot).await? {
            return Ok(Forgotten::Now);
        }
        Ok(match of(tx, id, snapshot).await? {
            Some(order) => Forgotten::Ordered(Placed::Before(order)),
            None => Forgotten::Before,
        })
    })
}

async fn delete(tx: &mut Conn, id: Uuid, snapshot: &Snapshot) -> Result<bool, Error> {
    const FORGET: &str = "DELETE FROM idempotency_records \
         WHERE id = $1 AND order_id IS NULL AND snapshot ->> 'nonce' = $2";
    let nonce = snapshot.nonce.to_string();
    Ok(execute!(tx, sqlx::query(FORGET).bind(id).bind(nonce))? == 1)
}

//! What the shop knows of its payments at Stripe.

use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Conn, Db, execute, transact, with};

use super::wire::Intent;

/// A payment's row.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct Row {
    pub intent_id: Option<String>,
    pub generation: i64,
    pub asked_at: Option<i64>,
    pub closed: bool,
}

/// The payment's row, made if there is none. From then on Stripe may have been asked.
pub(super) async fn open(db: &Db, order: Uuid, now: Timestamp) -> Result<Row, Error> {
    const OPEN: &str = "INSERT INTO stripe_payments (order_id, asked_at, created_at) \
         VALUES ($1, $2, $2) ON CONFLICT (order_id) DO UPDATE SET asked_at = \
         CASE WHEN stripe_payments.closed THEN stripe_payments.asked_at \
         ELSE COALESCE(stripe_payments.asked_at, excluded.asked_at) END \
         RETURNING intent_id, generation, asked_at, closed";
    transact!(db, |tx| -> Result<Row, Error> {
        Ok(with!(tx, |c| sqlx::query_as(OPEN)
            .bind(order)
            .bind(now.as_micros())
            .fetch_one(c)
            .await)?)
    })
}

/// The same for a payment that is given up: what was not asked yet never will be.
pub(super) async fn close(db: &Db, order: Uuid, now: Timestamp) -> Result<Row, Error> {
    const CLOSE: &str = "INSERT INTO stripe_payments (order_id, closed, created_at) \
         VALUES ($1, TRUE, $2) ON CONFLICT (order_id) DO UPDATE SET closed = TRUE \
         RETURNING intent_id, generation, asked_at, closed";
    transact!(db, |tx| -> Result<Row, Error> {
        Ok(with!(tx, |c| sqlx::query_as(CLOSE)
            .bind(order)
            .bind(now.as_micros())
            .fetch_one(c)
            .await)?)
    })
}

/// Goes on to the next key, unless somebody else did.
pub(super) async fn next_key(
    db: &Db,
    order: Uuid,
    generation: i64,
    now: Timestamp,
) -> Result<Row, Error> {
    const NEXT: &str = "UPDATE stripe_payments SET generation = generation + 1, asked_at = $3 \
         WHERE order_id = $1 AND generation = $2";
    const FIND: &str = "SELECT intent_id, generation, asked_at, closed FROM stripe_payments \
         WHERE order_id = $1";
    transact!(db, |tx| -> Result<Row, Error> {
        execute!(
            tx,
            sqlx::query(NEXT)
                .bind(order)
                .bind(generation)
                .bind(now.as_micros())
        )?;
        Ok(with!(tx, |c| sqlx::query_as(FIND)
            .bind(order)
            .fetch_one(c)
            .await)?)
    })
}

/// What is known of the payment, if anything is.
pub(super) async fn find(db: &Db, order: Uuid) -> Result<Option<Row>, Error> {
    const FIND: &str = "SELECT intent_id, generation, asked_at, closed FROM stripe_payments \
         WHERE order_id = $1";
    let mut conn = db.read().await?;
    Ok(with!(conn, |c| sqlx::query_as(FIND)
        .bind(order)
        .fetch_optional(c)
        .await)?)
}

/// Keeps what Stripe calls the payment, and how the customer confirms it. The first one counts.
pub(super) async fn keep(db: &Db, order: Uuid, intent: &Intent) -> Result<(), Error> {
    const KEEP: &str = "UPDATE stripe_payments SET intent_id = $2, \
         client_secret = COALESCE($3, client_secret), redirect_url = $4 \
         WHERE order_id = $1 AND COALESCE(intent_id, $2) = $2";
    let action = intent.next_action.as_ref();
    let redirect = action.and_then(|action| action.redirect_to_url.as_ref()?.url.as_deref());
    transact!(db, |tx| -> Result<(), Error> {
        execute!(
            tx,
            sqlx::query(KEEP)
                .bind(order)
                .bind(&intent.id)
                .bind(intent.client_secret.as_deref())
                .bind(redirect)
        )?;
        Ok(())
    })
}

/// The order that a payment at Stripe belongs to.
pub(super) async fn order_of(conn: &mut Conn, intent: &str) -> Result<Option<Uuid>, Error> {
    const FIND: &str = "SELECT order_id FROM stripe_payments WHERE intent_id = $1";
    Ok(with!(conn, |c| sqlx::query_scalar(FIND)
        .bind(intent)
        .fetch_optional(c)
        .await)?)
}

//! The schedule that tidies up: carts that were left alone, and requests to order that were never
//! finished.

use std::time::Duration;

use async_trait::async_trait;
use techcommerce_jobs::{Job, Outcome};
use techcommerce_kernel::{Error, Timestamp};
use techcommerce_store::{execute, transact};

use crate::{app::App, carts};

/// The job's kind and the schedule's name.
pub(super) const KIND: &str = "order.tidy";

/// Rows that one transaction deletes at most.
const BATCH: i64 = 500;
/// How long a message of the payment provider is remembered: it sends again for days.
const MESSAGES: Duration = Duration::from_hours(24 * 30);
/// How long an idempotency key is remembered.
const KEYS: Duration = Duration::from_hours(24 * 30);

/// Runs the schedule.
pub(super) struct Handler(pub App);

#[async_trait]
impl techcommerce_jobs::Handler for Handler {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, _: &Job) -> Result<Outcome, Error> {
        let Self(app) = self;
        let now = app.env.now();
        let stale = now - app.settings.cart_lifetime;
        while carts::delete_stale(&app.db, stale, BATCH).await? > 0 {}
        while delete_keys(app, now - KEYS).await? > 0 {}
        while delete_messages(app, now - MESSAGES).await? > 0 {}
        Ok(Outcome::Done)
    }
}

async fn delete_keys(app: &App, before: Timestamp) -> Result<u64, Error> {
    const DELETE: &str = "DELETE FROM idempotency_records WHERE id IN \
         (SELECT id FROM idempotency_records WHERE created_at < $1 ORDER BY id LIMIT $2)";
    transact!(app.db, |tx| -> Result<u64, Error> {
        Ok(execute!(
            tx,
            sqlx::query(DELETE).bind(before.as_micros()).bind(BATCH)
        )?)
    })
}

async fn delete_messages(app: &App, before: Timestamp) -> Result<u64, Error> {
    const DELETE: &str = "DELETE FROM stripe_events WHERE id IN \
         (SELECT id FROM stripe_events WHERE created_at < $1 ORDER BY id LIMIT $2)";
    transact!(app.db, |tx| -> Result<u64, Error> {
        Ok(execute!(
            tx,
            sqlx::query(DELETE).bind(before.as_micros()).bind(BATCH)
        )?)
    })
}

//! The schedule that takes away old deliveries with their attempts, events that nobody is to be
//! told of any more, secrets that no longer sign, and what is left of deleted endpoints.

use async_trait::async_trait;
use techcommerce_jobs::{Job, Outcome};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::{Conn, dialect::in_list, execute, transact, with};

use crate::app::App;

/// The job's kind and the schedule's name.
pub(super) const KIND: &str = "webhook.tidy";

/// Rows that one transaction deletes at most.
const BATCH: i64 = 200;

/// Runs the schedule.
pub(super) struct Handler(pub App);

#[async_trait]
impl techcommerce_jobs::Handler for Handler {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, _: &Job) -> Result<Outcome, Error> {
        // What is pending is young, as it is given up after three days.
        const OLD: &str = "SELECT id FROM webhook_deliveries \
             WHERE created_at < $1 AND state <> 'pending' ORDER BY created_at, id LIMIT $2";
        const DELETED: &str = "SELECT d.id FROM webhook_deliveries d \
             JOIN webhook_endpoints e ON e.id = d.endpoint_id \
             WHERE e.deleted_at < $1 ORDER BY d.id LIMIT $2";
        const EVENTS: &str = "DELETE FROM webhook_events WHERE id IN (SELECT v.id FROM webhook_events v \
             WHERE v.created_at < $1 AND NOT EXISTS \
             (SELECT 1 FROM webhook_deliveries d WHERE d.event_id = v.id) ORDER BY v.id LIMIT $2)";
        const SECRETS: &str = "DELETE FROM webhook_secrets WHERE id IN (SELECT id FROM webhook_secrets \
             WHERE ends_at < $1 ORDER BY id LIMIT $2)";
        const ENDPOINTS: &str = "DELETE FROM webhook_endpoints WHERE id IN \
             (SELECT e.id FROM webhook_endpoints e WHERE e.deleted_at < $1 AND NOT EXISTS \
             (SELECT 1 FROM webhook_deliveries d WHERE d.endpoint_id = e.id) ORDER BY e.id LIMIT $2)";
        let Self(app) = self;
        let now = app.env.now();
        let old = (now - app.settings.webhooks.keep).as_micros();
        let now = now.as_micros();
        while deliveries(app, OLD, old).await? > 0 {}
        while deliveries(app, DELETED, now).await? > 0 {}
        while delete(app, EVENTS, old).await? > 0 {}
        while delete(app, SECRETS, now).await? > 0 {}
        while delete(app, ENDPOINTS, now).await? > 0 {}
        Ok(Outcome::Done)
    }
}

async fn deliveries(app: &App, which: &'static str, before: i64) -> Result<u64, Error> {
    transact!(app.db, |tx| -> Result<u64, Error> {
        let ids: Vec<Uuid> = with!(tx, |c| sqlx::query_scalar(which)
            .bind(before)
            .bind(BATCH)
            .fetch_all(c)
            .await)?;
        if ids.is_empty() {
            return Ok(0);
        }
        by_ids(tx, "webhook_attempts WHERE delivery_id", &ids).await?;
        by_ids(tx, "webhook_deliveries WHERE id", &ids).await
    })
}

async fn by_ids(tx: &mut Conn, which: &str, ids: &[Uuid]) -> Result<u64, Error> {
    let sql = format!("DELETE FROM {which} IN {}", in_list(1, ids.len()));
    Ok(with!(tx, |c| {
        let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str()));
        for id in ids {
            query = query.bind(*id);
        }
        query.execute(c).await.map(|done| done.rows_affected())
    })?)
}

async fn delete(app: &App, sql: &'static str, before: i64) -> Result<u64, Error> {
    transact!(app.db, |tx| -> Result<u64, Error> {
        Ok(execute!(tx, sqlx::query(sql).bind(before).bind(BATCH))?)
    })
}

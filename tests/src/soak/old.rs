//! What becomes of each table's rows: a table of which nobody says it fails the run, and so does one
//! whose old rows stay.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use sqlx::AssertSqlSafe;

use super::sample::Eye;

const DAY: i64 = 24 * 3600 * 1_000_000;
/// A schedule comes once a day at the rarest, and then takes what is old by then.
const SLACK: i64 = 2 * DAY;

/// What becomes of a table's rows.
#[derive(Debug, Clone, Copy)]
enum Rows {
    /// They go so many days after the time in this column, those of this condition.
    Go(&'static str, i64, &'static str),
    /// They go with those of another table.
    With(&'static str),
    /// They are as many as there are of something that people made or the house has.
    Few,
    /// They are kept for ever: the shop's books.
    Stay,
}

use Rows::{Few, Go, Stay, With};

const ALL: &str = "TRUE";

/// Every table of the shop; docs/soak.md says the same to people.
const TABLES: &[(&str, Rows)] = &[
    ("auth.accounts", Stay),
    ("auth.api_keys", Go("expires_at", 0, ALL)),
    ("auth.audit_log", Stay),
    ("auth.password_resets", Go("expires_at", 0, ALL)),
    ("auth.sessions", Go("expires_at", 0, ALL)),
    ("images.audit_log", Stay),
    ("images.images", Few),
    ("order_api.addresses", Stay),
    ("order_api.audit_log", Stay),
    ("order_api.backups", Few),
    ("order_api.cart_lines", With("order_api.carts")),
    ("order_api.carts", Go("updated_at", 30, ALL)),
    ("order_api.counters", Few),
    ("order_api.discounts", Few),
    ("order_api.idempotency_records", Go("created_at", 30, ALL)),
    ("order_api.order_events", Stay),
    ("order_api.order_lines", Stay),
    ("order_api.order_words", Stay),
    ("order_api.orders", Stay),
    ("order_api.payment_findings", Stay),
    ("order_api.payments", Stay),
    ("order_api.payments_ledger", Stay),
    ("order_api.refunds", Stay),
    ("order_api.shipment_lines", Stay),
    ("order_api.shipments", Stay),
    ("order_api.stripe_events", Go("created_at", 30, ALL)),
    ("order_api.stripe_payments", Stay),
    // The books of the provider for trials.
    ("order_api.test_provider_operations", Stay),
    ("order_api.test_provider_payments", Stay),
    (
        "order_api.webhook_attempts",
        With("order_api.webhook_deliveries"),
    ),
    ("order_api.webhook_deliveries", Go("created_at", 30, ALL)),
    ("order_api.webhook_endpoints", Few),
    ("order_api.webhook_events", Go("created_at", 30, ALL)),
    ("order_api.webhook_feed", Few),
    ("order_api.webhook_secrets", Few),
    ("order_api.webhook_stock", Few),
    ("product_api.audit_log", Stay),
    ("product_api.categories", Few),
    ("product_api.change_counter", Few),
    // The last one stays, so that whoever follows sees that others are gone.
    (
        "product_api.changes",
        Go(
            "created_at",
            7,
            "position < (SELECT position FROM product_api.change_counter)",
        ),
    ),
    ("product_api.import_files", Go("created_at", 1, ALL)),
    ("product_api.import_notes", With("product_api.import_runs")),
    ("product_api.import_runs", Go("started_at", 90, ALL)),
    ("product_api.picture_fetches", Go("updated_at", 90, ALL)),
    ("product_api.product_images", Few),
    ("product_api.products", Few),
    (
        "product_api.reservation_lines",
        With("product_api.reservations"),
    ),
    // What was sold may come back.
    (
        "product_api.reservations",
        Go("deadline", 30, "state <> 'claimed'"),
    ),
    ("product_api.restocks", With("product_api.reservations")),
    ("product_api.stock_levels", Few),
    ("product_api.stock_movements", Stay),
    ("product_api.variants", Few),
];

/// Those that each service with a queue has. A job that was given up stays until somebody looks.
const OF_QUEUES: &[(&str, Rows)] = &[
    ("job_findings", Few),
    ("job_schedules", Few),
    ("job_workers", Go("seen_at", 1, ALL)),
    ("jobs", Go("finished_at", 7, "state = 'done'")),
];

/// That of each service that keeps answers.
const OF_ANSWERS: (&str, Rows) = ("idempotency_answers", Go("created_at", 1, ALL));

/// What becomes of a table's rows, if somebody says it.
fn rows_of(table: &str) -> Option<Rows> {
    let own = TABLES.iter().find(|(name, _)| *name == table);
    let (_, name) = table.split_once('.')?;
    let shared = OF_QUEUES.iter().chain([&OF_ANSWERS]);
    let mut shared = shared.filter(|(known, _)| *known == name);
    own.or_else(|| shared.next()).map(|(_, rows)| *rows)
}

/// Each table is one of which it is said what becomes of it, and each that is named is there.
pub fn all_are_named(tables: &[String]) -> Result<()> {
    let unnamed: Vec<&String> = tables.iter().filter(|it| rows_of(it).is_none()).collect();
    ensure!(
        unnamed.is_empty(),
        "nobody says when rows of these go, or why they stay (tests/src/soak/old.rs): {unnamed:?}"
    );
    let known: BTreeSet<&str> = tables.iter().map(String::as_str).collect();
    let missing = |name: &&str| !known.contains(name);
    let missing: Vec<&str> = TABLES
        .iter()
        .map(|(name, _)| *name)
        .filter(missing)
        .collect();
    ensure!(missing.is_empty(), "there are no such tables: {missing:?}");
    Ok(())
}

/// How many rows of a table are older at `now` than they may get.
async fn too_old(eye: &Eye, table: &str, now: i64) -> Result<i64> {
    let (table, column, days, only) = match rows_of(table) {
        Some(Go(column, days, only)) => (table, column, days, only),
        _ => return Ok(0),
    };
    let count = format!("SELECT COUNT(*) FROM {table} WHERE {column} < $1 AND {only}");
    let before = now - days * DAY - SLACK;
    sqlx::query_scalar(AssertSqlSafe(count))
        .bind(before)
        .fetch_one(eye.pool())
        .await
        .with_context(|| table.to_owned())
}

/// The tables that hold rows which are older at `now` than they may get, with how many.
pub async fn left(eye: &Eye, now: i64) -> Result<Vec<String>> {
    let mut left = Vec::new();
    for table in eye.tables() {
        let rows = too_old(eye, table, now).await?;
        if rows > 0 {
            left.push(format!("{table}: {rows}"));
        }
    }
    Ok(left)
}

/// The tables whose rows are to go and that hold none which could.
pub async fn empty(eye: &Eye) -> Result<Vec<String>> {
    let mut empty = Vec::new();
    for table in eye.tables() {
        if let Some(Go(..)) = rows_of(table)
            && too_old(eye, table, i64::MAX / 2).await? == 0
        {
            empty.push(table.clone());
        }
    }
    Ok(empty)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tables() -> Vec<String> {
        TABLES.iter().map(|(name, _)| (*name).to_owned()).collect()
    }

    #[test]
    fn a_table_of_which_nobody_says_what_becomes_of_it_is_noticed() {
        let mut tables = tables();
        tables.push("auth.jobs".to_owned());
        assert!(all_are_named(&tables).is_ok());
        tables.push("order_api.gift_cards".to_owned());
        let error = all_are_named(&tables).unwrap_err().to_string();
        assert!(error.contains("gift_cards"), "{error}");
    }

    #[test]
    fn a_table_that_is_no_more_is_noticed() {
        let error = all_are_named(&tables()[1..]).unwrap_err().to_string();
        assert!(error.contains("auth.accounts"), "{error}");
    }

    #[test]
    fn what_goes_with_another_table_goes() {
        for (table, rows) in TABLES {
            if let With(other) = rows {
                assert!(matches!(rows_of(other), Some(Go(..))), "{table}");
            }
        }
    }
}

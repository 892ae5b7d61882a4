//! The helpers themselves: a test has a migrated database of its own, on both engines.

#![allow(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "these are tests"
)]

use sqlx::migrate::Migrator;
use techcommerce_store::{Db, Dialect, execute, transact, with};
use techcommerce_testkit::{TestDb, databases, on_both_engines};

static MIGRATOR: Migrator = sqlx::migrate!("tests/migrations");

async fn add_and_count(db: &Db) -> i64 {
    transact!(db, |tx| -> Result<i64, techcommerce_store::StoreError> {
        execute!(
            tx,
            sqlx::query("INSERT INTO things (id, name) VALUES ($1, $2)")
                .bind(1_i64)
                .bind("lamp")
        )?;
        with!(tx, |c| sqlx::query_scalar("SELECT COUNT(*) FROM things")
            .fetch_one(c)
            .await)
    })
    .unwrap()
}

on_both_engines! { MIGRATOR;
    /// The second database has nothing of the first.
    async fn a_test_is_alone(db: TestDb) {
        assert_eq!(add_and_count(&db).await, 1);
        let other = TestDb::new(db.dialect(), &MIGRATOR).await;
        assert_eq!(add_and_count(&other).await, 1);
    }

    async fn a_test_may_return_a_result(db: TestDb) -> Result<(), techcommerce_kernel::Error> {
        db.ping().await
    }
}

#[tokio::test]
async fn both_engines_come_at_once() {
    let both = databases(&MIGRATOR).await;
    let dialects: Vec<Dialect> = both.iter().map(|db| db.dialect()).collect();
    assert_eq!(dialects, [Dialect::Sqlite, Dialect::Postgres]);
}

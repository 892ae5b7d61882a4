//! Connections to PostgreSQL that went half-open are given up, and nobody waits for them again.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::postgres::PgConnectOptions;
use sqlx::{AssertSqlSafe, SqlSafeStr};
use techcommerce_store::{Db, MigrationTold, Pace, PostgresOptions, StoreError, transact, with};
use techcommerce_testkit::PostgresDatabase;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use crate::wire::{Mode, Wire, place_of};

const CONNECTIONS: u32 = 3;
/// The kernel would keep them waiting for a quarter of an hour.
const GIVEN_UP: Duration = Duration::from_secs(60);

/// A database, and the way to it.
async fn reached() -> Result<(PostgresDatabase, Wire, Db)> {
    let database = PostgresDatabase::empty().await;
    let wire = Wire::to(place_of(database.url())?).await?;
    let connect: PgConnectOptions = database.url().parse()?;
    let connect = connect.host("127.0.0.1").port(wire.address().port());
    let db = Db::open_postgres(PostgresOptions::new(connect, "public", CONNECTIONS));
    Ok((database, wire, db))
}

/// Work for so long.
fn migrator(seconds: u32) -> Migrator {
    let sql = format!("SELECT pg_sleep({seconds})");
    Migrator::with_migrations(vec![Migration::new(
        1,
        Cow::Borrowed("long"),
        MigrationType::Simple,
        AssertSqlSafe(sql).into_sql_str(),
        false,
    )])
}

async fn one(db: &Db) -> Result<i64, StoreError> {
    let mut conn = db.read().await?;
    with!(conn, |c| sqlx::query_scalar("SELECT 1::bigint")
        .fetch_one(c)
        .await)
}

async fn in_transaction(db: &Db) -> Result<i64, StoreError> {
    transact!(db, |tx| -> Result<i64, StoreError> {
        with!(tx, |c| sqlx::query_scalar("SELECT 1::bigint")
            .fetch_one(c)
            .await)
    })
}

async fn all(db: &Db) -> [Result<i64, StoreError>; 3] {
    let (first, second, third) = tokio::join!(one(db), one(db), in_transaction(db));
    [first, second, third]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_waits_for_a_connection_that_is_gone() -> Result<()> {
    let (_database, wire, db) = reached().await?;
    for answer in all(&db).await {
        ensure!(answer.map_err(techcommerce_kernel::Error::from)? == 1);
    }
    wire.set(Mode::HalfOpen);
    let silent = timeout(GIVEN_UP, all(&db)).await;
    for answer in silent.context("somebody waits for ever")? {
        let error = answer.expect_err("nobody can have answered");
        ensure!(error.is_unreachable(), "{error:?}");
    }
    wire.set(Mode::Pass);
    // As many as there may be: none of the connections that are gone is counted still.
    let again = join_all((0..CONNECTIONS).map(|_| one(&db)));
    let again = timeout(Duration::from_secs(30), again).await;
    for answer in again.context("the connections that are gone are waited for")? {
        ensure!(answer.map_err(techcommerce_kernel::Error::from)? == 1);
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_is_brought_by_whoever_starts_while_nothing_arrives() -> Result<()> {
    let (_database, wire, db) = reached().await?;
    wire.set(Mode::HalfOpen);
    let silent = timeout(GIVEN_UP, db.migrate(&migrator(0))).await;
    let error = silent.context("it waits for ever")?.expect_err("silence");
    ensure!(error.is_away(), "{error:?}");
    wire.set(Mode::Pass);
    timeout(GIVEN_UP, db.migrate(&migrator(0))).await??;
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_whose_connection_is_gone_keeps_nobody_from_the_schema() -> Result<()> {
    let (_database, wire, db) = reached().await?;
    let begun = Arc::new(Notify::new());
    let told = Arc::clone(&begun);
    let pace = Pace::default().telling(move |said| {
        if matches!(said, MigrationTold::Begins(_)) {
            told.notify_one();
        }
    });
    let migrator = migrator(1);
    let lost = timeout(GIVEN_UP, db.migrate_at(&migrator, &pace));
    let breaks = async {
        begun.notified().await;
        wire.set(Mode::HalfOpen);
        // The way has to have seen it; whoever asks beside it is heard then.
        sleep(Duration::from_millis(50)).await;
        wire.set(Mode::Pass);
    };
    let (lost, ()) = tokio::join!(lost, breaks);
    let error = lost.context("it waits for ever")?.expect_err("silence");
    ensure!(error.is_away(), "{error:?}");
    // The session that is gone held the lock.
    timeout(Duration::from_secs(15), db.migrate(&migrator)).await??;
    Ok(())
}

/// Nothing is said for longer than it takes to find one that is gone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_migration_that_takes_long_is_let_end() -> Result<()> {
    let (_database, _wire, db) = reached().await?;
    db.migrate(&migrator(32)).await?;
    Ok(())
}

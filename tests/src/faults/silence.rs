//! Connections to PostgreSQL that went half-open are given up, and nobody waits for them again.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use sqlx::postgres::PgConnectOptions;
use techcommerce_store::{Db, PostgresOptions, StoreError, transact, with};
use techcommerce_testkit::PostgresDatabase;
use tokio::time::timeout;

use crate::wire::{Mode, Wire, place_of};

const CONNECTIONS: u32 = 3;
/// The kernel would keep them waiting for a quarter of an hour.
const GIVEN_UP: Duration = Duration::from_secs(60);

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
    let database = PostgresDatabase::empty().await;
    let wire = Wire::to(place_of(database.url())?).await?;
    let connect: PgConnectOptions = database.url().parse()?;
    let connect = connect.host("127.0.0.1").port(wire.address().port());
    let db = Db::open_postgres(PostgresOptions::new(connect, "public", CONNECTIONS));
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

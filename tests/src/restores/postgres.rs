//! PostgreSQL with pgBackRest: a backup under load, the log of all writes, and any second in between.

use std::process::{Command, Output};
use std::time::Duration;

use anyhow::{Result, ensure};
use sqlx::{Connection, PgConnection};
use tokio::time::{Instant, sleep};

use super::books::{Order, chain, done, proof, refused};
use super::buyers::{Buyers, hold_against, now};
use super::cluster::{Repository, password};
use super::sqlite::rfc3339;
use crate::audit;
use crate::shop::{Engine, Setup};
use crate::shopper::buy;
use crate::staff::{Stock, product};

const BUYERS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_in_postgres_comes_back_as_it_was_at_a_second() -> Result<()> {
    let repository = Repository::new()?;
    let source = repository.source()?;
    let url = source.server.url().to_owned();
    let setup = Setup::new(Engine::Postgres).await.with_database_url(&url);
    let mut shop = setup.start().await?;
    let staff = shop.admin().await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(100_000)).await?;

    let buyers = Buyers::start(&shop.plain_client(), &lamp.variant_id, BUYERS);
    buyers.wait_for_more(10).await?;
    // As the CronJob does it: full, because it is the first.
    let (script, info) = repository.script_of_the_cluster("backup.sh", &url)?;
    done(&to_its_end(script).await?)?;
    done(
        &shop
            .run(&[
                "backup",
                "record",
                "--pgbackrest",
                &info.display().to_string(),
            ])
            .await?,
    )?;
    buyers.wait_for_more(10).await?;
    let differential = repository.run(&["--type=diff", "backup"], &url)?;
    done(&to_its_end(differential).await?)?;
    buyers.wait_for_more(15).await?;
    // A whole second, in the middle of checkouts.
    let second = (now() / 1_000_000 + 1) * 1_000_000;
    while now() <= second {
        sleep(Duration::from_millis(5)).await;
    }
    let waits = Instant::now();
    source.wait_for_archive().await?;
    let rpo = waits.elapsed();
    buyers.wait_for_more(15).await?;
    source.wait_for_archive().await?;
    ensure!(buyers.failures() == 0, "{} failed", buyers.failures());
    let then = then(&url, second).await?;
    buyers.expect_the_end();
    shop.kill()?;
    drop(source);
    let told = buyers.remember().await;
    ensure!(!repository.holds("ada@example.com")?, "it is not encrypted");

    // From the repository alone.
    let started = Instant::now();
    let restored = repository
        .restore(&as_pgbackrest(second), password(&url)?)
        .await?;
    let setup = Setup::new(Engine::Postgres)
        .await
        .with_database_url(&restored.url);
    let proved = proof(&setup.command(&["backup", "prove"])?.output()?)?;
    let books = &proved["books"];
    ensure!(
        books["orders"]["rows"] == then.orders.len()
            && books["orders"]["chain"] == chain(&then.orders),
        "{} orders were there: {proved}",
        then.orders.len()
    );
    for (service, table, rows) in &then.rows {
        ensure!(
            books["rows"][service][table] == *rows,
            "{table}: {rows} rows: {proved}"
        );
    }
    let shop = setup.start().await?;
    let rto = started.elapsed();
    let client = shop.client();
    let kept = hold_against(&client, &told, second).await?;
    ensure!(kept >= 35 && kept < told.len(), "{kept} of {}", told.len());
    buy(&client, &lamp.variant_id, 1, "after").await?;
    audit::clean(&shop).await?;
    eprintln!(
        "measured: PostgreSQL: {kept} orders back; RPO {rpo:?} with archive_timeout 2 s, RTO {rto:?}"
    );
    Ok(())
}

/// Beside the test's own tasks.
async fn to_its_end(mut command: Command) -> Result<Output> {
    Ok(tokio::task::spawn_blocking(move || command.output()).await??)
}

/// What a cluster does each night, while the shop serves: the newest backup becomes a database beside
/// it, which is proved, and that is noted.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_night_the_newest_backup_is_tried() -> Result<()> {
    let repository = Repository::new()?;
    let source = repository.source()?;
    let url = source.server.url().to_owned();
    let shop = Setup::new(Engine::Postgres)
        .await
        .with_database_url(&url)
        .start()
        .await?;
    let staff = shop.admin().await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(100)).await?;
    buy(&shop.client(), &lamp.variant_id, 1, "before").await?;
    let (script, _) = repository.script_of_the_cluster("backup.sh", &url)?;
    done(&to_its_end(script).await?)?;
    buy(&shop.client(), &lamp.variant_id, 1, "after").await?;
    source.wait_for_archive().await?;

    let (script, info) = repository.script_of_the_cluster("restore.sh", &url)?;
    done(&to_its_end(script).await?)?;
    let scratch = repository.scratch().await?;
    let beside = Setup::new(Engine::Postgres)
        .await
        .with_database_url(&scratch.url);
    let proved = proof(
        &beside
            .command(&["backup", "prove", "--at-least", "2"])?
            .output()?,
    )?;
    ensure!(proved["books"]["orders"]["rows"] == 2, "{proved}");
    let few = beside
        .command(&["backup", "prove", "--at-least", "3"])?
        .output()?;
    ensure!(
        refused(&few)?.contains("at least 3 were expected"),
        "{few:?}"
    );
    // Books that do not add up are not noted as good.
    let mut conn = PgConnection::connect(&scratch.url).await?;
    sqlx::query("UPDATE product_api.reservations SET state = 'released'")
        .execute(&mut conn)
        .await?;
    let bad = beside.command(&["backup", "prove"])?.output()?;
    ensure!(
        refused(&bad)?.contains("were not taken out of the stock"),
        "{bad:?}"
    );
    let info = info.display().to_string();
    done(
        &shop
            .run(&["backup", "record", "--pgbackrest", &info, "--verified"])
            .await?,
    )?;
    let known = done(&shop.run(&["backup", "list"]).await?)?;
    ensure!(
        known.lines().count() == 1 && known.contains("  verified"),
        "{known}"
    );
    Ok(())
}

/// As pgBackRest reads times: `2026-11-21 08:00:00+00`.
fn as_pgbackrest(micros: i64) -> String {
    rfc3339(micros).replace('T', " ").replace('Z', "+00")
}

/// What was committed at a second.
struct Then {
    orders: Vec<Order>,
    /// Of tables that are only ever added to.
    rows: Vec<(&'static str, &'static str, i64)>,
}

/// By the times that the server keeps of commits, which are those that a restore goes by.
async fn then(url: &str, second: i64) -> Result<Then> {
    const ORDERS: &str = "SELECT CAST(id AS text), number, currency, total, placed_at \
         FROM order_api.orders o WHERE EXISTS (SELECT 1 FROM order_api.order_lines l \
         WHERE l.order_id = o.id AND pg_xact_commit_timestamp(l.xmin) <= to_timestamp($1)) \
         ORDER BY placed_at, id";
    let seconds = second / 1_000_000;
    let mut conn = PgConnection::connect(url).await?;
    let orders: Vec<Order> = sqlx::query_as(ORDERS)
        .bind(f64::from(i32::try_from(seconds)?))
        .fetch_all(&mut conn)
        .await?;
    let mut rows = Vec::new();
    for (service, schema, table) in [
        ("order-api", "order_api", "order_lines"),
        ("order-api", "order_api", "payments_ledger"),
        ("product-api", "product_api", "stock_movements"),
    ] {
        let sql = format!(
            "SELECT COUNT(*) FROM {schema}.{table} \
             WHERE pg_xact_commit_timestamp(xmin) <= to_timestamp($1)"
        );
        let count: i64 = sqlx::query_scalar(sqlx::AssertSqlSafe(sql))
            .bind(f64::from(i32::try_from(seconds)?))
            .fetch_one(&mut conn)
            .await?;
        rows.push((service, table, count));
    }
    ensure!(!orders.is_empty(), "nothing was there at {second}");
    Ok(Then { orders, rows })
}

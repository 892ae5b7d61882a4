//! A shop on one machine: `techcommerce backup` under load, `techcommerce restore` elsewhere.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use techcommerce_testkit::folder;
use tokio::time::Instant;

use super::books::{Order, chain, done, proof, refused};
use super::buyers::{Buyers, hold_against, now};
use crate::audit;
use crate::journeys::pictures::{FORM, wide};
use crate::shop::{Engine, Setup};
use crate::shopper::{buy, eventually};
use crate::staff::{Stock, product, text};

const BUYERS: usize = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shop_in_files_comes_back_as_it_was_at_a_second() -> Result<()> {
    let shelf = folder();
    let to = shelf.path().join("backups").display().to_string();
    let mut shop = Setup::new(Engine::Sqlite).await.start().await?;
    let staff = shop.admin().await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(100_000)).await?;
    let uploaded = staff.post("/api/images/upload").body(FORM, wide()?);
    let picture: Value = uploaded.value(201).await?;
    let picture = text(&picture, "/url")?;

    let buyers = Buyers::start(&shop.plain_client(), &lamp.variant_id, BUYERS);
    buyers.wait_for_more(15).await?;
    let said = done(&shop.run(&["backup", "--to", &to, "--verify"]).await?)?;
    ensure!(said.contains("is whole"), "{said}");
    buyers.wait_for_more(15).await?;
    // The one that it is restored from, and one that is too late.
    let started = Instant::now();
    let said = done(&shop.run(&["backup", "--to", &to]).await?)?;
    let took = started.elapsed();
    eprintln!("a backup under load: {took:?}\n{said}");
    buyers.wait_for_more(5).await?;
    let second = now();
    buyers.wait_for_more(15).await?;
    done(&shop.run(&["backup", "--to", &to]).await?)?;
    buyers.wait_for_more(5).await?;
    ensure!(buyers.failures() == 0, "{} failed", buyers.failures());
    let known = done(&shop.run(&["backup", "list"]).await?)?;
    ensure!(
        known.lines().count() == 3 && known.contains("  verified"),
        "{known}"
    );
    buyers.expect_the_end();
    shop.kill()?;
    let told = buyers.remember().await;
    // What is left of the first shop is looked at, but nothing of it is used for the second.
    let source = shop.setup.data().join("order-api.db");

    let other = Setup::new(Engine::Sqlite).await;
    let at = rfc3339(second);
    let started = Instant::now();
    let restored = other.command(&["restore", &to, "--at", &at])?.output()?;
    let said = done(&restored)?;
    let proved = proof(&other.command(&["backup", "prove"])?.output()?)?;
    let manifest = manifest_of(&said)?;
    let taken_at = micros(&manifest["taken_at"])?;
    ensure!(taken_at <= second, "{said}");
    for book in ["orders", "payments", "stock"] {
        ensure!(proved["books"][book] == manifest["books"][book], "{proved}");
    }
    // One writes at a time: what was there at an instant is what came first.
    let rows = proved["books"]["orders"]["rows"].as_u64().context("rows")?;
    let mut first = orders(&source, rows).await?;
    first.sort_by(|one, other| (one.4, &one.0).cmp(&(other.4, &other.0)));
    ensure!(
        proved["books"]["orders"]["chain"] == chain(&first).as_str(),
        "{rows} orders: {proved}"
    );

    let shop = other.start().await?;
    let rto = started.elapsed();
    let client = shop.client();
    client.get(&picture).expect(200).await?;
    let kept = hold_against(&client, &told, taken_at).await?;
    ensure!(kept >= 30 && kept < told.len(), "{kept} of {}", told.len());
    // It goes on, with the same keys and the same admin.
    let staff = shop.admin().await?;
    buy(&client, &lamp.variant_id, 1, "after").await?;
    eventually("nothing is under way any more", async || {
        let open: Value = staff.get("/api/orders?limit=100").value(200).await?;
        let items = open["items"].as_array().context("a list")?;
        let paid = items.iter().all(|order| order["payment_status"] == "paid");
        Ok(paid.then_some(()))
    })
    .await?;
    audit::clean(&shop).await?;
    // The folder of a shop that runs is left alone.
    let again = shop.run(&["restore", &to, "--replace"]).await?;
    ensure!(refused(&again)?.contains("serves from the data folder"));
    let rpo = Duration::from_micros(u64::try_from(second - taken_at)?);
    eprintln!(
        "measured: SQLite: {kept} orders back; RPO {rpo:?} (up to the interval of backups), RTO {rto:?}"
    );
    Ok(())
}

/// The manifest of the backup whose place stands at the beginning of what `restore` said.
fn manifest_of(said: &str) -> Result<Value> {
    let (place, _) = said.split_once(" is in ").context("a place")?;
    let text = std::fs::read(Path::new(place.trim()).join("manifest.json"))?;
    Ok(serde_json::from_slice(&text)?)
}

/// The first so many orders, as they were written.
async fn orders(file: &Path, count: u64) -> Result<Vec<Order>> {
    let mut conn: SqliteConnection = SqliteConnectOptions::new().filename(file).connect().await?;
    let sql = "SELECT id, number, currency, total, placed_at FROM orders ORDER BY rowid LIMIT $1";
    let rows: Vec<(sqlx::types::Uuid, i64, String, i64, i64)> = sqlx::query_as(sql)
        .bind(i64::try_from(count)?)
        .fetch_all(&mut conn)
        .await?;
    conn.close().await?;
    let order = |(id, number, currency, total, at): (sqlx::types::Uuid, _, _, _, _)| {
        (id.to_string(), number, currency, total, at)
    };
    Ok(rows.into_iter().map(order).collect())
}

/// As the command line and manifests write it.
pub fn rfc3339(micros: i64) -> String {
    techcommerce_kernel::Timestamp::from_micros(micros).to_rfc3339()
}

fn micros(time: &Value) -> Result<i64> {
    let text = time.as_str().context("a time")?;
    let time: techcommerce_kernel::Timestamp = text.parse().map_err(anyhow::Error::msg)?;
    Ok(time.as_micros())
}

//! Makes the data set of the version that is about to be released: `cargo xtask release-data`.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection};
use techcommerce_testkit::{Client, Kind};

use super::set::Set;
use crate::audit;
use crate::journeys::pictures::{FORM, wide};
use crate::shop::{ADMIN, ADMIN_PASSWORD, Engine, Setup, Shop, sign_in};
use crate::shopper::{
    Placed, buy, card, cart_with, checkout, eventually, place, wait_for, wait_for_payment,
};
use crate::staff::{Stock, euros, product, stock, text};

const SERVICES: [&str; 4] = ["product-api", "order-api", "auth", "images"];
const CUSTOMER: &str = "grace@example.com";
const CUSTOMER_PASSWORD: &str = "seven quiet harbour lanterns";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "writes tests/upgrades; `cargo xtask release-data` calls it"]
async fn a_data_set() -> Result<()> {
    for engine in [Engine::Sqlite, Engine::Postgres] {
        let shop = Setup::new(engine).await.start().await?;
        make(shop, engine).await?;
    }
    Ok(())
}

async fn make(mut shop: Shop, engine: Engine) -> Result<()> {
    let version = shop.run(&["--version"]).await?.stdout;
    let version = String::from_utf8(version)?;
    let version = version.split_whitespace().last().context("a version")?;
    let staff = shop.admin().await?;
    let manifest = fill(&shop, &staff, version).await?;
    rest(&staff).await?;
    audit::clean(&shop).await?;
    let mut manifest = manifest;
    manifest["migrations"] = migrations(&shop).await?;
    shop.stop().await?;

    let set = Set::new(version, engine);
    set.begin(&manifest)?;
    let data = shop.setup.data();
    set.pack_folder(&data, "images")?;
    match shop.setup.database_url() {
        None => {
            for service in SERVICES {
                let file = format!("{service}.db");
                into_one(&data.join(&file)).await?;
                set.pack(&file, &std::fs::read(data.join(&file))?)?;
            }
        }
        Some(url) => set.pack("database.sql", dump(url)?.as_bytes())?,
    }
    let bytes = set.end()?;
    eprintln!("{}: {bytes} bytes", set.folder.display());
    Ok(())
}

/// What is still in the log beside the file goes into the file.
async fn into_one(file: &Path) -> Result<()> {
    let mut conn = SqliteConnectOptions::new().filename(file).connect().await?;
    let sql = "PRAGMA wal_checkpoint(TRUNCATE)";
    let (busy, _, _): (i64, i64, i64) = sqlx::query_as(sql).fetch_one(&mut conn).await?;
    ensure!(busy == 0, "somebody has {} open", file.display());
    Ok(conn.close().await?)
}

/// What a small shop has after a while: orders in every state, stock, a picture, accounts.
async fn fill(shop: &Shop, staff: &Client, version: &str) -> Result<Value> {
    let client = shop.client();
    let lamp = product(staff, "Harbour lamp", Stock::Counted(100)).await?;
    let chair = product(staff, "Folding chair", Stock::Counted(20)).await?;
    let uploaded: Value = staff
        .post("/api/images/upload")
        .body(FORM, wide()?)
        .value(201)
        .await?;
    let account = json!({"email": CUSTOMER, "password": CUSTOMER_PASSWORD, "name": "Grace"});
    client
        .post("/api/auth/register")
        .json(&account)
        .expect(201)
        .await?;
    let grace = client.with_bearer(&sign_in(&client, CUSTOMER, CUSTOMER_PASSWORD).await?);

    let cart = cart_with(&grace, &[(&lamp.variant_id, 2), (&chair.variant_id, 1)]).await?;
    let paid = place(&grace, "paid", &checkout(&cart, card(None))).await?;
    wait_for_payment(&client, &paid, "paid").await?;
    let guests = buy(&client, &lamp.variant_id, 1, "guest").await?;
    wait_for_payment(&client, &guests, "paid").await?;
    let refunded = buy(&client, &chair.variant_id, 2, "refunded").await?;
    wait_for_payment(&client, &refunded, "paid").await?;
    let refund = json!({"amount": euros(500), "reason": "scratched"});
    let path = format!("/api/orders/{}/refunds", refunded.id);
    staff.post(&path).json(&refund).expect(201).await?;
    wait_for_payment(&client, &refunded, "partially_refunded").await?;
    let cancelled = buy(&client, &lamp.variant_id, 3, "cancelled").await?;
    wait_for_payment(&client, &cancelled, "paid").await?;
    let path = format!("/api/orders/{}/cancel", cancelled.id);
    staff
        .post(&path)
        .json(&json!({"reason": "asked for"}))
        .expect(200)
        .await?;
    wait_for(&client, &cancelled, |order| {
        order["payment_status"] == "refunded"
    })
    .await?;
    let cart = cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
    let invoice = place(
        &client,
        "invoice",
        &checkout(&cart, json!({"method": "invoice"})),
    )
    .await?;
    let shipped = buy(&client, &lamp.variant_id, 1, "shipped").await?;
    wait_for_payment(&client, &shipped, "paid").await?;
    let line = text(&shipped.json, "/lines/0/id")?;
    let path = format!("/api/orders/{}/shipments", shipped.id);
    let shipment = json!({"lines": [{"line_id": line, "quantity": 1}]});
    staff.post(&path).json(&shipment).expect(201).await?;
    // A cart that nobody came back to.
    cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
    rest(staff).await?;

    let mut orders = Vec::new();
    for placed in [&paid, &guests, &refunded, &cancelled, &invoice, &shipped] {
        orders.push(seen(staff, placed).await?);
    }
    let mut levels = Vec::new();
    for item in [&lamp, &chair] {
        let (on_hand, reserved, _) = stock(staff, &item.variant_id).await?;
        levels.push(json!({
            "handle": item.handle,
            "variant_id": item.variant_id,
            "on_hand": on_hand,
            "reserved": reserved,
        }));
    }
    Ok(json!({
        "version": version,
        "accounts": [
            {"email": ADMIN, "password": ADMIN_PASSWORD, "role": "admin", "orders": 0},
            {"email": CUSTOMER, "password": CUSTOMER_PASSWORD, "role": "customer", "orders": 1},
        ],
        "orders": orders,
        "to_refund": paid.id,
        "stock": levels,
        "pictures": [text(&uploaded, "/url")?],
    }))
}

/// The order as staff see it, without what opens it.
async fn seen(staff: &Client, placed: &Placed) -> Result<Value> {
    let mut order: Value = staff
        .get(&format!("/api/orders/{}", placed.id))
        .value(200)
        .await?;
    if let Some(fields) = order.as_object_mut() {
        fields.retain(|name, _| !name.contains("token"));
    }
    Ok(order)
}

/// Waits until nobody has anything left to do.
async fn rest(staff: &Client) -> Result<()> {
    eventually("the queues are empty", async || {
        let jobs: Value = staff.get("/api/jobs?limit=100").value(200).await?;
        let jobs = jobs["items"].as_array().context("jobs")?;
        let is_work = |job: &&Value| {
            let kind = job["kind"].as_str().unwrap_or_default();
            job["state"] != "done"
                && ["order.advance", "order.mail", "images.variants"]
                    .iter()
                    .any(|work| kind.starts_with(work))
        };
        Ok((jobs.iter().filter(is_work).count() == 0).then_some(()))
    })
    .await
}

/// What the program itself wrote down of its migrations.
async fn migrations(shop: &Shop) -> Result<Value> {
    const SQLITE: &str = "SELECT version, description, lower(hex(checksum)) FROM _sqlx_migrations
        ORDER BY version";
    let mut all = serde_json::Map::new();
    for service in SERVICES {
        let rows: Vec<(i64, String, String)> = match shop.setup.database_url() {
            None => {
                let file = shop.setup.data().join(format!("{service}.db"));
                let options = SqliteConnectOptions::new().filename(file);
                let mut conn = options.connect().await?;
                let rows = sqlx::query_as(SQLITE).fetch_all(&mut conn).await?;
                conn.close().await?;
                rows
            }
            Some(url) => {
                let mut conn = PgConnection::connect(url).await?;
                let sql = format!(
                    "SELECT version, description, encode(checksum, 'hex')
                     FROM {}._sqlx_migrations ORDER BY version",
                    service.replace('-', "_")
                );
                sqlx::query_as(AssertSqlSafe(sql))
                    .fetch_all(&mut conn)
                    .await?
            }
        };
        let rows = rows.into_iter().map(
            |(version, name, sha384)| json!({"version": version, "name": name, "sha384": sha384}),
        );
        all.insert(service.to_owned(), rows.collect());
    }
    Ok(all.into())
}

/// Plain SQL that any server can be sent, from 15 on.
fn dump(url: &str) -> Result<String> {
    let program = Kind::Postgres.program()?.with_file_name("pg_dump");
    let output = Command::new(program)
        .args(["--no-owner", "--no-privileges", "--no-comments"])
        .args(["--rows-per-insert=50", "--dbname", url])
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let text = String::from_utf8(output.stdout)?;
    // For psql alone, and what older servers do not know.
    let known =
        |line: &&str| !line.starts_with('\\') && !line.starts_with("SET transaction_timeout");
    let comment = |line: &&str| !line.starts_with("--") && !line.is_empty();
    let lines = text.lines().filter(known).filter(comment);
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

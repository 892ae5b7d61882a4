//! Each released version's data is opened by the present program, and the shop goes on with it.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use sqlx::{Connection, Executor, PgConnection};
use techcommerce_testkit::Client;

use super::set::{Set, still_says};
use crate::audit;
use crate::shop::{Engine, Setup, Shop, sign_in};
use crate::shopper::{buy, eventually, wait_for_payment};
use crate::staff::{stock, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_sqlite() -> Result<()> {
    every_released_version(Engine::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_postgres() -> Result<()> {
    every_released_version(Engine::Postgres).await
}

async fn every_released_version(engine: Engine) -> Result<()> {
    for set in Set::released(engine)? {
        let place = set.folder.display().to_string();
        open(&set).await.context(place)?;
    }
    Ok(())
}

async fn open(set: &Set) -> Result<()> {
    let setup = Setup::new(set.engine).await;
    let dump = set.unpack(&setup.data())?;
    if let Some(url) = setup.database_url() {
        let dump = dump.context("a dump")?;
        let mut database = PgConnection::connect(url).await?;
        database.execute(sqlx::AssertSqlSafe(dump)).await?;
        database.close().await?;
    }
    // The program says beforehand what it is going to do.
    let before = setup.command(&["migrate", "--check", "--json"])?.output()?;
    let said: Value = serde_json::from_slice(&before.stdout)
        .with_context(|| String::from_utf8_lossy(&before.stderr).into_owned())?;
    let expected = match said["state"].as_str() {
        Some("current") => 0,
        Some("pending") => 10,
        state => anyhow::bail!("{state:?}: {said:#}"),
    };
    ensure!(before.status.code() == Some(expected), "{before:?}");

    let mut shop = setup.start().await?;
    let manifest = set.manifest()?;
    found(&shop, &manifest).await?;
    goes_on(&shop, &manifest).await?;
    let after = shop.run(&["migrate", "--check"]).await?;
    ensure!(after.status.success(), "{after:?}");
    audit::clean(&shop).await?;
    shop.stop().await
}

fn list<'m>(manifest: &'m Value, name: &str) -> Result<&'m Vec<Value>> {
    let all = manifest[name].as_array().with_context(|| name.to_owned())?;
    ensure!(!all.is_empty(), "{name}: nothing to find");
    Ok(all)
}

async fn signed_in(shop: &Shop, account: &Value) -> Result<Client> {
    let client = shop.client();
    let email = text(account, "/email")?;
    let token = sign_in(&client, &email, &text(account, "/password")?).await?;
    Ok(client.with_bearer(&token))
}

/// All that was there is there.
async fn found(shop: &Shop, manifest: &Value) -> Result<()> {
    audit::clean(shop).await?;
    let accounts = list(manifest, "accounts")?;
    for account in accounts {
        let person = signed_in(shop, account).await?;
        let me: Value = person.get("/api/auth/me").value(200).await?;
        ensure!(me["role"] == account["role"], "{me}");
        if account["role"] == "customer" {
            let orders: Value = person.get("/api/orders").value(200).await?;
            let count = orders["items"].as_array().map(Vec::len);
            ensure!(json!(count) == account["orders"], "{orders}");
        }
    }
    let staff = signed_in(shop, &accounts[0]).await?;
    for order in list(manifest, "orders")? {
        let path = format!("/api/orders/{}", text(order, "/id")?);
        let now: Value = staff.get(&path).value(200).await?;
        still_says(order, &now, "order")?;
    }
    for level in list(manifest, "stock")? {
        let (on_hand, reserved, _) = stock(&staff, &text(level, "/variant_id")?).await?;
        ensure!(
            level["on_hand"] == on_hand && level["reserved"] == reserved,
            "{level}: {on_hand}, {reserved}"
        );
        let path = format!("/api/products/{}", text(level, "/handle")?);
        shop.client().get(&path).expect(200).await?;
    }
    for picture in list(manifest, "pictures")? {
        let path = picture.as_str().context("a picture")?;
        let answer = shop.plain_client().get(path).expect(200).await?;
        ensure!(answer.body.len() > 100, "{path}");
    }
    Ok(())
}

/// An old order is refunded, and a new one is placed.
async fn goes_on(shop: &Shop, manifest: &Value) -> Result<()> {
    let staff = signed_in(shop, &list(manifest, "accounts")?[0]).await?;
    let old = format!("/api/orders/{}", text(manifest, "/to_refund")?);
    let refund = json!({"reason": "after the upgrade"});
    staff
        .post(&format!("{old}/refunds"))
        .json(&refund)
        .expect(201)
        .await?;
    eventually("the refund", async || {
        let order: Value = staff.get(&old).value(200).await?;
        Ok((order["payment_status"] == "refunded").then_some(()))
    })
    .await?;
    let level = &list(manifest, "stock")?[0];
    let variant = text(level, "/variant_id")?;
    let placed = buy(&shop.client(), &variant, 1, "after the upgrade").await?;
    wait_for_payment(&shop.client(), &placed, "paid").await?;
    // Numbers go on.
    let number = |order: &Value| order["number"].as_str()?.parse::<i64>().ok();
    let before = list(manifest, "orders")?.iter().filter_map(number).max();
    ensure!(
        before.is_some() && number(&placed.json) > before,
        "{}",
        placed.json
    );
    Ok(())
}

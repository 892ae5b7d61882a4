//! Who is told of an order, by mail and by webhook, when the shop is killed while it tells them.
//!
//! Neither SMTP nor HTTP lets two sides agree for certain: a shop that dies after the other side
//! took something and before it has written that down tells it again. It is the same then, under the
//! same `Message-ID` or `webhook-id`; and what was not under way at that moment is told once.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::listener::{Listener, Speak, header};
use crate::shop::{Engine, Setup, Shop};
use crate::shopper::{buy, eventually, wait_for_payment};
use crate::staff::{Stock, product, text};

/// All that was taken twice was the same, and happened at the kill.
fn ensure_same(taken: &BTreeMap<String, Vec<String>>) -> Result<BTreeSet<String>> {
    let mut twice = BTreeSet::new();
    for (id, copies) in taken {
        ensure!(copies.len() <= 2, "{id} came {} times", copies.len());
        if copies.len() == 2 {
            twice.insert(id.clone());
        }
    }
    Ok(twice)
}

async fn killed_and_started(shop: &mut Shop, told: &Listener) -> Result<()> {
    eventually("something unanswered", async || {
        Ok((told.unanswered() == 1).then_some(()))
    })
    .await?;
    shop.kill()?;
    shop.start_again().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mails_come_once_and_after_a_kill_once_more_under_the_same_id() -> Result<()> {
    let server = Listener::start(Speak::Smtp).await?;
    let setup = Setup::new(Engine::Sqlite).await;
    let address = format!("smtp://127.0.0.1:{}?tls=none", server.port);
    let mut shop = setup.set("TECHCOMMERCE_SMTP_URL", &address).start().await?;
    let lamp = product(&shop.admin().await?, "Lamp", Stock::Counted(100)).await?;
    server.hold_one();
    let client = shop.plain_client();
    let order = buy(&client, &lamp.variant_id, 1, "first").await?;
    killed_and_started(&mut shop, &server).await?;
    let client = shop.plain_client();
    wait_for_payment(&client, &order, "paid").await?;
    // The order, and that it is paid.
    server.until(2).await?;
    eventually("the mail again", async || {
        Ok((!ensure_same(&server.taken())?.is_empty()).then_some(()))
    })
    .await?;
    let first = server.taken();

    let staff = shop.admin().await?;
    for key in ["second", "third"] {
        let order = buy(&client, &lamp.variant_id, 1, key).await?;
        wait_for_payment(&client, &order, "paid").await?;
        let path = format!("/api/orders/{}", order.id);
        let ship = staff.post(&format!("{path}/shipments"));
        ship.json(&json!({})).expect(201).await?;
        let refund = json!({"reason": "scratched"});
        let refund = staff.post(&format!("{path}/refunds")).json(&refund);
        refund.expect(201).await?;
    }
    server.until(2 + 4 + 4).await?;
    let taken = server.taken();
    ensure!(taken.len() == 10, "{} mails", taken.len());
    let mut subjects = BTreeSet::new();
    for (id, copies) in &taken {
        if !first.contains_key(id) {
            ensure!(copies.len() == 1, "{id} came twice and nobody was killed");
        }
        let mail = &copies[0];
        for part in ["text/plain", "text/html", "To: "] {
            ensure!(mail.contains(part), "{id} has no {part}: {mail}");
        }
        let subject = header(mail, "Subject").context("no subject")?;
        ensure!(
            subjects.insert(subject.clone()),
            "{subject} came under two ids"
        );
    }
    ensure_same(&taken)?;
    let output = shop.output();
    for secret in ["access_token=", "ada@example.com", "Ada@example.com"] {
        ensure!(!output.contains(secret), "{secret} is in the log");
    }
    shop.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn webhooks_are_told_everything_and_after_a_kill_again_under_the_same_id() -> Result<()> {
    let receiver = Listener::start(Speak::Http).await?;
    let setup = Setup::new(Engine::Sqlite).await;
    let mut shop = setup
        .set("TECHCOMMERCE_WEBHOOKS_HOSTS_ALLOWED", "127.0.0.1")
        .start()
        .await?;
    let admin = shop.admin().await?;
    let lamp = product(&admin, "Lamp", Stock::Counted(100)).await?;
    let url = format!("http://127.0.0.1:{}/in", receiver.port);
    let made: Value = admin
        .post("/api/webhooks")
        .json(&json!({ "url": url, "types": ["order.placed", "order.authorized", "order.paid"] }))
        .value(201)
        .await?;
    let secret = text(&made, "/secret")?;
    receiver.hold_one();
    let client = shop.plain_client();
    let order = buy(&client, &lamp.variant_id, 1, "first").await?;
    killed_and_started(&mut shop, &receiver).await?;
    let client = shop.plain_client();
    wait_for_payment(&client, &order, "paid").await?;
    // Placed, authorised, paid.
    receiver.until(3).await?;
    eventually("the event again", async || {
        Ok((!ensure_same(&receiver.taken())?.is_empty()).then_some(()))
    })
    .await?;
    for copies in receiver.taken().values() {
        ensure!(copies.iter().all(|copy| *copy == copies[0]), "{copies:?}");
    }
    for key in ["second", "third"] {
        let order = buy(&client, &lamp.variant_id, 1, key).await?;
        wait_for_payment(&client, &order, "paid").await?;
    }
    receiver.until(9).await?;
    let taken = receiver.taken();
    let mut told: Vec<(String, String)> = Vec::new();
    for copies in taken.values() {
        let event: Value = serde_json::from_str(&copies[0])?;
        told.push((text(&event, "/subject/id")?, text(&event, "/type")?));
    }
    told.sort();
    told.dedup();
    ensure!(told.len() == 9 && taken.len() == 9, "{told:?}");
    ensure!(!shop.output().contains(&secret), "the secret is in the log");
    shop.stop().await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn products_and_stock_are_told_over_a_kill() -> Result<()> {
    products_and_stock(Engine::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn products_and_stock_are_told_where_services_run_apart() -> Result<()> {
    products_and_stock(Engine::Split).await
}

/// All that happens to products and stock is told, also what happened a moment before a kill.
async fn products_and_stock(engine: Engine) -> Result<()> {
    let receiver = Listener::start(Speak::Http).await?;
    let setup = Setup::new(engine).await;
    let mut shop = setup
        .set("TECHCOMMERCE_WEBHOOKS_HOSTS_ALLOWED", "127.0.0.1")
        .start()
        .await?;
    let admin = shop.admin().await?;
    let types = [
        "product.created",
        "product.archived",
        "stock.changed",
        "stock.out",
    ];
    let url = format!("http://127.0.0.1:{}/in", receiver.port);
    let made = admin.post("/api/webhooks");
    let made = made.json(&json!({"url": url, "types": types}));
    made.expect(201).await?;
    let lamp = product(&admin, "Lamp", Stock::Counted(1)).await?;
    until_told(&receiver, &lamp.product_id, "product.created").await?;
    let client = shop.plain_client();
    let order = buy(&client, &lamp.variant_id, 1, "last").await?;
    wait_for_payment(&client, &order, "paid").await?;
    until_told(&receiver, &lamp.variant_id, "stock.out").await?;
    until_told(&receiver, &lamp.variant_id, "stock.changed").await?;
    let mug = product(&admin, "Mug", Stock::Counted(3)).await?;
    let archived = admin.delete(&format!("/api/products/{}", lamp.product_id));
    archived.expect(204).await?;
    shop.kill()?;
    shop.start_again().await?;
    until_told(&receiver, &lamp.product_id, "product.archived").await?;
    until_told(&receiver, &mug.product_id, "product.created").await?;
    let taken = receiver.taken();
    ensure_same(&taken)?;
    let events: Vec<Value> = taken
        .values()
        .map(|copies| Ok(serde_json::from_str(&copies[0])?))
        .collect::<Result<_>>()?;
    let all: BTreeSet<(String, String)> = events
        .iter()
        .map(|event| Ok((text(event, "/subject/id")?, text(event, "/type")?)))
        .collect::<Result<_>>()?;
    // What is held for a checkout and then sold may be told as two numbers; nothing else repeats.
    let repeated = events.len() - all.len();
    ensure!(repeated <= 1, "{events:#?}");
    Ok(())
}

async fn until_told(receiver: &Listener, subject: &str, kind: &str) -> Result<()> {
    eventually(kind, async || {
        let told = receiver.taken().into_values().flatten().any(|event| {
            let event: Value = serde_json::from_str(&event).unwrap_or_default();
            event["subject"]["id"] == subject && event["type"] == kind
        });
        Ok(told.then_some(()))
    })
    .await
}

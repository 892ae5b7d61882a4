//! Replicas are replaced one after the other, the old one ending before the new one starts, while
//! clients go on: not one request fails.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use anyhow::{Context, Result, ensure};
use techcommerce_testkit::Client;

use crate::audit;
use crate::shop::{Engine, Setup};
use crate::shopper::{Placed, buy, eventually, wait_for_payment};
use crate::staff::{Item, Stock, product};

const CLIENTS: usize = 6;
/// In each round every replica is replaced once.
const ROUNDS: usize = 1;

/// Whatever is asked while replicas come and go is answered, on connections that are kept as
/// browsers and programs keep them, and by services that keep theirs.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn replicas_are_replaced_under_load() -> Result<()> {
    let setup = Setup::new(Engine::Split).await;
    let setup = setup
        .with_replicas(&["api", "product-api", "order-api"])
        .set("TECHCOMMERCE_SHUTDOWN_UNREADY_SECONDS", "4");
    let mut shop = setup.start().await?;
    let staff = shop.admin().await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(100_000)).await?;
    // Each replica follows what the others write, a moment later.
    for replica in shop.setup.replicas() {
        let client = shop.processes.client(&replica)?;
        if replica.starts_with("product-api") {
            let path = format!("/products/{}", lamp.handle);
            eventually("the lamp", async || {
                let answer = client.get(&path).send().await?;
                Ok((answer.status == 200).then_some(()))
            })
            .await?;
        }
    }

    let over = Arc::new(AtomicBool::new(false));
    let asked = Arc::new(AtomicUsize::new(0));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|number| {
            // Half of them come in through the pages' process, half at the edge itself; each keeps
            // connections of its own.
            let (address, _) = shop.setup.place(["frontend", "api"][number % 2]);
            let client = Client::new(format!("http://{address}"));
            let (over, asked) = (Arc::clone(&over), Arc::clone(&asked));
            let lamp = lamp.clone();
            tokio::spawn(async move {
                let mut orders = Vec::new();
                while !over.load(Ordering::Relaxed) {
                    let key = format!("rolling-{number}-{}", orders.len());
                    orders.push(shop_once(&client, &lamp, &key).await?);
                    asked.fetch_add(5, Ordering::Relaxed);
                }
                anyhow::Ok(orders)
            })
        })
        .collect();
    for _ in 0..ROUNDS {
        for replica in shop.setup.replicas() {
            shop.processes.stop(&replica).await?;
            shop.processes.start_one(&replica)?;
            shop.processes.wait_until_ready().await?;
        }
    }
    over.store(true, Ordering::Relaxed);
    let mut orders: Vec<Placed> = Vec::new();
    for client in clients {
        orders.extend(client.await?.context("a request failed")?);
    }
    let asked = asked.load(Ordering::Relaxed);
    ensure!(orders.len() > CLIENTS * ROUNDS, "only {asked} requests");
    let client = shop.plain_client();
    for order in &orders {
        wait_for_payment(&client, order, "paid").await?;
    }
    audit::clean(&shop).await
}

/// Looks around and buys: what reads, and what changes something and must not be sent twice.
async fn shop_once(client: &Client, lamp: &Item, key: &str) -> Result<Placed> {
    client.get("/api/products").expect(200).await?;
    client
        .get(&format!("/api/products/{}", lamp.handle))
        .expect(200)
        .await?;
    let placed = buy(client, &lamp.variant_id, 1, key).await?;
    client.get("/api/categories").expect(200).await?;
    Ok(placed)
}

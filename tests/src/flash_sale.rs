//! A flash sale, through HTTP: few units, many tries, some who never pay. How fast it goes is
//! measured (`cargo xtask bench -- flash-sale`); here it must be right, however slow it is.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Result, ensure};
use futures_util::future::try_join_all;
use serde_json::Value;
use techcommerce_testkit::Client;

use crate::audit;
use crate::shop::{Engine, Shop};
use crate::shopper::{Placed, card, cart_with, checkout, eventually, order, placed, send_order};
use crate::staff::{Stock, product, stock};

const UNITS: i64 = 20;
const BUYERS: usize = 100;
/// All together 2,000.
const TRIES: usize = 20;
/// One buyer in so many never pays.
const NEVER: usize = 5;

/// What became of the tries of one buyer.
struct Bought {
    order: Option<Placed>,
    pays: bool,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_unit_is_sold_once_sqlite() -> Result<()> {
    every_unit_is_sold_once(Shop::start(Engine::Sqlite).await?).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_unit_is_sold_once_postgres() -> Result<()> {
    every_unit_is_sold_once(Shop::start(Engine::Postgres).await?).await
}

async fn every_unit_is_sold_once(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(UNITS)).await?;
    let client = shop.client();
    let one = [(lamp.variant_id.as_str(), 1)];
    let carts = try_join_all((0..BUYERS).map(|_| cart_with(&client, &one))).await?;
    let tries = Arc::new(AtomicUsize::new(0));
    let buyers = carts.iter().enumerate().map(|(number, cart)| {
        let (client, cart, tries) = (client.clone(), cart.clone(), Arc::clone(&tries));
        let pays = number % NEVER != 0;
        async move {
            tokio::spawn(async move {
                let order = try_to_buy(&client, number, &cart, pays, &tries).await?;
                anyhow::Ok(Bought { order, pays })
            })
            .await?
        }
    });
    let mut bought = try_join_all(buyers).await?;
    assert!(tries.load(Ordering::Relaxed) > BUYERS * TRIES / 2);

    // What those left who never paid comes back, and whoever asks again gets it.
    let mut again = 0;
    eventually("the last unit is sold", async || {
        let mut paid = 0;
        for (number, buyer) in bought.iter_mut().enumerate() {
            match &buyer.order {
                Some(placed) => {
                    let order = order(&client, placed).await?;
                    check(&order, buyer.pays)?;
                    paid += i64::from(order["payment_status"] == "paid");
                }
                None if buyer.pays && paid < UNITS => {
                    again += 1;
                    let key = format!("again-{number}-{again}");
                    buyer.order = once(&client, &key, &carts[number], true).await?;
                }
                None => {}
            }
        }
        ensure!(paid <= UNITS, "{paid} are paid of {UNITS}");
        Ok((paid == UNITS).then_some(()))
    })
    .await?;
    eventually("nothing is held any more", async || {
        Ok((stock(&staff, &lamp.variant_id).await? == (0, 0, 0)).then_some(()))
    })
    .await?;
    audit::clean(&shop).await
}

async fn try_to_buy(
    client: &Client,
    number: usize,
    cart: &str,
    pays: bool,
    tries: &AtomicUsize,
) -> Result<Option<Placed>> {
    for turn in 0..TRIES {
        tries.fetch_add(1, Ordering::Relaxed);
        let key = format!("sale-{number}-{turn}");
        if let Some(placed) = once(client, &key, cart, pays).await? {
            return Ok(Some(placed));
        }
    }
    Ok(None)
}

/// One try: an order, or a clear refusal that names the line.
async fn once(client: &Client, key: &str, cart: &str, pays: bool) -> Result<Option<Placed>> {
    let token = (!pays).then_some("tok_decline");
    let answer = send_order(client, key, &checkout(cart, card(token))).await?;
    if answer.status == 201 {
        return Ok(Some(placed(&answer)?));
    }
    let code = answer.clone().problem(409)?;
    ensure!(code == "out_of_stock", "refused for {code}");
    let problem: Value = answer.json()?;
    ensure!(problem["lines"][0]["available"] == 0, "{problem}");
    Ok(None)
}

/// Nobody who never pays gets anything, nobody who pays is turned away afterwards.
fn check(order: &Value, pays: bool) -> Result<()> {
    let never = ["paid", "authorized"];
    let status = order["payment_status"].as_str().unwrap_or_default();
    match pays {
        true => ensure!(
            status != "failed",
            "was promised a unit and lost it: {order}"
        ),
        false => ensure!(!never.contains(&status), "was never charged: {order}"),
    }
    Ok(())
}

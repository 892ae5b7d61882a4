//! SIGKILL at random moments of checkouts, then a new start: what was acknowledged is there, what
//! was under way comes to an end, and no stock is held for ever.

use std::sync::Arc;
use std::sync::Mutex;
use std::time::Duration;

use anyhow::{Result, ensure};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::Value;
use techcommerce_testkit::Client;
use tokio::time::sleep;

use crate::audit;
use crate::shop::{Engine, Setup, Shop};
use crate::shopper::{Placed, card, cart_with, checkout, eventually, placed, send_order, wait_for};
use crate::staff::{Stock, product, stock};

/// How long a reservation lives in this test: long enough for a checkout, short enough to wait.
const RESERVATION_SECONDS: u32 = 8;
const AT_ONCE: usize = 8;
/// Which service of a split shop a kill may fall on; none is all.
const VICTIMS: [Option<&str>; 5] = [
    Some("order-api"),
    Some("product-api"),
    Some("worker"),
    Some("api"),
    None,
];

struct Size {
    checkouts: usize,
    kills: usize,
    seeds: std::ops::Range<u64>,
}

fn size() -> Size {
    if std::env::var_os("TECHCOMMERCE_TEST_NIGHTLY").is_some() {
        Size {
            checkouts: 400,
            kills: 25,
            seeds: 0..4,
        }
    } else {
        Size {
            checkouts: 100,
            kills: 5,
            seeds: 0..1,
        }
    }
}

/// A checkout from its buyer's side: what was tried, and what was acknowledged.
#[derive(Debug, Clone)]
struct Attempt {
    key: String,
    body: Option<Value>,
    acknowledged: Option<Placed>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkouts_survive_on_sqlite() -> Result<()> {
    for seed in size().seeds {
        checkouts_survive(Engine::Sqlite, seed).await?;
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkouts_survive_on_postgres() -> Result<()> {
    for seed in size().seeds {
        checkouts_survive(Engine::Postgres, seed).await?;
    }
    Ok(())
}

/// Each kill falls on one of the services, or on all at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkouts_survive_split() -> Result<()> {
    for seed in size().seeds {
        checkouts_survive(Engine::Split, seed).await?;
    }
    Ok(())
}

async fn checkouts_survive(engine: Engine, seed: u64) -> Result<()> {
    let size = size();
    let mut random = StdRng::seed_from_u64(seed);
    let setup = Setup::new(engine).await;
    let setup = setup.with_reservations_of(RESERVATION_SECONDS);
    let mut shop = setup.start().await?;
    let staff = shop.admin().await?;
    let units = i64::try_from(size.checkouts)? * 2;
    let lamp = product(&staff, "Lamp", Stock::Counted(units)).await?;

    let mut attempts: Vec<Attempt> = (0..size.checkouts)
        .map(|number| Attempt {
            key: format!("kill-{seed}-{number}"),
            body: None,
            acknowledged: None,
        })
        .collect();
    // Buyers go on through every kill, with the same key, as a careful program does. The kill
    // falls a random time after they started; the next round takes those who got no answer.
    for kill in 0..=size.kills {
        let moment =
            (kill < size.kills).then(|| Duration::from_millis(random.random_range(20..900)));
        let victim = match shop.setup.is_split() {
            true => VICTIMS[random.random_range(0..VICTIMS.len())],
            false => None,
        };
        let death = moment.map(|moment| Death { moment, victim });
        buy_until(&mut shop, &mut attempts, &lamp.variant_id, death).await?;
        if moment.is_some() {
            shop.start_again().await?;
        }
    }

    let client = shop.client();
    for attempt in &attempts {
        let Some(order) = &attempt.acknowledged else {
            anyhow::bail!("{} was never acknowledged", attempt.key);
        };
        wait_for(&client, order, is_final).await?;
    }
    // One unit each, all paid; nothing is held once the deadlines of the broken ones are over.
    let staff = shop.admin().await?;
    let sold = i64::try_from(attempts.len())?;
    eventually("the release of broken reservations", async || {
        let level = stock(&staff, &lamp.variant_id).await?;
        Ok((level == (units - sold, 0, units - sold)).then_some(()))
    })
    .await?;
    let orders = count_orders(&staff).await?;
    ensure!(
        orders == attempts.len(),
        "{orders} orders from {} buyers",
        attempts.len()
    );
    audit::clean(&shop).await
}

/// When the shop dies, and which part of it; none is all.
#[derive(Debug, Clone, Copy)]
struct Death {
    moment: Duration,
    victim: Option<&'static str>,
}

/// All buyers without an acknowledged order try, a few at once, until the shop dies.
async fn buy_until(
    shop: &mut Shop,
    attempts: &mut [Attempt],
    variant: &str,
    death: Option<Death>,
) -> Result<()> {
    let client = shop.client();
    let open: Vec<(usize, Attempt)> = attempts
        .iter()
        .cloned()
        .enumerate()
        .filter(|(_, attempt)| attempt.acknowledged.is_none())
        .collect();
    let queue = Arc::new(Mutex::new(open));
    let done = Arc::new(Mutex::new(Vec::new()));
    let buyers: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (client, variant) = (client.clone(), variant.to_owned());
            let (queue, done) = (Arc::clone(&queue), Arc::clone(&done));
            tokio::spawn(async move {
                loop {
                    let next = queue.lock().expect("no buyer panics").pop();
                    let Some((index, mut attempt)) = next else {
                        return;
                    };
                    // Without an answer nothing is known; the next round asks again.
                    let _ = try_once(&client, &variant, &mut attempt).await;
                    done.lock().expect("no buyer panics").push((index, attempt));
                }
            })
        })
        .collect();
    if let Some(Death { moment, victim }) = death {
        sleep(moment).await;
        match victim {
            Some(service) => shop.processes.kill(service)?,
            None => shop.kill()?,
        }
    }
    for buyer in buyers {
        buyer.await?;
    }
    for (index, attempt) in done.lock().expect("no buyer panics").drain(..) {
        attempts[index] = attempt;
    }
    Ok(())
}

async fn try_once(client: &Client, variant: &str, attempt: &mut Attempt) -> Result<()> {
    if attempt.body.is_none() {
        let cart = cart_with(client, &[(variant, 1)]).await?;
        attempt.body = Some(checkout(&cart, card(None)));
    }
    if let Some(body) = &attempt.body {
        let answer = send_order(client, &attempt.key, body).await?.expect(201)?;
        attempt.acknowledged = Some(placed(&answer)?);
    }
    Ok(())
}

fn is_final(order: &Value) -> bool {
    order["payment_status"] == "paid"
}

async fn count_orders(staff: &Client) -> Result<usize> {
    let mut count = 0;
    let mut path = "/api/orders?limit=100".to_owned();
    loop {
        let page: Value = staff.get(&path).value(200).await?;
        count += page["items"].as_array().map_or(0, Vec::len);
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/orders?limit=100&cursor={cursor}"),
            None => return Ok(count),
        }
    }
}

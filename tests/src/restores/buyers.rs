//! Buyers who remember what they were told, and when.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use anyhow::{Result, ensure};
use serde_json::Value;
use techcommerce_testkit::Client;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep};

use crate::shopper::{Placed, card, cart_with, checkout, order, placed, send_order};

/// How long orders may take to come.
const PATIENCE: Duration = Duration::from_secs(60);

/// An order from its buyer's side.
#[derive(Debug, Clone)]
pub struct Told {
    pub placed: Placed,
    /// Before anything was asked of the shop, in microseconds since 1970.
    pub begun: i64,
    /// When the answer was there.
    pub acknowledged: i64,
}

/// Buyers who go on until they are stopped.
pub struct Buyers {
    told: Arc<Mutex<Vec<Told>>>,
    failures: Arc<AtomicUsize>,
    stop: Arc<AtomicBool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Microseconds since 1970, by the clock that the shop has too.
pub fn now() -> i64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    i64::try_from(since.expect("after 1970").as_micros()).expect("a time of today")
}

impl Buyers {
    /// So many at once, one unit each.
    pub fn start(client: &Client, variant: &str, at_once: usize) -> Self {
        let told = Arc::new(Mutex::new(Vec::new()));
        let (stop, failures) = (Arc::new(AtomicBool::new(false)), Arc::default());
        let buyer = |number: usize| {
            let (client, variant) = (client.clone(), variant.to_owned());
            let (told, stop) = (Arc::clone(&told), Arc::clone(&stop));
            let failures: Arc<AtomicUsize> = Arc::clone(&failures);
            tokio::spawn(async move {
                let mut count = 0;
                while !stop.load(Ordering::Relaxed) {
                    count += 1;
                    let key = format!("buyer-{number}-{count}");
                    let begun = now();
                    match buy(&client, &variant, &key).await {
                        Ok(placed) => told.lock().expect("no buyer panics").push(Told {
                            placed,
                            begun,
                            acknowledged: now(),
                        }),
                        Err(_) if stop.load(Ordering::Relaxed) => {}
                        Err(_) => {
                            failures.fetch_add(1, Ordering::Relaxed);
                        }
                    }
                }
            })
        };
        let tasks = (0..at_once).map(buyer).collect();
        Self {
            told,
            failures,
            stop,
            tasks,
        }
    }

    /// How many orders were acknowledged so far.
    pub fn count(&self) -> usize {
        self.told.lock().expect("no buyer panics").len()
    }

    /// How many requests were refused or failed while the shop was there.
    pub fn failures(&self) -> usize {
        self.failures.load(Ordering::Relaxed)
    }

    /// Waits until so many more orders were acknowledged.
    pub async fn wait_for_more(&self, more: usize) -> Result<()> {
        let wanted = self.count() + more;
        let end = Instant::now() + PATIENCE;
        while self.count() < wanted {
            ensure!(Instant::now() < end, "{} of {wanted} orders", self.count());
            sleep(Duration::from_millis(20)).await;
        }
        Ok(())
    }

    /// What they do from now on does not count as a failure: the shop is about to die.
    pub fn expect_the_end(&self) {
        self.stop.store(true, Ordering::Relaxed);
    }

    /// Their memory.
    pub async fn remember(self) -> Vec<Told> {
        self.expect_the_end();
        for task in self.tasks {
            let _ = task.await;
        }
        let mut told = self.told.lock().expect("no buyer panics");
        std::mem::take(&mut *told)
    }
}

async fn buy(client: &Client, variant: &str, key: &str) -> Result<Placed> {
    let cart = cart_with(client, &[(variant, 1)]).await?;
    placed(
        &send_order(client, key, &checkout(&cart, card(None)))
            .await?
            .expect(201)?,
    )
}

/// Holds a restored shop against what the buyers of the first one remember: all that was acknowledged
/// up to `second` is there as it was told, and nothing that was begun later. How many were there.
pub async fn hold_against(client: &Client, told: &[Told], second: i64) -> Result<usize> {
    let mut kept = 0;
    for one in told {
        if one.acknowledged <= second {
            let there: Value = order(client, &one.placed).await?;
            for field in ["id", "number", "total", "placed_at"] {
                ensure!(
                    there[field] == one.placed.json[field],
                    "{field}: {there} and not {}",
                    one.placed.json
                );
            }
            kept += 1;
        } else if one.begun > second {
            let path = format!(
                "/api/orders/{}?access_token={}",
                one.placed.id, one.placed.access_token
            );
            let answer = client.get(&path).send().await?;
            ensure!(
                answer.status == 404,
                "an order that was begun {} µs after the second is there",
                one.begun - second
            );
        }
    }
    Ok(kept)
}

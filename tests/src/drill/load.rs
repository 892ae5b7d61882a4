//! People who look around and buy all the time, at a fixed rate, whatever the shop answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use serde_json::Value;
use techcommerce_testkit::Client;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{interval, timeout};

use crate::shop::{SERVICES, Shop};
use crate::shopper::{card, cart_with, checkout, place};
use crate::staff::Item;

/// How long somebody waits before giving up.
const PATIENCE: Duration = Duration::from_secs(20);

/// How often the kubelet asks, in the time of the rules about every twenty seconds.
const PROBE: Duration = Duration::from_secs(1);

/// What people do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Habit {
    /// Carts a second are as many as orders, or this many times as many.
    pub carts: u64,
    /// Whether they order what is in their cart.
    pub order: bool,
    /// The card.
    pub token: Option<&'static str>,
    /// Requests a second beside, all from one address.
    pub flood: u64,
    /// Wrong passwords a second.
    pub guesses: u64,
}

/// As on any day.
pub const USUAL: Habit = Habit {
    carts: 1,
    order: true,
    token: None,
    flood: 0,
    guesses: 0,
};

/// The people; they go with the value.
pub struct Load {
    habit: watch::Sender<Habit>,
    bought: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<()>>,
}

impl Load {
    pub fn start(shop: &Shop, lamp: &Item) -> Self {
        let (habit, told) = watch::channel(USUAL);
        let bought = Arc::new(AtomicU64::new(0));
        let client = shop.plain_client();
        let paths = [
            "/".to_owned(),
            "/products".to_owned(),
            format!("/products/{}", lamp.handle),
            "/api/products".to_owned(),
            "/images/0193a1b2-0000-7000-8000-000000000000/w640".to_owned(),
        ];
        let looks = Self::every(
            Duration::from_millis(250),
            client.clone(),
            move |client, turn| {
                let path = paths[turn as usize % paths.len()].clone();
                let client = visitor(&client, turn);
                async move { client.get(&path).send().await.map(drop) }
            },
        );
        let (variant, counted, habits) =
            (lamp.variant_id.clone(), Arc::clone(&bought), told.clone());
        let buys = Self::every(
            Duration::from_millis(800),
            client.clone(),
            move |client, turn| {
                let (variant, counted, habit) = (
                    variant.clone(),
                    Arc::clone(&counted),
                    habits.borrow().clone(),
                );
                let client = visitor(&client, turn);
                async move {
                    let mut cart = String::new();
                    for _ in 0..habit.carts {
                        cart = cart_with(&client, &[(&variant, 1)]).await?;
                    }
                    if habit.order {
                        let key = format!("drill-{turn}-{cart}");
                        place(&client, &key, &checkout(&cart, card(habit.token))).await?;
                        counted.fetch_add(1, Ordering::Relaxed);
                    }
                    Ok(())
                }
            },
        );
        let habits = told.clone();
        let floods = Self::every(
            Duration::from_millis(100),
            client.clone(),
            move |client, _| {
                let flood = habits.borrow().flood / 10;
                async move {
                    let client = client.with_header("x-forwarded-for", "203.0.113.7");
                    let all = (0..flood).map(|_| client.get("/api/products?limit=1").send());
                    futures_util::future::join_all(all).await;
                    Ok(())
                }
            },
        );
        let guesses = Self::every(Duration::from_millis(200), client, move |client, turn| {
            let guesses = told.borrow().guesses / 5;
            async move {
                // From few addresses, each of which is held back after some tries.
                let from = format!("198.51.100.{}", turn % 3);
                let client = client.with_header("x-forwarded-for", &from);
                let wrong: Value = serde_json::json!({"email": "ada@example.com", "password": "guess of an attacker"});
                let all = (0..guesses).map(|_| client.post("/api/auth/login").json(&wrong).send());
                futures_util::future::join_all(all).await;
                Ok(())
            }
        });
        let mut tasks = vec![looks, buys, floods, guesses];
        // As the kubelet does: what a service depends on is looked at when it is asked.
        for service in SERVICES {
            let (_, management) = shop.setup.place(service);
            let probed = Client::new(format!("http://{management}"));
            tasks.push(Self::every(PROBE, probed, |client, _| async move {
                client.get("/readyz").send().await.map(drop)
            }));
        }
        Self {
            habit,
            bought,
            tasks,
        }
    }

    /// What they do from now on.
    pub fn set(&self, habit: Habit) {
        self.habit.send_replace(habit);
    }

    /// How many orders were taken so far.
    pub fn bought(&self) -> u64 {
        self.bought.load(Ordering::Relaxed)
    }

    /// At this pace, whether the one before has its answer or not.
    fn every<Doing>(
        pace: Duration,
        client: Client,
        mut doing: impl FnMut(Client, u64) -> Doing + Send + 'static,
    ) -> JoinHandle<()>
    where
        Doing: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        tokio::spawn(async move {
            let mut pace = interval(pace);
            pace.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
            for turn in 0.. {
                pace.tick().await;
                // What the shop answers is for the metrics.
                tokio::spawn(timeout(PATIENCE, doing(client.clone(), turn)));
            }
        })
    }
}

/// Each comes from somewhere else, so that no limit is theirs.
fn visitor(client: &Client, turn: u64) -> Client {
    client.with_header("x-forwarded-for", &format!("192.0.2.{}", turn % 250))
}

impl Drop for Load {
    fn drop(&mut self) {
        for task in &self.tasks {
            task.abort();
        }
    }
}

//! A password is changed while people shop: not one request fails, in whichever order the server
//! and the files learn of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sqlx::PgConnection;
use techcommerce_testkit::Client;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::audit;
use crate::owned::{Owned, WITH_DATABASE};
use crate::shop::{Engine, Setup, Shop};
use crate::shopper::{buy, eventually, wait_for_payment};
use crate::staff::{Item, Stock, product};

/// So many come at first; as many again come while server and files differ, so that connections
/// are missing just then.
const CLIENTS: usize = 4;
/// How long server and files differ: some looks at the files.
const BETWEEN: Duration = Duration::from_secs(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passwords_are_changed_under_load() -> Result<()> {
    let (setup, owned) = Owned::new(Setup::new(Engine::Split).await)?;
    let setup = setup.set("TECHCOMMERCE_DATABASE_MIGRATE", "false");
    let mut shop = setup.launch()?;
    owned.migrate(&shop.setup)?;
    shop.await_readiness().await?;
    let staff = shop.admin().await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(100_000)).await?;

    let load = Load::start(&shop, &lamp);
    load.more(CLIENTS);
    load.go_on(10).await?;
    // The files first, as a Secret that is changed; then the server, as the Job does it.
    for service in WITH_DATABASE {
        owned.mount(service, &owned.address(service, "second", None)?)?;
    }
    load.more(CLIENTS);
    sleep(BETWEEN).await;
    load.go_on(10).await?;
    for service in WITH_DATABASE {
        owned.alter_password(service, "second").await?;
    }
    all_renewed(&shop, 1).await?;
    load.go_on(10).await?;

    // The server first: connections are to grow just when none can be made.
    for service in WITH_DATABASE {
        owned.alter_password(service, "third").await?;
    }
    load.more(CLIENTS);
    sleep(BETWEEN).await;
    for service in WITH_DATABASE {
        owned.mount(service, &owned.address(service, "third", None)?)?;
    }
    all_renewed(&shop, 2).await?;
    load.go_on(10).await?;
    let (asked, orders) = load.end().await?;
    println!("{asked} requests, {orders} orders, none failed");

    // By now everything is new: nothing hangs on a connection of before.
    owned.terminate_all().await?;
    let client = shop.plain_client();
    let placed = eventually("an order after all connections went", async || {
        let key = format!("after-{}", rand::random::<u32>());
        Ok(buy(&client, &lamp.variant_id, 1, &key).await.ok())
    })
    .await?;
    wait_for_payment(&client, &placed, "paid").await?;
    audit::clean(&shop).await?;
    shop.stop().await?;
    owned.forget().await
}

/// Waits until the processes took over the addresses this many times: each of the four, and the
/// worker all.
async fn all_renewed(shop: &Shop, times: usize) -> Result<()> {
    eventually("the new addresses", async || {
        let output = shop.output();
        let said = "the changed secret is in force";
        let lines = output.lines().filter(|line| line.contains(said));
        let count = lines.filter(|line| line.contains("databases.")).count();
        Ok((count >= times * 2 * WITH_DATABASE.len()).then_some(()))
    })
    .await
}

impl Owned {
    /// Closes all connections of the services.
    async fn terminate_all(&self) -> Result<()> {
        let mut admin: PgConnection = self.superuser().await?;
        let roles: Vec<String> = WITH_DATABASE.iter().map(|name| self.role(name)).collect();
        let sql = "SELECT COUNT(pg_terminate_backend(pid)) FROM pg_stat_activity
                   WHERE usename = ANY($1)";
        let _: i64 = sqlx::query_scalar(sql)
            .bind(roles)
            .fetch_one(&mut admin)
            .await?;
        Ok(())
    }
}

/// People who look around and buy until it is over.
struct Load {
    address: String,
    lamp: Item,
    over: Arc<AtomicBool>,
    asked: Arc<AtomicUsize>,
    orders: Arc<AtomicUsize>,
    clients: std::sync::Mutex<JoinSet<Result<()>>>,
}

impl Load {
    fn start(shop: &Shop, lamp: &Item) -> Self {
        Self {
            address: format!("http://{}", shop.setup.address()),
            lamp: lamp.clone(),
            over: Arc::default(),
            asked: Arc::default(),
            orders: Arc::default(),
            clients: std::sync::Mutex::default(),
        }
    }

    fn more(&self, count: usize) {
        let mut clients = self.clients.lock().unwrap();
        for _ in 0..count {
            let client = Client::new(self.address.clone());
            let (over, asked, orders) = (
                Arc::clone(&self.over),
                Arc::clone(&self.asked),
                Arc::clone(&self.orders),
            );
            let lamp = self.lamp.clone();
            let name: u64 = rand::random();
            clients.spawn(async move {
                let mut turn = 0;
                while !over.load(Ordering::Relaxed) {
                    turn += 1;
                    client.get("/api/products").expect(200).await?;
                    buy(&client, &lamp.variant_id, 1, &format!("{name}-{turn}")).await?;
                    asked.fetch_add(4, Ordering::Relaxed);
                    orders.fetch_add(1, Ordering::Relaxed);
                }
                Ok(())
            });
        }
    }

    /// Waits for this many more orders.
    async fn go_on(&self, orders: usize) -> Result<()> {
        let goal = self.orders.load(Ordering::Relaxed) + orders;
        eventually("more orders", async || {
            let ended = self.clients.lock().unwrap().try_join_next();
            if let Some(ended) = ended {
                ended?.context("a request failed")?;
            }
            Ok((self.orders.load(Ordering::Relaxed) >= goal).then_some(()))
        })
        .await
    }

    async fn end(self) -> Result<(usize, usize)> {
        self.over.store(true, Ordering::Relaxed);
        let clients = self.clients.into_inner().unwrap();
        for ended in clients.join_all().await {
            ended.context("a request failed")?;
        }
        let orders = self.orders.load(Ordering::Relaxed);
        ensure!(orders > 30, "only {orders} orders");
        Ok((self.asked.load(Ordering::Relaxed), orders))
    }
}

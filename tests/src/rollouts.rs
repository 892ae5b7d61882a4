//! Every service is rolled out again and again while people shop: the new replica is ready before
//! the old one ends, and what spreads the connections hears of either only later. Half-way the next
//! release's migrations come, and from then on every rollout is one back to the version before: it
//! starts beside a schema that is ahead of it. No request fails, and no job is lost.

use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use futures_util::future::join_all;
use serde_json::Value;
use techcommerce_testkit::Client;
use tokio::time::{Instant, MissedTickBehavior, interval};

use crate::audit;
use crate::journeys::pictures::{FORM, wide};
use crate::next_release;
use crate::processes::Processes;
use crate::shop::{ADMIN, ADMIN_PASSWORD, Engine, SERVICES, Setup, Shop, sign_in};
use crate::shopper::{Placed, buy, eventually, wait_for_payment};
use crate::staff::{Item, Stock, product, text};

/// Each of them looks around and buys once in this time: the load is the same all the while,
/// unless the machine cannot bear it.
const CLIENTS: usize = 5;
const PERIOD: Duration = Duration::from_millis(700);
/// A client does what is seldom done once in so many rounds.
const SELDOM: usize = 6;
/// Nobody is to wait longer for a migration.
const LONGEST: Duration = Duration::from_secs(1);
/// How many failures are told.
const TOLD: usize = 20;

struct Size {
    restarts: usize,
    rollbacks: usize,
}

fn size() -> Size {
    match std::env::var_os("TECHCOMMERCE_TEST_NIGHTLY").is_some() {
        true => Size {
            restarts: 20,
            rollbacks: 5,
        },
        false => Size {
            restarts: 2,
            rollbacks: 1,
        },
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_in_a_rollout() -> Result<()> {
    let size = size();
    let setup = Setup::new(Engine::Split).await.with_rollouts();
    // As in a cluster: a Job migrates, and services only look whether they have what they need.
    let migrated = setup.command(&["migrate", "product-api", "order-api", "auth", "images"])?;
    run(migrated).await?;
    let setup = setup
        .set("TECHCOMMERCE_DATABASE_MIGRATE", "false")
        // The program's own default where services run apart; the cluster's manifests wait longer.
        .set("TECHCOMMERCE_SHUTDOWN_UNREADY_SECONDS", "5")
        .set("TECHCOMMERCE_DATABASE_CONNECTIONS", "4");
    let mut shop = setup.start().await?;
    let staff = shop.admin().await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(1_000_000)).await?;
    let uploaded: Value = staff
        .post("/api/images/upload")
        .body(FORM, wide()?)
        .value(201)
        .await?;
    let visit = Visit {
        token: shop.admin_token().await?,
        picture: text(&uploaded, "/url")?,
        lamp,
    };
    wait_for_all_replicas(&shop, &visit).await?;

    let load = Load::start(&shop, &visit);
    let begin = Instant::now();
    rollouts(&mut shop, size.restarts).await?;
    expand(&shop, &load).await?;
    rollouts(&mut shop, size.rollbacks).await?;
    // The version before brings its own Job, which finds nothing to do.
    run(shop.setup.command(&["migrate"])?).await?;
    let took = begin.elapsed();
    let done = load.end().await?;
    eprintln!(
        "{} rollouts of each service in {:.0} s: {} requests, {} orders, {} failed, slowest {} ms, \
         {} connections to a replica that had ended",
        size.restarts + size.rollbacks,
        took.as_secs_f64(),
        done.requests,
        done.orders.len(),
        done.failed,
        done.slowest.as_millis(),
        shop.connections_lost(),
    );
    ensure!(
        done.failed == 0,
        "{} of {} requests failed:\n{}",
        done.failed,
        done.requests,
        done.told.join("\n")
    );
    ensure!(done.orders.len() > CLIENTS, "hardly anybody bought");

    let client = shop.plain_client();
    for order in &done.orders {
        wait_for_payment(&client, order, "paid").await?;
    }
    eventually("the queues are empty", async || {
        let counts: Value = staff.get("/api/jobs?limit=100").value(200).await?;
        let jobs = counts["items"].as_array().context("a list of jobs")?;
        ensure!(jobs.iter().all(|job| job["state"] != "dead"), "{counts}");
        // What comes round by the clock waits for its time.
        let open = jobs
            .iter()
            .filter(|job| job["kind"].as_str().is_some_and(is_work));
        Ok((open.count() == 0).then_some(()))
    })
    .await?;
    let mails = std::fs::read_dir(shop.setup.data().join("mail"))?.count();
    ensure!(
        mails >= done.orders.len(),
        "{mails} mails for {} orders",
        done.orders.len()
    );
    audit::clean(&shop).await
}

/// Whether a job follows from what somebody did.
fn is_work(kind: &str) -> bool {
    kind.starts_with("order.advance") || kind.starts_with("order.mail") || kind == "images.variants"
}

async fn run(mut command: std::process::Command) -> Result<()> {
    let output = tokio::task::spawn_blocking(move || command.output()).await??;
    ensure!(output.status.success(), "{output:?}");
    Ok(())
}

/// Each replica follows what the others write, a moment later.
async fn wait_for_all_replicas(shop: &Shop, visit: &Visit) -> Result<()> {
    for replica in ["product-api-1", "product-api-2"] {
        let client = shop.processes.client(replica)?;
        let path = format!("/products/{}", visit.lamp.handle);
        eventually("the lamp", async || {
            let answer = client.get(&path).send().await?;
            Ok((answer.status == 200).then_some(()))
        })
        .await?;
    }
    Ok(())
}

/// Rolls every service out so often; all services at once, as one release does.
async fn rollouts(shop: &mut Shop, times: usize) -> Result<()> {
    let mut each = Vec::new();
    for service in SERVICES {
        let names: Vec<String> = (1..=3)
            .map(|number| format!("{service}-{number}"))
            .collect();
        each.push((names.clone(), shop.processes.split_off(&names)));
    }
    let rolling = each.into_iter().map(|(names, mut own)| async move {
        let mut outcome = Ok(());
        for _ in 0..times {
            outcome = roll(&mut own, &names).await;
            if outcome.is_err() {
                break;
            }
        }
        (own, outcome)
    });
    let mut outcome = Ok(());
    for (own, ended) in join_all(rolling).await {
        shop.processes.unite(own);
        outcome = outcome.and(ended);
    }
    outcome
}

/// A Deployment's rolling update with `maxSurge: 1` and `maxUnavailable: 0`: one more starts, and
/// as soon as it is ready an old one is told to end.
async fn roll(own: &mut Processes, names: &[String]) -> Result<()> {
    let old: Vec<&String> = names.iter().filter(|name| own.runs(name)).collect();
    for name in old {
        let spare = names.iter().find(|name| !own.runs(name));
        let spare = spare.context("a place for one more")?;
        own.start_one(spare)?;
        own.wait_until_ready().await?;
        own.stop(name).await?;
    }
    Ok(())
}

/// The next release's migrations run while everybody shops on the version before: nobody fails, and
/// nobody waits for long.
async fn expand(shop: &Shop, load: &Load) -> Result<()> {
    let url = shop.setup.database_url().context("PostgreSQL")?;
    next_release::prepare(url).await?;
    // What was slow before was the rollouts.
    let slow = |to| std::mem::replace(&mut load.done.lock().expect("no panic").slowest, to);
    let before = slow(Duration::ZERO);
    let begin = Instant::now();
    let locks = next_release::migrate(url).await?;
    let took = begin.elapsed();
    let slowest = slow(before);
    eprintln!(
        "migrations of the next release under load in {:.1} s: a table was locked for at most {} ms, a \
         statement waited for at most {} ms, the slowest visit took {} ms",
        took.as_secs_f64(),
        locks.held.as_millis(),
        locks.waited.as_millis(),
        slowest.as_millis(),
    );
    ensure!(locks.held < LONGEST && locks.waited < LONGEST, "{locks:?}");
    // The version before finds nothing to do, and knows that it may stay.
    let check = shop.run(&["migrate", "--check"]).await?;
    let said = String::from_utf8_lossy(&check.stdout).into_owned();
    ensure!(
        check.status.success() && said.contains("this program works beside it"),
        "{check:?}"
    );
    Ok(())
}

/// What everybody asks for.
#[derive(Debug, Clone)]
struct Visit {
    /// A session that began before the first rollout.
    token: String,
    picture: String,
    lamp: Item,
}

/// What came of it.
#[derive(Debug, Default)]
struct Done {
    requests: usize,
    failed: usize,
    told: Vec<String>,
    slowest: Duration,
    orders: Vec<Placed>,
}

struct Load {
    over: Arc<AtomicBool>,
    clients: Vec<tokio::task::JoinHandle<()>>,
    done: Arc<Mutex<Done>>,
}

impl Load {
    /// Half of the clients come in through the pages' process, half at the edge itself; each keeps
    /// connections of its own.
    fn start(shop: &Shop, visit: &Visit) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let done: Arc<Mutex<Done>> = Arc::default();
        let clients = (0..CLIENTS).map(|number| {
            let (address, _) = shop.setup.place(["frontend", "api"][number % 2]);
            let one = Shopper {
                client: Client::new(format!("http://{address}")),
                pages: number % 2 == 0,
                number,
                visit: visit.clone(),
                done: Arc::clone(&done),
                round: AtomicUsize::new(0),
            };
            let over = Arc::clone(&over);
            tokio::spawn(async move {
                let mut pace = interval(PERIOD);
                pace.set_missed_tick_behavior(MissedTickBehavior::Delay);
                while !over.load(Ordering::Relaxed) {
                    pace.tick().await;
                    one.go_round().await;
                }
            })
        });
        Self {
            clients: clients.collect(),
            over,
            done,
        }
    }

    async fn end(self) -> Result<Done> {
        self.over.store(true, Ordering::Relaxed);
        for client in self.clients {
            client.await?;
        }
        let mut done = self.done.lock().expect("no panic");
        Ok(std::mem::take(&mut *done))
    }
}

struct Shopper {
    client: Client,
    /// Whether pages are served where it comes in.
    pages: bool,
    number: usize,
    visit: Visit,
    done: Arc<Mutex<Done>>,
    round: AtomicUsize,
}

impl Shopper {
    /// Looks around, signed in and not, and buys; now and then what is seldom done.
    async fn go_round(&self) {
        let round = self.round.fetch_add(1, Ordering::Relaxed);
        let lamp = &self.visit.lamp;
        let known = self.client.with_bearer(&self.visit.token);
        if self.pages {
            self.get(&self.client, "/").await;
            self.get(&self.client, &format!("/products/{}", lamp.handle))
                .await;
            self.get(&self.client, &self.visit.picture).await;
        }
        self.get(&self.client, "/api/products").await;
        self.get(&self.client, "/api/products?q=lamp").await;
        self.get(&self.client, &format!("/api/products/{}", lamp.handle))
            .await;
        self.get(&known, "/api/auth/me").await;
        self.get(&known, "/api/orders?limit=5").await;
        let key = format!("rollout-{}-{round}", self.number);
        let bought = self.count("an order", 3, buy(&self.client, &lamp.variant_id, 1, &key));
        if let Some(order) = bought.await {
            let path = format!(
                "/api/orders/{}?access_token={}",
                order.id, order.access_token
            );
            self.get(&self.client, &path).await;
            self.done.lock().expect("no panic").orders.push(order);
        }
        if round % SELDOM == self.number % SELDOM {
            let jobs = known.get("/api/jobs").value::<Value>(200);
            self.count("/api/jobs", 1, jobs).await;
            // And out again: an account has so many sessions at most, and the others are to last.
            let session = sign_in(&self.client, ADMIN, ADMIN_PASSWORD);
            if let Some(token) = self.count("signing in", 1, session).await {
                let leaves = self.client.with_bearer(&token);
                let out = async { leaves.post("/api/auth/logout").expect(204).await.map(drop) };
                self.count("signing out", 1, out).await;
            }
            let picture = match wide() {
                Ok(form) => known.post("/api/images/upload").body(FORM, form),
                Err(_) => return,
            };
            self.count("an upload", 1, picture.value::<Value>(201))
                .await;
        }
    }

    async fn get(&self, client: &Client, path: &str) {
        let asked = async { client.get(path).send().await?.expect(200).map(drop) };
        // What is unguessable stays out of what is told.
        let path = path.split('?').next().unwrap_or(path);
        self.count(path, 1, asked).await;
    }

    /// Counts requests, and what failed of them.
    async fn count<T>(
        &self,
        what: &str,
        requests: usize,
        asked: impl Future<Output = Result<T>>,
    ) -> Option<T> {
        let begin = Instant::now();
        let outcome = asked.await;
        let took = begin.elapsed();
        let mut done = self.done.lock().expect("no panic");
        done.requests += requests;
        done.slowest = done.slowest.max(took);
        match outcome {
            Ok(value) => Some(value),
            Err(error) => {
                done.failed += 1;
                if done.told.len() < TOLD {
                    done.told.push(format!("{what} after {took:?}: {error:#}"));
                }
                None
            }
        }
    }
}

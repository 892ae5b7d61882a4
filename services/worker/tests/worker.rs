//! The worker with real queues: what it runs, how it stops, what it tells.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use std::{
    sync::{
        Arc, LazyLock,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use serde_json::Value;
use sqlx::migrate::Migrator;
use techcommerce_contracts::{Service, TokenSigner};
use techcommerce_jobs::{Handler, Job, JobSet, NewJob, Outcome, Queue, Wake, enqueue, with_tables};
use techcommerce_kernel::{Env, Error};
use techcommerce_runtime::{Module, Shutdown, Starter, Switchboard};
use techcommerce_store::transact;
use techcommerce_telemetry::Telemetry;
use techcommerce_testkit::TestDb;
use techcommerce_worker::{Built, Deps, Settings, build};
use tokio::{sync::Semaphore, task::JoinHandle};
use tower::ServiceExt;

static MIGRATOR: LazyLock<Migrator> =
    LazyLock::new(|| with_tables(Migrator::with_migrations(Vec::new())));

/// Each job waits for a permit of the test; counts those that began and those that ended.
#[derive(Clone)]
struct Gate {
    open: Arc<Semaphore>,
    began: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Gate {
    fn with_permits(permits: usize) -> Self {
        Self {
            open: Arc::new(Semaphore::new(permits)),
            began: Arc::default(),
            ended: Arc::default(),
        }
    }
}

#[async_trait]
impl Handler for Gate {
    fn kind(&self) -> &'static str {
        "test"
    }

    async fn run(&self, _job: &Job) -> Result<Outcome, Error> {
        self.began.fetch_add(1, Ordering::SeqCst);
        self.open.acquire().await.map_err(Error::internal)?.forget();
        self.ended.fetch_add(1, Ordering::SeqCst);
        Ok(Outcome::Done)
    }
}

struct Shop {
    env: Env,
    db: TestDb,
    queue: Queue,
    telemetry: Telemetry,
    gate: Gate,
}

impl Shop {
    fn new(db: TestDb, gate: Gate) -> Self {
        let env = Env::system();
        let queue = Queue::new(db.db(), env.clone(), Wake::default());
        Self {
            env,
            queue,
            telemetry: Telemetry::new("test", "test"),
            gate,
            db,
        }
    }

    async fn enqueue(&self, jobs: usize) {
        transact!(self.db, |tx| -> Result<(), Error> {
            for _ in 0..jobs {
                enqueue(tx, &self.env, NewJob::new("test")).await?;
            }
            Ok(())
        })
        .unwrap();
        self.queue.wake();
    }

    fn build(&self, poll: Duration, grace: Duration) -> Built {
        let signer = TokenSigner::from_seed(&[7; 32], self.env.clone());
        build(Deps {
            env: self.env.clone(),
            settings: Settings {
                poll,
                grace,
                ..Settings::default()
            },
            sets: vec![
                JobSet::new("order-api", self.queue.clone())
                    .handler(self.gate.clone())
                    .build(),
            ],
            telemetry: self.telemetry.clone(),
            verifier: signer.verifier(),
        })
    }

    /// Starts it and waits until the job that every set has by itself is out of the way.
    async fn start(&self, built: Built) -> (Shutdown, JoinHandle<Result<(), Error>>) {
        let shutdown = Shutdown::new();
        let module = Module {
            service: Service::Worker,
            needs: Vec::new(),
            router: built.router,
            health: built.health,
            tasks: built.tasks,
        };
        let starter = Starter::new(self.telemetry.clone(), Switchboard::new([])).module(module);
        let run = tokio::spawn(starter.run(shutdown.clone(), || {}));
        until("it prunes", async || {
            // Known kinds are there from the start, with nothing done.
            let done = "_count{queue=\"order-api\",kind=\"jobs.prune\",outcome=\"done\"} 1";
            self.telemetry.encode().contains(done)
        })
        .await;
        (shutdown, run)
    }
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    for _ in 0..1000 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it never came to this: {what}");
}

const HOUR: Duration = Duration::from_secs(3600);

techcommerce_testkit::on_both_engines! { MIGRATOR;
    async fn a_wake_up_starts_jobs_at_once_and_never_too_many(db: TestDb) {
        let shop = Shop::new(db, Gate::with_permits(0));
        let (shutdown, run) = shop.start(shop.build(HOUR, HOUR)).await;
        shop.enqueue(10).await;
        until("four began", async || shop.gate.began.load(Ordering::SeqCst) == 4).await;
        let stats = shop.queue.stats().await.unwrap();
        assert_eq!((stats.ready, stats.running), (6, 4), "no more than its concurrency");
        shop.gate.open.add_permits(10);
        until("all are done", async || shop.gate.ended.load(Ordering::SeqCst) == 10).await;
        shutdown.request();
        run.await.unwrap().unwrap();
        let text = shop.telemetry.encode();
        let count = "techcommerce_job_duration_seconds_count{queue=\"order-api\",kind=\"test\",outcome=\"done\"} 10";
        assert!(text.lines().any(|line| line == count), "{text}");
    }

    async fn polling_finds_what_nobody_announced(db: TestDb) {
        let shop = Shop::new(db, Gate::with_permits(1));
        let (shutdown, run) = shop.start(shop.build(Duration::from_millis(20), HOUR)).await;
        // Another process has a wake-up of its own that does not reach here.
        let elsewhere = Queue::new(shop.db.db(), shop.env.clone(), Wake::default());
        transact!(shop.db, |tx| -> Result<(), Error> {
            enqueue(tx, &shop.env, NewJob::new("test")).await.map(drop)
        })
        .unwrap();
        elsewhere.wake();
        until("it ran", async || shop.gate.ended.load(Ordering::SeqCst) == 1).await;
        shutdown.request();
        run.await.unwrap().unwrap();
    }

    async fn a_stop_lets_jobs_finish(db: TestDb) {
        let shop = Shop::new(db, Gate::with_permits(0));
        let (shutdown, run) = shop.start(shop.build(Duration::from_millis(20), HOUR)).await;
        shop.enqueue(5).await;
        until("four began", async || shop.gate.began.load(Ordering::SeqCst) == 4).await;
        shutdown.request();
        tokio::time::sleep(Duration::from_millis(50)).await;
        shop.gate.open.add_permits(5);
        run.await.unwrap().unwrap();
        assert_eq!(shop.gate.ended.load(Ordering::SeqCst), 4, "and takes nothing new");
        assert_eq!(shop.queue.stats().await.unwrap().ready, 1);
    }

    async fn what_does_not_finish_in_time_is_given_back(db: TestDb) {
        let shop = Shop::new(db, Gate::with_permits(0));
        let (shutdown, run) = shop.start(shop.build(Duration::from_millis(20), Duration::from_millis(50))).await;
        shop.enqueue(3).await;
        until("all began", async || shop.gate.began.load(Ordering::SeqCst) == 3).await;
        shutdown.request();
        run.await.unwrap().unwrap();
        let stats = shop.queue.stats().await.unwrap();
        assert_eq!((stats.ready, stats.running), (3, 0));
        // The next worker takes them up at once, as first attempts.
        shop.gate.open.add_permits(3);
        let (shutdown, run) = shop.start(shop.build(Duration::from_millis(20), HOUR)).await;
        until("all are done", async || shop.gate.ended.load(Ordering::SeqCst) == 3).await;
        shutdown.request();
        run.await.unwrap().unwrap();
    }

    async fn health_tells_of_the_queue(db: TestDb) {
        let shop = Shop::new(db, Gate::with_permits(0));
        let built = shop.build(Duration::from_millis(20), Duration::from_millis(50));
        let router = built.router.clone();
        let (shutdown, run) = shop.start(built).await;
        shop.enqueue(5).await;
        until("four began", async || shop.gate.began.load(Ordering::SeqCst) == 4).await;
        let request = Request::get("/health").body(Body::empty()).unwrap();
        let answer = router.oneshot(request).await.unwrap();
        assert_eq!(answer.status(), 200);
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let document: Value = serde_json::from_slice(&body).unwrap();
        let queue = &document["queues"]["order-api"];
        assert_eq!((&queue["ready"], &queue["running"]), (&1.into(), &4.into()), "{document}");
        assert!(queue["oldest_age_seconds"].is_f64(), "{document}");
        assert!(queue["heartbeat_age_seconds"].as_f64().unwrap() < 10.0, "{document}");
        assert_eq!(document["dependencies"]["order-api heartbeat"]["status"], "up");
        assert!(document["last_heartbeat"].is_string(), "{document}");
        shutdown.request();
        run.await.unwrap().unwrap();
    }
}

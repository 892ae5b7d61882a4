//! What the tests of the queue share.

#![allow(dead_code, reason = "each test file uses some of it")]

use std::{
    sync::{Arc, LazyLock, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use sqlx::migrate::Migrator;
use techcommerce_jobs::{
    Ended, Handler, Job, JobSet, NewJob, Outcome, Queue, Ran, Wake, enqueue, with_tables,
};
use techcommerce_kernel::{Env, Error, ManualClock, Uuid};
use techcommerce_store::{Db, transact};
use techcommerce_testkit::TestDb;

pub static MIGRATOR: LazyLock<Migrator> =
    LazyLock::new(|| with_tables(Migrator::with_migrations(Vec::new())));

pub const LEASE: Duration = Duration::from_secs(60);

/// A queue with a clock that stands still.
pub struct Shop {
    pub db: Db,
    pub env: Env,
    pub clock: ManualClock,
    pub queue: Queue,
}

impl Shop {
    pub fn new(db: &TestDb) -> Self {
        let (env, clock) = techcommerce_testkit::env();
        let queue = Queue::new(db.db(), env.clone(), Wake::default());
        Self {
            db: db.db(),
            env,
            clock,
            queue,
        }
    }

    pub async fn enqueue(&self, job: NewJob) -> Uuid {
        let written = transact!(self.db, |tx| -> Result<Uuid, Error> {
            enqueue(tx, &self.env, job.clone()).await
        });
        written.unwrap()
    }

    pub async fn claim(&self, worker: &str, limit: usize) -> Vec<Job> {
        let claim = techcommerce_jobs::Claim {
            worker,
            kinds: &["test"],
            limit,
            lease: LEASE,
        };
        self.queue.claim(claim).await.unwrap()
    }

    /// A set with one handler, of kind `test`.
    pub fn set(&self, handler: impl Handler) -> JobSet {
        JobSet::new("test", self.queue.clone())
            .handler(handler)
            .build()
    }
}

/// Plays a list of outcomes, then is done each time; remembers the attempts.
#[derive(Clone, Default)]
pub struct Script {
    pub outcomes: Arc<Mutex<Vec<Result<Outcome, &'static str>>>>,
    pub attempts: Arc<Mutex<Vec<u32>>>,
}

impl Script {
    pub fn new(outcomes: impl IntoIterator<Item = Result<Outcome, &'static str>>) -> Self {
        let mut outcomes: Vec<_> = outcomes.into_iter().collect();
        outcomes.reverse();
        Self {
            outcomes: Arc::new(Mutex::new(outcomes)),
            attempts: Arc::default(),
        }
    }
}

#[async_trait]
impl Handler for Script {
    fn kind(&self) -> &'static str {
        "test"
    }

    async fn run(&self, job: &Job) -> Result<Outcome, Error> {
        self.attempts.lock().unwrap().push(job.attempt);
        let next = self.outcomes.lock().unwrap().pop();
        next.unwrap_or(Ok(Outcome::Done))
            .map_err(Error::unavailable)
    }
}

pub fn ended(ran: &[Ran]) -> Vec<&'static str> {
    ran.iter().map(|ran| ran.ended.label()).collect()
}

pub fn is_failed(ran: &[Ran]) -> bool {
    matches!(
        ran,
        [Ran {
            ended: Ended::Failed(_),
            ..
        }]
    )
}

//! What a service brings to the worker.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use techcommerce_kernel::{Error, Timestamp};

use techcommerce_telemetry::Telemetry;

use crate::{Claim, Job, Queue, Ran, Schedule, Watch, backoff, prune, watch::MakeWatch};

/// How an attempt went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The job is done, perhaps already by [`Job::complete_in`].
    Done,
    /// The job is done, and [`Job::complete_in`] has written so: nothing is left to write.
    Completed,
    /// Not yet: ask again after this time. Uses up no attempt, so the handler must see to an end.
    RetryIn(Duration),
    /// Put off until then, and [`Job::postpone_in`] has written so.
    Postponed(Timestamp),
    /// It will never work: dead at once, with the reason for the staff.
    GiveUp(String),
}

/// Runs the jobs of one kind.
#[async_trait]
pub trait Handler: Send + Sync + 'static {
    /// The kind, as `order.pay`.
    fn kind(&self) -> &'static str;

    /// The longest that one attempt may take.
    fn time_limit(&self) -> Duration {
        Duration::from_secs(300)
    }

    /// The longest pause between two attempts. Shorter where somebody waits for what is done: it is
    /// how late the job is at most once the cause of its failures is gone.
    fn longest_pause(&self) -> Duration {
        backoff::LONGEST
    }

    /// Runs one attempt. It may be dropped at any await point and it may run twice, also at the
    /// same time as a stale one: effects in this database belong in one transaction with
    /// [`Job::complete_in`] or [`Job::guard`], effects elsewhere carry the job's id as their
    /// idempotency key. An error is a failed attempt and is tried again, whatever its kind.
    async fn run(&self, job: &Job) -> Result<Outcome, Error>;
}

/// The queue, the handlers and the schedules of one service. Clones are the same set.
#[derive(Clone)]
pub struct JobSet(Arc<Inner>);

struct Inner {
    service: &'static str,
    queue: Queue,
    handlers: HashMap<&'static str, Arc<dyn Handler>>,
    kinds: Vec<&'static str>,
    schedules: Vec<Schedule>,
    watches: Vec<MakeWatch>,
    /// The slots that this process knows to be taken: saves asking the database at each poll.
    slots: Mutex<HashMap<&'static str, i64>>,
}

impl JobSet {
    /// Starts the set of `service`, whose queue this is.
    #[allow(clippy::new_ret_no_self, reason = "a set is put together first")]
    pub fn new(service: &'static str, queue: Queue) -> Builder {
        let builder = Builder {
            service,
            queue: queue.clone(),
            handlers: Vec::new(),
            schedules: Vec::new(),
            watches: Vec::new(),
        };
        builder.handler(prune::Prune(queue)).schedule(Schedule::new(
            prune::KIND,
            Duration::from_hours(1),
            prune::KIND,
        ))
    }

    /// The service.
    pub fn service(&self) -> &'static str {
        self.0.service
    }

    /// Its queue.
    pub fn queue(&self) -> &Queue {
        &self.0.queue
    }

    /// The kinds that have handlers, in order.
    pub fn kinds(&self) -> &[&'static str] {
        &self.0.kinds
    }

    /// What is to be looked at every few seconds, with gauges under `telemetry`.
    pub fn watches(&self, telemetry: &Telemetry) -> Vec<Box<dyn Watch>> {
        let watches = self.0.watches.iter();
        watches.map(|make| make(telemetry)).collect()
    }

    pub(crate) fn handler(&self, kind: &str) -> Option<&Arc<dyn Handler>> {
        self.0.handlers.get(kind)
    }

    /// Writes the jobs of all schedules whose slot has come, and gives how many.
    pub async fn tick(&self) -> Result<usize, Error> {
        let now = self.queue().env.now().as_micros();
        let mut written = 0;
        for schedule in &self.0.schedules {
            let slot = schedule.slot(now);
            let known = self.slots().get(schedule.name).copied();
            if known == Some(slot) {
                continue;
            }
            written += usize::from(self.queue().enqueue_slot(schedule, slot).await?);
            self.slots().insert(schedule.name, slot);
        }
        Ok(written)
    }

    /// Asks the database again which slots are taken.
    pub(crate) fn forget_slots(&self) {
        self.slots().clear();
    }

    fn slots(&self) -> std::sync::MutexGuard<'_, HashMap<&'static str, i64>> {
        self.0.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes up to `limit` jobs that are due.
    pub async fn claim(
        &self,
        worker: &str,
        limit: usize,
        lease: Duration,
    ) -> Result<Vec<Job>, Error> {
        self.queue()
            .claim(Claim {
                worker,
                kinds: self.kinds(),
                limit,
                lease,
            })
            .await
    }

    /// For tests: runs one after another all jobs that are due by the queue's clock, those that
    /// they write in turn too, and gives what was run. Schedules are left alone (see
    /// [`JobSet::tick`]), and so are jobs whose time has not come: move the clock.
    ///
    /// # Errors
    /// `internal` if it does not come to an end after a thousand jobs.
    pub async fn drain(&self) -> Result<Vec<Ran>, Error> {
        let mut ran = Vec::new();
        loop {
            let jobs = self.claim("drain", 1, Duration::from_secs(60)).await?;
            let Some(job) = jobs.first() else {
                return Ok(ran);
            };
            if ran.len() >= 1000 {
                return Err(Error::internal(format!(
                    "the jobs do not end; the last is {}",
                    job.kind
                )));
            }
            ran.push(self.run(job).await);
        }
    }
}

impl fmt::Debug for JobSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobSet")
            .field("service", &self.0.service)
            .field("kinds", &self.0.kinds)
            .finish_non_exhaustive()
    }
}

/// Puts a [`JobSet`] together.
pub struct Builder {
    service: &'static str,
    queue: Queue,
    handlers: Vec<Arc<dyn Handler>>,
    schedules: Vec<Schedule>,
    watches: Vec<MakeWatch>,
}

impl Builder {
    /// Adds the handler of a kind; the last of the same kind counts.
    #[must_use]
    pub fn handler(mut self, handler: impl Handler) -> Self {
        self.handlers.push(Arc::new(handler));
        self
    }

    /// Adds a schedule, whose kind has a handler too.
    #[must_use]
    pub fn schedule(mut self, schedule: Schedule) -> Self {
        self.schedules.push(schedule);
        self
    }

    /// Adds something to be looked at every few seconds where the jobs run.
    #[must_use]
    pub fn watch(
        mut self,
        make: impl Fn(&Telemetry) -> Box<dyn Watch> + Send + Sync + 'static,
    ) -> Self {
        self.watches.push(Arc::new(make));
        self
    }

    /// The set.
    pub fn build(self) -> JobSet {
        let handlers: HashMap<_, _> = self.handlers.into_iter().map(|h| (h.kind(), h)).collect();
        let mut kinds: Vec<_> = handlers.keys().copied().collect();
        kinds.sort_unstable();
        JobSet(Arc::new(Inner {
            service: self.service,
            queue: self.queue,
            handlers,
            kinds,
            schedules: self.schedules,
            watches: self.watches,
            slots: Mutex::default(),
        }))
    }
}

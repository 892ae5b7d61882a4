//! The task that serves one queue.

use std::{sync::Arc, time::Duration};

use techcommerce_http::Health;
use techcommerce_jobs::{Job, JobSet};
use techcommerce_kernel::Error;
use techcommerce_telemetry::Tracer;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::{Settings, metrics::Metrics, state::State};

/// How often the sign of life is written and the queue is counted.
const HEARTBEAT: Duration = Duration::from_secs(10);
/// The pause after the database failed.
const AFTER_FAILURE: Duration = Duration::from_secs(2);
/// How long giving back the jobs may take at the end.
const GIVE_BACK: Duration = Duration::from_secs(3);

/// Serves one queue.
pub(crate) struct Pool {
    set: JobSet,
    state: Arc<State>,
    settings: Arc<Settings>,
    metrics: Metrics,
    tracer: Tracer,
    room: Arc<Semaphore>,
    running: TaskTracker,
    health: Health,
    /// Cancelled when what still runs is to be given back.
    give_back: CancellationToken,
}

impl Pool {
    pub fn new(
        state: Arc<State>,
        settings: Arc<Settings>,
        metrics: Metrics,
        tracer: Tracer,
        health: Health,
    ) -> Self {
        Self {
            room: Arc::new(Semaphore::new(settings.concurrency.max(1))),
            set: state.set.clone(),
            state,
            settings,
            metrics,
            tracer,
            running: TaskTracker::new(),
            health,
            give_back: CancellationToken::new(),
        }
    }

    /// Serves until `stop`, then finishes or gives back what it holds. It outlasts a database
    /// that is away.
    pub async fn run(self, stop: CancellationToken) {
        // One that never comes so far is silent too.
        self.metrics.heartbeat(self.set.service(), self.state.now());
        // Only waiting is broken off: a claim that is dropped half-way would leave its jobs
        // leased to nobody.
        if stop.run_until_cancelled(self.greet()).await.is_some() {
            let mut sleeper = self.set.queue().sleeper();
            let mut beaten: Option<Instant> = None;
            while !self.is_over(&stop) {
                let now = self.state.goes_round();
                if beaten.is_none_or(|at| at.elapsed() >= HEARTBEAT) {
                    beaten = Some(Instant::now());
                    self.beat().await;
                }
                let pause = match self.round(&stop).await {
                    Ok(pause) => {
                        // A queue that cannot be served is silent, however often it is tried.
                        self.metrics.heartbeat(self.set.service(), now);
                        pause
                    }
                    Err(error) => {
                        let service = self.set.service();
                        tracing::warn!(service, ?error, "the queue cannot be served; trying again");
                        sleep(AFTER_FAILURE.min(self.settings.poll)).await;
                        continue;
                    }
                };
                if !pause.is_zero() {
                    let rest = timeout(pause, sleeper.wait());
                    // Why it ended makes no difference.
                    let _ = stop.run_until_cancelled(rest).await;
                }
            }
        }
        self.drain().await;
    }

    /// The process begins to stop with the requests and comes to its tasks last; jobs use that
    /// time too, and nothing new is begun in it.
    fn is_over(&self, stop: &CancellationToken) -> bool {
        stop.is_cancelled() || self.health.state() == techcommerce_http::State::Draining
    }

    /// Takes back what an earlier run under this name held, as soon as the database answers.
    async fn greet(&self) {
        let service = self.set.service();
        loop {
            match self.set.queue().worker_started(&self.settings.name).await {
                Ok(0) => return,
                Ok(jobs) => {
                    tracing::info!(service, jobs, "took back what an earlier run held");
                    return;
                }
                Err(error) => {
                    tracing::warn!(service, ?error, "the queue cannot be reached; trying again");
                    sleep(AFTER_FAILURE).await;
                }
            }
        }
    }

    /// Writes the sign of life and counts the queue.
    async fn beat(&self) {
        let queue = self.set.queue();
        let counted = async {
            queue.heartbeat(&self.settings.name).await?;
            let right = self.set.put_clocks_right(self.settings.lease).await?;
            if right > 0 {
                let service = self.set.service();
                tracing::warn!(
                    service,
                    jobs = right,
                    "a clock that ran ahead was put right"
                );
            }
            queue.stats_by_kind().await
        };
        match counted.await {
            Ok(stats) => {
                let now = self.state.now();
                self.metrics.stats(self.set.service(), &stats, now);
            }
            Err(error) => tracing::warn!(service = self.set.service(), ?error, "no heartbeat"),
        }
    }

    /// Writes what schedules are due, takes as many jobs as there is room for, and starts them.
    /// Gives how long to rest: not at all if there may be more.
    async fn round(&self, stop: &CancellationToken) -> Result<Duration, Error> {
        self.set.tick().await?;
        let first = self.room.clone().acquire_owned();
        let waited = stop
            .run_until_cancelled(timeout(self.settings.poll, first))
            .await;
        let Some(Ok(Ok(first))) = waited else {
            return Ok(Duration::ZERO);
        };
        let mut room = vec![first];
        while let Ok(more) = self.room.clone().try_acquire_owned() {
            room.push(more);
        }
        let jobs = self
            .set
            .claim(&self.settings.name, room.len(), self.settings.lease)
            .await?;
        if jobs.is_empty() {
            return self.rest().await;
        }
        for (job, permit) in jobs.into_iter().zip(room) {
            self.start(job, permit);
        }
        Ok(Duration::ZERO)
    }

    /// Until the next job is due, but no longer than a poll. One that is due and was not given to
    /// us is held by another, or of a kind that we do not know: that waits for the poll too.
    async fn rest(&self) -> Result<Duration, Error> {
        let now = self.state.goes_round();
        let due = self.set.queue().next_due().await?.filter(|due| *due > now);
        Ok(due
            .map_or(self.settings.poll, |due| due.since(now))
            .min(self.settings.poll))
    }

    fn start(&self, job: Job, permit: OwnedSemaphorePermit) {
        let (set, metrics, tracer, give_back) = (
            self.set.clone(),
            self.metrics.clone(),
            self.tracer.clone(),
            self.give_back.clone(),
        );
        self.running.spawn(async move {
            let run = set.run_traced(&job, &tracer);
            match give_back.run_until_cancelled(run).await {
                Some(ran) => metrics.ran(set.service(), &ran),
                None => {
                    if let Err(error) = set.queue().release(&job).await {
                        tracing::warn!(
                            ?error,
                            kind = job.kind,
                            "a job could not be given back; its lease runs out"
                        );
                    }
                }
            }
            drop(permit);
        });
    }

    async fn drain(&self) {
        self.running.close();
        if timeout(self.settings.grace, self.running.wait())
            .await
            .is_ok()
        {
            return;
        }
        let service = self.set.service();
        tracing::info!(
            service,
            jobs = self.running.len(),
            "giving back what has not ended in time"
        );
        self.give_back.cancel();
        if timeout(GIVE_BACK, self.running.wait()).await.is_err() {
            tracing::warn!(
                service,
                "jobs could not be given back in time; their leases run out"
            );
        }
    }
}

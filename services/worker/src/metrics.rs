//! What the worker counts.

use std::{
    collections::{BTreeSet, HashMap},
    sync::{Arc, Mutex, PoisonError},
};

use techcommerce_jobs::{Ended, KindStats, Ran};
use techcommerce_kernel::Timestamp;
use techcommerce_telemetry::{Counters, Gauges, Histograms, Label, Telemetry};

/// Upper bounds in seconds: from a row changed to an import of minutes.
const DURATION_BUCKETS: &[f64] = &[
    0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

const OUTCOMES: &[&str] = &["done", "postponed", "failed", "dead", "lost"];
/// Those that somebody asks for the rate of: it needs a beginning.
const FROM_THE_START: [&str; 3] = ["done", "failed", "dead"];
const STATES: &[&str] = &["ready", "scheduled", "running", "dead"];

#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    durations: Histograms<3>,
    retries: Counters<2>,
    jobs: Gauges<3>,
    oldest: Gauges<1>,
    heartbeat: Gauges<1>,
    /// The kinds of each queue that have a gauge.
    kinds: Arc<Mutex<HashMap<String, BTreeSet<String>>>>,
}

impl Metrics {
    pub fn new(telemetry: &Telemetry) -> Self {
        let queue = || Label::up_to("queue", 16);
        let kind = || Label::up_to("kind", 128);
        Self {
            durations: telemetry.histograms(
                "techcommerce_job_duration_seconds",
                "How long jobs ran, and how that ended",
                DURATION_BUCKETS,
                [queue(), kind(), Label::one_of("outcome", OUTCOMES)],
            ),
            retries: telemetry.counters(
                "techcommerce_job_retries_total",
                "Attempts that failed and will be made again",
                [queue(), kind()],
            ),
            jobs: telemetry.gauges(
                "techcommerce_jobs",
                "Jobs in the queue by their kind and state",
                [queue(), kind(), Label::one_of("state", STATES)],
            ),
            oldest: telemetry.gauges(
                "techcommerce_jobs_oldest_age_seconds",
                "How long the job that waits longest could have been taken",
                [queue()],
            ),
            heartbeat: telemetry.gauges(
                "techcommerce_worker_heartbeat_timestamp_seconds",
                "When the worker last went round in the queue without an error, in seconds since 1970",
                [queue()],
            ),
            kinds: Arc::default(),
        }
    }

    /// The kinds that `queue` can hold: they are at zero, not absent.
    pub fn knows(&self, queue: &str, kinds: &[&str]) {
        for kind in kinds {
            for outcome in FROM_THE_START {
                self.durations.with([queue, kind, outcome]);
            }
            self.retries.with([queue, kind]);
            for state in STATES {
                self.jobs.with([queue, kind, state]);
            }
        }
        let mut known = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.entry(queue.to_owned()).or_default();
        known.extend(kinds.iter().map(|kind| (*kind).to_owned()));
    }

    pub fn ran(&self, queue: &str, ran: &Ran) {
        self.durations
            .with([queue, &ran.kind, ran.ended.label()])
            .observe(ran.took.as_secs_f64());
        if matches!(ran.ended, Ended::Failed(_)) {
            self.retries.with([queue, &ran.kind]).inc();
        }
    }

    /// How the queue stands now.
    pub fn stats(&self, queue: &str, kinds: &[KindStats], now: Timestamp) {
        let none = KindStats {
            kind: String::new(),
            ready: 0,
            scheduled: 0,
            running: 0,
            dead: 0,
            oldest: None,
        };
        let mut known = self.kinds.lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.entry(queue.to_owned()).or_default();
        known.extend(kinds.iter().map(|stats| stats.kind.clone()));
        for kind in known.iter() {
            let found = kinds.iter().find(|stats| stats.kind == *kind);
            let stats = found.unwrap_or(&none);
            let states = [stats.ready, stats.scheduled, stats.running, stats.dead];
            for (state, count) in STATES.iter().zip(states) {
                self.jobs.with([queue, kind, state]).set(count);
            }
        }
        let oldest = kinds.iter().filter_map(|stats| stats.oldest).min();
        let age = oldest.map_or(0, |due| now.since(Timestamp::from_micros(due)).as_secs());
        self.oldest
            .with([queue])
            .set(i64::try_from(age).unwrap_or(i64::MAX));
    }

    pub fn heartbeat(&self, queue: &str, at: Timestamp) {
        self.heartbeat.with([queue]).set(at.as_seconds());
    }
}

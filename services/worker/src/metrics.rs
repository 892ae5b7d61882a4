//! What the worker counts.

use techcommerce_jobs::{Ran, Stats};
use techcommerce_kernel::Timestamp;
use techcommerce_telemetry::{Gauges, Histograms, Label, Telemetry};

/// Upper bounds in seconds: from a row changed to an import of minutes.
const DURATION_BUCKETS: &[f64] = &[
    0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0,
];

const OUTCOMES: &[&str] = &["done", "postponed", "failed", "dead", "lost"];

#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    durations: Histograms<3>,
    jobs: Gauges<2>,
    oldest: Gauges<1>,
    heartbeat: Gauges<1>,
}

impl Metrics {
    pub fn new(telemetry: &Telemetry) -> Self {
        let queue = || Label::up_to("queue", 16);
        Self {
            durations: telemetry.histograms(
                "techcommerce_job_duration_seconds",
                "How long jobs ran, and how that ended",
                DURATION_BUCKETS,
                [
                    queue(),
                    Label::up_to("kind", 128),
                    Label::one_of("outcome", OUTCOMES),
                ],
            ),
            jobs: telemetry.gauges(
                "techcommerce_jobs",
                "Jobs in the queue by their state",
                [
                    queue(),
                    Label::one_of("state", &["ready", "scheduled", "running", "dead"]),
                ],
            ),
            oldest: telemetry.gauges(
                "techcommerce_jobs_oldest_age_seconds",
                "How long the job that waits longest could have been taken",
                [queue()],
            ),
            heartbeat: telemetry.gauges(
                "techcommerce_worker_heartbeat_timestamp_seconds",
                "When the worker last went round, in seconds since 1970",
                [queue()],
            ),
        }
    }

    pub fn ran(&self, queue: &str, ran: &Ran) {
        self.durations
            .with([queue, &ran.kind, ran.ended.label()])
            .observe(ran.took.as_secs_f64());
    }

    pub fn stats(&self, queue: &str, stats: &Stats) {
        let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
        let states = [
            ("ready", stats.ready),
            ("scheduled", stats.scheduled),
            ("running", stats.running),
            ("dead", stats.dead),
        ];
        for (state, count) in states {
            self.jobs.with([queue, state]).set(number(count));
        }
        self.oldest
            .with([queue])
            .set(number(stats.oldest.as_secs()));
    }

    pub fn heartbeat(&self, queue: &str, at: Timestamp) {
        self.heartbeat.with([queue]).set(at.as_seconds());
    }
}

//! What is measured of the connections of a database: how many there are and are used, how long
//! one waits for one, and how long statements take.
//!
//! Nothing is looked up on the way of a statement: the series are found once, when the database is
//! opened.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use sqlx::{Database, Error};
use techcommerce_telemetry::{
    Counter, Counters, Gauges, Histogram, Histograms, Label, SERVICES, Telemetry,
};

use crate::{
    Db,
    lease::{Leases, WeakLeases},
};

const POOLS: &[&str] = &["main", "replica", "readers", "writer"];
static STATES: [&str; 2] = ["used", "idle"];
const OUTCOMES: &[&str] = &["ok", "error"];

/// Upper bounds in seconds, from a row in memory to a statement that is about to be given up.
const QUERY_BUCKETS: &[f64] = &[
    0.0001, 0.000_25, 0.0005, 0.001, 0.002, 0.004, 0.008, 0.015, 0.03, 0.06, 0.125, 0.25, 0.5, 1.0,
    2.0, 5.0, 15.0,
];
const WAIT_BUCKETS: &[f64] = &[
    0.0001, 0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// The series of one pool.
pub(crate) struct Measured {
    wait: Histogram,
    timeouts: Counter,
    ok: Histogram,
    error: Histogram,
}

impl Measured {
    /// Somebody was given a connection after `seconds`, or was not.
    pub fn waited(&self, seconds: f64, failure: Option<&Error>) {
        self.wait.observe(seconds);
        if matches!(failure, Some(Error::PoolTimedOut)) {
            self.timeouts.inc();
        }
    }

    /// A statement ended after `seconds`.
    pub fn asked(&self, seconds: f64, well: bool) {
        match well {
            true => self.ok.observe(seconds),
            false => self.error.observe(seconds),
        }
    }
}

/// The families.
#[derive(Debug)]
pub struct StoreMetrics {
    connections: Gauges<3>,
    most: Gauges<2>,
    waits: Histograms<2>,
    timeouts: Counters<2>,
    queries: Histograms<2>,
}

impl StoreMetrics {
    /// Registers them.
    pub fn new(telemetry: &Telemetry) -> Self {
        let service = || Label::one_of("service", SERVICES);
        let pool = || Label::one_of("pool", POOLS);
        Self {
            connections: telemetry.gauges(
                "techcommerce_db_connections",
                "Connections to the service's database by what they do",
                [service(), pool(), Label::one_of("state", &STATES)],
            ),
            most: telemetry.gauges(
                "techcommerce_db_connections_max",
                "How many connections to its database the service may use at once",
                [service(), pool()],
            ),
            waits: telemetry.histograms(
                "techcommerce_db_wait_seconds",
                "How long one waited for a connection",
                WAIT_BUCKETS,
                [service(), pool()],
            ),
            timeouts: telemetry.counters(
                "techcommerce_db_wait_timeouts_total",
                "How often nobody gave back, or could make, a connection in time",
                [service(), pool()],
            ),
            queries: telemetry.histograms(
                "techcommerce_db_query_duration_seconds",
                "How long statements took; error: they failed for another reason than a rule of the \
                 schema",
                QUERY_BUCKETS,
                [service(), Label::one_of("outcome", OUTCOMES)],
            ),
        }
    }

    /// Adds a pool, whose numbers stand beside those of other pools of this name.
    fn watch<DB: Database>(
        &self,
        telemetry: &Telemetry,
        service: &'static str,
        pool: &'static str,
        leases: &Leases<DB>,
    ) {
        let measured = Measured {
            wait: self.waits.with([service, pool]),
            timeouts: self.timeouts.with([service, pool]),
            ok: self.queries.with([service, "ok"]),
            error: self.queries.with([service, "error"]),
        };
        if !leases.measure(measured) {
            return;
        }
        self.most
            .with([service, pool])
            .inc_by(i64::from(leases.connections()));
        let watched: WeakLeases<DB> = leases.downgrade();
        let gauges = STATES.map(|state| self.connections.with([service, pool, state]));
        let before: Arc<[AtomicI64; 2]> = Arc::default();
        telemetry.on_scrape(move || {
            let now = watched.state().unwrap_or_default();
            // A worker has the databases of several services: theirs add up.
            for ((gauge, before), now) in gauges.iter().zip(before.iter()).zip(now) {
                gauge.inc_by(now - before.swap(now, Ordering::Relaxed));
            }
        });
    }
}

impl Db {
    /// From now on, what happens here is measured in the name of `service`. The first call counts.
    pub fn measure(&self, telemetry: &Telemetry, service: &'static str) {
        let metrics = StoreMetrics::new(telemetry);
        match self {
            Self::Postgres(postgres) => {
                let (main, replica) = postgres.pools();
                metrics.watch(telemetry, service, "main", main);
                if let Some(replica) = replica {
                    metrics.watch(telemetry, service, "replica", replica);
                }
            }
            Self::Sqlite { writer, readers } => {
                metrics.watch(telemetry, service, "writer", writer);
                metrics.watch(telemetry, service, "readers", readers);
            }
        }
    }
}

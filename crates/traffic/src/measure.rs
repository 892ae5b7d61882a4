//! What happened so far, counted.

use std::{
    collections::BTreeMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use crate::{
    numbers::{Latencies, Told},
    plan::Journey,
};

/// How many wrong answers are kept in words; all are counted.
const EXAMPLES: usize = 50;

/// How a shopper's visit ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// As they meant.
    Done,
    /// What they wanted is sold out.
    SoldOut,
    /// The shop asked them to come back later (429, 503).
    Refused,
    /// No answer, or one that says that the shop is broken.
    Failed,
    /// An answer that must not be.
    Wrong(String),
}

/// One kind of request.
#[derive(Debug, Clone)]
pub struct Step {
    pub latencies: Latencies,
    pub refused: BTreeMap<u16, u64>,
    pub failed: BTreeMap<String, u64>,
}

/// One kind of visit.
#[derive(Debug, Clone)]
pub struct Visits {
    pub latencies: Latencies,
    pub started: u64,
    pub done: u64,
    pub sold_out: u64,
    pub refused: u64,
    pub failed: u64,
    pub wrong: u64,
    pub given_up: u64,
}

/// All counts.
#[derive(Debug, Clone)]
pub struct Counts {
    pub steps: BTreeMap<&'static str, Step>,
    pub journeys: BTreeMap<Journey, Visits>,
    pub requests: Latencies,
    pub refused: u64,
    pub failed: u64,
    pub wrong: u64,
    pub examples: Vec<String>,
    /// How late shoppers were sent off, by our own fault.
    pub lateness: Latencies,
    /// Shoppers who were not let in because too many were in the shop.
    pub turned_away: u64,
    pub started: u64,
    pub ended: u64,
}

/// The counts, shared by all shoppers.
#[derive(Debug)]
pub struct Measure(Mutex<Counts>);

impl Measure {
    pub fn new() -> Self {
        Self(Mutex::new(Counts {
            steps: BTreeMap::new(),
            journeys: BTreeMap::new(),
            requests: Latencies::new(),
            refused: 0,
            failed: 0,
            wrong: 0,
            examples: Vec::new(),
            lateness: Latencies::new(),
            turned_away: 0,
            started: 0,
            ended: 0,
        }))
    }

    fn counts(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A request that was answered.
    pub fn answered(&self, step: &'static str, latency: Duration) {
        let mut counts = self.counts();
        counts.requests.add(latency);
        counts.step(step).latencies.add(latency);
    }

    /// A request that the shop refused for now; it counts as answered, too.
    pub fn refused(&self, step: &'static str, latency: Duration, status: u16) {
        self.answered(step, latency);
        let mut counts = self.counts();
        counts.refused += 1;
        *counts.step(step).refused.entry(status).or_default() += 1;
    }

    /// A request that failed. How long it took is a latency like any other.
    pub fn failed(&self, step: &'static str, latency: Duration, kind: String) {
        self.answered(step, latency);
        let mut counts = self.counts();
        counts.failed += 1;
        *counts.step(step).failed.entry(kind).or_default() += 1;
    }

    /// A shopper comes, this late by our own fault.
    pub fn started(&self, journey: Journey, late: Duration) {
        let mut counts = self.counts();
        counts.started += 1;
        counts.lateness.add(late);
        counts.visits(journey).started += 1;
    }

    /// A shopper was not let in.
    pub fn turned_away(&self) {
        self.counts().turned_away += 1;
    }

    /// A shopper goes.
    pub fn ended(&self, journey: Journey, took: Duration, end: &End) {
        let mut counts = self.counts();
        counts.ended += 1;
        let visits = counts.visits(journey);
        match end {
            End::Done => visits.done += 1,
            End::SoldOut => visits.sold_out += 1,
            End::Refused => visits.refused += 1,
            End::Failed => visits.failed += 1,
            End::Wrong(_) => visits.wrong += 1,
        }
        visits.latencies.add(took);
        if let End::Wrong(what) = end {
            counts.wrong += 1;
            if counts.examples.len() < EXAMPLES {
                counts.examples.push(format!("{}: {what}", journey.name()));
            }
        }
    }

    /// A shopper was sent home in the middle of it.
    pub fn given_up(&self, journey: Journey) {
        let mut counts = self.counts();
        counts.ended += 1;
        counts.visits(journey).given_up += 1;
    }

    /// All counts as they are now.
    pub fn snapshot(&self) -> Counts {
        self.counts().clone()
    }

    /// What a view of the run shows.
    pub fn glance(&self) -> Glance {
        let counts = self.counts();
        Glance {
            started: counts.started,
            ended: counts.ended,
            turned_away: counts.turned_away,
            refused: counts.refused,
            failed: counts.failed,
            wrong: counts.wrong,
            requests: counts.requests.told(),
        }
    }
}

impl Counts {
    fn step(&mut self, name: &'static str) -> &mut Step {
        self.steps.entry(name).or_insert_with(|| Step {
            latencies: Latencies::new(),
            refused: BTreeMap::new(),
            failed: BTreeMap::new(),
        })
    }

    fn visits(&mut self, journey: Journey) -> &mut Visits {
        self.journeys.entry(journey).or_insert_with(|| Visits {
            latencies: Latencies::new(),
            started: 0,
            done: 0,
            sold_out: 0,
            refused: 0,
            failed: 0,
            wrong: 0,
            given_up: 0,
        })
    }
}

/// A run at a glance.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Glance {
    pub started: u64,
    pub ended: u64,
    pub turned_away: u64,
    pub refused: u64,
    pub failed: u64,
    pub wrong: u64,
    pub requests: Told,
}

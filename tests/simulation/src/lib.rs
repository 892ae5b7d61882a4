//! The path of orders in a simulation that a seed decides: clock, chance, network, crashes.
//!
//! What runs is the real thing wherever it can: the path (`order_api::path`), the loop of the order's
//! job (`saga::walk`), the course of the checkout (`checkout::flow`), the rules of the payment provider
//! (`payment::books`), the pauses of the queue (`jobs::backoff`). What stands below them is modelled,
//! transaction by transaction: the queue with its leases and fences ([`queue`]), stock and
//! reservations ([`warehouse`]), keys, carts and orders ([`shop`]), the provider's keys ([`provider`]).
//! So that the models cannot drift, the tests do the same to them and to the real ones.
//!
//! Around them: two servers and two workers of order-api, product-api, customers who send twice and
//! try again, staff who cancel, refund and ship at the same time, notifications that come late, twice
//! or never, messages that are lost or come again after seconds, transactions whose commit is not
//! confirmed, processes that die anywhere or stand still until their leases have run out, and clocks
//! that jump. After forty seconds of that there is peace, and within a minute everything must be in
//! order ([`invariants`]).
//!
//! [`bugs`] are mistakes that can be planted below the real loops; each has to be found.

mod actors;
pub mod bugs;
mod chance;
pub mod invariants;
pub mod message;
pub mod provider;
pub mod queue;
pub mod shop;
mod sim;
pub mod warehouse;
mod web;
mod work;
mod world;

use std::sync::{Arc, Mutex, PoisonError};

use bugs::Bug;
use chance::Chance;
use invariants::{Invariant, Violation};
use sim::{Micros, SECOND, Sim};
use world::World;

/// How long faults go on.
const ROUGH: Micros = 40 * SECOND;
/// Within what time after them everything must have come to rest.
const PEACE: Micros = 60 * SECOND;

/// What came of a run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ran {
    /// Tells runs apart: the same seed has the same.
    pub hash: u64,
    /// How much happened.
    pub happenings: u64,
    /// How many orders there were.
    pub orders: usize,
    /// What did not hold.
    pub violation: Option<Violation>,
    /// What happened, if that was asked for.
    pub trace: Vec<String>,
}

/// Runs what follows from `seed`, with a mistake or without.
pub fn run(seed: u64, bug: Option<Bug>, traced: bool) -> Ran {
    let mut world = World {
        chance: Chance::new(seed),
        bug,
        hash: 0xcbf2_9ce4_8422_2325,
        trace: traced.then(Vec::new),
        ..World::default()
    };
    world.shop.bug = bug;
    world.queue.bug = bug;
    world.warehouse.bug = bug;
    let sim = Sim(Arc::new(Mutex::new(world)));
    actors::begin(&sim, ROUGH);
    let violation = sim::run(&sim, ROUGH + PEACE);
    let mut world = sim.0.lock().unwrap_or_else(PoisonError::into_inner);
    let violation = violation.or_else(|| invariants::in_the_end(&world).err());
    let mut orders = 0;
    for (id, order) in std::mem::take(&mut world.shop.orders) {
        for value in [
            id.as_u128() as u64,
            order.state.captured as u64,
            order.state.refunded() as u64,
            order.mails.len() as u64,
            order.ledger.len() as u64,
        ] {
            world.mix(value);
        }
        orders += 1;
    }
    if let Some(violation) = &violation {
        let text = violation.to_string();
        world.note(|| text);
    }
    // Tasks hold the simulation, and it holds those that have not begun.
    world.spawned.clear();
    Ran {
        hash: world.hash,
        happenings: world.happenings,
        orders,
        violation,
        trace: world.trace.take().unwrap_or_default(),
    }
}

/// The first seed of these that finds the mistake, and what it breaks.
pub fn find(bug: Bug, seeds: impl IntoIterator<Item = u64>) -> Option<(u64, Invariant)> {
    let mut found = seeds.into_iter().filter_map(|seed| {
        let violation = run(seed, Some(bug), false).violation?;
        Some((seed, violation.invariant))
    });
    found.next()
}

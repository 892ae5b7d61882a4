//! All that there is in a simulation, and what a change of an order brings with it.

use std::collections::BTreeMap;

use techcommerce_kernel::{Error, Uuid};
use techcommerce_order_api::path::{Event, State};

use crate::{
    bugs::Bug,
    chance::Chance,
    invariants::Violation,
    message::Said,
    provider::Provider,
    queue::{Queue, Work},
    shop::{Follows, Mail, Shop},
    sim::{Micros, Next, Process, Task},
    warehouse::Warehouse,
};

/// As many attempts as an order's job has in earnest.
const ATTEMPTS: u32 = 20;
/// How long a customer has to confirm a payment.
const CONFIRM: i64 = 8_000_000;

/// What clients were told, and hold the shop to.
#[derive(Debug, Default)]
pub struct Told {
    /// The order of a customer's key.
    pub orders: BTreeMap<(usize, u64), Uuid>,
    /// Refunds that were accepted.
    pub refunds: Vec<(Uuid, Uuid)>,
    /// Orders of which it was said that they are cancelled.
    pub cancelled: Vec<Uuid>,
    /// Shipments that were accepted.
    pub shipments: Vec<(Uuid, Uuid)>,
}

/// Everything.
#[derive(Default)]
pub struct World {
    /// What time it is.
    pub now: Micros,
    /// Until when there are faults.
    pub rough_until: Micros,
    /// Decides.
    pub chance: Chance,
    /// What is wrong.
    pub bug: Option<Bug>,
    /// By how much clocks are wrong.
    pub wrong: BTreeMap<Process, i64>,
    /// What comes, by time.
    pub coming: BTreeMap<(Micros, u64), Next>,
    /// Numbers all that comes.
    pub sequence: u64,
    /// Messages and answers that have not arrived.
    pub under_way: usize,
    /// Answers that nobody has looked at.
    pub answers: BTreeMap<u64, Said>,
    /// Which task waits for which answer.
    pub waiting: BTreeMap<u64, u64>,
    /// The task that runs.
    pub current: u64,
    /// Tasks that are yet to begin.
    pub spawned: Vec<(Process, Task)>,
    /// The last id that was given out.
    pub ids: u64,
    /// Tells runs apart.
    pub hash: u64,
    /// How much has happened.
    pub happenings: u64,
    /// What happened, for people.
    pub trace: Option<Vec<String>>,
    /// What clients saw go wrong.
    pub seen: Option<Violation>,
    /// order-api's database but for the queue.
    pub shop: Shop,
    /// The queue.
    pub queue: Queue,
    /// product-api.
    pub warehouse: Warehouse,
    /// The payment provider.
    pub provider: Provider,
    /// What clients know.
    pub told: Told,
}

impl World {
    /// Applies an event to an order with all that belongs into the same transaction; gives where
    /// the order stands then, and the ledger's entries if those are yet to be written.
    ///
    /// # Errors
    /// Those of [`Shop::change`].
    pub fn change(
        &mut self,
        by: Process,
        order: Uuid,
        event: &Event,
        by_job: bool,
        read: Option<&State>,
    ) -> Result<(State, Vec<(String, i64)>), Error> {
        let mut follows = self.shop.change(order, event, by_job, read)?;
        self.note(|| format!("order {order}: {event:?}"));
        let late = match self.is(Bug::LedgerOutsideTransaction) {
            true => std::mem::take(&mut follows.ledger),
            false => Vec::new(),
        };
        self.follow(by, order, follows);
        let state = self.shop.orders.get(&order).map(|it| it.state.clone());
        let state = state.ok_or_else(|| Error::internal("the order is gone"))?;
        Ok((state, late))
    }

    /// Writes what belongs to a change.
    pub fn follow(&mut self, by: Process, order: Uuid, follows: Follows) {
        let now = self.clock(by);
        if follows.advance {
            let work = Work::Advance(order);
            let spared = self.is(Bug::NoJobWhileOneRuns) && self.queue.has_open(work);
            if !spared {
                let job = self.new_id();
                self.queue.enqueue(job, work, now, ATTEMPTS);
                if let Some(order) = self.shop.orders.get_mut(&order) {
                    order.job = Some(job);
                }
            }
        }
        for about in follows.mails {
            let job = self.new_id();
            self.queue.enqueue(job, Work::Mail(order), now, ATTEMPTS);
            if let Some(order) = self.shop.orders.get_mut(&order) {
                order.mails.push(Mail {
                    job,
                    about,
                    sent: 0,
                });
            }
        }
        if follows.awaits_customer {
            let (job, work) = (self.new_id(), Work::Overdue(order));
            self.queue.enqueue(job, work, now + CONFIRM, ATTEMPTS);
        }
        self.post(order, follows.ledger);
    }

    /// Writes into the ledger.
    pub fn post(&mut self, order: Uuid, entries: Vec<(String, i64)>) {
        if let Some(order) = self.shop.orders.get_mut(&order) {
            order.ledger.extend(entries);
        }
    }
}

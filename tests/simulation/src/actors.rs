//! Customers, staff, schedules, and what goes wrong with machines.

use techcommerce_contracts::codes;
use techcommerce_kernel::Uuid;
use techcommerce_order_api::{path::Method, simulated::books::Behaviour};

use crate::{
    invariants::{Invariant, Violation},
    message::{Ask, Fact, Said},
    shop::{Cart, Request},
    sim::{MILLI, Micros, Next, Process, SECOND, Sim},
    warehouse::Lines,
    work,
    world::World,
};

/// How long somebody at a browser waits for an answer.
const PATIENCE: Micros = 6 * SECOND;
/// How often somebody tries again.
const TRIES: usize = 25;

/// A variant's id.
fn variant(number: u64) -> Uuid {
    Uuid::from_u128(0xF << 124 | u128::from(number))
}

/// Puts goods on the shelves, people before their browsers, and faults into the future.
pub fn begin(sim: &Sim, rough: Micros) {
    let customers = sim.with(|w| {
        w.rough_until = rough;
        let variants = w.chance.between(1, 4);
        for number in 0..variants {
            let pieces = w.chance.between(1, 9);
            w.warehouse
                .receive(variant(number), i64::try_from(pieces).unwrap_or(1));
        }
        w.warehouse.look();
        w.next(0, Next::Look);
        faults(w, rough);
        let customers = w.chance.between(1, 5) as usize;
        for _ in 0..customers {
            let mut lines = Lines::new();
            for number in 0..variants {
                if number == 0 || w.chance.percent(30) {
                    lines.insert(variant(number), w.chance.of(1, &[1, 2, 2, 3]));
                }
            }
            w.shop.carts.push(Cart { lines, order: None });
        }
        customers
    });
    for process in Process::OURS {
        start(sim, process);
    }
    for customer in 0..customers {
        let shop = sim.clone();
        sim.spawn(Process::Outside, async move { buy(&shop, customer).await });
    }
    for _ in 0..2 {
        let shop = sim.clone();
        sim.spawn(Process::Outside, async move { serve(&shop).await });
    }
}

fn faults(w: &mut World, rough: Micros) {
    for _ in 0..w.chance.below(9) {
        let process = w.chance.of(Process::Products, &Process::OURS);
        let at = w.chance.below(rough);
        match w.chance.below(4) {
            0 | 1 => {
                let until = (at + w.chance.between(MILLI, 6 * SECOND)).min(rough);
                w.next(at, Next::Crash(process));
                w.next(until, Next::Start(process));
            }
            2 => {
                let time = w.chance.between(SECOND, 20 * SECOND);
                w.next(at, Next::Stall(process, time.min(rough - at)));
            }
            _ => {
                let wrong = i64::try_from(w.chance.below(10_000_000)).unwrap_or(0) - 5_000_000;
                w.next(at, Next::Jump(process, wrong));
                w.next(rough, Next::Jump(process, 0));
            }
        }
    }
}

/// What a process does by itself once it is there.
pub fn start(sim: &Sim, process: Process) {
    let shop = sim.clone();
    match process {
        Process::Worker(number) => {
            let work = work::worker(shop, process, usize::from(number));
            sim.spawn(process, work);
        }
        Process::Products => sim.spawn(process, async move {
            loop {
                shop.sleep(5 * SECOND).await;
                shop.with(|w| {
                    let now = w.clock(process);
                    w.warehouse.expire(now);
                });
            }
        }),
        Process::Outside | Process::Web(_) | Process::Provider => {}
    }
}

/// What may be otherwise in a moment.
const AGAIN: [&str; 3] = ["unavailable", "internal", codes::DISCOUNT_INVALID];

/// Asks until there is an answer.
async fn insist(sim: &Sim, ask: &Ask) -> Option<Said> {
    for _ in 0..TRIES {
        let (web, pause) = sim.with(|w| {
            let soon = w.chance.of(3 * SECOND, &[20 * MILLI]);
            let pause = w.chance.between(MILLI, soon);
            (Process::Web(w.chance.of(0, &[1])), pause)
        });
        match sim.call(web, ask.clone(), PATIENCE).await {
            Ok(Err(code)) if AGAIN.contains(&code.as_str()) => {}
            Ok(said) => return Some(said),
            Err(_) => {}
        }
        sim.sleep(pause).await;
    }
    None
}

fn rest(sim: &Sim, from: Micros, until: Micros) -> impl Future<Output = ()> + use<'_> {
    let time = sim.with(|w| w.chance.between(from, until));
    sim.sleep(time)
}

/// A customer, who has a cart and tries a few times.
async fn buy(sim: &Sim, customer: usize) {
    rest(sim, MILLI, 10 * SECOND).await;
    for key in 0..3 {
        let request = sim.with(|w| {
            let behaviours = [
                Behaviour::Success,
                Behaviour::Success,
                Behaviour::Decline,
                Behaviour::Timeout,
                Behaviour::Twice,
                Behaviour::LostReply,
                Behaviour::SlowUnknown,
            ];
            Request {
                customer,
                cart: customer,
                key,
                body: w.chance.bits() >> 8,
                method: w.chance.of(
                    Method::Provider,
                    &[Method::Provider, Method::Provider, Method::Invoice],
                ),
                behaviour: w.chance.of(Behaviour::Success, &behaviours),
            }
        });
        // Double clicks, and another window with the same cart.
        for another in [0, 0, 100] {
            if sim.with(|w| w.chance.percent(25)) {
                let (shop, mut twin) = (sim.clone(), request.clone());
                twin.key += another;
                sim.spawn(Process::Outside, async move {
                    let soon = shop.with(|w| w.chance.of(3 * SECOND, &[30 * MILLI]));
                    rest(&shop, 0, soon).await;
                    place(&shop, &twin).await;
                });
            }
        }
        place(sim, &request).await;
        if let Some(order) = sim.with(|w| w.told.orders.get(&(customer, key)).copied()) {
            confirm(sim, order).await;
            after(sim, &request).await;
            let failed = sim.with(|w| w.shop.orders.get(&order).is_none_or(|it| it.failed()));
            if !failed {
                return;
            }
        }
        rest(sim, SECOND, 6 * SECOND).await;
    }
}

/// Sends the request until it is answered, and holds the shop to what it says.
async fn place(sim: &Sim, request: &Request) {
    let known = sim.with(|w| {
        let key = (request.customer, request.key);
        w.told.orders.get(&key).copied()
    });
    let said = insist(sim, &Ask::Place(request.clone())).await;
    sim.with(|w| match said {
        Some(Ok(Fact::Order(order))) => {
            let key = (request.customer, request.key);
            let before = *w.told.orders.entry(key).or_insert(order);
            let ours = w.shop.orders.get(&order).is_some_and(|it| {
                it.request.customer == request.customer && it.request.cart == request.cart
            });
            if before != order || !ours {
                w.complain(format!("{key:?} was answered {before}, then {order}"));
            }
        }
        Some(Err(code)) if code == codes::IDEMPOTENCY_KEY_REUSED => {
            w.complain(format!(
                "{request:?} is refused: its key is somebody else's"
            ));
        }
        Some(Err(code)) => {
            if let Some(order) = known {
                w.complain(format!("{request:?} is refused ({code}) after {order}"));
            }
        }
        _ => {}
    });
}

/// Most customers who are asked to confirm do so.
async fn confirm(sim: &Sim, order: Uuid) {
    if sim.with(|w| w.chance.percent(75)) {
        rest(sim, 100 * MILLI, 9 * SECOND).await;
        for _ in 0..3 {
            let done = sim.call(Process::Provider, Ask::Confirm { order }, SECOND);
            if done.await.is_ok() {
                return;
            }
        }
    }
}

/// The same request again, much later, and another under its key.
async fn after(sim: &Sim, request: &Request) {
    if sim.with(|w| w.chance.percent(40)) {
        rest(sim, MILLI, 12 * SECOND).await;
        place(sim, request).await;
    }
    if sim.with(|w| w.chance.percent(30)) {
        let mut other = request.clone();
        other.body ^= 1 << 40;
        match insist(sim, &Ask::Place(other)).await {
            Some(Err(code)) if code == codes::IDEMPOTENCY_KEY_REUSED => {}
            None => {}
            said => sim.with(|w| {
                w.complain(format!("another request under {}: {said:?}", request.key));
            }),
        }
    }
}

/// A member of staff, who does this and that with orders.
async fn serve(sim: &Sim) {
    while sim.with(|w| w.is_rough()) {
        rest(sim, 100 * MILLI, 5 * SECOND).await;
        let Some(ask) = sim.with(something) else {
            continue;
        };
        if sim.with(|w| w.chance.percent(25)) {
            let (shop, twin) = (sim.clone(), ask.clone());
            sim.spawn(
                Process::Outside,
                async move { insist_on(&shop, &twin).await },
            );
        }
        insist_on(sim, &ask).await;
    }
}

async fn insist_on(sim: &Sim, ask: &Ask) {
    let said = insist(sim, ask).await;
    if said != Some(Ok(Fact::Done)) {
        return;
    }
    sim.with(|w| match *ask {
        Ask::Cancel { order } => w.told.cancelled.push(order),
        Ask::Refund { order, id, .. } => w.told.refunds.push((order, id)),
        Ask::Ship { order, id, .. } => w.told.shipments.push((order, id)),
        _ => {}
    });
}

fn something(w: &mut World) -> Option<Ask> {
    let index = w.chance.below(w.shop.orders.len() as u64) as usize;
    let (order, it) = w.shop.orders.iter().nth(index)?;
    let (order, total) = (*order, it.state.total);
    let lines = it.state.open_lines();
    let id = w.new_id();
    Some(match w.chance.below(12) {
        0 | 1 => Ask::Cancel { order },
        2..=6 => Ask::Refund {
            order,
            id,
            amount: w
                .chance
                .of(total, &[total * 6 / 10, total * 6 / 10, total / 4]),
            restock: match w.chance.percent(30) {
                true => vec![(0, 1)],
                false => Vec::new(),
            },
        },
        7..=9 if !lines.is_empty() => {
            let few = w.chance.percent(50);
            let lines = lines
                .into_iter()
                .map(|(at, n)| (at, if few { 1 } else { n }));
            Ask::Ship {
                order,
                id,
                lines: lines.collect(),
            }
        }
        10 => {
            // Somebody counts the shelf.
            let delta = w.chance.of(1, &[2, -1]);
            let fits = w
                .warehouse
                .levels
                .get(&variant(0))
                .is_some_and(|it| it.on_hand > 0);
            if fits {
                w.warehouse.receive(variant(0), delta);
            }
            return None;
        }
        _ => Ask::MarkPaid { order },
    })
}

impl World {
    /// A client was told what must not be.
    pub fn complain(&mut self, what: String) {
        self.seen.get_or_insert(Violation {
            invariant: Invariant::SameKeySameAnswer,
            detail: what,
        });
    }
}

//! What processes say to each other, and what becomes of it where it arrives.

use techcommerce_kernel::Uuid;
use techcommerce_order_api::simulated::{Answer, books::Operation};

use crate::{
    provider, shop,
    sim::{MILLI, Next, Process, SECOND, Sim},
    warehouse::Lines,
    web,
    world::World,
};

/// A message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// To product-api.
    Reserve { id: Uuid, lines: Lines, hold: i64 },
    /// The same.
    Claim { id: Uuid, order: Uuid },
    /// The same.
    Release { id: Uuid },
    /// The same.
    Restock { id: Uuid, order: Uuid, lines: Lines },
    /// To the provider.
    Pay(provider::Request),
    /// The same.
    LookUp(provider::Request),
    /// To the provider, by a customer.
    Confirm { order: Uuid },
    /// To a mail server.
    Mail { order: Uuid, job: Uuid },
    /// To order-api, by a customer.
    Place(shop::Request),
    /// To order-api, by staff, as all that follow.
    Cancel { order: Uuid },
    /// Pays back; `restock` comes back.
    Refund {
        order: Uuid,
        id: Uuid,
        amount: i64,
        restock: Vec<(u32, i64)>,
    },
    /// Goods leave.
    Ship {
        order: Uuid,
        id: Uuid,
        lines: Vec<(u32, i64)>,
    },
    /// The money of an invoice has come.
    MarkPaid { order: Uuid },
    /// To order-api, by the provider: something has happened.
    News { order: Uuid },
}

/// What there is to say if it went well.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fact {
    /// That it did.
    Done,
    /// The order.
    Order(Uuid),
    /// The provider's words.
    Reply(provider::Reply),
}

/// An answer: a fact, or the code of a refusal.
pub type Said = Result<Fact, String>;

/// A message is there.
pub fn arrive(sim: &Sim, process: Process, ask: Ask, call: Option<u64>) {
    match process {
        Process::Products => sim.with(|w| {
            let now = w.clock(process);
            let outcome = match &ask {
                // For how long is said, not until when: clocks differ.
                Ask::Reserve { id, lines, hold } => {
                    w.warehouse.reserve(*id, lines, now + hold, now)
                }
                Ask::Claim { id, order } => w.warehouse.claim(*id, *order),
                Ask::Release { id } => w.warehouse.release(*id),
                Ask::Restock { id, order, lines } => w.warehouse.restock(*id, *order, lines),
                _ => Err("not_found"),
            };
            w.note(|| format!("product-api: {ask:?} → {outcome:?}"));
            let said = outcome.map(|()| Fact::Done).map_err(str::to_owned);
            w.answer(call, said);
        }),
        Process::Provider => sim.with(|w| {
            let said = provider(w, &ask);
            w.note(|| format!("provider: {ask:?} → {said:?}"));
            w.answer(call, said);
        }),
        Process::Web(_) => {
            let at_work = sim.clone();
            sim.spawn(process, async move {
                let said = web::handle(&at_work, process, &ask).await;
                at_work.with(|w| {
                    w.note(|| format!("{process:?}: {ask:?} → {said:?}"));
                    w.answer(call, said);
                });
            });
        }
        Process::Outside | Process::Worker(_) => {}
    }
}

fn provider(w: &mut World, ask: &Ask) -> Said {
    match ask {
        Ask::Pay(request) => {
            let reply = w.provider.operate(request);
            let moved = reply == provider::Reply::Answer(Answer::Done, false)
                || reply == provider::Reply::Answer(Answer::Done, true);
            if moved && request.operation != Operation::Void {
                news(w, request.order);
            }
            Ok(Fact::Reply(reply))
        }
        Ask::LookUp(request) => Ok(Fact::Reply(w.provider.lookup(request))),
        Ask::Confirm { order } => {
            if w.provider.confirm(*order) {
                news(w, *order);
            }
            Ok(Fact::Done)
        }
        Ask::Mail { order, job } => {
            let order = w.shop.orders.get_mut(order);
            let mails = order.map(|order| order.mails.iter_mut());
            if let Some(mail) = mails.into_iter().flatten().find(|mail| mail.job == *job) {
                mail.sent += 1;
            }
            Ok(Fact::Done)
        }
        _ => Err("not_found".to_owned()),
    }
}

/// The provider tells that something has happened: late, twice, or never.
fn news(w: &mut World, order: Uuid) {
    for _ in 0..w.chance.of(1, &[1, 1, 2, 2, 0]) {
        let late = w.chance.of(SECOND, &[SECOND, 15 * SECOND]);
        let at = w.now + w.chance.between(MILLI, late);
        let to = Process::Web(w.chance.of(0, &[1]));
        w.next(at, Next::Arrive(to, Ask::News { order }, None));
    }
}

//! order-api where it is asked: the real course of a checkout, and what staff and the provider bring.

use techcommerce_contracts::codes;
use techcommerce_kernel::{Error, Uuid};
use techcommerce_order_api::{
    path::{Event, Payment, State},
    simulated::{Desk, Fixed, Forgotten, Point, Written, in_doubt, place},
};

use crate::{
    bugs::Bug,
    message::{Ask, Fact, Said},
    shop::{Follows, Found, Key, Order, Request},
    sim::{MILLI, Process, SECOND, Sim},
};

/// How long stock is held for a checkout.
const RESERVATION: i64 = 15_000_000;
/// What each piece costs.
const PRICE: i64 = 250;
/// How long product-api is waited for.
const PATIENCE: u64 = 2 * SECOND;

/// Does what is asked.
pub async fn handle(sim: &Sim, process: Process, ask: &Ask) -> Said {
    let done = match ask {
        Ask::Place(request) => {
            let desk = AtDesk {
                sim,
                process,
                attempt: sim.with(|w| w.shop.attempt(request)),
                request,
            };
            place(&desk).await.map(Fact::Order)
        }
        Ask::Cancel { order } => {
            let unlocked = sim.with(|w| w.is(Bug::CancelWithoutLock));
            let event = Event::CancelRequested;
            change(sim, process, *order, event, unlocked, None).await
        }
        Ask::Refund {
            order,
            id,
            amount,
            restock,
        } => {
            let unlocked = sim.with(|w| w.is(Bug::RefundWithoutLock));
            let event = Event::RefundRequested {
                id: *id,
                amount: *amount,
                restock: restock.clone(),
            };
            change(sim, process, *order, event, unlocked, None).await
        }
        Ask::Ship { order, id, lines } => {
            let unlocked = sim.with(|w| w.is(Bug::ShipWithoutLock));
            let event = Event::Shipped {
                lines: lines.clone(),
            };
            change(sim, process, *order, event, unlocked, Some(*id)).await
        }
        Ask::MarkPaid { order } => {
            change(sim, process, *order, Event::MarkedPaid, false, None).await
        }
        Ask::News { order } => {
            if sim.with(|w| w.is(Bug::NewsBelieved)) {
                believe(sim, *order).await;
            }
            change(sim, process, *order, Event::ProviderSpoke, false, None).await
        }
        _ => Err(Error::not_found("not_found", "nothing here")),
    };
    done.map_err(|error| error.code().to_owned())
}

/// One event in one transaction, unless it is decided on what was read in another.
async fn change(
    sim: &Sim,
    process: Process,
    order: Uuid,
    event: Event,
    unlocked: bool,
    shipment: Option<Uuid>,
) -> Result<Fact, Error> {
    let mut read: Option<State> = None;
    if unlocked {
        read = sim
            .transact(|w| Ok(w.shop.orders.get(&order).map(|it| it.state.clone())))
            .await?;
        let time = sim.with(|w| w.chance.between(MILLI, 300 * MILLI));
        sim.sleep(time).await;
    }
    sim.transact(|w| {
        let known = w.shop.orders.get(&order);
        let known =
            known.is_some_and(|it| shipment.is_some_and(|id| it.shipments.contains_key(&id)));
        if known {
            return Ok(Fact::Done);
        }
        let (_, late) = w.change(process, order, &event, false, read.as_ref())?;
        w.post(order, late);
        if let (Some(id), Event::Shipped { lines }) = (shipment, &event)
            && let Some(order) = w.shop.orders.get_mut(&order)
        {
            order.shipments.insert(id, lines.clone());
        }
        Ok(Fact::Done)
    })
    .await
}

/// What must not be done: the ledger follows a notification.
async fn believe(sim: &Sim, order: Uuid) {
    let written = sim.transact(|w| {
        let captured = w.provider.balance(order).0;
        if captured > 0 {
            w.post(order, vec![("captured".to_owned(), captured)]);
        }
        Ok(())
    });
    // Whoever brings it brings it again.
    let _ = written.await;
}

/// A request to order at work.
struct AtDesk<'a> {
    sim: &'a Sim,
    process: Process,
    attempt: Uuid,
    request: &'a Request,
}

impl AtDesk<'_> {
    async fn ask(&self, ask: Ask) -> Result<(), Error> {
        let said = self.sim.call(Process::Products, ask, PATIENCE).await?;
        match said {
            Ok(_) => Ok(()),
            Err(code) => Err(Error::conflict(code, "refused")),
        }
    }

    fn order(&self, id: Uuid, key: &Key, reservation: Uuid) -> Order {
        let request = self.request.clone();
        let quantities: Vec<i64> = key.lines.values().copied().collect();
        let total = PRICE * quantities.iter().sum::<i64>();
        Order {
            state: State::placed(id, request.method, total, &quantities),
            variants: key.lines.keys().copied().collect(),
            request,
            reservation,
            ledger: Vec::new(),
            mails: Vec::new(),
            shipments: std::collections::BTreeMap::new(),
            job: None,
        }
    }
}

impl Desk for AtDesk<'_> {
    type Snapshot = Key;
    type Reserved = Uuid;
    type Order = Uuid;

    fn at(&self, _: Point) -> Result<(), Error> {
        Ok(())
    }

    async fn fix(&self) -> Result<Fixed<Key, Uuid>, Error> {
        self.sim
            .transact(|w| {
                let nonce = w.new_id();
                Ok(match w.shop.fix(self.attempt, self.request, nonce)? {
                    Found::Order(order) => Fixed::Ordered(order),
                    Found::Open(key) => Fixed::Open(key),
                })
            })
            .await
    }

    async fn reserve(&self, key: &Key) -> Result<Uuid, Error> {
        // As checkout/keys.rs: it follows from the attempt, so that a retry is the same.
        let id = Uuid::from_u128(0xB << 124 | key.nonce.as_u128());
        let (lines, hold) = (key.lines.clone(), RESERVATION);
        match self.ask(Ask::Reserve { id, lines, hold }).await {
            Err(error) if error.code() == codes::RESERVATION_RELEASED => Err(in_doubt()),
            reserved => reserved.map(|()| id),
        }
    }

    async fn write(&self, key: &Key, reservation: &Uuid) -> Result<Written<Uuid>, Error> {
        let later = self.sim.with(|w| w.is(Bug::JobOutsideTransaction));
        let written = self.sim.transact(|w| {
            let id = w.new_id();
            let new = self.order(id, key, *reservation);
            let open = new.state.payment == Payment::Due;
            // A discount that is switched off for a moment.
            if w.is_rough() && w.chance.percent(5) {
                return Err(Error::conflict(codes::DISCOUNT_INVALID, "not now"));
            }
            let name = (self.attempt, key.nonce);
            let Written::Order((order, is_new)) = w.shop.write(name, id, new)? else {
                return Ok(None);
            };
            if is_new {
                if w.warehouse.was_given_back(*reservation) {
                    w.complain(format!("order {order} is of stock that was given back"));
                }
                let follows = Follows {
                    advance: !later,
                    mails: vec![None],
                    ..Follows::default()
                };
                w.follow(self.process, order, follows);
                if open && self.request.body.is_multiple_of(4) {
                    w.provider.ask_customer(order);
                }
                w.note(|| format!("order {order} of {:?}", self.request));
            }
            Ok(Some((order, is_new)))
        });
        let Some((order, is_new)) = written.await? else {
            return Ok(Written::GivenUp);
        };
        if is_new && later {
            let follows = Follows {
                advance: true,
                ..Follows::default()
            };
            self.sim
                .transact(|w| {
                    w.follow(self.process, order, follows);
                    Ok(())
                })
                .await?;
        }
        Ok(Written::Order(order))
    }

    async fn forget(&self, key: &Key) -> Result<Forgotten<Uuid>, Error> {
        let forgets = self
            .sim
            .transact(|w| Ok(w.shop.forget(self.attempt, key.nonce)));
        forgets.await
    }

    async fn ordered(&self) -> Result<Option<Uuid>, Error> {
        self.sim
            .transact(|w| Ok(w.shop.ordered(self.attempt)))
            .await
    }

    async fn release(&self, reserved: &Uuid) {
        match self.ask(Ask::Release { id: *reserved }).await {
            Err(error) if error.code() != codes::RESERVATION_NOT_FOUND => {}
            _ => {}
        }
    }
}

//! What must hold, always or in the end, whatever happens.

use std::{collections::BTreeMap, fmt};

use techcommerce_kernel::Uuid;
use techcommerce_order_api::path::{CancelReason, Method, Notice, Payment, RefundProgress};

use crate::{
    shop::Order,
    warehouse::{State, Warehouse},
    world::World,
};

/// A thing that must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Invariant {
    /// Sold and held and available come to what was received, always.
    UnitsAddUp,
    /// Nothing is promised or sold that is not there.
    NeverOversold,
    /// A key has one order, and a cart has one that did not fail.
    OneOrder,
    /// A client who asks again is told the same.
    SameKeySameAnswer,
    /// What was acknowledged is there.
    KeptPromises,
    /// Ledger, orders and the provider's books say the same.
    MoneyAddsUp,
    /// No more is paid back than was taken, those under way included.
    NeverRefundedTooMuch,
    /// Nothing stays held at the provider, and no stock with an order that was given up.
    NothingLeftBehind,
    /// Everything comes to rest within a minute of the last fault.
    PathsEnd,
    /// Each thing is told the customer once.
    ToldOnce,
    /// A job is changed by who holds it.
    FencesHold,
    /// Nothing happens that the path says cannot.
    NoContradiction,
}

/// What did not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// How.
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.invariant, self.detail)
    }
}

type Held = Result<(), Violation>;

fn broken(invariant: Invariant, detail: impl Into<String>) -> Held {
    Err(Violation {
        invariant,
        detail: detail.into(),
    })
}

/// What must hold at every moment.
pub fn now(w: &mut World) -> Option<Violation> {
    if let Some(seen) = w.seen.take() {
        return Some(seen);
    }
    if let Some(what) = w.shop.contradiction.take() {
        return broken(Invariant::NoContradiction, what).err();
    }
    if let Some(job) = w.queue.overstepped.take() {
        let what = format!("{job} was changed by a worker that had lost it");
        return broken(Invariant::FencesHold, what).err();
    }
    if let Some(variant) = w.warehouse.oversold.take() {
        let level = w.warehouse.levels.get(&variant);
        return broken(Invariant::NeverOversold, format!("{variant}: {level:?}")).err();
    }
    units(&w.warehouse).and_then(|()| refunds(w)).err()
}

fn units(warehouse: &Warehouse) -> Held {
    for (variant, level) in &warehouse.levels {
        let (mut sold, mut held) = (0, 0);
        for reservation in warehouse.reservations.values() {
            sold += reservation.out(*variant);
            if reservation.state == State::Held {
                held += reservation.lines.get(variant).copied().unwrap_or(0);
            }
        }
        if level.on_hand + sold != level.received || level.reserved != held {
            let what = format!("{variant}: {level:?}, sold {sold}, held {held}");
            return broken(Invariant::UnitsAddUp, what);
        }
    }
    Ok(())
}

fn refunds(w: &World) -> Held {
    for (id, order) in &w.shop.orders {
        if order.state.refundable() < 0 {
            let what = format!("{id}: {:?}", order.state.refunds);
            return broken(Invariant::NeverRefundedTooMuch, what);
        }
    }
    Ok(())
}

/// What must hold when everything has come to rest.
pub fn in_the_end(w: &World) -> Held {
    if let Some((job, work)) = w.queue.dead().next() {
        return broken(Invariant::PathsEnd, format!("{job} was given up: {work:?}"));
    }
    if w.queue.open() > 0 {
        let open = w.queue.open();
        return broken(Invariant::PathsEnd, format!("{open} jobs are still open"));
    }
    let mut carts: BTreeMap<usize, Uuid> = BTreeMap::new();
    let mut keys: BTreeMap<(usize, u64), Uuid> = BTreeMap::new();
    for (id, order) in &w.shop.orders {
        let commands = order.state.commands();
        if !commands.is_empty() {
            return broken(Invariant::PathsEnd, format!("{id} waits for {commands:?}"));
        }
        let key = (order.request.customer, order.request.key);
        if let Some(other) = keys.insert(key, *id) {
            let what = format!("{key:?} has {other} and {id}");
            return broken(Invariant::OneOrder, what);
        }
        if !order.failed()
            && let Some(other) = carts.insert(order.request.cart, *id)
        {
            let what = format!("cart {} has {other} and {id}", order.request.cart);
            return broken(Invariant::OneOrder, what);
        }
        money(w, *id, order)?;
        behind(w, *id, order)?;
        mails(*id, order)?;
    }
    promises(w)?;
    all_money(w)
}

fn money(w: &World, id: Uuid, order: &Order) -> Held {
    let state = &order.state;
    let mut once = BTreeMap::new();
    for (name, amount) in &order.ledger {
        if once.insert(name.as_str(), *amount).is_some() {
            let what = format!("{id}: the ledger has {name} twice");
            return broken(Invariant::MoneyAddsUp, what);
        }
    }
    let sum = |start: &str| -> i64 {
        let entries = once.iter().filter(|(name, _)| name.starts_with(start));
        entries.map(|(_, amount)| amount).sum()
    };
    let ledger = (sum("captured"), sum("refunded"));
    let known = (state.captured, state.refunded());
    let books = match state.method {
        Method::Provider => w.provider.balance(id),
        Method::Invoice | Method::Free => known,
    };
    if ledger != known || books != known {
        let what = format!("{id}: order {known:?}, ledger {ledger:?}, books {books:?}");
        return broken(Invariant::MoneyAddsUp, what);
    }
    Ok(())
}

/// Also payments of which no order knows.
fn all_money(w: &World) -> Held {
    for (name, payment) in &w.provider.payments {
        if payment.book.captured > 0 && !w.shop.orders.contains_key(&payment.order) {
            let what = format!("{name} was taken for no order");
            return broken(Invariant::MoneyAddsUp, what);
        }
    }
    Ok(())
}

fn behind(w: &World, id: Uuid, order: &Order) -> Held {
    let state = &order.state;
    if w.provider.holds(id) {
        return broken(Invariant::NothingLeftBehind, format!("{id}: money is held"));
    }
    let reservation = w.warehouse.reservations.get(&order.reservation);
    let claimed = reservation.is_some_and(|it| it.state == State::Claimed);
    let out: i64 = reservation.map_or(0, |it| it.lines.keys().map(|v| it.out(*v)).sum());
    if state.cancelled.is_some() && out > 0 {
        let what = format!("{id} is cancelled and has {out} pieces");
        return broken(Invariant::NothingLeftBehind, what);
    }
    let paid = matches!(state.payment, Payment::Captured | Payment::Awaiting);
    if state.cancelled.is_none() && (!paid || !claimed) {
        let what = format!("{id} goes on without money or goods: {:?}", state.payment);
        return broken(Invariant::NothingLeftBehind, what);
    }
    let open = state.refundable() > 0;
    let refused = state.refunds.iter();
    let refused = refused
        .filter(|refund| refund.progress == RefundProgress::Refused)
        .count();
    if state.cancelled.is_some() && open && refused == 0 {
        let what = format!("{id} is cancelled and not paid back");
        return broken(Invariant::NothingLeftBehind, what);
    }
    Ok(())
}

fn mails(id: Uuid, order: &Order) -> Held {
    let count = |about: Option<Notice>| order.mails.iter().filter(|it| it.about == about).count();
    let done = order.state.refunds.iter();
    let done = done
        .filter(|refund| refund.progress == RefundProgress::Done)
        .count();
    let reason = order.state.cancelled;
    let requested = reason == Some(CancelReason::Requested);
    let expected = [
        (None, 1),
        (Some(Notice::Cancelled), usize::from(requested)),
        (
            Some(Notice::Failed),
            usize::from(reason.is_some() && !requested),
        ),
        (Some(Notice::Refunded), done),
        (Some(Notice::Shipped), order.shipments.len()),
    ];
    for (about, times) in expected {
        if count(about) != times {
            let what = format!(
                "{id}: {about:?} is told {} times, not {times}",
                count(about)
            );
            return broken(Invariant::ToldOnce, what);
        }
    }
    let paid = count(Some(Notice::Paid));
    if paid > 1 || (paid == 0 && order.state.captured > 0 && reason.is_none()) {
        let what = format!("{id}: that it is paid is told {paid} times");
        return broken(Invariant::ToldOnce, what);
    }
    match order.mails.iter().find(|mail| mail.sent == 0) {
        Some(mail) => broken(Invariant::ToldOnce, format!("{id}: {mail:?} was not sent")),
        None => Ok(()),
    }
}

fn promises(w: &World) -> Held {
    let lost = |what: String| broken(Invariant::KeptPromises, what);
    for ((customer, key), id) in &w.told.orders {
        if !w.shop.orders.contains_key(id) {
            return lost(format!("order {id} of {customer}'s {key} is gone"));
        }
    }
    for id in &w.told.cancelled {
        let order = w.shop.orders.get(id);
        if order.is_none_or(|it| it.state.cancelled.is_none()) {
            return lost(format!("{id} was cancelled and is not"));
        }
    }
    for (id, refund) in &w.told.refunds {
        let order = w.shop.orders.get(id);
        let known = order.is_some_and(|it| it.state.refunds.iter().any(|it| it.id == *refund));
        if !known {
            return lost(format!("refund {refund} of {id} is gone"));
        }
    }
    for (id, shipment) in &w.told.shipments {
        let order = w.shop.orders.get(id);
        if order.is_none_or(|it| !it.shipments.contains_key(shipment)) {
            return lost(format!("shipment {shipment} of {id} is gone"));
        }
    }
    for (id, order) in &w.shop.orders {
        for (line, position) in order.state.lines.iter().zip(0_u32..) {
            let left = order.shipments.values().flatten();
            let left: i64 = left.filter(|it| it.0 == position).map(|it| it.1).sum();
            if left != line.shipped {
                let what = format!("{id}: {left} have left, the order says {}", line.shipped);
                return lost(what);
            }
        }
    }
    Ok(())
}

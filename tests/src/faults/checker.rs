//! What clients were told, held against what the shop shows when all has come to rest, and against
//! the provider's and the mail server's own books. Nothing here knows how the shop is made.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::journal::{Attempt, Card, Deed, Facts, Heard, Wish};
use super::pictures::Shown;

/// What webhooks tell of orders.
pub const PLACED: &str = "order.placed";
pub const PAID: &str = "order.paid";
pub const SHIPPED: &str = "order.shipped";
pub const REFUNDED: &str = "order.refunded";
pub const CANCELLED: &str = "order.cancelled";

/// What must hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Invariant {
    Orders,
    Units,
    Money,
    Payments,
    Sagas,
    Events,
    Pictures,
    Problems,
    Audit,
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Orders => "every acknowledged order exists once with its right total",
            Self::Units => "units sold + held + available = units received",
            Self::Money => "captured − refunded equals the ledger and the provider's books",
            Self::Payments => "every captured payment has an order or a refund",
            Self::Sagas => "every saga ends within 60 s after the fault",
            Self::Events => "every event is delivered at least once",
            Self::Pictures => "every acknowledged picture is there, and is itself",
            Self::Problems => "no error without a problem document",
            Self::Audit => "the shop's own audit finds nothing",
        })
    }
}

/// Something that is not as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    pub invariant: Invariant,
    /// The attempt, the variant or the payment concerned.
    pub object: String,
    pub what: String,
}

impl Violation {
    pub fn new(invariant: Invariant, object: &str, what: impl Into<String>) -> Self {
        Self {
            invariant,
            object: object.to_owned(),
            what: what.into(),
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.invariant, self.object, self.what)
    }
}

/// An order as the shop shows it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Order {
    pub id: String,
    pub email: String,
    pub status: String,
    pub payment_status: String,
    pub total: i64,
    pub authorized: i64,
    pub captured: i64,
    pub refunded: i64,
    /// Amount and status of each refund.
    pub refunds: Vec<(i64, String)>,
    pub shipments: usize,
}

impl Order {
    fn is_cancelled(&self) -> bool {
        self.status == "cancelled"
    }

    fn unsettled(&self) -> Option<String> {
        if matches!(self.payment_status.as_str(), "pending" | "authorized") {
            return Some(format!("its payment is {}", self.payment_status));
        }
        let waits = self.refunds.iter().any(|(_, status)| status == "pending");
        let owes = self.is_cancelled() && self.captured > self.refunded;
        (waits || owes).then(|| format!("refunds are under way: {:?}", self.refunds))
    }
}

/// The stock of a variant as staff see it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Level {
    pub on_hand: i64,
    pub reserved: i64,
    pub available: i64,
}

/// A payment in the provider's books.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Book {
    /// The order that it is for.
    pub order: String,
    /// It holds money that was neither taken nor let go.
    pub held: bool,
    pub captured: i64,
    pub refunded: i64,
}

/// All that is there at the end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Seen {
    pub orders: Vec<Order>,
    pub levels: BTreeMap<String, Level>,
    pub books: Vec<Book>,
    /// By recipient, the ids of the mails that were taken for delivery.
    pub mails: BTreeMap<String, BTreeSet<String>>,
    /// By order, the types of the events that webhooks told, each event once.
    pub events: BTreeMap<String, Vec<String>>,
    pub pictures: Shown,
}

/// All that is not as it must be; nothing if all is well.
pub fn check(facts: &Facts, seen: &Seen) -> Vec<Violation> {
    let mut found = Vec::new();
    let by_email = seen.by_email();
    for attempt in facts.attempts.values() {
        let orders = by_email.get(attempt.email.as_str());
        let orders = orders.map_or(&[][..], Vec::as_slice);
        found.extend(exists(attempt, orders));
        if let (Heard::Done { .. }, [order]) = (&attempt.heard, orders) {
            let deeds: Vec<&Deed> = facts.deeds_at(&attempt.key).collect();
            found.extend(money(attempt, order, &deeds, seen));
            found.extend(deeds_are_done(attempt, order, &deeds));
            found.extend(told(attempt, order, &deeds, seen));
        }
    }
    let known: BTreeSet<&str> = facts
        .attempts
        .values()
        .map(|attempt| attempt.email.as_str())
        .collect();
    for order in &seen.orders {
        if !known.contains(order.email.as_str()) {
            let what = format!("nobody asked for order {}", order.id);
            found.push(Violation::new(Invariant::Orders, &order.email, what));
        }
    }
    found.extend(units(facts, seen));
    found.extend(payments(facts, seen));
    found.extend(pictures(facts, seen));
    found
}

impl Seen {
    fn by_email(&self) -> BTreeMap<&str, Vec<&Order>> {
        let mut all: BTreeMap<&str, Vec<&Order>> = BTreeMap::new();
        for order in &self.orders {
            all.entry(&order.email).or_default().push(order);
        }
        all
    }

    /// All that the provider has done for an order.
    fn book(&self, order: &str) -> Book {
        let mut all = Book::default();
        for book in self.books.iter().filter(|book| book.order == order) {
            all.held |= book.held;
            all.captured += book.captured;
            all.refunded += book.refunded;
        }
        all
    }
}

fn exists(attempt: &Attempt, orders: &[&Order]) -> Option<Violation> {
    let wrong = |what: String| Some(Violation::new(Invariant::Orders, &attempt.key, what));
    match (&attempt.heard, orders) {
        (Heard::Open, _) => wrong("it is still not known whether it was placed".to_owned()),
        (Heard::Refused(_), []) => None,
        (Heard::Refused(code), some) => wrong(format!(
            "it was refused ({code}), and there are {} orders",
            some.len()
        )),
        (Heard::Done { id, .. }, []) => wrong(format!("order {id} is lost")),
        (Heard::Done { id, .. }, [order]) if order.id != *id => wrong(format!(
            "order {id} was acknowledged, and {} is there",
            order.id
        )),
        (Heard::Done { .. }, [order]) if order.total != attempt.total => wrong(format!(
            "it costs {} and should cost {}",
            order.total, attempt.total
        )),
        (Heard::Done { .. }, [_]) => None,
        (Heard::Done { .. }, more) => wrong(format!("it became {} orders", more.len())),
    }
}

/// What staff were told is done, is done: of refunds the sum, of the rest that it shows.
fn deeds_are_done(attempt: &Attempt, order: &Order, deeds: &[&Deed]) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut wrong = |what: String| {
        found.push(Violation::new(Invariant::Orders, &attempt.key, what));
    };
    for deed in deeds {
        match (&deed.wish, &deed.heard) {
            (_, Heard::Open) => wrong(format!("it is still not known: {:?}", deed.wish)),
            (Wish::Cancel, Heard::Done { .. }) if !order.is_cancelled() => {
                wrong(format!("it was cancelled and is {}", order.status));
            }
            (Wish::Ship, Heard::Done { .. }) if order.shipments == 0 => {
                wrong("it was shipped, and there is no shipment".to_owned());
            }
            _ => {}
        }
    }
    let shipped = deeds.iter().filter(|deed| deed.wish == Wish::Ship);
    let shipped = shipped.filter(|deed| deed.heard.is_done()).count();
    if order.shipments > shipped {
        wrong(format!(
            "it has {} shipments, and staff were told of {shipped}",
            order.shipments
        ));
    }
    found
}

fn money(attempt: &Attempt, order: &Order, deeds: &[&Deed], seen: &Seen) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut wrong = |invariant: Invariant, what: String| {
        found.push(Violation::new(invariant, &attempt.key, what));
    };
    if let Some(why) = order.unsettled() {
        wrong(Invariant::Sagas, why);
        // What is under way may differ yet.
        return found;
    }
    let book = seen.book(&order.id);
    for (what, shop, provider) in [
        ("captured", order.captured, book.captured),
        ("refunded", order.refunded, book.refunded),
    ] {
        if shop != provider {
            let what = format!("the shop says {shop} was {what}, the provider {provider}");
            wrong(Invariant::Money, what);
        }
    }
    if book.held {
        wrong(
            Invariant::Money,
            "the provider still holds money".to_owned(),
        );
    }
    let due = match (attempt.card, order.is_cancelled()) {
        (Card::Declined, _) => Some(0),
        (Card::Good, false) => Some(attempt.total),
        // It may have been cancelled before or after it was paid.
        (Card::Good, true) => None,
    };
    if due.is_some_and(|due| due != order.captured) {
        let what = format!("{} was captured of {}", order.captured, attempt.total);
        wrong(Invariant::Money, what);
    }
    let refunds = deeds
        .iter()
        .filter_map(|deed| match (&deed.wish, &deed.heard) {
            (Wish::Refund { amount, .. }, Heard::Done { .. }) => Some(*amount),
            _ => None,
        });
    let asked: i64 = refunds.sum();
    let back = if order.is_cancelled() {
        order.captured
    } else {
        asked
    };
    if order.refunded != back {
        let what = format!("{} was paid back instead of {back}", order.refunded);
        wrong(Invariant::Money, what);
    }
    found
}

/// How often each is told: that it was placed, that it is paid, each shipment, each refund by staff, and
/// an order's end.
fn due(order: &Order, deeds: &[&Deed]) -> [(&'static str, usize); 5] {
    let refunds = deeds.iter().filter(|deed| {
        matches!(deed.wish, Wish::Refund { .. }) && deed.heard.is_done() && !order.is_cancelled()
    });
    let paid = order.captured > 0 && !order.is_cancelled();
    [
        (PLACED, 1),
        (PAID, usize::from(paid)),
        (SHIPPED, order.shipments),
        (REFUNDED, refunds.count()),
        (CANCELLED, usize::from(order.is_cancelled())),
    ]
}

/// Each of it is told by a mail of its own, and by a webhook.
fn told(attempt: &Attempt, order: &Order, deeds: &[&Deed], seen: &Seen) -> Vec<Violation> {
    let due = due(order, deeds);
    let mut found = Vec::new();
    let mut wrong = |what: String| {
        found.push(Violation::new(Invariant::Events, &attempt.key, what));
    };
    let mails: usize = due.iter().map(|(_, count)| count).sum();
    let got = seen.mails.get(&attempt.email).map_or(0, BTreeSet::len);
    if got < mails {
        wrong(format!("{got} mails came of {mails}"));
    }
    let events = seen.events.get(&order.id).map_or(&[][..], Vec::as_slice);
    for (kind, due) in due {
        let got = events.iter().filter(|event| *event == kind).count();
        if got < due {
            wrong(format!("{kind} was told {got} times of {due}"));
        }
    }
    found
}

/// How many units of a variant orders keep.
fn kept(facts: &Facts, seen: &Seen, variant: &str) -> i64 {
    let by_email = seen.by_email();
    let mut kept = 0;
    for attempt in facts.attempts.values() {
        if attempt.variant != variant || !attempt.heard.is_done() {
            continue;
        }
        let orders = by_email.get(attempt.email.as_str());
        let Some([order]) = orders.map(Vec::as_slice) else {
            continue;
        };
        if order.is_cancelled() {
            continue;
        }
        let back = facts.deeds_at(&attempt.key).filter_map(|deed| {
            let Wish::Refund { restock, .. } = deed.wish else {
                return None;
            };
            deed.heard.is_done().then_some(restock)
        });
        kept += attempt.quantity - back.sum::<i64>();
    }
    kept
}

fn units(facts: &Facts, seen: &Seen) -> Vec<Violation> {
    let mut found = Vec::new();
    for (variant, received) in &facts.received {
        let Some(level) = seen.levels.get(variant) else {
            let what = "its stock is not known";
            found.push(Violation::new(Invariant::Units, variant, what));
            continue;
        };
        let sold = kept(facts, seen, variant);
        if sold + level.reserved + level.available != *received {
            let what = format!(
                "{sold} sold + {} held + {} available are not {received} received",
                level.reserved, level.available
            );
            found.push(Violation::new(Invariant::Units, variant, what));
        }
        if level.reserved != 0 {
            let what = format!("{} units are held for nobody", level.reserved);
            found.push(Violation::new(Invariant::Units, variant, what));
        }
    }
    found
}

fn payments(facts: &Facts, seen: &Seen) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut orders = BTreeMap::new();
    for attempt in facts.attempts.values() {
        if let Heard::Done { id, .. } = &attempt.heard {
            orders.insert(id.as_str(), attempt.key.as_str());
        }
    }
    let shown: BTreeSet<&str> = seen.orders.iter().map(|order| order.id.as_str()).collect();
    let mut payments: BTreeMap<&str, usize> = BTreeMap::new();
    for book in &seen.books {
        if book.captured == 0 {
            continue;
        }
        *payments.entry(&book.order).or_default() += 1;
        let is_there = shown.contains(book.order.as_str());
        if !is_there && book.refunded < book.captured {
            let key = orders.get(book.order.as_str()).copied();
            let what = format!("{} was captured for no order", book.captured);
            found.push(Violation::new(
                Invariant::Payments,
                key.unwrap_or(&book.order),
                what,
            ));
        }
    }
    for (order, count) in payments {
        if count > 1 {
            let key = orders.get(order).copied().unwrap_or(order);
            let what = format!("it was charged {count} times");
            found.push(Violation::new(Invariant::Payments, key, what));
        }
    }
    found
}

/// Each has a colour of its own, so that no two show the same.
fn pictures(facts: &Facts, seen: &Seen) -> Vec<Violation> {
    let mut found = Vec::new();
    let mut shown: BTreeMap<&[u8], &str> = BTreeMap::new();
    for (key, url) in &facts.pictures {
        let what = match seen.pictures.get(url) {
            Some(Some(picture)) => match shown.insert(picture, key) {
                None => continue,
                Some(other) => format!("it shows what {other} shows"),
            },
            _ => format!("it was acknowledged, and {url} shows none"),
        };
        found.push(Violation::new(Invariant::Pictures, key, what));
    }
    found
}

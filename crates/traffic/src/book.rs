//! What shoppers were promised: every attempt to order, written down before it is sent.

use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;

use crate::wire::{Line, Money, Order};

/// How the payment of an order must end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Card {
    /// Paid.
    Works,
    /// Refused.
    Declined,
    /// Nothing, until staff say so.
    Invoice,
}

/// What the shopper saw before ordering.
#[derive(Debug, Clone)]
pub struct Expected {
    pub lines: Vec<Line>,
    pub subtotal: Money,
    pub discount: Money,
    pub shipping: Money,
    pub total: Money,
    pub email: String,
    pub card: Card,
}

/// How an attempt stands.
#[derive(Debug, Clone)]
pub enum Fate {
    /// Sent, or about to be; no answer that settles it.
    InDoubt,
    /// The shop said that there is an order.
    Acknowledged(Box<Order>),
    /// The shop said that there is none.
    Refused(String),
}

/// One attempt to order, however often it was sent.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The `Idempotency-Key`.
    pub key: String,
    /// The body, the same each time.
    pub body: Value,
    /// Whose session, if anybody's.
    pub bearer: Option<String>,
    pub expected: Expected,
    pub fate: Fate,
    /// How often it was sent.
    pub sent: u32,
}

/// All attempts.
#[derive(Debug, Default)]
pub struct Book(Mutex<Vec<Attempt>>);

impl Book {
    fn attempts(&self) -> MutexGuard<'_, Vec<Attempt>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Writes an attempt down; its place in the book.
    pub fn open(&self, attempt: Attempt) -> usize {
        let mut attempts = self.attempts();
        attempts.push(attempt);
        attempts.len() - 1
    }

    /// It is sent once more.
    pub fn sent(&self, place: usize) {
        if let Some(attempt) = self.attempts().get_mut(place) {
            attempt.sent += 1;
        }
    }

    /// It is settled.
    pub fn settle(&self, place: usize, fate: Fate) {
        if let Some(attempt) = self.attempts().get_mut(place) {
            attempt.fate = fate;
        }
    }

    /// One of the orders that were acknowledged so far; `choice` is any number.
    pub fn any_order(&self, choice: u64) -> Option<Order> {
        let attempts = self.attempts();
        let count = attempts.len() as u64;
        // From a place that the number gives, the first that has an order.
        (0..count).find_map(|step| {
            let at = usize::try_from((choice % count + step) % count).ok()?;
            match &attempts.get(at)?.fate {
                Fate::Acknowledged(order) => Some(Order::clone(order)),
                _ => None,
            }
        })
    }

    /// All attempts in the order in which they were made.
    pub fn all(&self) -> Vec<Attempt> {
        self.attempts().clone()
    }

    /// How many orders were acknowledged.
    pub fn acknowledged(&self) -> usize {
        let acknowledged = |attempt: &&Attempt| matches!(attempt.fate, Fate::Acknowledged(_));
        self.attempts().iter().filter(acknowledged).count()
    }
}

/// What an acknowledged order must have in common with what the shopper saw.
pub fn as_seen(order: &Order, expected: &Expected) -> Result<(), String> {
    order.adds_up()?;
    let sums = [
        ("subtotal", &order.subtotal, &expected.subtotal),
        ("discount", &order.discount, &expected.discount),
        ("shipping", &order.shipping, &expected.shipping),
        ("total", &order.total, &expected.total),
    ];
    for (name, found, wanted) in sums {
        if found != wanted {
            return Err(format!(
                "its {name} is {}, the cart said {}",
                found.amount, wanted.amount
            ));
        }
    }
    if order.email != expected.email {
        return Err("it is in the name of another mail address".into());
    }
    if order.lines.len() != expected.lines.len() {
        return Err(format!(
            "it has {} lines, the cart had {}",
            order.lines.len(),
            expected.lines.len()
        ));
    }
    for wanted in &expected.lines {
        let same = |line: &&Line| {
            line.variant_id == wanted.variant_id
                && line.quantity == wanted.quantity
                && line.unit_price == wanted.unit_price
                && line.total == wanted.total
        };
        if order.lines.iter().filter(same).count() != 1 {
            return Err(format!(
                "it lacks {} × {} at {}",
                wanted.quantity, wanted.variant_id, wanted.unit_price.amount
            ));
        }
    }
    Ok(())
}

//! What clients asked for and what they were told: all that the checker knows.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio::time::Instant;

use super::checker::Violation;

/// How a card behaves, in the buyer's eyes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Card {
    /// It is charged in the end, whatever the provider says meanwhile.
    Good,
    /// It is never charged.
    Declined,
}

/// What became of a request that may be asked again under its key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// Nothing that tells.
    Open,
    /// It is done: of an order its id and what opens it.
    Done { id: String, token: String },
    /// It is refused, with this code.
    Refused(String),
}

impl Heard {
    pub fn is_open(&self) -> bool {
        *self == Self::Open
    }

    pub fn is_done(&self) -> bool {
        matches!(self, Self::Done { .. })
    }
}

/// An order that somebody wanted.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The idempotency key.
    pub key: String,
    /// Of this attempt alone.
    pub email: String,
    pub body: Value,
    pub variant: String,
    pub quantity: i64,
    /// What it has to cost, by the prices that were shown.
    pub total: i64,
    pub card: Card,
    /// How often it was sent.
    pub sent: usize,
    pub heard: Heard,
}

/// What staff wanted of an order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wish {
    /// So much back, with so many units that come back into stock.
    Refund {
        amount: i64,
        restock: i64,
        line: String,
    },
    Cancel,
    Ship,
}

/// Something that staff did or tried to do.
#[derive(Debug, Clone)]
pub struct Deed {
    pub key: String,
    /// The order's id.
    pub order: String,
    /// The attempt that made the order.
    pub attempt: String,
    pub wish: Wish,
    pub heard: Heard,
}

/// All that was told, by key.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    pub attempts: BTreeMap<String, Attempt>,
    pub deeds: BTreeMap<String, Deed>,
    /// The addresses of the pictures that were acknowledged.
    pub pictures: BTreeMap<String, String>,
    /// How many units of each variant came into the house.
    pub received: BTreeMap<String, i64>,
}

impl Facts {
    /// The deeds at one order.
    pub fn deeds_at<'a>(&'a self, attempt: &'a str) -> impl Iterator<Item = &'a Deed> {
        self.deeds
            .values()
            .filter(move |deed| deed.attempt == attempt)
    }
}

/// A line of the journal.
#[derive(Debug, Clone)]
struct Line {
    at: Duration,
    /// The attempt that it is about; of faults nothing.
    about: Option<String>,
    text: String,
}

#[derive(Default)]
struct Inner {
    lines: Vec<Line>,
    facts: Facts,
    violations: Vec<Violation>,
}

/// Facts, and the story that they come from.
pub struct Journal {
    began: Instant,
    inner: Mutex<Inner>,
}

impl Journal {
    pub fn new() -> Self {
        Self {
            began: Instant::now(),
            inner: Mutex::default(),
        }
    }

    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Something happened to an attempt.
    pub fn note(&self, about: &str, text: impl Into<String>) {
        self.write(Some(about.to_owned()), text.into());
    }

    /// Something happened to the shop.
    pub fn fault(&self, text: impl Into<String>) {
        self.write(None, text.into());
    }

    fn write(&self, about: Option<String>, text: String) {
        let at = self.began.elapsed();
        self.inner().lines.push(Line { at, about, text });
    }

    /// Changes what is known.
    pub fn know<T>(&self, change: impl FnOnce(&mut Facts) -> T) -> T {
        change(&mut self.inner().facts)
    }

    pub fn facts(&self) -> Facts {
        self.inner().facts.clone()
    }

    /// Found while it goes on; the first is what is looked into.
    pub fn violate(&self, violation: Violation) {
        self.note(&violation.object, format!("VIOLATED: {violation}"));
        self.inner().violations.push(violation);
    }

    pub fn violations(&self) -> Vec<Violation> {
        self.inner().violations.clone()
    }

    /// Everything about one attempt, and the faults from shortly before its first line to shortly
    /// after its last.
    pub fn story(&self, about: &str) -> String {
        const AROUND: Duration = Duration::from_secs(5);
        let inner = self.inner();
        let mine = |line: &&Line| line.about.as_deref() == Some(about);
        let times = || inner.lines.iter().filter(mine).map(|line| line.at);
        let from = times().min().unwrap_or_default().saturating_sub(AROUND);
        let to = times()
            .max()
            .unwrap_or(Duration::MAX)
            .saturating_add(AROUND);
        let wanted =
            |line: &&Line| mine(line) || (line.about.is_none() && line.at >= from && line.at <= to);
        let lines = inner.lines.iter().filter(wanted).map(|line| {
            let mark = if line.about.is_some() { "  " } else { "# " };
            format!("{:>9.3} {mark}{}\n", line.at.as_secs_f64(), line.text)
        });
        lines.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_is_one_objects_and_has_the_faults_beside() {
        let journal = Journal::new();
        journal.fault("order-api is killed");
        journal.note("one", "POST /api/orders: no answer");
        journal.note("two", "POST /api/orders: 201");
        let story = journal.story("one");
        assert!(story.contains("# order-api is killed"), "{story}");
        assert!(story.contains("no answer"), "{story}");
        assert!(!story.contains("201"), "{story}");
    }
}

//! The account: what the book says is held against what the shop says, once all is settled.

mod ledger;
mod orders;
mod stock;

use std::collections::BTreeMap;

use serde::Serialize;
use tokio::time::Instant;

use crate::{
    book::{Attempt, Fate},
    prepare::Patient,
    shopper::Market,
    wire::Order,
};

/// How many findings and remarks are kept in words.
const KEPT: usize = 100;

/// How many questions are asked at once.
const AT_ONCE: usize = 16;

/// What was found at the end.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Account {
    /// The orders.
    pub orders: Orders,
    /// The money, in minor units.
    pub money: Money,
    /// The goods.
    pub stock: Stock,
    /// What does not balance, in words; at most a hundred.
    pub findings: Vec<String>,
    /// How many things do not balance.
    pub findings_count: usize,
    /// What could not be checked, or is worth knowing.
    pub remarks: Vec<String>,
    /// Every order that exists by this account.
    pub list: Vec<Listed>,
}

/// The orders of the run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Orders {
    /// How many checkouts were tried, each under a key of its own.
    pub attempts: usize,
    /// How many of them were sent more than once under their key.
    pub sent_again: usize,
    /// How many were acknowledged.
    pub acknowledged: usize,
    /// How many of these only when they were asked for once more at the end.
    pub acknowledged_late: usize,
    /// How many were refused, by code.
    pub refused: BTreeMap<String, usize>,
    /// How many are still in doubt.
    pub in_doubt: usize,
    /// How many acknowledged orders are there, once and as they were acknowledged.
    pub exist: usize,
    /// How many of these are paid.
    pub paid: usize,
    /// How many were called off because the card was declined.
    pub declined: usize,
    /// How many were called off because the goods were gone before the payment was sure.
    pub out_of_stock: usize,
    /// How many wait for an invoice to be paid.
    pub open: usize,
}

/// The money of the run, in minor units of the shop's currency.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Money {
    /// As `EUR`; empty without orders.
    pub currency: String,
    /// What the orders that keep their goods come to.
    pub ordered: i64,
    /// What was taken.
    pub captured: i64,
    /// What was given back.
    pub refunded: i64,
}

/// The goods of the run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Stock {
    /// How many variants were ordered.
    pub variants: usize,
    /// How many pieces the orders keep.
    pub pieces: i64,
    /// `public`: by what anybody sees; `ledger`: movement by movement, with the key of staff.
    pub checked_by: &'static str,
}

/// An order in the account.
#[derive(Debug, Clone, Serialize)]
pub struct Listed {
    /// The `Idempotency-Key` it was placed under.
    pub key: String,
    /// Its id.
    pub id: String,
    /// Its number.
    pub number: String,
    /// Minor units.
    pub total: i64,
    /// As it is now.
    pub status: String,
    /// As it is now.
    pub payment_status: String,
}

impl Account {
    /// Something does not balance.
    fn find(&mut self, what: String) {
        self.findings_count += 1;
        if self.findings.len() < KEPT {
            self.findings.push(what);
        }
    }

    fn remark(&mut self, what: String) {
        if self.remarks.len() < KEPT {
            self.remarks.push(what);
        }
    }
}

/// An order that was acknowledged, and how it stands now.
struct Standing {
    attempt: Attempt,
    /// As it was acknowledged.
    promised: Order,
    /// As it is now, or why that is not known.
    now: Result<Order, Unknown>,
}

/// Why it is not known how an order stands.
enum Unknown {
    /// The shop says that there is no such order.
    Gone,
    /// The shop did not say anything that can be understood.
    Unread(String),
}

/// Makes the account. Takes until every order is settled, or as long as the plan lets it.
pub async fn close(market: &Market) -> Account {
    let patient = Patient::new(&market.web);
    let deadline = Instant::now() + market.plan.settle;
    let mut account = Account::default();
    let attempts = market.book.all();
    account.orders.attempts = attempts.len();
    account.orders.sent_again = attempts.iter().filter(|attempt| attempt.sent > 1).count();
    let settled = orders::settle_doubts(&mut account, &patient, attempts, deadline).await;
    for attempt in &settled {
        if let Fate::Refused(code) = &attempt.fate {
            *account.orders.refused.entry(code.clone()).or_default() += 1;
        }
    }
    let doubtful: Vec<_> = settled
        .iter()
        .filter(|attempt| matches!(attempt.fate, Fate::InDoubt))
        .cloned()
        .collect();
    let standing = orders::look_up(&patient, settled, deadline).await;
    orders::check(&mut account, &standing);
    stock::check(&mut account, market, &patient, &standing, &doubtful).await;
    if let Some(key) = &market.plan.staff_key {
        ledger::check(&mut account, market, &patient, key, &standing, &doubtful).await;
    }
    account
}

//! Where an order stands, and what can be read from that.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How the order is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// A provider authorises and captures.
    Provider,
    /// The customer pays later; staff mark it paid.
    Invoice,
    /// The total is zero.
    Free,
}

/// What the order holds of the shop's stock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Stock {
    /// Held with a deadline.
    Reserved,
    /// Ours.
    Claimed,
    /// Ran out and could not be taken again.
    Lost,
    /// Given back as a whole; a claim that was under way got nothing or gave it back.
    Released,
    /// Put back after it was claimed.
    Returned,
}

/// What is known of the payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Payment {
    /// The provider is to be asked.
    Due,
    /// The provider was asked; the answer is not known.
    AuthorisationUnknown,
    /// The provider waits for the customer, who has to confirm the payment there.
    ActionRequired,
    /// The provider has said that something happened meanwhile, and is to be asked what.
    ActionTaken,
    /// The provider holds the total.
    Authorised,
    /// The capture was asked for; the answer is not known.
    CaptureUnknown,
    /// The total was taken.
    Captured,
    /// Refused for good.
    Declined,
    /// Nothing is held and nothing will be.
    Voided,
    /// An invoice that is not paid yet.
    Awaiting,
    /// There is nothing to pay.
    Free,
}

impl Payment {
    /// Whether the provider has neither agreed nor refused, as far as is known.
    pub(super) fn is_open(self) -> bool {
        matches!(
            self,
            Self::Due | Self::AuthorisationUnknown | Self::ActionRequired | Self::ActionTaken
        )
    }
}

/// Why an order was cancelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CancelReason {
    /// Somebody asked for it.
    Requested,
    /// The payment was refused.
    PaymentFailed,
    /// The goods were sold to somebody else while the payment was in doubt.
    OutOfStock,
}

impl CancelReason {
    /// The name outside.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Requested => "requested",
            Self::PaymentFailed => "payment_failed",
            Self::OutOfStock => "out_of_stock",
        }
    }
}

/// How far a refund is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RefundProgress {
    /// To be asked of the provider.
    Pending,
    /// Asked; the answer is not known.
    Unknown,
    /// Paid back.
    Done,
    /// Refused for good.
    Refused,
    /// Paid back as we know, but the provider says that something became of it since, and is to be
    /// asked what.
    Doubted,
    /// Paid back, and then the money came back to us: the customer has not got it.
    Returned,
}

/// One refund. Its amount counts against what is left from the moment it is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refund {
    /// The refund's id; a cancellation's refund has the order's own.
    pub id: Uuid,
    /// Minor units, more than zero.
    pub amount: i64,
    /// How far it is.
    pub progress: RefundProgress,
    /// Goods that come back, as `(line, quantity)`.
    pub restock: Vec<(u32, i64)>,
    /// Whether they are back.
    pub restocked: bool,
}

/// One line's goods. `shipped + withdrawn ≤ quantity` and `returned ≤ shipped`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Line {
    /// What was ordered.
    pub quantity: i64,
    /// What has left the house.
    pub shipped: i64,
    /// What was taken out of the order before it left.
    pub withdrawn: i64,
    /// What came back after it had left.
    pub returned: i64,
}

impl Line {
    /// What can still be shipped.
    pub fn open(&self) -> i64 {
        self.quantity - self.shipped - self.withdrawn
    }
}

/// Where an order stands. Stored as it is; fields are only ever added, with a default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct State {
    /// The order's id.
    pub order: Uuid,
    /// How it is paid.
    pub method: Method,
    /// Minor units.
    pub total: i64,
    /// What it holds of the stock.
    pub stock: Stock,
    /// What is known of the payment.
    pub payment: Payment,
    /// Set once the order is to be given up.
    pub cancelled: Option<CancelReason>,
    /// Minor units taken: nothing or the total.
    pub captured: i64,
    /// All refunds in the order in which they were asked for.
    pub refunds: Vec<Refund>,
    /// The lines by position.
    pub lines: Vec<Line>,
    /// How often in a row the provider's answer was not known.
    pub asked: u32,
    /// How often the provider has spoken of the payment while it was open. What it said is never
    /// believed; it is a reason to ask, also when an answer is under way that is older.
    #[serde(default)]
    pub heard: u32,
    /// The customer has had all the time there is: who has not paid by the next answer never will.
    #[serde(default)]
    pub overdue: bool,
}

/// `status` of the public interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// Under way.
    Placed,
    /// Given up.
    Cancelled,
    /// Paid and delivered.
    Completed,
}

/// `payment_status` of the public interface. `failed` says that no payment was made and none
/// will be: it was refused, or the order was cancelled first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PaymentStatus {
    /// Not known yet, or an invoice that waits.
    Pending,
    /// Held.
    Authorized,
    /// Taken.
    Paid,
    /// Never taken.
    Failed,
    /// Some of it paid back.
    PartiallyRefunded,
    /// All of it paid back.
    Refunded,
}

/// `fulfillment_status` of the public interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fulfillment {
    /// Nothing left the house.
    Unfulfilled,
    /// Some did.
    Partial,
    /// All did.
    Fulfilled,
}

impl Status {
    /// The name outside.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Cancelled => "cancelled",
            Self::Completed => "completed",
        }
    }
}

impl PaymentStatus {
    /// The name outside.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Authorized => "authorized",
            Self::Paid => "paid",
            Self::Failed => "failed",
            Self::PartiallyRefunded => "partially_refunded",
            Self::Refunded => "refunded",
        }
    }
}

impl Fulfillment {
    /// The name outside.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unfulfilled => "unfulfilled",
            Self::Partial => "partial",
            Self::Fulfilled => "fulfilled",
        }
    }
}

impl State {
    /// A newly placed order whose stock is reserved. A total of zero needs no payment whatever
    /// the method. `quantities` are those of the lines in their order.
    pub fn placed(order: Uuid, method: Method, total: i64, quantities: &[i64]) -> Self {
        let method = if total == 0 { Method::Free } else { method };
        Self {
            order,
            method,
            total,
            stock: Stock::Reserved,
            payment: match method {
                Method::Provider => Payment::Due,
                Method::Invoice => Payment::Awaiting,
                Method::Free => Payment::Free,
            },
            cancelled: None,
            captured: 0,
            refunds: Vec::new(),
            lines: quantities
                .iter()
                .map(|&quantity| Line {
                    quantity,
                    shipped: 0,
                    withdrawn: 0,
                    returned: 0,
                })
                .collect(),
            asked: 0,
            heard: 0,
            overdue: false,
        }
    }

    /// What can still be shipped, as `(line, quantity)`.
    pub fn open_lines(&self) -> Vec<(u32, i64)> {
        let lines = (0_u32..).zip(&self.lines);
        let open = lines.map(|(position, line)| (position, line.open()));
        open.filter(|(_, quantity)| *quantity > 0).collect()
    }

    /// What was paid back for certain, in minor units.
    pub fn refunded(&self) -> i64 {
        self.refunds
            .iter()
            .filter(|r| matches!(r.progress, RefundProgress::Done | RefundProgress::Doubted))
            .map(|r| r.amount)
            .sum()
    }

    /// What may still be paid back: captured, less refunds done and under way.
    pub fn refundable(&self) -> i64 {
        let spoken_for: i64 = self.spoken_for().map(|r| r.amount).sum();
        self.captured - spoken_for
    }

    /// The refunds that are done or under way.
    pub fn refunds_that_count(&self) -> HashSet<Uuid> {
        self.spoken_for().map(|r| r.id).collect()
    }

    fn spoken_for(&self) -> impl Iterator<Item = &Refund> {
        self.refunds.iter().filter(|r| {
            !matches!(
                r.progress,
                RefundProgress::Refused | RefundProgress::Returned
            )
        })
    }

    /// Whether the order holds goods or money, or something is still to be done.
    pub fn is_settled(&self) -> bool {
        let goods_gone = match self.cancelled {
            Some(_) => !matches!(self.stock, Stock::Reserved | Stock::Claimed),
            None => self.status() == Status::Completed,
        };
        goods_gone && self.commands().is_empty()
    }

    /// `status` as it is shown.
    pub fn status(&self) -> Status {
        if self.cancelled.is_some() {
            Status::Cancelled
        } else if matches!(self.payment, Payment::Captured | Payment::Free)
            && self.fulfillment() == Fulfillment::Fulfilled
        {
            Status::Completed
        } else {
            Status::Placed
        }
    }

    /// `payment_status` as it is shown.
    pub fn payment_status(&self) -> PaymentStatus {
        match self.payment {
            Payment::Due
            | Payment::AuthorisationUnknown
            | Payment::ActionRequired
            | Payment::ActionTaken
            | Payment::Awaiting => PaymentStatus::Pending,
            Payment::Authorised | Payment::CaptureUnknown => PaymentStatus::Authorized,
            Payment::Declined | Payment::Voided => PaymentStatus::Failed,
            Payment::Free if self.cancelled.is_some() => PaymentStatus::Refunded,
            Payment::Free => PaymentStatus::Paid,
            Payment::Captured => match self.refunded() {
                0 => PaymentStatus::Paid,
                all if all == self.captured => PaymentStatus::Refunded,
                _ => PaymentStatus::PartiallyRefunded,
            },
        }
    }

    /// `fulfillment_status` as it is shown. What was taken out of the order is not waited for.
    pub fn fulfillment(&self) -> Fulfillment {
        if self.lines.iter().all(|line| line.open() == 0) {
            Fulfillment::Fulfilled
        } else if self.lines.iter().any(|line| line.shipped > 0) {
            Fulfillment::Partial
        } else {
            Fulfillment::Unfulfilled
        }
    }
}

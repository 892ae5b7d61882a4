//! What happens to an order, what is to be done about it, and what is written down.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::State;

/// What happened. Amounts are minor units of the order's currency; `line` is a line's position.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// The provider holds the whole total for us.
    Authorised,
    /// The provider refused for good.
    Declined,
    /// Nobody knows whether the authorisation happened.
    AuthorisationUnknown,
    /// The provider never saw the authorisation that was in doubt.
    AuthorisationNotSeen,
    /// The provider waits for the customer. `heard` is [`State::heard`] as it was before the
    /// provider was asked: it may have spoken again since.
    ActionRequired { heard: u32 },
    /// The provider says that something happened to the payment. It may say so twice, late, or
    /// before its own answer.
    ProviderSpoke,
    /// The customer has had all the time there is to confirm the payment.
    PaymentOverdue,
    /// The stock is ours and has no deadline any more.
    Claimed,
    /// The reservation had run out and could not be taken again.
    StockLost,
    /// The reservation was given back for good, with what had been claimed of it.
    Released,
    /// The claimed stock of a cancelled order was put back.
    Returned,
    /// The provider took the money.
    Captured,
    /// The provider refused for good to take the money it held.
    CaptureRefused,
    /// Nobody knows whether the capture happened.
    CaptureUnknown,
    /// The provider never saw the capture that was in doubt.
    CaptureNotSeen,
    /// Nothing is held any more, and an authorisation that still arrives will be refused.
    Voided,
    /// The provider cannot void because it has captured already.
    VoidRefused,
    /// Somebody wants the order cancelled.
    CancelRequested,
    /// A member of staff saw the money of an invoice arrive.
    MarkedPaid,
    /// A member of staff pays something back. `restock` are `(line, quantity)` that come back.
    RefundRequested {
        id: Uuid,
        amount: i64,
        restock: Vec<(u32, i64)>,
    },
    /// The provider has paid back.
    Refunded { id: Uuid },
    /// The provider refused for good to pay back.
    RefundRefused { id: Uuid },
    /// Nobody knows whether the refund happened.
    RefundUnknown { id: Uuid },
    /// The provider never saw the refund that was in doubt.
    RefundNotSeen { id: Uuid },
    /// The provider says that something became of a refund after it was made.
    RefundDoubted { id: Uuid },
    /// Asked since, the provider says that the refund was made all the same.
    RefundStands { id: Uuid },
    /// The goods of a refund are back in stock.
    Restocked { id: Uuid },
    /// Goods left the house: `(line, quantity)`.
    Shipped { lines: Vec<(u32, i64)> },
}

/// What is to be done next. Each can be done twice without harm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Have the provider hold the total.
    Authorise,
    /// Ask the provider what became of the authorisation.
    LookupAuthorisation,
    /// Claim the reservation, or take it again when it ran out.
    Claim,
    /// Take the money that is held.
    Capture,
    /// Ask the provider what became of the capture.
    LookupCapture,
    /// Let go of what the provider holds or may still come to hold.
    Void,
    /// Give back a reservation that is not known to be claimed. If it is, by a claim that was
    /// under way, the claimed goods come back too.
    Release,
    /// Put the claimed stock of a cancelled order back: `(line, quantity)`.
    Return { lines: Vec<(u32, i64)> },
    /// Pay back.
    Refund { id: Uuid, amount: i64 },
    /// Ask the provider what became of a refund.
    LookupRefund { id: Uuid, amount: i64 },
    /// Put the goods of a refund back in stock: `(line, quantity)`.
    Restock { id: Uuid, lines: Vec<(u32, i64)> },
}

impl Command {
    /// A stable name for logs, metrics and crash tests.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Authorise => "authorise",
            Self::LookupAuthorisation => "lookup_authorisation",
            Self::Claim => "claim",
            Self::Capture => "capture",
            Self::LookupCapture => "lookup_capture",
            Self::Void => "void",
            Self::Release => "release",
            Self::Return { .. } => "return",
            Self::Refund { .. } => "refund",
            Self::LookupRefund { .. } => "lookup_refund",
            Self::Restock { .. } => "restock",
        }
    }

    /// Whether it only asks what became of an earlier one.
    pub fn is_lookup(&self) -> bool {
        matches!(
            self,
            Self::LookupAuthorisation | Self::LookupCapture | Self::LookupRefund { .. }
        )
    }
}

/// A kind of entry in the payments ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Entry {
    /// The provider holds the amount.
    Authorised,
    /// The amount was taken.
    Captured,
    /// What was held was let go.
    Voided,
    /// The amount was paid back.
    Refunded,
    /// What was paid back came back to us.
    RefundReturned,
}

impl Entry {
    /// The name in the ledger.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authorised => "authorised",
            Self::Captured => "captured",
            Self::Voided => "voided",
            Self::Refunded => "refunded",
            Self::RefundReturned => "refund_returned",
        }
    }

    /// What it is of, under which it stands in an order's ledger once.
    pub fn once(self, refund: Option<Uuid>) -> String {
        match refund {
            Some(refund) => format!("{}:{refund}", self.as_str()),
            None => self.as_str().to_owned(),
        }
    }
}

/// What the customer is told, once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// The order cannot be paid or delivered and is cancelled.
    Failed,
    /// The order was cancelled at somebody's wish.
    Cancelled,
    /// The money was taken, or the money of an invoice has arrived.
    Paid,
    /// Goods are on their way.
    Shipped,
    /// Money was paid back.
    Refunded,
}

/// What is written down in the same transaction as the new state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// An entry in the payments ledger; `refund` names the refund that it belongs to.
    Ledger {
        entry: Entry,
        amount: i64,
        refund: Option<Uuid>,
    },
    /// A mail to the customer.
    Notify(Notice),
    /// People have to see to it that the customer gets the money after all: it was refused, or
    /// came back after it was `made`.
    RefundFailed {
        refund: Uuid,
        amount: i64,
        made: bool,
    },
    /// An entry in the order's timeline.
    Timeline(&'static str),
    /// The cart may be ordered again, and a discount that was used is not used up.
    ReopenCart,
    /// A discount that was used is not used up, but the cart stays ordered.
    ReturnDiscount,
    /// From now on it is the customer's turn, for a while: [`Event::PaymentOverdue`] ends it.
    AwaitCustomer,
}

/// What [`State::apply`] answers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The next state.
    pub state: State,
    /// What to write down with it. Empty when the event was known already.
    pub effects: Vec<Effect>,
    /// What to do next.
    pub commands: Vec<Command>,
}

/// Why an event is not possible now. The state stays as it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// Some of the goods have left the house.
    AlreadyShipped,
    /// The order is cancelled.
    Cancelled,
    /// The order is not paid by invoice.
    NotAnInvoice,
    /// The stock is not claimed yet; a moment later it is.
    NotReady,
    /// Nothing has been captured that could be paid back.
    NotCaptured,
    /// The goods are not paid.
    NotPaid,
    /// More than was captured and not paid back yet, which is this amount.
    MoreThanRefundable(i64),
    /// A quantity of this line is not there to be shipped or to come back.
    Quantity(u32),
    /// The same refund was asked for with another amount.
    Reused,
    /// The event contradicts what is known. It must never happen; people have to look.
    Contradiction,
}

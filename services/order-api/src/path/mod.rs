//! The path of one order: a pure state machine.
//!
//! Nothing here reads a clock, a database or the network. [`State::apply`] takes what happened
//! (an [`Event`]) and answers the next state with what has to be written down beside it
//! ([`Effect`]); [`State::commands`] says what has to be done next, computed from the state alone,
//! so that a worker that died at any moment finds the same answer again.
//!
//! The rules that hold in every state:
//! - nothing is captured before the stock is claimed, and nothing is captured twice;
//! - refunds, those under way included, never exceed what was captured;
//! - an unknown outcome of the payment holds the stock until the outcome is known;
//! - an order that has come to its end holds neither stock nor an authorisation.
//!
//! A decline cancels the order and gives the stock back; the cart may then be ordered again.
//! An invoice claims its stock at once and waits for a member of staff to mark it paid.

mod apply;
mod event;
mod refunds;
mod state;

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;

pub use event::{Command, Effect, Entry, Event, Notice, Refusal, Step};
pub use state::{
    CancelReason, Fulfillment, Line, Method, Payment, PaymentStatus, Refund, RefundProgress, State,
    Status, Stock,
};

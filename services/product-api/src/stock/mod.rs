//! Stock levels and their ledger.
//!
//! Each change of `on_hand` writes a movement in the same transaction, so that `on_hand` is always
//! the sum of its movements. Who changes several levels takes them in the order of their
//! variants' ids, before reservations and the change feed, so that nobody waits in a circle.

mod levels;
mod list;
mod movements;

pub use levels::{Level, Owner, add, level, lock, open, owner, promise, set, take, unreserve};
pub use list::{items, movements};
pub use movements::{Movement, Reason};

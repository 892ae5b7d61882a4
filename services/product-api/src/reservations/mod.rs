//! Reservations: stock that is promised to a checkout, sold to an order, or given back.
//!
//! ```text
//!           reserve                claim
//!   (none) ────────▶ held ───────────────────▶ claimed
//!                    │ ▲ │ deadline passes        │
//!            release │ │ ▼                        │ release
//!                    │ └ expired ── claim ──▶ claimed (if the stock is still there)
//!                    ▼
//!                 released, for good
//! ```
//! `held` counts in `stock_levels.reserved`; a claim moves it out of `on_hand` with a movement.
//! All writes take locks in one order: stock levels by variant id, then reservations by id, then
//! the change feed.

mod claim;
mod collector;
mod expire;
mod lines;
mod plan;
mod prune;
mod quotes;
mod release;
mod reserve;
mod restock;
mod rows;
mod sold_out;

pub use claim::claim;
pub use collector::{Collector, CollectorTask};
pub use expire::{expire_all, expire_due};
pub use lines::{Wanted, sum};
pub use prune::prune;
pub use quotes::quotes;
pub use release::release;
pub use reserve::{Answer, reserve};
pub use restock::restock;
pub use rows::{find, stored};

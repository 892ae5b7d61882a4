//! The words that every part of the shop shares: ids, money, time, and how things fail.
//!
//! Nothing here does I/O or knows of HTTP or SQL. Clock and randomness are values ([`Env`]) that
//! the composition hands down, so that a test decides them.

pub mod env;
pub mod error;
pub mod limiter;
pub mod meter;
pub mod money;
pub mod recent;
pub mod text;
pub mod time;
pub mod zone;

pub use env::{Clock, Env, ManualClock, Random};
pub use error::{Error, FieldError, Kind};
pub use limiter::{Limiter, Quota};
pub use meter::{Called, Measure, Meter};
pub use money::{Currency, Money, Quantity};
pub use text::{EmailAddress, Handle, Sku};
pub use time::Timestamp;
pub use uuid::Uuid;
pub use zone::{Day, TimeZone};

//! Products, stock and reservations.

mod bulk;
mod category;
mod change;
mod counts;
mod import;
mod input;
mod product;
mod query;
mod reservation;
mod shortage;
mod stock;

pub use bulk::*;
pub use category::*;
pub use change::*;
pub use counts::*;
pub use import::*;
pub use input::*;
pub use product::*;
pub use query::*;
pub use reservation::*;
pub use stock::*;

pub use crate::images::Image;

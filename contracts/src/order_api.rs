//! Carts, orders and payments.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::Timestamp;
use utoipa::ToSchema;

macro_rules! names {
    ($type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// The name as stored and shown.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(format!(concat!("`{}` is none of", $(" ", $name),+), text)),
                }
            }
        }
    };
}
mod cart;
mod change;
mod discount;
mod finding;
mod list;
mod order;
mod place;
mod summary;
mod webhook;

pub use cart::*;
pub use change::*;
pub use discount::*;
pub use finding::*;
pub use list::*;
pub use order::*;
pub use place::*;
pub use summary::*;
pub use webhook::*;

/// What time it is at the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DatabaseTime {
    /// By the database's own clock.
    pub time: Timestamp,
}

//! What the program does inside a cluster for the shop's installation: the Secrets that nobody
//! should have to invent.

mod api;
mod make;
#[cfg(test)]
mod tests;
mod values;
mod wanted;

pub use api::{Api, Pace, Place, manifest};
pub use make::{Done, Made, make};
pub use values::{Addresses, Values, trusted_line, with_lines};
pub use wanted::{Holds, Wanted, wanted};

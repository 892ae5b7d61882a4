//! Who may do what.
//!
//! Every operation that the program documents is tried as everyone ([`cast`]), on their own and on
//! others' things. [`table`] says who may; an operation that is not in it fails the test, and so
//! does an entry without an operation. Refusals are clear and come before anything changes.
//! Pages for staff ([`pages`]), paths between the services ([`doors`]) and requests of other sites
//! ([`origin`]) are tried the same way, from lists that the program or its sources give.

pub mod cast;
mod credentials;
mod doors;
pub mod matrix;
mod once;
mod origin;
pub mod pages;
pub mod table;
pub mod things;

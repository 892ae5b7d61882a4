//! What shoppers, staff and operators do from end to end.

mod account;
mod cards;
mod catalogue;
mod counter;
mod errors;
mod guest;
mod hostile;
mod hostile_bodies;
mod idempotency;
mod import;
mod import_formats;
mod import_pictures;
mod operation;
mod orders;
mod payments;
mod people;
pub mod pictures;
mod schemas;
mod shelves;
mod start;
pub(crate) mod tour;

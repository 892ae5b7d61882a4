//! What shoppers, staff and operators do from end to end.

mod account;
mod catalogue;
mod errors;
mod guest;
mod idempotency;
mod import;
mod operation;
mod orders;
mod payments;
mod schemas;
mod start;
mod tour;

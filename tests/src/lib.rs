//! The whole program, as people and programs outside meet it: nothing here knows a type of its
//! inside. One binary of tests, because each more costs a link.
//!
//! Every test starts the real `techcommerce` with a data folder of its own, most of them twice:
//! on SQLite and on PostgreSQL. Every answer of the public interface is held against the
//! OpenAPI document that the program itself serves.

#![cfg(test)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "these are tests"
)]

mod apart;
mod audit;
mod away;
mod balancer;
mod browser;
mod doctor;
mod document;
mod drill;
mod faults;
mod flash_sale;
mod house;
mod interface;
mod journeys;
mod kills;
mod large;
mod listener;
mod metrics;
mod migrate_check;
mod mounted;
mod next_release;
mod overload;
mod owned;
mod panels;
mod planted;
mod pooler;
mod processes;
mod races;
mod replica;
mod restores;
mod roles;
mod rolling;
mod rollouts;
mod rotation;
mod schema;
mod schema_wait;
mod secrets;
mod series;
mod shop;
mod shopper;
mod single_machine;
mod small_disk;
mod soak;
mod staff;
mod told;
mod traces;
mod traffic;
mod upgrades;
mod wire;

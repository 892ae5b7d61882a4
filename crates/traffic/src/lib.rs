//! Shoppers who arrive at a fixed rate, behave like people, check every answer, and keep a book
//! of what they were promised; at the end the book is held against the shop.
//!
//! Only the shop's public address is used, so any deployment can be tried: one process, services
//! apart, a cluster behind its ingress. Nothing here shares code with the services: what an
//! answer must look like is written down a second time, so that a change there is noticed here.

mod account;
mod book;
mod journeys;
pub mod live;
mod measure;
mod numbers;
pub mod plan;
mod prepare;
pub mod report;
mod run;
mod schedule;
mod shopper;
mod web;
mod wire;

pub use plan::{Arrivals, Journey, Payments, Plan, Shares};
pub use report::Report;
pub use run::{Stop, run};
pub use web::Connector;

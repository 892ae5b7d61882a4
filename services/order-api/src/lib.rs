//! order-api: carts, checkout, orders, payments, refunds, shipments.

#![forbid(unsafe_code)]
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

pub mod path;
pub mod pricing;

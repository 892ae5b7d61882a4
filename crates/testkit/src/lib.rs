//! What tests of every layer share: databases of both engines, Redis, S3, a clock and randomness
//! that a test decides, folders, an HTTP client for loopback, the running program.
//!
//! A test of a store is written once and runs on both engines:
//! ```ignore
//! techcommerce_testkit::on_both_engines! { MIGRATOR;
//!     async fn a_product_is_found_by_its_handle(db: TestDb) {
//!         let mut conn = db.read().await.unwrap();
//!         …
//!     }
//! }
//! ```
//! The servers come from `cargo xtask test` by `TECHCOMMERCE_TEST_POSTGRES`, `…_REDIS` and `…_S3`;
//! a test that is run by hand starts shared throw-away ones. Where they are not installed a test
//! fails and says what to install; it never skips.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "this runs in tests, where a panic is how a failure is told"
)]

mod collector;
mod databases;
mod http_client;
mod process;
mod redis;
mod s3;
pub mod stripe;

use std::net::{Ipv4Addr, SocketAddr};

pub use collector::{CollectedSpan, Collector, Collects, Received};
pub use databases::{PostgresDatabase, TestDb, databases};
pub use http_client::{Answer, Client, Observer, Request};
pub use process::{Process, binary};
pub use redis::TestRedis;
pub use s3::TestS3;
pub use techcommerce_kernel::{Env, ManualClock};
pub use techcommerce_store::Dialect;
/// A PostgreSQL server of one test's own: `start(Kind::Postgres)`.
pub use techcommerce_testservers::{
    Alertmanager, Kind, Pooler, Prometheus, Server, is_root, monitoring, start, start_with,
};
pub use tempfile::TempDir;
/// Used by [`on_both_engines!`], so that a crate needs no `tokio` of its own for it.
#[doc(hidden)]
pub use tokio;

/// An environment whose clock stands still until it is moved and whose randomness repeats.
#[must_use]
pub fn env() -> (Env, ManualClock) {
    Env::manual(1)
}

/// A folder that goes when the value does.
#[must_use]
pub fn folder() -> TempDir {
    tempfile::Builder::new()
        .prefix("techcommerce-test-")
        .tempdir()
        .expect("a temporary folder")
}

/// A free loopback address, for a program that must know its own beforehand. Bind port 0 where
/// you can.
#[must_use]
pub fn free_address() -> SocketAddr {
    let port = techcommerce_testservers::free_port().expect("a free port");
    (Ipv4Addr::LOCALHOST, port).into()
}

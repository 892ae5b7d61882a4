//! The scripts behind a release, tried with real programs: what they pack, sign and verify, what they
//! refuse, and what the installer leaves behind.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a test fails by panicking, and looks at its own machine"
)]

mod image;
mod install;
mod pack;
mod place;
mod secrets;
mod tampered;

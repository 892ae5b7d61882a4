//! The tests of the checks: take the rendering of production, which is right, plant one mistake, and
//! the check that is there for it must name it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "tests and their helpers"
)]

mod lines;
mod network;
mod objects;
mod pods;
mod program;
mod rig;
mod scale;
mod tools;

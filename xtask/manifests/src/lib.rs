//! Checks of `k8s/` without a cluster, and against the program itself: docs/manifest-checks.md.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command-line tool for developers"
)]

pub mod checks;
pub mod finding;
pub mod fluent_bit;
pub mod listed;
pub mod object;
pub mod outside;
pub mod program;
pub mod quantity;
pub mod render;
pub mod rendered;
pub mod replicas;
pub mod workload;

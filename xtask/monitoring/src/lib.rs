//! Checks of alerts, their tests, runbooks and routes: docs/alerts.md.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command-line tool for developers"
)]

pub mod alertmanager;
pub mod compose;
pub mod expr;
pub mod finding;
pub mod inhibition;
pub mod lint;
pub mod metrics;
pub mod mutation;
pub mod objectives;
pub mod promtool;
pub mod repository;
pub mod rules;
pub mod runbooks;
pub mod runbooks_run;
pub mod templates;

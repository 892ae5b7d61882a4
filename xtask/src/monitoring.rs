//! Alerts, by the package techcommerce-monitoring. promtool, amtool and Alertmanager come by themselves.

use anyhow::Result;

use crate::checker;
use crate::pipeline::{Context, Report};

const PACKAGE: &str = "techcommerce-monitoring";

/// The step of `cargo xtask test`.
pub fn check(context: &Context) -> Result<Report> {
    checker::check(context, PACKAGE)
}

/// The chore by itself: builds what it needs, then the same with what the user says.
pub fn chore(arguments: &[String]) -> Result<bool> {
    checker::build(PACKAGE)?;
    checker::chore(PACKAGE, arguments)
}

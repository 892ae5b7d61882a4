//! `cargo xtask drill`: every fault in a running shop, each told by the right alert and no other.

use std::process::Command;

use anyhow::Result;

use crate::nextest;
use crate::pipeline::{Context, Report};
use crate::program::{cargo, run};
use crate::tools;

/// All faults, in tests/src/drill.
const ALL: &str = "package(techcommerce-tests) and test(=drill::all)";

/// Which faults, and how.
#[derive(clap::Args)]
pub struct Options {
    /// Only this fault; may be given several times.
    #[arg(long, value_name = "FAULT")]
    only: Vec<String>,
    /// Show the faults and what tells of each, and make none.
    #[arg(long)]
    list: bool,
    /// How many times as short as written the windows of the rules are: 1 to 60.
    #[arg(long, value_name = "TIMES", default_value = "20")]
    factor: f64,
    /// Leave the shop running at the end, until Ctrl-C.
    #[arg(long)]
    keep: bool,
}

/// Runs it; false if a fault was not told as it should be.
pub fn chore(options: &Options) -> Result<bool> {
    tools::prepare(true)?;
    if !options.list {
        run(cargo().args(["build", "--package", "techcommerce"]))?;
    }
    Ok(invocation(options)?.status()?.success())
}

fn invocation(options: &Options) -> Result<Command> {
    let name = if options.list {
        "drill::list"
    } else {
        "drill::all"
    };
    let mut test = nextest::seen("default", name)?;
    test.env("TECHCOMMERCE_DRILL_ONLY", options.only.join(","))
        .env("TECHCOMMERCE_DRILL_FACTOR", options.factor.to_string())
        .env(
            "TECHCOMMERCE_DRILL_KEEP",
            if options.keep { "1" } else { "" },
        );
    Ok(test)
}

/// As a step of the tests: every night. Where ten compilers run, services do not answer for seconds, and
/// that is told.
pub fn check(context: &Context) -> Result<Report> {
    if context.options.nightly {
        return nextest::run_ignored(context, ALL);
    }
    Ok(Report::ok(
        "by --nightly and `cargo xtask drill`: it wants a machine to itself",
    ))
}

//! `cargo xtask faults`: the split shop under traffic and faults, held against what clients were told.

use std::process::Command;

use anyhow::Result;

use crate::nextest;
use crate::pipeline::{Context, Report};
use crate::program::{cargo, run};
use crate::tools;

/// The run, in tests/src/faults.
const ALL: &str = "package(techcommerce-tests) and test(=faults::all)";

/// Which faults, and how many.
#[derive(clap::Args)]
pub struct Options {
    /// How many faults; 100 if not given, 1,000 with `--nightly`.
    #[arg(long, value_name = "COUNT")]
    faults: Option<usize>,
    /// What the faults, their order and their lengths follow from.
    #[arg(long, value_name = "NUMBER")]
    seed: Option<u64>,
    /// Only faults whose name contains this, as `kill:` or `order-api`; may be given several times.
    #[arg(long, value_name = "NAME")]
    only: Vec<String>,
    /// Show the names of the faults and make none.
    #[arg(long)]
    list: bool,
    /// As many as every night.
    #[arg(long)]
    nightly: bool,
}

/// Runs it; false if something was not as it must be.
pub fn chore(options: &Options) -> Result<bool> {
    tools::prepare(true)?;
    if !options.list {
        run(cargo().args(["build", "--package", "techcommerce"]))?;
    }
    Ok(invocation(options)?.status()?.success())
}

fn invocation(options: &Options) -> Result<Command> {
    let name = if options.list {
        "faults::list"
    } else {
        "faults::all"
    };
    // A thousand take longer than a usual test may.
    let mut test = nextest::seen("nightly", name)?;
    test.env("TECHCOMMERCE_FAULTS_ONLY", options.only.join(","));
    for (name, value) in [
        ("COUNT", options.faults.map(|count| count.to_string())),
        ("SEED", options.seed.map(|seed| seed.to_string())),
    ] {
        if let Some(value) = value {
            test.env(format!("TECHCOMMERCE_FAULTS_{name}"), value);
        }
    }
    if options.nightly {
        test.env("TECHCOMMERCE_TEST_NIGHTLY", "1");
    }
    Ok(test)
}

/// As a step of the tests: a hundred faults every day, a thousand every night. What judges them is tested
/// beside it (tests/src/faults/planted.rs).
pub fn check(context: &Context) -> Result<Report> {
    nextest::run_ignored(context, ALL)
}

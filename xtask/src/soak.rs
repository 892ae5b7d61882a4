//! `cargo xtask soak`: a shop at half its load for an hour, by tests/src/soak (docs/soak.md).

use std::process::Command;

use anyhow::Result;
use techcommerce_testservers::Kind;

use crate::nextest;
use crate::program::{cargo, run};
use crate::tools;

/// For how long, and how much.
#[derive(clap::Args)]
pub struct Options {
    /// How long shoppers come.
    #[arg(long, default_value_t = 60.0)]
    minutes: f64,
    /// How many of them a second. About half of what a debug build does on two cores.
    #[arg(long, default_value_t = 4.0)]
    rate: f64,
}

/// Runs it; false if something grew.
pub fn chore(options: &Options) -> Result<bool> {
    tools::prepare(true)?;
    run(cargo().args(["build", "--package", "techcommerce"]))?;
    // Its own, until it ends: the shared one goes when nobody asked for it for a while.
    let postgres = techcommerce_testservers::start(Kind::Postgres)?;
    let mut test = invocation(options)?;
    test.env(Kind::Postgres.variable(), postgres.url());
    Ok(test.status()?.success())
}

fn invocation(options: &Options) -> Result<Command> {
    let mut test = nextest::seen("default", "soak::all")?;
    test.env("TECHCOMMERCE_SOAK_MINUTES", options.minutes.to_string())
        .env("TECHCOMMERCE_SOAK_RATE", options.rate.to_string());
    Ok(test)
}

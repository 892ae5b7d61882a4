//! Faults under traffic: the shop as seven processes on PostgreSQL and Redis, where people buy and
//! staff work while one fault after another is made, and a checker that knows only what they were
//! told.
//!
//! `cargo xtask faults` runs it (docs/faults.md), and the step `faults` of the tests. What is made
//! and when follows from a seed. How the processes take turns does not: a run again makes the same
//! faults, and not to the millisecond at the same moments of an order. What has to be exactly
//! again is the simulation's.

#![allow(clippy::print_stdout, reason = "the account is for whoever runs it")]

mod catalogue;
mod checker;
mod database;
mod deeds;
mod doubles;
mod ground;
mod journal;
mod look;
mod people;
mod pictures;
mod plan;
mod planted;
mod run;
mod silence;

use std::fmt::Display;
use std::str::FromStr;

use anyhow::{Result, bail};

use self::plan::Plan;

/// The usual run's, and how many faults it makes.
const SEED: u64 = 7;
const FAULTS: usize = 100;
/// The nightly run's.
const FAULTS_AT_NIGHT: usize = 1000;

/// A value of `cargo xtask faults`.
fn told<T: FromStr<Err: Display>>(name: &str) -> Result<Option<T>> {
    let text = std::env::var(format!("TECHCOMMERCE_FAULTS_{name}")).unwrap_or_default();
    if text.is_empty() {
        return Ok(None);
    }
    match text.parse() {
        Ok(value) => Ok(Some(value)),
        Err(error) => bail!("TECHCOMMERCE_FAULTS_{name}={text}: {error}"),
    }
}

/// All of it: `cargo xtask faults`.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
#[ignore = "takes minutes: cargo xtask faults"]
async fn all() -> Result<()> {
    let usual = match std::env::var_os("TECHCOMMERCE_TEST_NIGHTLY") {
        Some(_) => FAULTS_AT_NIGHT,
        None => FAULTS,
    };
    let only: String = told("ONLY")?.unwrap_or_default();
    let only: Vec<String> = only
        .split(',')
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect();
    let plan = Plan::new(
        told("SEED")?.unwrap_or(SEED),
        told("COUNT")?.unwrap_or(usual),
        &only,
    )?;
    run::run(&plan).await
}

/// What there is: `cargo xtask faults --list`.
#[test]
#[ignore = "a list, no test"]
fn list() {
    for fault in catalogue::all() {
        println!("{fault}");
    }
}

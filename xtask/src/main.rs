//! The project's own chores: `cargo xtask --help`.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command-line tool for developers"
)]

mod checker;
mod dashboards;
#[cfg(test)]
mod deploy_tests;
mod drill;
mod faults;
mod fuzz;
mod image;
mod layering;
mod licences;
mod manifests;
mod migrations;
mod monitoring;
mod nextest;
mod pipeline;
mod postgres_versions;
mod program;
mod sizes;
mod soak;
mod steps;
mod supply;
mod tools;
mod workflows;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::pipeline::{Options, Pipeline};

/// Chores of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Cli {
    #[command(subcommand)]
    command: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// Tests everything: formatting, lints, layering, sizes, licences, then unit and integration
    /// tests on SQLite, PostgreSQL and Redis, journeys through the whole program, a browser.
    Test(Options),
    /// The quick part of `test`: formatting, layering, sizes, lints and the tests of the crates.
    Check(Options),
    /// Writes the generated files anew: docs/openapi.json, docs/configuration.md.
    Generate,
    /// Takes the README's picture of the storefront: docs/images/storefront.png.
    Picture,
    /// Checks k8s/ without a cluster, and against the program: docs/manifest-checks.md.
    Manifests {
        /// Passed on: folders, as k8s/overlays/production; `cargo xtask manifests -- --help`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Checks the migrations' files, by rules of ours and squawk: docs/database.md.
    Migrations,
    /// Writes tests/upgrades/VERSION: data that this version's own program made, which every later
    /// one is to open: docs/upgrading.md.
    ReleaseData,
    /// Makes faults in a running shop, one after another, and shows that of each the right alert and no
    /// other reaches people, and clears: docs/drill.md. Takes most of an hour.
    Drill(drill::Options),
    /// Makes faults in a split shop where people buy, and holds what they were told against what is
    /// there: docs/faults.md.
    Faults(faults::Options),
    /// Checks alerts, their tests, runbooks and routes: docs/alerts.md.
    Monitoring {
        /// Passed on: `cargo xtask monitoring -- --help`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Checks what comes into the product and what goes out of it, and writes lists of parts:
    /// docs/supply-chain.md.
    Supply {
        /// Passed on: `cargo xtask supply -- --help`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Checks what GitHub runs for us and the scripts behind it: docs/release.md.
    Workflows,
    /// Runs the path of orders in a simulation that a seed decides: docs/simulation.md.
    Simulate {
        /// Passed on: `--seeds 10000 --from 0`, `--seed 7`, `--bug NAME`, `--bugs`.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Lets shoppers come for an hour, and judges whether memory, file descriptors, connections and
    /// tables stay as they are: docs/soak.md.
    Soak(soak::Options),
    /// Throws bytes at what reads from outside: catalogue files, pictures, cookies, settings, tokens.
    Fuzz(fuzz::Options),
    /// Measures the shop beside the least that could do the same, and writes
    /// docs/performance.md. Takes a quarter of an hour on a machine that does nothing else.
    Bench {
        /// Passed on: see `cargo xtask bench -- --help`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(chore: Chore) -> Result<bool> {
    program::go_to_root()?;
    match chore {
        Chore::Test(options) => Pipeline::new(options, &steps::ALL).run(),
        Chore::Check(options) => Pipeline::new(options, &steps::QUICK).run(),
        Chore::Generate => steps::generate(),
        Chore::Picture => steps::picture(),
        Chore::Manifests { arguments } => manifests::chore(&arguments),
        Chore::Migrations => migrations::chore(),
        Chore::ReleaseData => migrations::release_data(),
        Chore::Drill(options) => drill::chore(&options),
        Chore::Faults(options) => faults::chore(&options),
        Chore::Monitoring { arguments } => monitoring::chore(&arguments),
        Chore::Soak(options) => soak::chore(&options),
        Chore::Fuzz(options) => fuzz::chore(&options),
        Chore::Simulate { arguments } => steps::simulate(&arguments),
        Chore::Workflows => workflows::chore(),
        Chore::Supply { arguments } => supply::chore(&arguments),
        Chore::Bench { arguments } => steps::bench(&arguments),
    }
}

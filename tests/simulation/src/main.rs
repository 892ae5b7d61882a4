//! `cargo xtask simulate`: runs seeds, or one of them with all that happens in it.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command-line tool for developers"
)]

use std::{process::ExitCode, time::Instant};

use clap::Parser;
use techcommerce_simulation::{bugs::Bug, run};

/// Runs the path of orders in a simulation that seeds decide.
#[derive(Parser)]
#[command(name = "cargo xtask simulate")]
struct Cli {
    /// How many seeds
    #[arg(long, default_value_t = 10_000)]
    seeds: u64,
    /// The first of them
    #[arg(long, default_value_t = 0)]
    from: u64,
    /// Only this seed, with all that happens in it
    #[arg(long, conflicts_with_all = ["seeds", "from"])]
    seed: Option<u64>,
    /// With this mistake planted; --bugs lists them
    #[arg(long)]
    bug: Option<Bug>,
    /// Lists the mistakes that can be planted
    #[arg(long)]
    bugs: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    if cli.bugs {
        for bug in Bug::ALL {
            println!("{bug:28} {}", bug.about());
        }
        return ExitCode::SUCCESS;
    }
    if let Some(seed) = cli.seed {
        let ran = run(seed, cli.bug, true);
        for line in &ran.trace {
            println!("{line}");
        }
        println!(
            "seed {seed}: {} happenings, {} orders, hash {:016x}",
            ran.happenings, ran.orders, ran.hash
        );
        return match ran.violation {
            Some(violation) => {
                println!("BROKEN {violation}");
                ExitCode::FAILURE
            }
            None => ExitCode::SUCCESS,
        };
    }
    let started = Instant::now();
    let (mut happenings, mut orders, mut broken) = (0, 0, 0);
    for seed in cli.from..cli.from.saturating_add(cli.seeds) {
        let ran = run(seed, cli.bug, false);
        happenings += ran.happenings;
        orders += ran.orders;
        if let Some(violation) = ran.violation {
            broken += 1;
            println!("seed {seed}: {violation}");
            println!("  replay: cargo xtask simulate --seed {seed}");
        }
    }
    println!(
        "{} seeds, {orders} orders, {happenings} happenings, {broken} broken, {:.1} s",
        cli.seeds,
        started.elapsed().as_secs_f64()
    );
    match broken {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    }
}

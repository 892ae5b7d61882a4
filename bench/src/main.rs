//! Side-by-side measurements: the shop against the least that could do the same work, in turns,
//! in one run on one machine. `cargo xtask bench` builds and runs it.

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    clippy::disallowed_methods,
    reason = "a command-line tool that measures real time"
)]

mod bare;
mod catalogue;
mod checkout;
mod client;
mod flash;
mod hot;
mod load;
mod machine;
mod minimal;
mod open;
mod overload;
mod reads;
mod report;
mod rush;
mod shop;
mod start;
mod stats;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, time::Duration};

use anyhow::Result;
use clap::{Parser, Subcommand};

/// The same as the shop's, so that allocators are not what is compared.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Measures the shop.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measures everything and writes the report.
    Run(Run),
    /// Measures what happens when far more comes than can be done, and writes a report of it.
    FlashSale(rush::Arguments),
    /// Serves fixed bytes with axum and nothing else: what is measured against.
    Bare {
        /// Where to listen.
        #[arg(long)]
        address: SocketAddr,
        /// The file that every path answers with.
        #[arg(long)]
        file: PathBuf,
    },
}

#[derive(clap::Args)]
struct Run {
    /// The program that is measured.
    #[arg(long, default_value = "target/release/techcommerce")]
    program: PathBuf,
    /// Where the report goes.
    #[arg(long, default_value = "docs/performance.md")]
    report: PathBuf,
    /// How often each pair is measured, in turns.
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How long each is measured in a round, in seconds.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// How many clients ask at once.
    #[arg(long, default_value_t = 8)]
    clients: usize,
    /// Measures only the reads, and prints them instead of writing the report.
    #[arg(long)]
    only_reads: bool,
    /// How many products the catalogue has.
    #[arg(long, default_value_t = 10_000)]
    products: usize,
    /// Measures only the checkouts and writes no report.
    #[arg(long)]
    only_checkouts: bool,
}

/// What every measurement is told.
struct Plan {
    program: PathBuf,
    rounds: usize,
    each: Duration,
    clients: usize,
    products: usize,
}

fn main() -> ExitCode {
    let runtime = match tokio::runtime::Runtime::new() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::FAILURE;
        }
    };
    match runtime.block_on(run(Cli::parse().command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Bare { address, file } => bare::serve(address, &file).await,
        Command::Run(run) => measure(run).await,
        Command::FlashSale(arguments) => rush::run(arguments).await,
    }
}

async fn measure(run: Run) -> Result<()> {
    let plan = Plan {
        program: std::path::absolute(&run.program)?,
        rounds: run.rounds.max(1),
        each: Duration::from_secs(run.seconds.max(1)),
        clients: run.clients.max(1),
        products: run.products.max(100),
    };
    let postgres = shop::postgres()?;
    println!("catalogue of {} products", plan.products);
    let catalogue = catalogue::Catalogue::new(plan.products)?;

    if run.only_reads {
        let reads = reads::measure(&plan, &catalogue, &postgres).await?;
        println!("{}", report::reads(&reads)?);
        return Ok(());
    }
    if run.only_checkouts {
        let checkouts = checkout::measure(&plan, &catalogue, &postgres).await?;
        println!("{}", report::checkouts(&checkouts)?);
        return Ok(());
    }
    let start = start::measure(&plan).await?;
    let reads = reads::measure(&plan, &catalogue, &postgres).await?;
    let checkouts = checkout::measure(&plan, &catalogue, &postgres).await?;

    let text = report::write(&plan, &start, &reads, &checkouts)?;
    std::fs::write(&run.report, &text)?;
    println!("{text}\nwritten to {}", run.report.display());
    Ok(())
}

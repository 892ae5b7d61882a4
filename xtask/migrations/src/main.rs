//! `cargo xtask migrations`: checks the migrations' files (docs/database.md).

#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool for developers"
)]

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::Parser;
use techcommerce_migrations::{check, squawk};

/// Checks the migrations' files.
#[derive(Parser)]
struct Cli {
    /// Installs squawk into target/tools, and ends
    #[arg(long)]
    install: bool,
    /// The program; not needed here
    #[arg(long, hide = true)]
    program: Option<PathBuf>,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(cli: &Cli) -> Result<bool> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .nth(2)
        .context("the root")?;
    if cli.install {
        squawk::install(root)?;
        return Ok(true);
    }
    let (files, found) = check(root, &squawk::find(root)?)?;
    for finding in &found {
        println!("{finding}");
    }
    println!("{files} migrations, {} found", found.len());
    Ok(found.is_empty())
}

//! The shop in one binary: reads the command line and runs the command.

mod backup;
mod cli;
mod cluster;
mod commands;
mod compose;
mod data_folder;
mod demo;
mod following;
mod ground;
mod here;
mod notices;
mod reach;
#[cfg(test)]
mod released;
mod roles;
mod schemas;
mod standing;
mod stores;
mod systemd;
mod traces;
mod trial;
mod trust;
mod web;

use std::{io::Write, process::ExitCode};

use clap::Parser;
use techcommerce_kernel::Error;

use crate::cli::{Admin, Cli, Command};

/// Requests allocate a lot; this one takes less of their time than the C library's.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let ended = run(cli);
    techcommerce_telemetry::flush_logs();
    match ended {
        Ok(code) => code,
        Err(error) => {
            complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn run(cli: Cli) -> Result<ExitCode, Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let global = cli.global;
    runtime.block_on(async move {
        let whole = || {
            let services = Vec::new();
            Command::Serve(cli::Services { services })
        };
        match cli.command.unwrap_or_else(whole) {
            Command::Serve(cli::Services { services }) => {
                commands::serve::run(global.load()?.settings, services).await
            }
            Command::Migrate(arguments) => {
                commands::migrate::run(global.load()?.settings, arguments).await
            }
            Command::Import(arguments) => {
                commands::import::run(global.load()?.settings, arguments).await
            }
            Command::Export(arguments) => {
                commands::export::run(global.load()?.settings, arguments).await
            }
            Command::Admin(Admin::Create { email }) => {
                commands::admin::create(global.load()?.settings, &email).await
            }
            Command::Keys(arguments) => commands::keys::run(&arguments),
            Command::Cluster(cli::Cluster::Secrets(arguments)) => {
                commands::cluster::secrets(arguments).await
            }
            Command::Cluster(cli::Cluster::Scale(arguments)) => {
                commands::cluster::scale(arguments).await
            }
            Command::Traffic(arguments) => commands::traffic::run(*arguments).await,
            Command::Doctor(arguments) => match arguments.trial {
                Some(trial) => commands::doctor::try_one(trial).await,
                None => commands::doctor::run(global.load()?.settings, arguments).await,
            },
            Command::Health(arguments) => {
                commands::doctor::health(&global.load()?.settings, &arguments).await
            }
            Command::Config(arguments) => commands::config::run(&global, &arguments),
            Command::Backup(arguments) => {
                commands::backup::run(global.load()?.settings, arguments).await
            }
            Command::Restore(arguments) => {
                commands::restore::run(global.load()?.settings, arguments).await
            }
            Command::Metrics(arguments) => commands::metrics::run(&arguments),
            Command::Openapi => commands::openapi::run(),
        }
    })
}

/// Says on standard error what went wrong; of our own faults also the cause.
#[allow(clippy::print_stderr, reason = "the command line speaks to a person")]
fn complain(error: &Error) {
    eprintln!("error: {error}");
    if error.kind() == techcommerce_kernel::Kind::Internal {
        eprintln!("  {error:?}");
    } else if let Some(cause) = std::error::Error::source(error) {
        let cause = cause.to_string();
        if !error.message().contains(&cause) {
            eprintln!("  cause: {cause}");
        }
    }
}

/// Says something on standard output. A reader that went away (`… | head`) is no failure.
fn say(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

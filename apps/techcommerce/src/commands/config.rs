//! `techcommerce config`: what is in force, and where each value came from.

use std::process::ExitCode;

use techcommerce_kernel::Error;

use crate::{
    cli::{Config, Global},
    say,
};

/// Prints each setting with its source, or the reference of all.
pub fn run(global: &Global, arguments: &Config) -> Result<ExitCode, Error> {
    if arguments.reference {
        say(techcommerce_config::reference_markdown().trim_end());
        return Ok(ExitCode::SUCCESS);
    }
    let effective = global.load()?.effective;
    let width = effective.iter().map(|e| e.key.len()).max().unwrap_or(0);
    for value in effective {
        say(format_args!(
            "{:width$} = {}  # {}",
            value.key, value.value, value.source
        ));
    }
    Ok(ExitCode::SUCCESS)
}

//! `techcommerce import`: brings a catalogue in.

use std::process::ExitCode;

use techcommerce_config::Settings;
use techcommerce_kernel::Error;

use crate::cli::Import;

/// To be wired.
pub async fn run(_settings: Settings, arguments: Import) -> Result<ExitCode, Error> {
    Err(Error::internal(format!("{} {}", arguments.file.display(), arguments.dry_run)))
}

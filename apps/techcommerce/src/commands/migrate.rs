//! `techcommerce migrate`: brings all databases up to date, and ends.

use std::process::ExitCode;

use techcommerce_config::Settings;
use techcommerce_kernel::Error;

use crate::{data_folder::DataFolder, say, stores::Stores};

/// Migrates every service's database. Running it again, or twice at once, does no harm.
pub async fn run(settings: Settings) -> Result<ExitCode, Error> {
    let folder = DataFolder::open(&settings.data_dir)?;
    let stores = Stores::open(&settings, &folder).await?;
    stores.migrate().await?;
    stores.close().await;
    say("All databases are up to date.");
    Ok(ExitCode::SUCCESS)
}

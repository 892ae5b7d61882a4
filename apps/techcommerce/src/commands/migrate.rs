//! `techcommerce migrate`: brings databases up to date, and ends.

use std::process::ExitCode;

use techcommerce_config::Settings;
use techcommerce_contracts::Service;
use techcommerce_kernel::Error;

use crate::{data_folder::DataFolder, here::Here, say, stores::Stores};

/// Migrates the databases of these services, or of all. Running it again, or twice at once, does
/// no harm.
pub async fn run(settings: Settings, services: Vec<Service>) -> Result<ExitCode, Error> {
    let here = Here::for_command(services, &settings)?;
    let folder = DataFolder::open(&settings.data_dir)?;
    let stores = Stores::open(&settings, Some(&folder), &here.databases()).await?;
    stores.migrate().await?;
    let names: Vec<_> = stores.all().map(|(service, ..)| service.name()).collect();
    stores.close().await;
    say(format_args!("Up to date: {}.", names.join(", ")));
    Ok(ExitCode::SUCCESS)
}

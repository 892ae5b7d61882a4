//! `techcommerce backup`: what is known of the shop's backups, for whoever takes them.

use std::process::ExitCode;

use techcommerce_config::Settings;
use techcommerce_contracts::Service;
use techcommerce_kernel::{Env, Error};
use techcommerce_order_api::backups::{self, Backup};

use crate::{cli::RecordBackup, data_folder::DataFolder, here::Here, say, stores::Stores};

/// How many are shown.
const SHOWN: u32 = 20;

/// Notes that a backup was taken, or that one was found whole.
pub async fn record(settings: Settings, arguments: RecordBackup) -> Result<ExitCode, Error> {
    let stores = open(&settings).await?;
    let backup = Backup {
        taken_at: arguments.taken_at.0,
        bytes: arguments.bytes,
        verified_at: arguments.verified_at.map(|at| at.0),
    };
    let db = stores.get(Service::OrderApi)?;
    let recorded = backups::record(db, &Env::system(), &backup).await;
    stores.close().await;
    recorded?;
    say(shown(&backup));
    Ok(ExitCode::SUCCESS)
}

/// Shows the last ones.
pub async fn list(settings: Settings) -> Result<ExitCode, Error> {
    let stores = open(&settings).await?;
    let all = backups::list(stores.get(Service::OrderApi)?, SHOWN).await;
    stores.close().await;
    let all = all?;
    if all.is_empty() {
        say("No backup is known.");
    }
    for backup in all {
        say(shown(&backup));
    }
    Ok(ExitCode::SUCCESS)
}

fn shown(backup: &Backup) -> String {
    let verified = match backup.verified_at {
        Some(at) => format!("verified {}", at.to_rfc3339()),
        None => "not verified".to_owned(),
    };
    let taken = backup.taken_at.to_rfc3339();
    format!("{taken}  {} bytes  {verified}", backup.bytes)
}

/// The database of orders, which keeps the list; a shop that runs may keep it open too.
async fn open(settings: &Settings) -> Result<Stores, Error> {
    let here = Here::for_command(vec![Service::OrderApi], settings);
    let folder = match here {
        // In PostgreSQL there is nothing in a folder.
        Ok(_) => None,
        Err(_) => Some(DataFolder::open(&settings.data_dir)?),
    };
    let stores = Stores::open(settings, folder.as_ref(), &[Service::OrderApi]).await?;
    if settings.database_migrate {
        stores.migrate().await?;
    }
    Ok(stores)
}

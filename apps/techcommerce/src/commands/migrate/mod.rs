//! `techcommerce migrate`: makes roles and schemas if it may, brings databases up to date, and ends.

mod check;

use std::{process::ExitCode, time::Duration};

use techcommerce_config::Settings;
use techcommerce_contracts::Service;
use techcommerce_kernel::{Error, Kind};
use techcommerce_store::Pace;

use crate::{cli::Migrate, data_folder::DataFolder, here::Here, roles, say, stores::Stores};

/// How long a server is waited for that is not there: whatever starts this may start it at the
/// same time.
const PATIENCE: u32 = 60;
const LOOK: Duration = Duration::from_secs(1);

/// Migrates the databases of these services, or of all, or says what that would do. Running it
/// again does no harm, and of two at once one waits for the other.
pub async fn run(settings: Settings, arguments: Migrate) -> Result<ExitCode, Error> {
    if arguments.check {
        return check::run(&settings, arguments.services, arguments.json).await;
    }
    let here = Here::for_command(arguments.services, &settings)?;
    // With an address for each there is nothing to keep in the folder.
    let folder = match here.is_in_postgres(&settings) {
        true => None,
        false => Some(DataFolder::open(&settings.data_dir)?),
    };
    if let Some(roles) = patiently(|| roles::make(&settings, &here)).await? {
        say(format_args!("Roles: {}.", roles.join(", ")));
    }
    let stores = Stores::open(&settings, folder.as_ref(), &here.databases()).await?;
    patiently(|| stores.migrate_at(|service| pace(service, arguments.closed))).await?;
    let names: Vec<_> = stores.all().map(|(service, ..)| service.name()).collect();
    stores.close().await;
    say(format_args!("Up to date: {}.", names.join(", ")));
    Ok(ExitCode::SUCCESS)
}

/// Beside a shop that sells, unless it is closed.
fn pace(service: Service, closed: bool) -> Pace {
    let pace = match closed {
        true => Pace::closed(),
        false => Pace::default(),
    };
    pace.telling(move |told| say(format_args!("{service}: {told}.")))
}

async fn patiently<T, F>(work: impl Fn() -> F) -> Result<T, Error>
where
    F: Future<Output = Result<T, Error>>,
{
    let mut told = None;
    for _ in 0..PATIENCE {
        match work().await {
            // One that was patient with others for so long has said what to do.
            Err(error) if error.kind() == Kind::Unavailable && error.code() != "migration_busy" => {
                let cause = std::error::Error::source(&error);
                let cause = cause.map_or_else(|| error.to_string(), ToString::to_string);
                if told.as_ref() != Some(&cause) {
                    say(format_args!("Waiting for the database: {cause}"));
                    told = Some(cause);
                }
                tokio::time::sleep(LOOK).await;
            }
            outcome => return outcome,
        }
    }
    work().await
}

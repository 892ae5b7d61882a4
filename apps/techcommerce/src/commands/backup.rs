//! `techcommerce backup`: takes one of a shop on one machine, tries them, proves what was restored, and
//! keeps the list of those that were taken.

use std::{path::Path, process::ExitCode};

use techcommerce_config::Settings;
use techcommerce_contracts::Service;
use techcommerce_kernel::{Env, Error, Timestamp};
use techcommerce_order_api::backups::{self, Backup};
use tokio::time::Instant;

use crate::{
    backup::{self, Books, Manifest, Proof, Shelf, pgbackrest},
    cli::{self, About, ProveBackup, RecordBackup, VerifyBackup},
    compose::image_store,
    data_folder::DataFolder,
    here::{Here, WITH_DATABASE},
    say,
    stores::{self, Stores},
};

/// How many are shown.
const SHOWN: u32 = 20;

/// Takes a backup, or does what else was asked.
pub async fn run(settings: Settings, arguments: cli::Backup) -> Result<ExitCode, Error> {
    match arguments.what {
        None => take(settings, arguments).await,
        Some(About::Verify(arguments)) => verify(&settings, arguments).await,
        Some(About::Prove(arguments)) => prove(&settings, &arguments).await,
        Some(About::Record(arguments)) => record(&settings, &arguments).await,
        Some(About::List) => list(&settings).await,
    }
}

async fn take(settings: Settings, arguments: cli::Backup) -> Result<ExitCode, Error> {
    in_files(&settings)?;
    let env = Env::system();
    let start = Instant::now();
    let folder = DataFolder::open(&settings.data_dir)?;
    let shelf = Shelf::open(&arguments.to)?;
    let pictures = image_store(&settings, folder.path())?;
    let taken = backup::take(&folder, &pictures, &shelf, &env).await?;
    let manifest = &taken.manifest;
    say(format_args!(
        "{}\n  of {}: {} orders, {} files, {} bytes, {} files unchanged since the backup before\n  \
         in {:.1} s; the shop could not write for {:.0} ms of them",
        taken.path.display(),
        manifest.taken_at,
        manifest.books.orders.rows,
        manifest.files.len(),
        manifest.bytes(),
        taken.linked,
        start.elapsed().as_secs_f64(),
        taken.held.as_secs_f64() * 1000.0,
    ));
    if !manifest.missing.is_empty() {
        say(format_args!(
            "note   {} pictures have no file in the shop: {}",
            manifest.missing.len(),
            manifest.missing.join(", ")
        ));
    }
    let mut verified_at = None;
    if arguments.verify {
        if !tried(&taken.path, manifest, None).await? {
            return Ok(ExitCode::FAILURE);
        }
        verified_at = Some(env.now());
    }
    note(&settings, manifest, verified_at, &env).await?;
    // Older ones go only when the new one is there.
    if let Some(keep) = arguments.keep {
        let gone = shelf.prune(usize::try_from(keep).unwrap_or(usize::MAX))?;
        if gone > 0 {
            say(format_args!("{gone} older ones were removed."));
        }
    }
    Ok(ExitCode::SUCCESS)
}

async fn verify(settings: &Settings, arguments: VerifyBackup) -> Result<ExitCode, Error> {
    let (path, manifest) = backup::choose(&arguments.from, None)?;
    if !tried(&path, &manifest, arguments.scratch.as_deref()).await? {
        return Ok(ExitCode::FAILURE);
    }
    if arguments.record {
        let env = Env::system();
        note(settings, &manifest, Some(env.now()), &env).await?;
    }
    Ok(ExitCode::SUCCESS)
}

/// Tries a backup and says what came of it.
async fn tried(path: &Path, manifest: &Manifest, scratch: Option<&Path>) -> Result<bool, Error> {
    let beside = {
        let mut name = path.as_os_str().to_owned();
        name.push(".tried.part");
        std::path::PathBuf::from(name)
    };
    let scratch = scratch.map_or(beside, |folder| folder.join("techcommerce-verify.part"));
    let verified = backup::verify(path, manifest, &scratch).await?;
    if verified.wrong.is_empty() {
        say(format_args!(
            "{} is whole: every byte, {} orders, and its books add up.",
            path.display(),
            verified.orders
        ));
        return Ok(true);
    }
    say(format_args!("{} is NOT whole:", path.display()));
    for wrong in verified.wrong {
        say(format_args!("  {wrong}"));
    }
    Ok(false)
}

async fn prove(settings: &Settings, arguments: &ProveBackup) -> Result<ExitCode, Error> {
    let stores = open(settings, &WITH_DATABASE).await?;
    let until = arguments.until.map(|moment| moment.0);
    let proved = async {
        Ok::<_, Error>(Proof {
            at: Env::system().now(),
            until,
            books: Books::read(&stores, until).await?,
            differences: backup::differences(&stores).await?,
        })
    };
    let proved = proved.await;
    stores.close().await;
    let mut proof = proved?;
    if proof.books.orders.rows < arguments.at_least {
        proof.differences.push(format!(
            "{} orders are there, at least {} were expected",
            proof.books.orders.rows, arguments.at_least
        ));
    }
    say(serde_json::to_string_pretty(&proof).map_err(Error::internal)?);
    Ok(match proof.differences.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Notes that a backup was taken, or that one was found whole.
async fn record(settings: &Settings, arguments: &RecordBackup) -> Result<ExitCode, Error> {
    let env = Env::system();
    let (taken_at, bytes) = match (&arguments.pgbackrest, arguments.taken_at, arguments.bytes) {
        (Some(file), ..) => pgbackrest::newest(file)?,
        (None, Some(taken_at), Some(bytes)) => (taken_at.0, bytes),
        _ => {
            return Err(Error::invalid(
                "invalid_input",
                "--taken-at and --bytes are needed.",
            ));
        }
    };
    let verified_at = match arguments.verified {
        true => Some(env.now()),
        false => arguments.verified_at.map(|at| at.0),
    };
    let backup = Backup {
        taken_at,
        bytes,
        verified_at,
    };
    write(settings, &backup, &env).await?;
    say(shown(&backup));
    Ok(ExitCode::SUCCESS)
}

async fn note(
    settings: &Settings,
    manifest: &Manifest,
    verified_at: Option<Timestamp>,
    env: &Env,
) -> Result<(), Error> {
    let backup = Backup {
        taken_at: manifest.taken_at,
        bytes: manifest.bytes(),
        verified_at,
    };
    write(settings, &backup, env).await
}

async fn write(settings: &Settings, backup: &Backup, env: &Env) -> Result<(), Error> {
    let stores = open(settings, &[Service::OrderApi]).await?;
    let db = stores.get(Service::OrderApi)?;
    let recorded = backups::record(db, env, backup).await;
    stores.close().await;
    recorded
}

/// Shows the last ones.
async fn list(settings: &Settings) -> Result<ExitCode, Error> {
    let stores = open(settings, &[Service::OrderApi]).await?;
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

/// Refuses a shop whose data are not in files.
pub fn in_files(settings: &Settings) -> Result<(), Error> {
    let elsewhere = WITH_DATABASE
        .into_iter()
        .any(|service| stores::url(settings, service).is_some());
    match elsewhere {
        false => Ok(()),
        true => Err(Error::invalid(
            "backup_engine",
            "This shop keeps its data in PostgreSQL, which pgBackRest copies and restores: \
             docs/disaster-recovery.md. This command is for a shop in files.",
        )),
    }
}

/// The databases of these services; a shop that runs may keep them open too. They stay as they are:
/// who backs up before an update does it with either program, and a shop of the version before serves.
async fn open(settings: &Settings, services: &[Service]) -> Result<Stores, Error> {
    let here = Here::for_command(services.to_vec(), settings);
    let folder = match here {
        // In PostgreSQL there is nothing in a folder.
        Ok(_) => None,
        Err(_) => Some(DataFolder::open(&settings.data_dir)?),
    };
    Stores::open(settings, folder.as_ref(), services).await
}

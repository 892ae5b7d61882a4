//! `techcommerce import`: brings a catalogue in, also beside a shop that serves.

use std::{
    fs::File,
    io::{IsTerminal, Write, stderr},
    path::Path,
    process::ExitCode,
};

use techcommerce_config::Settings;
use techcommerce_contracts::{
    Service,
    product_api::{ImportError, ImportReport},
};
use techcommerce_kernel::{Env, Error};
use techcommerce_product_api::import::{self, Progress};

use crate::{cli::Import, data_folder::DataFolder, say, stores::Stores};

/// Imports the file and reports. Fails if a row was refused, so that scripts notice.
pub async fn run(settings: Settings, arguments: Import) -> Result<ExitCode, Error> {
    let file = open(&arguments.file)?;
    let size = file.metadata()?.len();
    let folder = DataFolder::open(&settings.data_dir)?;
    let stores = Stores::open(&settings, Some(&folder), &[Service::ProductApi]).await?;
    stores.migrate().await?;
    let what = import::Import {
        dry_run: arguments.dry_run,
        actor: "command:import".to_owned(),
        currency: settings.shop.currency,
    };
    let report = import::run(
        stores.get(Service::ProductApi)?,
        &Env::system(),
        None,
        what,
        file,
        |progress| show(progress, size),
    )
    .await;
    stores.close().await;
    let report = report?;
    tell(&report);
    Ok(match report.refused {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}

fn open(path: &Path) -> Result<File, Error> {
    File::open(path).map_err(|error| {
        Error::invalid(
            "import_file",
            format!("cannot read {}: {error}", path.display()),
        )
    })
}

/// One line that is written over, and only for a person.
fn show(progress: Progress, size: u64) {
    let mut out = stderr();
    if out.is_terminal() {
        let percent = progress.bytes * 100 / size.max(1);
        let _ = write!(
            out,
            "\r{percent:3} %  {} rows, {} products ",
            progress.rows, progress.products
        );
        let _ = out.flush();
        if progress.bytes >= size {
            let _ = writeln!(out);
        }
    }
}

fn tell(report: &ImportReport) {
    say(format_args!(
        "{} rows read as {}{}",
        report.rows,
        report.format,
        if report.dry_run {
            ", nothing was changed (dry run)"
        } else {
            ""
        }
    ));
    say(format_args!(
        "products: {} new, {} changed, {} as they were; rows refused: {}",
        report.created, report.updated, report.unchanged, report.refused
    ));
    list("refused", &report.errors);
    list("taken, but not as it stood", &report.warnings);
}

fn list(title: &str, rows: &[ImportError]) {
    if rows.is_empty() {
        return;
    }
    say(format_args!("\n{title}:"));
    for row in rows {
        let column = match row.column.as_str() {
            "" => String::new(),
            column => format!(", column {column}"),
        };
        say(format_args!("  line {}{column}: {}", row.line, row.reason));
    }
}

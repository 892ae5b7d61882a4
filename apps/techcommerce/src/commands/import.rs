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
    let folder = DataFolder::open(&settings.data_dir)?;
    let stores = Stores::open(&settings, Some(&folder), &[Service::ProductApi]).await?;
    stores.migrate().await?;
    let what = import::Import {
        dry_run: arguments.dry_run,
        actor: "command:import".to_owned(),
        currency: settings.shop.currency,
        file_name: arguments
            .file
            .file_name()
            .map(|name| name.to_string_lossy().into_owned()),
    };
    let mut shown = Shown::default();
    let report = import::run(
        stores.get(Service::ProductApi)?,
        &Env::system(),
        None,
        what,
        file,
        |progress| shown.show(progress),
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

/// What was shown last.
#[derive(Default)]
struct Shown {
    percent: Option<u32>,
}

impl Shown {
    /// For a person one line that is written over; for a log a line every tenth of the file.
    fn show(&mut self, progress: Progress) {
        let mut out = stderr();
        let line = format!(
            "{:3} %  {} rows, {} products",
            progress.percent, progress.rows, progress.products
        );
        let before = self.percent.replace(progress.percent);
        if out.is_terminal() {
            let end = if progress.percent == 100 { "\n" } else { " " };
            let _ = write!(out, "\r{line}{end}");
            let _ = out.flush();
        } else if before.is_none_or(|before| before / 10 != progress.percent / 10) {
            let _ = writeln!(out, "{line}");
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
    if report.resumed {
        say("went on where an earlier import of this file had broken off; the counts are of both");
    }
    say(format_args!(
        "products: {} new, {} changed, {} as they were; rows refused: {}",
        report.created, report.updated, report.unchanged, report.refused
    ));
    list("refused", &report.errors, report.refused);
    let warnings = &report.warnings;
    list("taken, but not as it stood", warnings, report.warned);
}

fn list(title: &str, rows: &[ImportError], of: u64) {
    if rows.is_empty() {
        return;
    }
    say(format_args!("\n{title}:"));
    for row in rows {
        let column = match row.column.as_str() {
            "" => String::new(),
            column => format!(", column {column}"),
        };
        let mend = match row.mend.as_str() {
            "" => String::new(),
            mend => format!("; {mend}"),
        };
        say(format_args!(
            "  line {}{column}: {}{mend}",
            row.line, row.reason
        ));
    }
    if of > rows.len() as u64 {
        say(format_args!("  and {} more", of - rows.len() as u64));
    }
}

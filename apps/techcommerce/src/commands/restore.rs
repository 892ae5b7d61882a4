//! `techcommerce restore`: brings a backup of a shop on one machine back.

use std::process::ExitCode;

use techcommerce_config::Settings;
use techcommerce_kernel::{Env, Error};
use tokio::time::Instant;

use crate::{
    backup::{self, Asked},
    cli::Restore,
    commands::backup::in_files,
    compose::image_store,
    data_folder::DataFolder,
    say,
};

/// Restores, proves what was restored, and says what it has.
pub async fn run(settings: Settings, arguments: Restore) -> Result<ExitCode, Error> {
    in_files(&settings)?;
    let start = Instant::now();
    let (path, manifest) = backup::choose(&arguments.from, arguments.at.map(|at| at.0))?;
    let to = arguments.to.as_ref().unwrap_or(&settings.data_dir);
    let folder = DataFolder::open(to)?;
    // Pictures that are not in the data folder.
    let pictures = match settings.images.store.as_str() {
        "" => None,
        _ => Some(image_store(&settings, folder.path())?),
    };
    let asked = Asked {
        backup: &path,
        manifest: &manifest,
        folder: &folder,
        pictures: pictures.as_ref(),
        replace: arguments.replace,
    };
    let restored = backup::restore(&asked, &Env::system()).await?;
    let books = &manifest.books;
    say(format_args!(
        "{} is in {}: the shop as it was at {}, in {:.1} s.",
        path.display(),
        folder.path().display(),
        manifest.taken_at,
        start.elapsed().as_secs_f64()
    ));
    for (what, link) in [
        ("orders", &books.orders),
        ("entries of payments", &books.payments),
        ("movements of stock", &books.stock),
    ] {
        say(format_args!(
            "ok     {} {what}, chain {}",
            link.rows, link.chain
        ));
    }
    let tables: usize = books.rows.values().map(|tables| tables.len()).sum();
    say(format_args!(
        "ok     the rows of {tables} tables are those of the backup, and all books add up"
    ));
    if let Some(aside) = restored.aside {
        say(format_args!(
            "What was there is in {}; remove it when you need it no more.",
            aside.display()
        ));
    }
    Ok(ExitCode::SUCCESS)
}

//! `techcommerce export`: writes the catalogue into a file, also beside a shop that serves.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::PathBuf,
    process::ExitCode,
};

use bytes::Bytes;
use techcommerce_config::Settings;
use techcommerce_contracts::Service;
use techcommerce_kernel::Error;
use techcommerce_product_api::export::{self, Format};
use tokio::sync::mpsc;

use crate::{
    cli::{Export, ExportFormat},
    data_folder::DataFolder,
    stores::Stores,
};

/// Exports. A file appears under its name only when it is whole.
pub async fn run(settings: Settings, arguments: Export) -> Result<ExitCode, Error> {
    let folder = DataFolder::open(&settings.data_dir)?;
    let stores = Stores::open(&settings, Some(&folder), &[Service::ProductApi]).await?;
    stores.migrate().await?;
    let format = match arguments.format {
        ExportFormat::Shopify => Format::Shopify,
        ExportFormat::Jsonl => Format::JsonLines,
    };
    let (pieces, received) = mpsc::channel::<Bytes>(2);
    let file = arguments.file;
    let writing = tokio::task::spawn_blocking(move || match file {
        Some(file) => into_file(file, received),
        None => write(std::io::stdout().lock(), received).map(|()| Written::Out),
    });
    let db = stores.get(Service::ProductApi)?;
    let currency = settings.shop.currency;
    let exported = export::run(db, format, currency, settings.public_url.as_str(), &pieces).await;
    drop(pieces);
    let written = writing.await.map_err(Error::internal)?;
    stores.close().await;
    exported?;
    // A broken export must not look like a whole one: only now does it get its name.
    written?.finish()?;
    Ok(ExitCode::SUCCESS)
}

/// Where the export is now.
enum Written {
    Out,
    Part { part: PathBuf, file: PathBuf },
}

impl Written {
    fn finish(self) -> Result<(), Error> {
        match self {
            Self::Out => Ok(()),
            Self::Part { part, file } => Ok(std::fs::rename(part, file)?),
        }
    }
}

fn into_file(file: PathBuf, pieces: mpsc::Receiver<Bytes>) -> Result<Written, Error> {
    let mut part = file.clone().into_os_string();
    part.push(".part");
    let part = PathBuf::from(part);
    let to = File::create(&part).map_err(|error| {
        let message = format!("cannot write {}: {error}", part.display());
        Error::invalid("export_file", message)
    })?;
    write(BufWriter::new(to), pieces)?;
    Ok(Written::Part { part, file })
}

fn write(mut to: impl Write, mut pieces: mpsc::Receiver<Bytes>) -> Result<(), Error> {
    while let Some(piece) = pieces.blocking_recv() {
        to.write_all(&piece)?;
    }
    Ok(to.flush()?)
}

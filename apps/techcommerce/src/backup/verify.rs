//! Trying a backup: every byte against the manifest, and the databases opened and recomputed
//! somewhere else.

use std::path::Path;

use techcommerce_kernel::Error;
use techcommerce_store::seal;

use super::{
    DATABASES, files,
    manifest::Manifest,
    proof::{self, Books},
};
use crate::{data_folder::DataFolder, here::WITH_DATABASE, stores::Stores};

/// What a trial found.
#[derive(Debug)]
pub struct Verified {
    /// What is wrong; nothing, if the backup is whole.
    pub wrong: Vec<String>,
    /// How many orders it has.
    pub orders: u64,
}

/// Tries the backup in `folder`, with room for its databases in `scratch`, which is removed again.
///
/// # Errors
/// The trial could not be made.
pub async fn verify(folder: &Path, manifest: &Manifest, scratch: &Path) -> Result<Verified, Error> {
    let mut wrong = sums(folder, manifest);
    if wrong.is_empty() {
        let opened = open(folder, manifest, scratch).await;
        let removed = files::remove(scratch);
        wrong.extend(opened?);
        removed.map_err(|error| files::wrong("removed", scratch, &error))?;
    }
    Ok(Verified {
        wrong,
        orders: manifest.books.orders.rows,
    })
}

/// Files that are not what the manifest says.
fn sums(folder: &Path, manifest: &Manifest) -> Vec<String> {
    let mut wrong = Vec::new();
    for file in &manifest.files {
        match files::hash(&folder.join(&file.path)) {
            Err(error) => wrong.push(format!("{}: {error}", file.path)),
            Ok((bytes, sha256)) if bytes == file.bytes && sha256 == file.sha256 => {}
            Ok((bytes, _)) => wrong.push(format!(
                "{} has changed: {bytes} bytes are there, {} were written",
                file.path, file.bytes
            )),
        }
    }
    wrong
}

async fn open(folder: &Path, manifest: &Manifest, scratch: &Path) -> Result<Vec<String>, Error> {
    files::remove(scratch)?;
    for service in WITH_DATABASE {
        let name = format!("{service}.db");
        let (from, to) = (folder.join(DATABASES).join(&name), scratch.join(&name));
        let copied = files::copy(&from, &to);
        copied.map_err(|error| files::wrong("copied", &from, &error))?;
    }
    prove(scratch, manifest).await
}

/// Opens the databases in `folder` and holds them against the manifest as they are, then brings them
/// up to date and recomputes them. What is wrong with them.
///
/// # Errors
/// They cannot be opened.
pub async fn prove(folder: &Path, manifest: &Manifest) -> Result<Vec<String>, Error> {
    let stores = Stores::open_files(&DataFolder::open(folder)?).await?;
    let proved = async {
        let books = Books::read(&stores, None).await?;
        let mut wrong = manifest.books.compare(&books);
        stores.migrate().await?;
        wrong.extend(proof::differences(&stores).await?);
        Ok::<_, Error>(wrong)
    };
    let proved = proved.await;
    stores.close().await;
    // They are moved from here.
    for service in WITH_DATABASE {
        seal(&folder.join(format!("{service}.db"))).await?;
    }
    proved
}

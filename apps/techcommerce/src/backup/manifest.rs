//! What a backup says of itself.

use std::{collections::BTreeMap, fs, path::Path};

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Error, Timestamp};

use super::proof::Books;

/// The form of backups that this program writes, and the newest that it reads.
pub const FORMAT: u32 = 1;
/// The manifest's name.
pub const NAME: &str = "manifest.json";

/// What is in a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// How it is written; see [`FORMAT`].
    pub format: u32,
    /// The version of the program that took it.
    pub program: String,
    /// The instant: everything that was committed before is in it, and nothing that was later.
    pub taken_at: Timestamp,
    /// The last migration of each database, as `5 backups`.
    pub schemas: BTreeMap<String, String>,
    /// What the books of the copies are.
    pub books: Books,
    /// Pictures whose file was lost before.
    pub missing: Vec<String>,
    /// All files but this one, in the order of their names.
    pub files: Vec<File>,
}

/// A file of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Its place in the backup, as `databases/auth.db`; parts are divided by `/`.
    pub path: String,
    /// How long it is.
    pub bytes: u64,
    /// In hexadecimal.
    pub sha256: String,
    /// Of a picture: when its file was written in the shop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub written_at: Option<Timestamp>,
}

impl Manifest {
    /// How long all files are together.
    pub fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }

    /// Reads the manifest of the backup in `folder`.
    ///
    /// # Errors
    /// There is none, or it is of a newer program, or somebody changed it.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        #[derive(Deserialize)]
        struct Form {
            format: u32,
        }
        let path = folder.join(NAME);
        let wrong = |why: String| {
            let message = format!("{} is no whole backup: {why}.", folder.display());
            Error::invalid("backup_damaged", message)
        };
        let text = fs::read(&path).map_err(|error| wrong(format!("{NAME}: {error}")))?;
        let form: Form =
            serde_json::from_slice(&text).map_err(|error| wrong(format!("{NAME}: {error}")))?;
        if form.format > FORMAT {
            return Err(wrong(format!(
                "it is of form {}, and this program knows {FORMAT}; take the program that wrote it, or a \
                 later one",
                form.format
            )));
        }
        let manifest: Self =
            serde_json::from_slice(&text).map_err(|error| wrong(format!("{NAME}: {error}")))?;
        // What is read from a manifest becomes a path: it stays inside.
        for file in &manifest.files {
            let inside = |part: &str| !part.is_empty() && part != "." && part != "..";
            if !file.path.split('/').all(inside) || file.path.contains('\\') {
                return Err(wrong(format!("{NAME} names the file {:?}", file.path)));
            }
        }
        Ok(manifest)
    }
}

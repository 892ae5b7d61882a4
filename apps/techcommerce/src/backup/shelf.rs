//! The folder that backups are kept in.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    path::{Path, PathBuf},
};

use techcommerce_kernel::{Error, Timestamp};

use super::{
    files,
    manifest::{self, Manifest},
};

const BEGINNING: &str = "techcommerce-";
/// Ends the name of one that is being written, or removed.
const PART: &str = ".part";

/// A folder of backups.
#[derive(Debug, Clone)]
pub struct Shelf(PathBuf);

/// Keeps others from writing to the shelf until it is dropped.
#[derive(Debug)]
pub struct Writing {
    _file: File,
}

impl Shelf {
    /// The folder, made if it is not there.
    ///
    /// # Errors
    /// It cannot be made.
    pub fn open(path: &Path) -> Result<Self, Error> {
        files::make_folder(path).map_err(|error| files::wrong("made", path, &error))?;
        let path = fs::canonicalize(path).map_err(|error| files::wrong("used", path, &error))?;
        Ok(Self(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Takes the shelf for writing, and removes what was cut off before.
    ///
    /// # Errors
    /// Another backup is being written.
    pub fn lock(&self) -> Result<Writing, Error> {
        let path = self.0.join("backup.lock");
        let opened = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path);
        let file = opened.map_err(|error| files::wrong("written", &path, &error))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let message = format!("Another backup is being written to {}.", self.0.display());
                return Err(Error::conflict("backup_under_way", message));
            }
            Err(TryLockError::Error(error)) => return Err(error.into()),
        }
        for entry in fs::read_dir(&self.0)?.flatten() {
            let name = entry.file_name();
            let name = name.to_string_lossy();
            if name.starts_with(BEGINNING) && name.ends_with(PART) {
                files::remove(&entry.path())?;
            }
        }
        Ok(Writing { _file: file })
    }

    /// Where a backup of this instant is written, and where it is when it is whole.
    pub fn places(&self, taken_at: Timestamp) -> (PathBuf, PathBuf) {
        // As 20261121T080000.000000Z: sorted by name they are sorted by time.
        let seconds = Timestamp::from_micros(taken_at.as_seconds() * 1_000_000).to_rfc3339();
        let seconds: String = seconds
            .chars()
            .filter(char::is_ascii_alphanumeric)
            .collect();
        let micros = taken_at.as_micros().rem_euclid(1_000_000);
        let name = format!("{BEGINNING}{}.{micros:06}Z", seconds.trim_end_matches('Z'));
        (self.0.join(format!("{name}{PART}")), self.0.join(name))
    }

    /// The backups that are whole, the oldest first, by their names.
    ///
    /// # Errors
    /// The folder cannot be read.
    pub fn all(&self) -> Result<Vec<PathBuf>, Error> {
        let entries = fs::read_dir(&self.0);
        let entries = entries.map_err(|error| files::wrong("read", &self.0, &error))?;
        let mut found: Vec<PathBuf> = entries
            .flatten()
            .filter(|entry| {
                let name = entry.file_name();
                let name = name.to_string_lossy();
                name.starts_with(BEGINNING) && !name.ends_with(PART)
            })
            .map(|entry| entry.path())
            .filter(|path| path.join(manifest::NAME).is_file())
            .collect();
        found.sort();
        Ok(found)
    }

    /// Removes all but the newest `keep`; how many went. One that is cut off while it is removed
    /// has no name any more.
    ///
    /// # Errors
    /// Those of the disk.
    pub fn prune(&self, keep: usize) -> Result<usize, Error> {
        let all = self.all()?;
        let old = all.len().saturating_sub(keep.max(1));
        for path in all.iter().take(old) {
            let mut part = path.clone().into_os_string();
            part.push(PART);
            let part = PathBuf::from(part);
            files::rename(path, &part)?;
            files::remove(&part)?;
        }
        Ok(old)
    }
}

/// The backup that `from` is, or the newest one in it; with `at`, the newest that is not after it.
///
/// # Errors
/// There is none.
pub fn choose(from: &Path, at: Option<Timestamp>) -> Result<(PathBuf, Manifest), Error> {
    if from.join(manifest::NAME).is_file() {
        let manifest = Manifest::read(from)?;
        if at.is_some_and(|at| manifest.taken_at > at) {
            let message = format!(
                "{} was taken at {}, after --at: name the folder that it lies in, or another one.",
                from.display(),
                manifest.taken_at
            );
            return Err(Error::invalid("backup_not_found", message));
        }
        return Ok((from.to_owned(), manifest));
    }
    if !from.is_dir() {
        let message = format!("{} is no folder.", from.display());
        return Err(Error::invalid("backup_not_found", message));
    }
    let all = Shelf(from.to_owned()).all()?;
    let first = all.first().cloned();
    for path in all.into_iter().rev() {
        let manifest = Manifest::read(&path)?;
        if at.is_none_or(|at| manifest.taken_at <= at) {
            return Ok((path, manifest));
        }
    }
    let message = match first {
        None => format!("There is no whole backup in {}.", from.display()),
        Some(first) => format!(
            "No backup in {} is so old; the oldest is {}.",
            from.display(),
            first.file_name().unwrap_or_default().display()
        ),
    };
    Err(Error::invalid("backup_not_found", message))
}

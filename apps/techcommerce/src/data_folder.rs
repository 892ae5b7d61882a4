//! The folder that holds everything a shop on one machine keeps.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{Read, Seek, Write},
    path::{Path, PathBuf},
};

use techcommerce_kernel::Error;

/// The data folder: databases, pictures, keys and mails.
#[derive(Debug, Clone)]
pub struct DataFolder(PathBuf);

/// Says that a restore into the folder was begun and not finished.
pub const UNFINISHED: &str = "restore.unfinished";

/// Keeps a second `serve` off the folder until it is dropped.
#[derive(Debug)]
pub struct ServeLock {
    _file: File,
}

impl DataFolder {
    /// Makes the folder if it is not there, for its owner alone.
    pub fn open(path: &Path) -> Result<Self, Error> {
        let unusable = |error: std::io::Error| {
            Error::invalid(
                "data_folder",
                format!(
                    "The data folder {} cannot be used: {error}.\n\
                     Give the user that runs techcommerce the right to write there, or choose another \
                     folder: --set data_dir=PATH or TECHCOMMERCE_DATA_DIR.",
                    path.display()
                ),
            )
        };
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.recursive(true).create(path).map_err(unusable)?;
        // A folder may exist and still not take files: a read-only disk, a full one, another owner.
        let probe = path.join(format!(".probe-{}", std::process::id()));
        fs::write(&probe, b"techcommerce")
            .and_then(|()| fs::remove_file(&probe))
            .map_err(unusable)?;
        Ok(Self(fs::canonicalize(path).map_err(unusable)?))
    }

    /// The path of a file in the folder.
    pub fn join(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    /// The folder's path.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Takes the folder for serving. Other commands work beside it.
    ///
    /// # Errors
    /// Another one serves from it, or a restore was cut off: then it is half of each.
    pub fn lock_for_serving(&self) -> Result<ServeLock, Error> {
        let lock = self.lock()?;
        if self.join(UNFINISHED).exists() {
            return Err(Error::conflict(
                "restore_unfinished",
                format!(
                    "A restore into the data folder {} was cut off. Run it again; it goes on where it was:\n\
                     techcommerce restore BACKUP --to {0}",
                    self.0.display()
                ),
            ));
        }
        Ok(lock)
    }

    /// Keeps whoever serves off the folder.
    pub fn lock(&self) -> Result<ServeLock, Error> {
        let path = self.join("serve.lock");
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)?;
        match file.try_lock() {
            Ok(()) => {
                file.set_len(0)?;
                file.rewind()?;
                writeln!(file, "{}", std::process::id())?;
                Ok(ServeLock { _file: file })
            }
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                let _ = file.read_to_string(&mut holder);
                Err(Error::conflict(
                    "data_folder_in_use",
                    format!(
                        "Another techcommerce (process {}) serves from the data folder {}.\n\
                         Stop it first, or give this one a folder of its own: --set data_dir=PATH or \
                         TECHCOMMERCE_DATA_DIR.",
                        holder.trim(),
                        self.0.display()
                    ),
                ))
            }
            Err(TryLockError::Error(error)) => Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_serve_is_told_who_holds_the_folder() {
        let path = std::env::temp_dir().join(format!("techcommerce-folder-{}", std::process::id()));
        let folder = DataFolder::open(&path).unwrap();
        let lock = folder.lock_for_serving().unwrap();
        let error = folder.lock_for_serving().unwrap_err().to_string();
        assert!(error.contains(&std::process::id().to_string()), "{error}");
        drop(lock);
        assert!(folder.lock_for_serving().is_ok());
        fs::remove_dir_all(path).unwrap();
    }

    #[test]
    fn a_file_in_its_place_is_a_clear_error() {
        let path = std::env::temp_dir().join(format!("techcommerce-file-{}", std::process::id()));
        fs::write(&path, "x").unwrap();
        let error = DataFolder::open(&path).unwrap_err().to_string();
        assert!(error.contains("TECHCOMMERCE_DATA_DIR"), "{error}");
        fs::remove_file(path).unwrap();
    }
}

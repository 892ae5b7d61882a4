//! Where the bytes are: a local folder, or an S3-compatible store.

mod connector;
mod s3;

use std::{
    fmt,
    path::{Path as FsPath, PathBuf},
    sync::Arc,
};

use object_store::{ObjectStore, local::LocalFileSystem};
use techcommerce_kernel::{Env, Error};

use crate::files::Files;

pub use s3::S3;

/// An object store, by where it is. Clones share it.
#[derive(Clone)]
pub struct Store {
    pub(crate) objects: Arc<dyn ObjectStore>,
    /// A folder that must be there for the store to be well.
    pub(crate) folder: Option<PathBuf>,
    place: String,
}

impl fmt::Debug for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Store").field(&self.place).finish()
    }
}

impl fmt::Display for Store {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.place)
    }
}

impl Store {
    /// A folder of this machine or of a volume that several share, made if it is missing. What
    /// was written is on the disk before anybody is told.
    ///
    /// # Errors
    /// `internal` if the folder cannot be made.
    pub fn folder(folder: &FsPath) -> Result<Self, Error> {
        std::fs::create_dir_all(folder)?;
        let store = LocalFileSystem::new_with_prefix(folder).map_err(Error::internal)?;
        Ok(Self {
            objects: Arc::new(store.with_fsync(true).with_automatic_cleanup(true)),
            folder: Some(folder.to_owned()),
            place: format!("folder {}", folder.display()),
        })
    }

    /// A bucket of an S3-compatible store. Nothing is asked of it yet.
    ///
    /// # Errors
    /// `configuration` (invalid input) for an address or certificates that are none.
    pub fn s3(settings: &S3) -> Result<Self, Error> {
        Ok(Self {
            objects: settings.open()?,
            folder: None,
            place: format!("s3://{}/{}", settings.bucket, settings.prefix),
        })
    }

    /// The store itself, for tests that look into it.
    pub fn objects(&self) -> Arc<dyn ObjectStore> {
        self.objects.clone()
    }

    /// Any other, for tests.
    pub fn of(objects: Arc<dyn ObjectStore>) -> Self {
        Self {
            objects,
            folder: None,
            place: "a store".into(),
        }
    }

    /// Writes a file, reads it, finds it in the list and removes it: whether all that we need is
    /// there and permitted.
    ///
    /// # Errors
    /// `unavailable`, with what the store said as its cause.
    pub async fn try_out(&self, env: &Env) -> Result<(), Error> {
        Files::new(self.clone()).try_out(env).await
    }
}

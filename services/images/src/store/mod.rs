//! Where the bytes are: a local folder, an S3-compatible store, or Google Cloud Storage.

mod connector;
mod gcs;
mod s3;

use std::{
    fmt,
    path::{Path as FsPath, PathBuf},
    sync::Arc,
    time::Duration,
};

use object_store::{
    BackoffConfig, ObjectStore, RetryConfig, local::LocalFileSystem, path::Path,
    prefix::PrefixStore,
};
use techcommerce_kernel::{Env, Error, Meter};

use crate::files::Files;

pub use gcs::Gcs;
pub use s3::S3;

/// A store that is busy gets a second and a third chance; one that is away must not make
/// anybody wait long.
const RETRIES: RetryConfig = RetryConfig {
    backoff: BackoffConfig {
        init_backoff: Duration::from_millis(100),
        max_backoff: Duration::from_secs(1),
        base: 2.0,
    },
    max_retries: 3,
    retry_timeout: Duration::from_secs(6),
};

/// An object store, by where it is. Clones share it.
#[derive(Clone)]
pub struct Store {
    pub(crate) objects: Arc<dyn ObjectStore>,
    /// A folder that must be there for the store to be well.
    pub(crate) folder: Option<PathBuf>,
    place: String,
    pub(crate) meter: Meter,
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
            meter: Meter::default(),
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
            meter: Meter::default(),
        })
    }

    /// A bucket of Google Cloud Storage. Nothing is asked of it yet.
    ///
    /// # Errors
    /// `configuration` (invalid input) for an address or credentials that are none.
    pub fn gcs(settings: &Gcs) -> Result<Self, Error> {
        Ok(Self {
            objects: settings.open()?,
            folder: None,
            place: format!("gs://{}/{}", settings.bucket, settings.prefix),
            meter: Meter::default(),
        })
    }

    /// The same, with its calls measured.
    #[must_use]
    pub fn measured(self, meter: Meter) -> Self {
        Self { meter, ..self }
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
            meter: Meter::default(),
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

/// Bucket and prefix of an address with this scheme.
fn bucket(scheme: &str, address: &str) -> Option<(String, String)> {
    let rest = address.strip_prefix(scheme)?;
    let (bucket, prefix) = rest.split_once('/').unwrap_or((rest, ""));
    Some((bucket.to_owned(), prefix.trim_matches('/').to_owned()))
}

/// The part of a store whose names begin with `prefix`.
fn within(store: impl ObjectStore, prefix: &str) -> Result<Arc<dyn ObjectStore>, Error> {
    if prefix.is_empty() {
        return Ok(Arc::new(store));
    }
    let prefix = Path::parse(prefix).map_err(|error| {
        Error::invalid("configuration", format!("images.store: {error}")).caused_by(error)
    })?;
    Ok(Arc::new(PrefixStore::new(store, prefix)))
}

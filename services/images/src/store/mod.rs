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

use futures_util::TryStreamExt;
use object_store::{
    BackoffConfig, ObjectStore, RetryConfig, local::LocalFileSystem, path::Path,
    prefix::PrefixStore,
};
use techcommerce_follow::{Current, Source};
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

/// What `object_store` makes of a place and who we are there.
pub type Objects = Arc<dyn ObjectStore>;

/// An object store, by where it is. Clones share it.
#[derive(Clone)]
pub struct Store {
    objects: Current<Objects>,
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
            objects: fixed(Arc::new(
                store.with_fsync(true).with_automatic_cleanup(true),
            )),
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
        Ok(Self::at(settings.place(), fixed(settings.open()?)))
    }

    /// The same with keys that may change; those of `settings` are what `keys` holds.
    ///
    /// # Errors
    /// As there.
    pub fn s3_following(settings: S3, keys: Source<(String, String)>) -> Result<Self, Error> {
        let place = settings.place();
        let objects = settings.open()?;
        let objects = Current::following(objects, keys, move |keys| {
            let settings = S3 {
                keys: Some(keys),
                ..settings.clone()
            };
            async move { tried(settings.open()?).await }
        });
        Ok(Self::at(place, objects))
    }

    /// A bucket of Google Cloud Storage. Nothing is asked of it yet.
    ///
    /// # Errors
    /// `configuration` (invalid input) for an address or credentials that are none.
    pub fn gcs(settings: &Gcs) -> Result<Self, Error> {
        Ok(Self::at(settings.place(), fixed(settings.open()?)))
    }

    /// The same with credentials that may change; those of `settings` are what `credentials`
    /// holds.
    ///
    /// # Errors
    /// As there.
    pub fn gcs_following(settings: Gcs, credentials: Source<String>) -> Result<Self, Error> {
        let place = settings.place();
        let objects = settings.open()?;
        let objects = Current::following(objects, credentials, move |credentials| {
            let settings = Gcs {
                credentials: Some(credentials),
                ..settings.clone()
            };
            async move { tried(settings.open()?).await }
        });
        Ok(Self::at(place, objects))
    }

    fn at(place: String, objects: Current<Objects>) -> Self {
        Self {
            objects,
            folder: None,
            place,
            meter: Meter::default(),
        }
    }

    /// The same, with its calls measured.
    #[must_use]
    pub fn measured(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// The store itself, with the keys that are in force.
    pub fn objects(&self) -> Objects {
        Objects::clone(&self.objects.get())
    }

    /// The same, for whoever looks whether its keys changed.
    pub fn current(&self) -> &Current<Objects> {
        &self.objects
    }

    /// Any other, for tests.
    pub fn of(objects: Objects) -> Self {
        Self::at("a store".into(), fixed(objects))
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

fn fixed(objects: Objects) -> Current<Objects> {
    Current::fixed(objects)
}

/// A store that takes our keys. What it answers may repeat them, so of that only its kind is told.
async fn tried(objects: Objects) -> Result<Objects, Error> {
    let nothing = Path::from("there-is-no-such-folder");
    let listed = objects.list(Some(&nothing)).try_next().await;
    match listed {
        Ok(_) => Ok(objects),
        Err(error) if is_turned_away(&error) => {
            Err(Error::unavailable("the store refuses the keys"))
        }
        Err(object_store::Error::NotFound { .. }) => {
            Err(Error::unavailable("there is no such bucket"))
        }
        Err(_) => Err(Error::unavailable("the store cannot be asked")),
    }
}

/// Whether the store does not know us (any more), or does not let us.
pub(crate) fn is_turned_away(error: &object_store::Error) -> bool {
    use object_store::Error::{PermissionDenied, Unauthenticated};
    matches!(error, PermissionDenied { .. } | Unauthenticated { .. })
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

//! The bytes of pictures in the object store: `<id>/<variant>.webp`.

use std::{path::Path as FsPath, sync::Arc};

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, future::try_join_all, stream::BoxStream};
use object_store::{GetResult, ObjectStore, ObjectStoreExt, local::LocalFileSystem, path::Path};
use techcommerce_kernel::{Error, Timestamp, Uuid};

use crate::variant::Variant;

/// An object store in a local folder, which is made if it is missing. What was written is on the
/// disk before anybody is told.
///
/// # Errors
/// `internal` if the folder cannot be made.
pub fn local_store(folder: &FsPath) -> Result<Arc<dyn ObjectStore>, Error> {
    std::fs::create_dir_all(folder)?;
    let store = LocalFileSystem::new_with_prefix(folder).map_err(Error::internal)?;
    Ok(Arc::new(
        store.with_fsync(true).with_automatic_cleanup(true),
    ))
}

/// The files of all pictures.
#[derive(Debug, Clone)]
pub(crate) struct Files(pub Arc<dyn ObjectStore>);

/// A file that is there.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The picture that it would belong to; none if it is not named as ours are.
    pub id: Option<Uuid>,
    pub path: Path,
    pub written_at: Timestamp,
}

impl Files {
    /// Writes all sizes; another call with the same id would write the same.
    pub async fn put(&self, id: Uuid, variants: &[(Variant, Bytes)]) -> Result<(), Error> {
        let puts = variants.iter().map(|(variant, bytes)| async {
            self.0.put(&path(id, *variant), bytes.clone().into()).await
        });
        try_join_all(puts).await.map_err(away)?;
        Ok(())
    }

    /// One size, to be streamed, or `None` if there is no such file.
    pub async fn get(&self, id: Uuid, variant: Variant) -> Result<Option<GetResult>, Error> {
        match self.0.get(&path(id, variant)).await {
            Ok(file) => Ok(Some(file)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(away(error)),
        }
    }

    /// Removes a file; one that is gone is fine.
    pub async fn delete(&self, path: &Path) -> Result<(), Error> {
        match self.0.delete(path).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(away(error)),
        }
    }

    /// Removes all sizes of a picture that has no row.
    pub async fn delete_all(&self, id: Uuid) -> Result<(), Error> {
        for variant in Variant::all() {
            self.delete(&path(id, variant)).await?;
        }
        Ok(())
    }

    /// All files.
    pub fn list(&self) -> BoxStream<'static, Result<Found, Error>> {
        self.0
            .list(None)
            .map_ok(|meta| Found {
                id: meta
                    .location
                    .parts()
                    .next()
                    .and_then(|part| part.as_ref().parse().ok()),
                written_at: Timestamp::from_micros(meta.last_modified.timestamp_micros()),
                path: meta.location,
            })
            .map_err(away)
            .boxed()
    }

    /// Whether the store answers.
    pub async fn ping(&self) -> Result<(), Error> {
        match self.0.head(&Path::from("there-is-no-such-file")).await {
            Ok(_) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(away(error)),
        }
    }
}

fn path(id: Uuid, variant: Variant) -> Path {
    Path::from(format!("{id}/{}.webp", variant.name()))
}

/// The store failed.
pub(crate) fn away(error: object_store::Error) -> Error {
    Error::unavailable("The pictures cannot be reached right now. Please try again.")
        .caused_by(error)
}

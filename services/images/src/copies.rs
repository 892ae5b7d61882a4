//! The files of pictures, for whoever copies a whole shop or brings one back.
//!
//! A picture's row is written after its file, and no row is ever removed: so what a copy of the
//! database names is there as long as the copy was made before the files are looked for. A file is
//! never changed once it is there.

use std::collections::HashSet;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Db, with};

use crate::{Variant, files::away, store::Store};

/// How many rows are read at a time.
const PAGE: i64 = 1000;

/// A file of a picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PictureFile {
    /// Its name in the store, as `<id>/w320.webp`.
    pub path: String,
    /// How large it is.
    pub bytes: u64,
    /// When it was written.
    pub written_at: Timestamp,
}

/// The files of the pictures that are rows of `db`, in the order of their names, and the pictures
/// whose largest size is missing: they were lost before.
///
/// # Errors
/// Those of the database and of the store.
pub async fn files(db: &Db, store: &Store) -> Result<(Vec<PictureFile>, Vec<Uuid>), Error> {
    let pictures = pictures(db).await?;
    let mut files = Vec::new();
    let mut there: HashSet<Uuid> = HashSet::new();
    let original = format!("{}.webp", Variant::Original.name());
    let mut list = store.objects().list(None);
    while let Some(meta) = list.try_next().await.map_err(away)? {
        let Some(id) = id_of(&meta.location).filter(|id| pictures.contains(id)) else {
            continue;
        };
        if meta.location.filename() == Some(original.as_str()) {
            there.insert(id);
        }
        files.push(PictureFile {
            path: meta.location.to_string(),
            bytes: meta.size,
            written_at: Timestamp::from_micros(meta.last_modified.timestamp_micros()),
        });
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    let mut missing: Vec<Uuid> = pictures
        .into_iter()
        .filter(|id| !there.contains(id))
        .collect();
    missing.sort_unstable();
    Ok((files, missing))
}

/// The content of a file; `None` if it is not there.
///
/// # Errors
/// Those of the store.
pub async fn read(store: &Store, path: &str) -> Result<Option<Bytes>, Error> {
    match store.objects().get(&Path::from(path)).await {
        Ok(found) => Ok(Some(found.bytes().await.map_err(away)?)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(away(error)),
    }
}

/// Writes a file, in place of one of that name.
///
/// # Errors
/// Those of the store.
pub async fn write(store: &Store, path: &str, content: Bytes) -> Result<(), Error> {
    let path = Path::from(path);
    let objects = store.objects();
    objects.put(&path, content.into()).await.map_err(away)?;
    Ok(())
}

fn id_of(path: &Path) -> Option<Uuid> {
    path.parts().next()?.as_ref().parse().ok()
}

/// All pictures. Sixteen bytes each: a hundred thousand are no burden.
async fn pictures(db: &Db) -> Result<HashSet<Uuid>, Error> {
    const SQL: &str = "SELECT id FROM images WHERE id > $1 ORDER BY id LIMIT $2";
    let mut all = HashSet::new();
    let mut after = Uuid::nil();
    loop {
        let mut conn = db.read().await?;
        let ids: Vec<Uuid> = with!(conn, |c| sqlx::query_scalar(SQL)
            .bind(after)
            .bind(PAGE)
            .fetch_all(c)
            .await)?;
        let Some(last) = ids.last() else {
            return Ok(all);
        };
        after = *last;
        all.extend(ids);
    }
}

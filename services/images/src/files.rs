//! The bytes of pictures in the object store: `<id>/<variant>.webp`.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{
    StreamExt, TryStreamExt,
    future::try_join_all,
    stream::{self, BoxStream},
};
use object_store::{ObjectStore, ObjectStoreExt, path::Path};
use techcommerce_contracts::Breaker;
use techcommerce_kernel::{Called, Env, Error, Timestamp, Uuid};
use tokio::time::timeout;

use crate::{store::Store, variant::Variant};

/// Until a file begins to come, is looked up or removed, with all that is tried again meanwhile.
const ANSWER: Duration = Duration::from_secs(10);
/// Until a file is written, with all that is tried again meanwhile.
const WRITE: Duration = Duration::from_secs(45);
/// Up to so many bytes a file is read at once.
const AT_ONCE: u64 = 512 * 1024;

/// The files of all pictures. Clones share them, and what is known of the store's state.
#[derive(Debug, Clone)]
pub(crate) struct Files {
    store: Store,
    breaker: Arc<Breaker>,
}

/// A file that is there.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// The picture that it would belong to; none if it is not named as ours are.
    pub id: Option<Uuid>,
    pub path: Path,
    pub written_at: Timestamp,
}

/// A file's content.
pub(crate) enum Content {
    Whole(Bytes),
    Pieces(u64, BoxStream<'static, Result<Bytes, Error>>),
    /// The file is there but is no whole WebP: what a store or a disk has damaged must not be
    /// shown, and not be cached for ever.
    Damaged,
}

impl Files {
    pub fn new(store: Store) -> Self {
        let breaker = Arc::new(Breaker::watched(store.meter.clone()));
        Self { store, breaker }
    }

    /// Where they are, to be told to staff.
    pub fn place(&self) -> String {
        self.store.to_string()
    }

    fn objects(&self) -> &dyn ObjectStore {
        &*self.store.objects
    }

    /// One call to the store: none while it is known to be away, and none without an end.
    async fn ask<T>(
        &self,
        within: Duration,
        call: impl Future<Output = object_store::Result<T>>,
    ) -> Result<Option<T>, Error> {
        let asked = self.ask_once(within, call);
        let how = |asked: &Result<_, (Called, Error)>| match asked {
            Ok(_) => Called::Ok,
            Err((how, _)) => *how,
        };
        let asked = self.store.meter.measure(asked, how).await;
        asked.map_err(|(_, error)| error)
    }

    async fn ask_once<T>(
        &self,
        within: Duration,
        call: impl Future<Output = object_store::Result<T>>,
    ) -> Result<Option<T>, (Called, Error)> {
        if let Err(wait) = self.breaker.admit() {
            let error = away("it did not answer a moment ago").retry_after(wait);
            return Err((Called::Refused, error));
        }
        match timeout(within, call).await {
            Ok(Ok(value)) => {
                self.breaker.answered();
                Ok(Some(value))
            }
            Ok(Err(object_store::Error::NotFound { .. })) => {
                self.breaker.answered();
                Ok(None)
            }
            Ok(Err(error)) => {
                self.breaker.failed();
                Err((Called::Error, away(error)))
            }
            Err(late) => {
                self.breaker.failed();
                Err((Called::Timeout, away(late)))
            }
        }
    }

    /// Writes sizes of a picture and makes sure that they are there. Another call with the same
    /// id would write the same.
    pub async fn put(&self, id: Uuid, variants: &[(Variant, Bytes)]) -> Result<(), Error> {
        let puts = variants
            .iter()
            .map(|(variant, bytes)| self.put_at(path(id, *variant), bytes.clone()));
        try_join_all(puts).await?;
        Ok(())
    }

    async fn put_at(&self, path: Path, bytes: Bytes) -> Result<(), Error> {
        let length = bytes.len() as u64;
        let put = self.objects().put(&path, bytes.into());
        if self.ask(WRITE, put).await?.is_none() {
            return Err(away("there is no such bucket or folder"));
        }
        // What is acknowledged is there: asked, not believed.
        match self.ask(ANSWER, self.objects().head(&path)).await? {
            Some(meta) if meta.size == length => Ok(()),
            Some(_) => Err(away("the file that was written has another size")),
            None => Err(away("the file that was written is not there")),
        }
    }

    /// Whether one size is there and whole.
    pub async fn has(&self, id: Uuid, variant: Variant) -> Result<bool, Error> {
        let content = self.get(id, variant).await?;
        Ok(matches!(
            content,
            Some(Content::Whole(_) | Content::Pieces(..))
        ))
    }

    /// One size, or `None` if there is no such file.
    pub async fn get(&self, id: Uuid, variant: Variant) -> Result<Option<Content>, Error> {
        let path = path(id, variant);
        let Some(file) = self.ask(ANSWER, self.objects().get(&path)).await? else {
            return Ok(None);
        };
        let length = file.meta.size;
        // A local file comes in chunks of 8 KB, each by way of another thread: at once is cheaper.
        if length <= AT_ONCE {
            let bytes = self.ask(ANSWER, file.bytes()).await?.unwrap_or_default();
            return Ok(Some(match is_whole(&bytes, bytes.len() as u64) {
                true => Content::Whole(bytes),
                false => damaged(&path),
            }));
        }
        let mut pieces = file.into_stream().map_err(away).boxed();
        let first = timeout(ANSWER, pieces.try_next()).await.map_err(away)??;
        let first = first.unwrap_or_default();
        if !is_whole(&first, length) {
            return Ok(Some(damaged(&path)));
        }
        let pieces = stream::once(std::future::ready(Ok(first))).chain(pieces);
        Ok(Some(Content::Pieces(length, pieces.boxed())))
    }

    /// One size, whole.
    pub async fn read(&self, id: Uuid, variant: Variant) -> Result<Option<Bytes>, Error> {
        Ok(match self.get(id, variant).await? {
            None => None,
            Some(Content::Damaged) => return Err(away("the file is damaged")),
            Some(Content::Whole(bytes)) => Some(bytes),
            Some(Content::Pieces(length, pieces)) => {
                let mut all = Vec::with_capacity(usize::try_from(length).unwrap_or(0));
                let mut pieces = pieces;
                while let Some(piece) = pieces.try_next().await? {
                    all.extend_from_slice(&piece);
                }
                Some(all.into())
            }
        })
    }

    /// Removes a file; one that is gone is fine.
    pub async fn delete(&self, path: &Path) -> Result<(), Error> {
        self.ask(ANSWER, self.objects().delete(path)).await?;
        Ok(())
    }

    /// Removes a size of a picture.
    pub async fn delete_size(&self, id: Uuid, variant: Variant) -> Result<(), Error> {
        self.delete(&path(id, variant)).await
    }

    /// All files.
    pub fn list(&self) -> BoxStream<'static, Result<Found, Error>> {
        self.objects()
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

    /// Whether the store answers, and has the bucket or the folder. The breaker is not asked, and
    /// hears of it: a store that is back is noticed.
    pub async fn ping(&self) -> Result<(), Error> {
        if let Some(folder) = &self.store.folder {
            let there = tokio::fs::metadata(folder).await.map_err(away)?;
            if !there.is_dir() {
                return Err(away("the folder is a file"));
            }
            return Ok(());
        }
        // To ask for a file would not tell a bucket that is missing from a file that is.
        let nothing = Path::from("there-is-no-such-folder");
        let mut list = self.objects().list(Some(&nothing));
        match timeout(ANSWER, list.try_next()).await {
            Ok(Ok(_)) => {
                self.breaker.answered();
                Ok(())
            }
            Ok(Err(error)) => Err(away(error)),
            Err(late) => Err(away(late)),
        }
    }

    /// See [`Store::try_out`].
    pub async fn try_out(&self, env: &Env) -> Result<(), Error> {
        self.ping().await?;
        let path = Path::from(format!("doctor/{}", env.new_id()));
        let text = Bytes::from_static(b"techcommerce doctor was here");
        self.put_at(path.clone(), text.clone()).await?;
        let file = self.ask(ANSWER, self.objects().get(&path)).await?;
        let file = file.ok_or_else(|| away("the file that was written is not there"))?;
        let read = self.ask(ANSWER, file.bytes()).await?;
        let folder = Path::from("doctor");
        let listed = self.objects().list(Some(&folder)).map_err(away);
        let listed: Vec<_> = timeout(ANSWER, listed.try_collect())
            .await
            .map_err(away)??;
        self.delete(&path).await?;
        if read != Some(text) {
            return Err(away("it gave other bytes than it was given"));
        }
        if !listed.iter().any(|meta| meta.location == path) {
            return Err(away("its list does not have what was written"));
        }
        Ok(())
    }
}

fn path(id: Uuid, variant: Variant) -> Path {
    Path::from(format!("{id}/{}.webp", variant.name()))
}

/// A WebP says its own length (RFC 9649 §2.4): the first bytes of a file tell whether it is one
/// and whether it is whole.
fn is_whole(first: &[u8], length: u64) -> bool {
    let [
        b'R',
        b'I',
        b'F',
        b'F',
        a,
        b,
        c,
        d,
        b'W',
        b'E',
        b'B',
        b'P',
        ..,
    ] = first
    else {
        return false;
    };
    u64::from(u32::from_le_bytes([*a, *b, *c, *d])) + 8 == length
}

fn damaged(path: &Path) -> Content {
    tracing::error!(%path, "the file of a picture is damaged");
    Content::Damaged
}

/// The store failed.
pub(crate) fn away(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::unavailable("The pictures cannot be reached right now. Please try again.")
        .caused_by(cause)
}

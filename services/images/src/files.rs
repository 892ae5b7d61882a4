//! The bytes of pictures in the object store: `<id>/<variant>.webp`.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use futures_util::{
    StreamExt, TryStreamExt,
    future::try_join_all,
    stream::{self, BoxStream},
};
use object_store::{ObjectStore, ObjectStoreExt, PutPayload, path::Path};
use techcommerce_contracts::Breaker;
use techcommerce_kernel::{Called, Env, Error, Timestamp, Uuid};
use tokio::time::timeout;

use crate::{
    store::{Objects, Store, is_turned_away},
    variant::Variant,
};

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

/// Why a call failed.
struct Failed {
    how: Called,
    error: Error,
    /// The store did not take our keys.
    turned_away: bool,
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

    /// One call to the store: none while it is known to be away, and none without an end. All calls
    /// may be made twice: one that was turned away is made again with the keys that are right by
    /// now, if there are others.
    async fn ask<T, F>(
        &self,
        within: Duration,
        call: impl Fn(Objects) -> F,
    ) -> Result<Option<T>, Error>
    where
        F: Future<Output = object_store::Result<T>>,
    {
        let current = self.store.current();
        let objects = current.get();
        let asked = self
            .measured(within, false, call(Objects::clone(&objects)))
            .await;
        let failed = match asked {
            Err(failed) if failed.turned_away => failed,
            asked => return self.told(asked),
        };
        match current.instead_of(&objects).await {
            Some(other) => {
                let asked = self
                    .measured(within, true, call(Objects::clone(&other)))
                    .await;
                self.told(asked)
            }
            None => self.told(Err(failed)),
        }
    }

    /// The rest of an answer, under the same rules.
    async fn rest<T>(
        &self,
        within: Duration,
        rest: impl Future<Output = object_store::Result<T>>,
    ) -> Result<Option<T>, Error> {
        let asked = self.measured(within, false, rest).await;
        self.told(asked)
    }

    /// `again`: the breaker has let it through once.
    async fn measured<T>(
        &self,
        within: Duration,
        again: bool,
        call: impl Future<Output = object_store::Result<T>>,
    ) -> Result<Option<T>, Failed> {
        let how = |asked: &Result<_, Failed>| match asked {
            Ok(_) => Called::Ok,
            Err(failed) => failed.how,
        };
        let call = self.once(within, again, call);
        self.store.meter.measure(call, how).await
    }

    async fn once<T>(
        &self,
        within: Duration,
        again: bool,
        call: impl Future<Output = object_store::Result<T>>,
    ) -> Result<Option<T>, Failed> {
        let failed = |how, error| Failed {
            how,
            error,
            turned_away: false,
        };
        if !again && let Err(wait) = self.breaker.admit() {
            let error = away("it did not answer a moment ago").retry_after(wait);
            return Err(failed(Called::Refused, error));
        }
        match timeout(within, call).await {
            Ok(Ok(value)) => Ok(Some(value)),
            Ok(Err(object_store::Error::NotFound { .. })) => Ok(None),
            Ok(Err(error)) => Err(Failed {
                turned_away: is_turned_away(&error),
                ..failed(Called::Error, away(error))
            }),
            Err(late) => Err(failed(Called::Timeout, away(late))),
        }
    }

    /// What became of a call, told to the breaker.
    fn told<T>(&self, asked: Result<Option<T>, Failed>) -> Result<Option<T>, Error> {
        match &asked {
            Ok(_) => self.breaker.answered(),
            Err(failed) if failed.how == Called::Refused => {}
            Err(_) => self.breaker.failed(),
        }
        asked.map_err(|failed| failed.error)
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
        let (path, content) = (&path, PutPayload::from(bytes));
        let put = |objects: Objects| {
            let content = content.clone();
            async move { objects.put(path, content).await }
        };
        if self.ask(WRITE, put).await?.is_none() {
            return Err(away("there is no such bucket or folder"));
        }
        // What is acknowledged is there: asked, not believed.
        let head = |objects: Objects| async move { objects.head(path).await };
        match self.ask(ANSWER, head).await? {
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
        let path = &path(id, variant);
        let get = |objects: Objects| async move { objects.get(path).await };
        let Some(file) = self.ask(ANSWER, get).await? else {
            return Ok(None);
        };
        let length = file.meta.size;
        // A local file comes in chunks of 8 KB, each by way of another thread: at once is cheaper.
        if length <= AT_ONCE {
            let bytes = self.rest(ANSWER, file.bytes()).await?.unwrap_or_default();
            return Ok(Some(match is_whole(&bytes, bytes.len() as u64) {
                true => Content::Whole(bytes),
                false => damaged(path),
            }));
        }
        let mut pieces = file.into_stream().map_err(away).boxed();
        let first = timeout(ANSWER, pieces.try_next()).await.map_err(away)??;
        let first = first.unwrap_or_default();
        if !is_whole(&first, length) {
            return Ok(Some(damaged(path)));
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
        let delete = |objects: Objects| async move { objects.delete(path).await };
        self.ask(ANSWER, delete).await?;
        Ok(())
    }

    /// Removes a size of a picture.
    pub async fn delete_size(&self, id: Uuid, variant: Variant) -> Result<(), Error> {
        self.delete(&path(id, variant)).await
    }

    /// All files.
    pub fn list(&self) -> BoxStream<'static, Result<Found, Error>> {
        self.store
            .objects()
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
        let mut list = self.store.objects().list(Some(&nothing));
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
        let path = &Path::from(format!("doctor/{}", env.new_id()));
        let text = Bytes::from_static(b"techcommerce doctor was here");
        self.put_at(path.clone(), text.clone()).await?;
        let get = |objects: Objects| async move { objects.get(path).await };
        let file = self.ask(ANSWER, get).await?;
        let file = file.ok_or_else(|| away("the file that was written is not there"))?;
        let read = self.rest(ANSWER, file.bytes()).await?;
        let folder = Path::from("doctor");
        let listed = self.store.objects().list(Some(&folder)).map_err(away);
        let listed: Vec<_> = timeout(ANSWER, listed.try_collect())
            .await
            .map_err(away)??;
        self.delete(path).await?;
        if read != Some(text) {
            return Err(away("it gave other bytes than it was given"));
        }
        if !listed.iter().any(|meta| meta.location == *path) {
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

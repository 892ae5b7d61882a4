//! A store that fails as it is told.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use async_trait::async_trait;
use futures_util::{StreamExt, stream::BoxStream};
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta,
    ObjectStore, PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, memory::InMemory,
    path::Path,
};

/// How the store behaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mood {
    Well,
    /// Refuses everything, as a server with status 500.
    Failing,
    /// Takes what it is given, and says that it could not.
    TakesAndFails,
    /// Says that it took what it forgets.
    Forgets,
    /// Keeps half of what it is given.
    Halves,
    /// Never answers.
    Silent,
    /// Has no room: reads work.
    Full,
    /// Removes nothing.
    Keeps,
}

#[derive(Debug, Clone)]
pub struct Faulty {
    inner: Arc<InMemory>,
    mood: Arc<Mutex<Mood>>,
    calls: Arc<AtomicUsize>,
}

impl Faulty {
    pub fn new() -> Self {
        Self {
            inner: Arc::new(InMemory::new()),
            mood: Arc::new(Mutex::new(Mood::Well)),
            calls: Arc::default(),
        }
    }

    pub fn be(&self, mood: Mood) {
        *self.mood.lock().unwrap() = mood;
    }

    /// How often it was asked for anything.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    /// The mood, where it does not decide by itself.
    async fn mood(&self) -> Result<Mood> {
        self.calls.fetch_add(1, Ordering::SeqCst);
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Failing => Err(failed()),
            Mood::Silent => std::future::pending().await,
            mood => Ok(mood),
        }
    }
}

fn failed() -> Error {
    Error::Generic {
        store: "faulty",
        source: "as it was told".into(),
    }
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("faulty")
    }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(
        &self,
        location: &Path,
        payload: PutPayload,
        options: PutOptions,
    ) -> Result<PutResult> {
        match self.mood().await? {
            Mood::Full => Err(failed()),
            Mood::TakesAndFails => {
                self.inner.put_opts(location, payload, options).await?;
                Err(failed())
            }
            Mood::Forgets => {
                let aside = Path::from("forgotten");
                self.inner.put_opts(&aside, payload, options).await
            }
            Mood::Halves => {
                let mut bytes = Vec::new();
                payload
                    .iter()
                    .for_each(|part| bytes.extend_from_slice(part));
                bytes.truncate(bytes.len() / 2);
                self.inner.put_opts(location, bytes.into(), options).await
            }
            _ => self.inner.put_opts(location, payload, options).await,
        }
    }

    async fn put_multipart_opts(
        &self,
        location: &Path,
        options: PutMultipartOptions,
    ) -> Result<Box<dyn MultipartUpload>> {
        self.mood().await?;
        self.inner.put_multipart_opts(location, options).await
    }

    async fn get_opts(&self, location: &Path, options: GetOptions) -> Result<GetResult> {
        self.mood().await?;
        self.inner.get_opts(location, options).await
    }

    fn delete_stream(
        &self,
        locations: BoxStream<'static, Result<Path>>,
    ) -> BoxStream<'static, Result<Path>> {
        let this = self.clone();
        let admitted = locations.then(move |path| {
            let this = this.clone();
            async move {
                match this.mood().await? {
                    Mood::Keeps => Err(failed()),
                    _ => path,
                }
            }
        });
        self.inner.delete_stream(admitted.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        let (this, found) = (self.clone(), self.inner.list(prefix));
        futures_util::stream::once(async move {
            match this.mood().await {
                Ok(_) => found,
                Err(error) => futures_util::stream::iter([Err(error)]).boxed(),
            }
        })
        .flatten()
        .boxed()
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.mood().await?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.mood().await?;
        self.inner.copy_opts(from, to, options).await
    }
}

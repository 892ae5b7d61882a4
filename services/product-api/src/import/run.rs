//! One import from its first byte to its report.

use std::io::{self, Read, Seek};

use sha2::{Digest, Sha256};
use techcommerce_contracts::{codes, product_api::ImportReport};
use techcommerce_kernel::{Currency, Env, Error, Uuid};
use techcommerce_store::Db;
use tokio::sync::mpsc;

use super::{
    apply::{self, Batch},
    layout::Context,
    reader::{self, Piece},
    runs::{self, Begin, Run},
};
use crate::{catalogue::draft::hex, model::Notifier};

/// How many products, or rows if they come first, are written in one transaction.
const BATCH_PRODUCTS: usize = 50;
const BATCH_ROWS: u64 = 2_000;

/// What is imported, and how.
#[derive(Debug, Clone)]
pub struct Import {
    /// Only say what would happen.
    pub dry_run: bool,
    /// Who imports, as `account:0193…`.
    pub actor: String,
    /// The currency of the prices.
    pub currency: Currency,
    /// What the file is called.
    pub file_name: Option<String>,
}

/// How far an import is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// How far in the file.
    pub percent: u32,
    /// Records that were read, without the header.
    pub rows: u64,
    /// Products that are new, changed or as they were.
    pub products: u64,
}

/// A file and what it is known by.
#[derive(Debug)]
pub struct Opened<F> {
    file: F,
    /// SHA-256, in hexadecimal.
    pub hash: String,
    /// Its length.
    pub bytes: u64,
}

impl<F: Read + Seek> Opened<F> {
    /// Reads it once. It may block.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn new(mut file: F) -> io::Result<Self> {
        file.rewind()?;
        let mut hash = Sha256::new();
        let mut bytes = 0;
        let mut chunk = vec![0; 64 * 1024];
        loop {
            let read = file.read(&mut chunk)?;
            if read == 0 {
                break;
            }
            bytes += read as u64;
            hash.update(chunk.get(..read).unwrap_or_default());
        }
        file.rewind()?;
        Ok(Self {
            file,
            hash: hex(&hash.finalize()),
            bytes,
        })
    }

    /// The file.
    pub fn file(&mut self) -> &mut F {
        &mut self.file
    }
}

/// Imports a catalogue file; `progress` is told after each batch.
///
/// # Errors
/// 400 `import_format` if the file is of no known kind; 409 `import_taken_over`. Errors of the
/// database end the import; what was written before stays, and the same file again goes on where
/// it stopped.
pub async fn run(
    db: &Db,
    env: &Env,
    notifier: Option<&Notifier>,
    import: Import,
    file: impl Read + Seek + Send + 'static,
    progress: impl FnMut(Progress) + Send,
) -> Result<ImportReport, Error> {
    let opened = tokio::task::spawn_blocking(move || Opened::new(file));
    let opened = opened.await.map_err(Error::internal)??;
    let begun = Begun::new(db, env, import, opened).await?;
    begun.finish(db, env, notifier, progress).await
}

/// An import that has its place in the list of imports and is yet to be carried out.
pub struct Begun<F> {
    import: Import,
    opened: Opened<F>,
    run: Run,
}

impl<F: Read + Seek + Send + 'static> Begun<F> {
    /// Begins an import, or goes on with one.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn new(db: &Db, env: &Env, import: Import, opened: Opened<F>) -> Result<Self, Error> {
        let run = runs::begin(db, env, &begin(&import, &opened.hash, opened.bytes)).await?;
        Ok(Self {
            import,
            opened,
            run,
        })
    }

    /// The run's id.
    pub fn id(&self) -> Uuid {
        self.run.id
    }

    /// Carries it out. See [`run`].
    ///
    /// # Errors
    /// As [`run`].
    pub async fn finish(
        self,
        db: &Db,
        env: &Env,
        notifier: Option<&Notifier>,
        progress: impl FnMut(Progress) + Send,
    ) -> Result<ImportReport, Error> {
        let Self {
            import,
            opened,
            mut run,
        } = self;
        let Opened { file, hash, bytes } = opened;
        let what = begin(&import, &hash, bytes);
        let place = Place { db, env, notifier };
        let outcome = carry_out(place, &import, file, &mut run, progress).await;
        let error = outcome.as_ref().err();
        if error.is_some_and(|error| error.code() == codes::IMPORT_TAKEN_OVER) {
            outcome?;
        } else {
            let ended = run.end(db, env, &what, error).await;
            // If it failed, why it failed says more than that this could not be written.
            outcome.and(ended)?;
        }
        let mut conn = db.read().await?;
        let row = runs::row(&mut conn, run.id).await?;
        runs::report(&mut conn, &row).await
    }
}

fn begin<'a>(import: &'a Import, file_hash: &'a str, file_bytes: u64) -> Begin<'a> {
    Begin {
        file_hash,
        file_bytes,
        file_name: import.file_name.as_deref(),
        actor: &import.actor,
        dry_run: import.dry_run,
        currency: import.currency,
    }
}

/// What the reading thread says.
enum Message {
    Format(&'static str),
    Batch(Batch),
    Failed(String),
}

/// Where an import goes.
struct Place<'a> {
    db: &'a Db,
    env: &'a Env,
    notifier: Option<&'a Notifier>,
}

async fn carry_out(
    Place { db, env, notifier }: Place<'_>,
    import: &Import,
    mut file: impl Read + Seek + Send + 'static,
    run: &mut Run,
    mut progress: impl FnMut(Progress) + Send,
) -> Result<(), Error> {
    let context = Context {
        currency: import.currency,
        today: env.now(),
    };
    let (sender, mut receiver) = mpsc::channel(2);
    let reading = tokio::task::spawn_blocking(move || {
        let mut gather = Gather {
            to: sender,
            batch: Batch::default(),
            gathered: 0,
        };
        if let Err(reason) = reader::read(&mut file, context, &mut gather) {
            let _ = gather.to.blocking_send(Message::Failed(reason));
        }
    });
    // What an earlier run of the same file has dealt with comes in the same order.
    let mut skip = run.counts.items;
    let mut position = None;
    while let Some(message) = receiver.recv().await {
        let mut batch = match message {
            Message::Format(name) => {
                run.set_format(db, name).await?;
                continue;
            }
            Message::Failed(reason) => return Err(Error::invalid(codes::IMPORT_FORMAT, reason)),
            Message::Batch(batch) => batch,
        };
        let known = skip.min(batch.parsed.len() as u64);
        skip -= known;
        batch
            .parsed
            .drain(..usize::try_from(known).unwrap_or(usize::MAX));
        if !batch.parsed.is_empty() || (skip == 0 && batch.rows > run.counts.rows) {
            position = apply::batch(db, env, import, run, &batch)
                .await?
                .or(position);
            if let Some(notifier) = notifier {
                notifier.changed(position);
            }
        }
        let counts = run.counts;
        progress(Progress {
            percent: batch.percent,
            rows: counts.rows,
            products: counts.created + counts.updated + counts.unchanged,
        });
    }
    reading.await.map_err(Error::internal)?;
    if let Some(notifier) = notifier {
        notifier.caught_up(position).await;
    }
    Ok(())
}

/// Gathers what is read into batches.
struct Gather {
    to: mpsc::Sender<Message>,
    batch: Batch,
    /// Rows in the batch.
    gathered: u64,
}

impl reader::Sink for Gather {
    fn format(&mut self, name: &'static str) -> bool {
        self.to.blocking_send(Message::Format(name)).is_ok()
    }

    fn piece(&mut self, piece: Piece) -> bool {
        let batch = &mut self.batch;
        batch.parsed.extend(piece.parsed);
        batch.rows += piece.rows;
        self.gathered += piece.rows;
        batch.percent = piece.percent;
        let full = batch.parsed.len() >= BATCH_PRODUCTS || self.gathered >= BATCH_ROWS;
        if !full && !piece.last {
            return true;
        }
        self.gathered = 0;
        let next = Batch {
            rows: batch.rows,
            ..Batch::default()
        };
        let batch = std::mem::replace(batch, next);
        self.to.blocking_send(Message::Batch(batch)).is_ok()
    }
}

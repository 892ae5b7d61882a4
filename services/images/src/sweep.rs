//! Removes what a crash left behind: files that no row names, and uploads that broke off.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use async_trait::async_trait;
use futures_util::TryStreamExt;
use techcommerce_jobs::{Handler, Job, JobSet, Outcome, Queue, Schedule};
use techcommerce_kernel::{Env, Error, Timestamp};
use techcommerce_store::Db;

use crate::{
    files::{Files, Found},
    rows,
};

const KIND: &str = "images.sweep";
/// Far longer than any upload takes; younger files may be about to get their row.
const SAFE_AGE: Duration = Duration::from_hours(24);
/// Files that are looked up at once.
const BATCH: usize = 400;

/// Removes orphaned files.
pub(crate) struct Sweep {
    pub db: Db,
    pub env: Env,
    pub files: Files,
    pub incoming: PathBuf,
}

/// The jobs of this service, for whoever runs them.
pub(crate) fn jobs(queue: Queue, sweep: Sweep) -> JobSet {
    JobSet::new("images", queue)
        .handler(sweep)
        .schedule(Schedule::new(KIND, Duration::from_hours(24), KIND))
        .build()
}

#[async_trait]
impl Handler for Sweep {
    fn kind(&self) -> &'static str {
        KIND
    }

    fn time_limit(&self) -> Duration {
        Duration::from_hours(1)
    }

    async fn run(&self, _job: &Job) -> Result<Outcome, Error> {
        let before = self.env.now() - SAFE_AGE;
        let old = self
            .files
            .list()
            .try_filter(|found| std::future::ready(found.written_at < before));
        let mut batches = old.try_chunks(BATCH);
        let mut removed = 0;
        while let Some(batch) = batches.try_next().await.map_err(|error| error.1)? {
            removed += self.sweep(batch).await?;
        }
        removed += self.sweep_incoming(before).await?;
        if removed > 0 {
            tracing::info!(removed, "removed files that belonged to no picture");
        }
        Ok(Outcome::Done)
    }
}

impl Sweep {
    /// An id is never used again, so a file without a row now will never have one.
    async fn sweep(&self, batch: Vec<Found>) -> Result<usize, Error> {
        let mut ids: Vec<_> = batch.iter().filter_map(|found| found.id).collect();
        ids.dedup();
        let pictures = rows::existing(&self.db, &ids).await?;
        let mut removed = 0;
        for found in batch {
            // A file that is not named as ours are is not ours to remove.
            if found.id.is_some_and(|id| !pictures.contains(&id)) {
                self.files.delete(&found.path).await?;
                removed += 1;
            }
        }
        Ok(removed)
    }

    async fn sweep_incoming(&self, before: Timestamp) -> Result<usize, Error> {
        let folder = self.incoming.clone();
        tokio::task::spawn_blocking(move || remove_older(&folder, before))
            .await
            .map_err(Error::internal)?
    }
}

fn remove_older(folder: &Path, before: Timestamp) -> Result<usize, Error> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(0),
        Err(error) => return Err(error.into()),
    };
    let mut removed = 0;
    for entry in entries {
        let entry = entry?;
        let modified = entry.metadata()?.modified()?;
        let since = modified
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        if Timestamp::default() + since < before {
            std::fs::remove_file(entry.path())?;
            removed += 1;
        }
    }
    Ok(removed)
}

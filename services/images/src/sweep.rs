//! Mends what a crash left behind: files that no row names, and pictures without their sizes.

use std::time::Duration;

use async_trait::async_trait;
use futures_util::TryStreamExt;
use techcommerce_jobs::{Handler, Job, Outcome};
use techcommerce_kernel::{Env, Error};
use techcommerce_store::{Db, transact};

use crate::{
    files::{Files, Found},
    rows, sizes,
};

pub(crate) const KIND: &str = "images.sweep";
/// Far longer than any upload takes; younger files may be about to get their row.
const SAFE_AGE: Duration = Duration::from_hours(24);
/// Files that are looked up at once.
const BATCH: usize = 400;

/// Removes orphaned files, and asks once more for sizes that were never made.
pub(crate) struct Sweep {
    pub db: Db,
    pub env: Env,
    pub files: Files,
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
        if removed > 0 {
            tracing::info!(removed, "removed files that belonged to no picture");
        }
        // Such as those that a release without the job wrote.
        for id in rows::unsized_before(&self.db, before).await? {
            transact!(self.db, |tx| -> Result<(), Error> {
                sizes::enqueue(tx, &self.env, id).await
            })?;
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
}

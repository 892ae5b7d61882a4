//! Makes a picture of an upload.

use techcommerce_contracts::images::Uploaded;
use techcommerce_kernel::Error;

use crate::{
    State,
    prepare::{Prepared, prepare},
    receive::Received,
    rows::{self, NewImage},
    variant::describe,
};

/// Prepares the sizes, writes the files and then the row. Until the row is there nothing is
/// served, and afterwards all sizes are: a crash in between leaves files that the sweep removes.
///
/// The same upload is the same picture, also when two come at once.
///
/// # Errors
/// `image_refused`; those of the stores.
pub(crate) async fn add(state: &State, upload: Received) -> Result<Uploaded, Error> {
    let outcome = try_add(state, upload).await;
    let label = match &outcome {
        Ok((_, true)) => "stored",
        Ok((_, false)) => "known",
        Err(_) => "refused",
    };
    state.uploads.with([label]).inc();
    outcome.map(|(uploaded, _)| uploaded)
}

async fn try_add(state: &State, upload: Received) -> Result<(Uploaded, bool), Error> {
    if let Some(known) = rows::by_hash(&state.db, &upload.hash).await? {
        return Ok((describe(known.id, known.size()), false));
    }
    let hash = upload.hash;
    let prepared = prepare_alone(state, upload).await?;
    // Each attempt has its own id and so its own files, so that those of an attempt that failed
    // can be removed without asking whether another one just wrote the same.
    let id = state.env.new_id();
    state.files.put(id, &prepared.variants).await?;
    let bytes: usize = prepared.variants.iter().map(|(_, bytes)| bytes.len()).sum();
    let image = NewImage {
        id,
        hash: &hash,
        size: prepared.size,
        bytes: i64::try_from(bytes).unwrap_or(i64::MAX),
        at: state.env.now(),
    };
    if rows::insert(&state.db, &image).await? {
        return Ok((describe(id, prepared.size), true));
    }
    state.files.delete_all(id).await?;
    let first = rows::by_hash(&state.db, &hash).await?;
    let first =
        first.ok_or_else(|| Error::internal("a picture with this hash was there and is gone"))?;
    Ok((describe(first.id, first.size()), false))
}

/// One at a time: each needs memory for all its pixels.
async fn prepare_alone(state: &State, upload: Received) -> Result<Prepared, Error> {
    let permit = state
        .preparing
        .clone()
        .acquire_owned()
        .await
        .map_err(Error::internal)?;
    let prepared = tokio::task::spawn_blocking(move || {
        let bytes = std::fs::read(&upload.path)?;
        drop(upload);
        let prepared = prepare(&bytes);
        drop(permit);
        prepared
    });
    prepared.await.map_err(Error::internal)?
}

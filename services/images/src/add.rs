//! Makes a picture of an upload.

use serde_json::json;
use techcommerce_audit::{Entry, record};
use techcommerce_contracts::{Principal, codes::IMAGE_REFUSED, images::Uploaded};
use techcommerce_kernel::{Error, Kind, Uuid};
use techcommerce_store::transact;

use crate::{
    State,
    prepare::{Prepared, prepare},
    receive::Received,
    rows::{self, NewImage},
    sizes,
    variant::{Variant, describe},
};

/// An upload, and what is known of it.
pub(crate) struct Incoming<'a> {
    pub content: Received,
    pub file_name: Option<String>,
    /// Who of the staff sent it; what our services add is in no audit log.
    pub staff: Option<&'a Principal>,
}

/// What became of uploads, as it is counted.
pub(crate) const OUTCOMES: [&str; 7] = [
    "stored",
    "known",
    "refused_type",
    "refused_bytes",
    "refused_picture",
    "refused_form",
    "failed",
];

/// Counts what became of an upload.
pub(crate) fn count(
    state: &State,
    outcome: Result<(Uploaded, bool), Error>,
) -> Result<Uploaded, Error> {
    let label = match &outcome {
        Ok((_, true)) => "stored",
        Ok((_, false)) => "known",
        Err(error) => match error.kind() {
            Kind::UnsupportedMedia => "refused_type",
            Kind::TooLarge => "refused_bytes",
            Kind::Invalid if error.code() == IMAGE_REFUSED => "refused_picture",
            Kind::Invalid => "refused_form",
            _ => "failed",
        },
    };
    state.uploads.with([label]).inc();
    outcome.map(|(uploaded, _)| uploaded)
}

/// Cleans the upload, writes its largest size, and then, in one transaction, the row and the job
/// that makes the other sizes. Until the row is there nothing is served: a crash in between
/// leaves a file that the sweep removes.
///
/// The same upload is the same picture, also when two come at once; `true` if it is a new one.
///
/// # Errors
/// `image_refused`; those of the stores.
pub(crate) async fn add(state: &State, upload: Incoming<'_>) -> Result<(Uploaded, bool), Error> {
    let hash = upload.content.hash;
    if let Some(known) = rows::by_hash(&state.db, &hash).await? {
        if !state.files.has(known.id, Variant::Original).await? {
            restore(state, known.id, upload.content).await?;
        }
        return Ok((describe(known.id, known.size()), false));
    }
    let uploaded_bytes = upload.content.bytes;
    let prepared = prepare_apart(state, upload.content).await?;
    // Each attempt has its own id and so its own file, so that that of an attempt that failed
    // can be removed without asking whether another one just wrote the same.
    let id = state.env.new_id();
    let original = (Variant::Original, prepared.original.clone());
    state.files.put(id, &[original]).await?;
    let file_name = upload.file_name.as_deref();
    let image = NewImage {
        id,
        hash: &hash,
        size: prepared.size,
        bytes: i64::try_from(prepared.original.len()).unwrap_or(i64::MAX),
        at: state.env.now(),
        format: prepared.format,
        file_name,
        uploaded_bytes: i64::try_from(uploaded_bytes).unwrap_or(i64::MAX),
        sized: sizes::none_to_make(prepared.size),
    };
    let written = transact!(state.db, |tx| -> Result<bool, Error> {
        if !rows::insert(tx, &image).await? {
            return Ok(false);
        }
        if !image.sized {
            sizes::enqueue(tx, &state.env, id).await?;
        }
        if let Some(staff) = upload.staff {
            let (width, height) = image.size;
            let change = json!({ "width": width, "height": height, "format": image.format });
            let entry = Entry::new(staff, "image.upload")
                .object("image", id, file_name.unwrap_or_default())
                .change(&change);
            record(tx, &state.env, entry).await?;
        }
        Ok(true)
    })?;
    if written {
        state.queue.wake();
        return Ok((describe(id, prepared.size), true));
    }
    if let Err(error) = state.files.delete_size(id, Variant::Original).await {
        tracing::warn!(%error, "a file that nobody needs is left to the sweep");
    }
    let first = rows::by_hash(&state.db, &hash).await?;
    let first =
        first.ok_or_else(|| Error::internal("a picture with this hash was there and is gone"))?;
    Ok((describe(first.id, first.size()), false))
}

/// The files of a picture are gone, and here it comes again.
async fn restore(state: &State, id: Uuid, content: Received) -> Result<(), Error> {
    let prepared = prepare_apart(state, content).await?;
    tracing::warn!(%id, "the files of a picture were gone and are made again from a new upload");
    let original = (Variant::Original, prepared.original);
    state.files.put(id, &[original]).await?;
    transact!(state.db, |tx| -> Result<(), Error> {
        sizes::enqueue(tx, &state.env, id).await?;
        Ok(())
    })?;
    state.queue.wake();
    Ok(())
}

/// Away from the threads that serve requests.
async fn prepare_apart(state: &State, content: Received) -> Result<Prepared, Error> {
    state.preparing.run(move || prepare(&content.read()?)).await
}

//! The job that makes the smaller sizes of a picture.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use techcommerce_jobs::{Handler, Job, NewJob, Outcome};
use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_store::{Conn, Db, transact};

use crate::{files::Files, prepare::smaller, preparing::Preparing, rows, variant::Variant};

const KIND: &str = "images.variants";

#[derive(Debug, Serialize, Deserialize)]
struct Payload {
    image: Uuid,
}

/// Whether the largest size serves all others as well.
pub(crate) fn none_to_make(size: (u32, u32)) -> bool {
    Variant::all().all(|variant| variant.file(size) == Variant::Original)
}

/// Writes the job in the transaction that makes the picture.
pub(crate) async fn enqueue(tx: &mut Conn, env: &Env, image: Uuid) -> Result<(), Error> {
    let job = NewJob::new(KIND).payload(&Payload { image })?;
    techcommerce_jobs::enqueue(tx, env, job).await?;
    Ok(())
}

/// Makes the smaller sizes. Run twice, it writes the same files with the same content.
pub(crate) struct Sizes {
    pub db: Db,
    pub env: Env,
    pub files: Files,
    pub preparing: Preparing,
}

#[async_trait]
impl Handler for Sizes {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, job: &Job) -> Result<Outcome, Error> {
        let Payload { image: id } = job.payload()?;
        if rows::by_id(&self.db, id).await?.is_none() {
            return Ok(Outcome::GiveUp("there is no such picture".into()));
        }
        let Some(original) = self.files.read(id, Variant::Original).await? else {
            // Perhaps a volume that is not there yet, so it is tried again.
            return Err(Error::internal(format!(
                "the picture's file is not in {}: images and worker must have the same \
                 images.store; if the file is lost, upload the same picture again",
                self.files.place()
            )));
        };
        let length = original.len();
        let variants = self.preparing.run(move || smaller(&original)).await?;
        self.files.put(id, &variants).await?;
        let bytes = variants.iter().map(|(_, b)| b.len()).sum::<usize>() + length;
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        transact!(self.db, |tx| -> Result<(), Error> {
            rows::sized(tx, id, bytes, self.env.now()).await?;
            job.complete_in(tx, &self.env).await
        })?;
        Ok(Outcome::Done)
    }

    fn time_limit(&self) -> Duration {
        Duration::from_secs(120)
    }
}

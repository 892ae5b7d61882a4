//! Takes an upload from the network into a file, chunk by chunk.

use std::{
    fs::File,
    io::{Read, Seek},
    path::Path,
};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use techcommerce_contracts::codes::IMAGE_REFUSED;
use techcommerce_kernel::{Error, Kind};
use tokio::io::AsyncWriteExt;

/// The most bytes of an upload.
pub const MAX_BYTES: u64 = 20 * 1024 * 1024;

/// An upload in a file that has no name: it is gone with this value, and with the process
/// however that ends.
#[derive(Debug)]
pub(crate) struct Received {
    file: File,
    /// SHA-256 of the content.
    pub hash: [u8; 32],
    pub bytes: u64,
}

impl Received {
    /// The whole content. It blocks.
    pub fn read(mut self) -> Result<Vec<u8>, Error> {
        let mut content = Vec::with_capacity(usize::try_from(self.bytes).unwrap_or(0));
        self.file.rewind()?;
        self.file.read_to_end(&mut content)?;
        Ok(content)
    }
}

/// Writes the stream into a file in `folder`, which is made if it is missing.
///
/// # Errors
/// `image_refused` (413) beyond [`MAX_BYTES`]; the stream's own errors; `unavailable` if the file
/// cannot be written, as on a full disk.
pub(crate) async fn receive(
    folder: &Path,
    mut chunks: impl Stream<Item = Result<Bytes, Error>> + Unpin,
) -> Result<Received, Error> {
    let path = folder.to_owned();
    let file = tokio::task::spawn_blocking(move || {
        std::fs::create_dir_all(&path)?;
        tempfile::tempfile_in(&path)
    });
    let file = file.await.map_err(Error::internal)?.map_err(no_room)?;
    let mut file = tokio::fs::File::from_std(file);
    let mut hash = Sha256::new();
    let mut bytes: u64 = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        bytes = bytes.saturating_add(chunk.len() as u64);
        if bytes > MAX_BYTES {
            return Err(too_large());
        }
        hash.update(&chunk);
        file.write_all(&chunk).await.map_err(no_room)?;
    }
    file.flush().await.map_err(no_room)?;
    Ok(Received {
        file: file.into_std().await,
        hash: hash.finalize().into(),
        bytes,
    })
}

pub(crate) fn too_large() -> Error {
    let message = format!("The file is larger than {} MB.", MAX_BYTES / (1024 * 1024));
    Error::new(Kind::TooLarge, IMAGE_REFUSED, message)
}

fn no_room(error: std::io::Error) -> Error {
    Error::unavailable("The upload cannot be kept right now. Please try again.").caused_by(error)
}

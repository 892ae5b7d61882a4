//! Takes an upload from the network into a file, chunk by chunk.

use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use sha2::{Digest, Sha256};
use techcommerce_contracts::codes::IMAGE_REFUSED;
use techcommerce_kernel::{Env, Error, Kind};
use tokio::{fs, io::AsyncWriteExt};

/// The most bytes of an upload.
pub const MAX_BYTES: u64 = 20 * 1024 * 1024;

/// An upload in a file, which goes with this value.
#[derive(Debug)]
pub(crate) struct Received {
    pub path: PathBuf,
    /// SHA-256 of the content.
    pub hash: [u8; 32],
}

impl Drop for Received {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the sweep.
        let _ = std::fs::remove_file(&self.path);
    }
}

/// Writes the stream into a file in `folder`, which is made if it is missing.
///
/// # Errors
/// `image_refused` (413) beyond [`MAX_BYTES`]; the stream's own errors.
pub(crate) async fn receive(
    folder: &Path,
    env: &Env,
    mut chunks: impl Stream<Item = Result<Bytes, Error>> + Unpin,
) -> Result<Received, Error> {
    fs::create_dir_all(folder).await?;
    let mut received = Received {
        path: folder.join(env.new_id().to_string()),
        hash: [0; 32],
    };
    let mut file = fs::File::create_new(&received.path).await?;
    let mut hash = Sha256::new();
    let mut bytes: u64 = 0;
    while let Some(chunk) = chunks.next().await {
        let chunk = chunk?;
        bytes = bytes.saturating_add(chunk.len() as u64);
        if bytes > MAX_BYTES {
            let message = format!("The file is larger than {} MB.", MAX_BYTES / (1024 * 1024));
            return Err(Error::new(Kind::TooLarge, IMAGE_REFUSED, message));
        }
        hash.update(&chunk);
        file.write_all(&chunk).await?;
    }
    file.flush().await?;
    received.hash = hash.finalize().into();
    Ok(received)
}

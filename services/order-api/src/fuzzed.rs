//! What the fuzz targets (`fuzz/`) throw bytes at and nobody else may call.

use techcommerce_kernel::{Error, Timestamp};

use crate::payment::stripe::{Unsigned, hear};

/// Reads a message of Stripe as it comes in, and tells what was read. `None`: nobody signed it.
pub fn stripe_message(
    secrets: &[String],
    header: &str,
    body: &[u8],
    now: Timestamp,
) -> Option<Result<String, Error>> {
    match hear(secrets, header, body, now) {
        Ok(read) => Some(read.map(|heard| format!("{heard:?}"))),
        Err(Unsigned) => None,
    }
}

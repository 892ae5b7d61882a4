//! Opaque cursors of lists: the sort key of the last thing on a page.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};
use techcommerce_kernel::Error;

/// A longer one was not made here.
const MAX_LENGTH: usize = 2048;

/// A cursor from a key such as `(created_at, id)`. It is opaque, not secret.
///
/// # Errors
/// `internal` if the key cannot be JSON.
pub fn encode<K: Serialize>(key: &K) -> Result<String, Error> {
    let json = serde_json::to_vec(key).map_err(Error::internal)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

/// The key that a cursor was made from.
///
/// # Errors
/// 400 `invalid_input` at `cursor` for anything that [`encode`] did not make for such a key.
pub fn decode<K: DeserializeOwned>(cursor: &str) -> Result<K, Error> {
    let refused = || Error::invalid_field("cursor", "is not one that this list gave out");
    if cursor.len() > MAX_LENGTH {
        return Err(refused());
    }
    let json = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| refused())?;
    serde_json::from_slice(&json).map_err(|_| refused())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_its_key() {
        let cursor = encode(&(1_700_000_000_i64, "abc")).unwrap();
        assert_eq!(
            decode::<(i64, String)>(&cursor).unwrap(),
            (1_700_000_000, "abc".to_owned())
        );
        assert!(
            cursor
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
        );
    }

    #[test]
    fn another_text_is_refused() {
        for text in ["", "!", "bm90IGpzb24", &"A".repeat(4000)] {
            assert_eq!(
                decode::<(i64, String)>(text).unwrap_err().fields()[0].path,
                "cursor"
            );
        }
    }
}

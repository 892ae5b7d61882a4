//! Ids that follow from what they stand for, so that whoever asks again asks for the same.

use axum::extract::FromRequestParts;
use http::request::Parts;
use sha2::{Digest, Sha256};
use techcommerce_contracts::{codes, order_api::OrderInput};
use techcommerce_http::ApiError;
use techcommerce_kernel::{Error, Uuid};

use super::fix::Snapshot;
use crate::carts::hex;

/// The header `Idempotency-Key`: 1 to 255 printable ASCII characters. Without it the request is
/// refused with 400 `idempotency_key_required`.
#[derive(Clone)]
pub struct IdempotencyKey(String);

impl IdempotencyKey {
    const HEADER: &'static str = "idempotency-key";

    /// The key as it was sent.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn of(headers: &http::HeaderMap) -> Result<Self, Error> {
        let refused = || {
            Error::invalid(
                codes::IDEMPOTENCY_KEY_REQUIRED,
                "Send the header Idempotency-Key with 1 to 255 printable characters, a new one for \
                 each order and the same one when you try again.",
            )
        };
        let mut values = headers.get_all(Self::HEADER).iter();
        let (Some(value), None) = (values.next(), values.next()) else {
            return Err(refused());
        };
        let key = value.to_str().map_err(|_| refused())?.trim();
        let sane = (1..=255).contains(&key.len()) && key.bytes().all(|b| (0x20..0x7f).contains(&b));
        if sane {
            Ok(Self(key.to_owned()))
        } else {
            Err(refused())
        }
    }
}

impl<S: Sync> FromRequestParts<S> for IdempotencyKey {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        Ok(Self::of(&parts.headers)?)
    }
}

/// The id of a request to order: the same for the same key of the same account, API key or,
/// for guests, cart.
pub(super) fn attempt_id(owner: Option<Uuid>, cart_key: &str, key: &IdempotencyKey) -> Uuid {
    let caller = owner.map_or_else(|| cart_key.to_owned(), |owner| owner.to_string());
    derived_id("order", &[&caller, key.as_str()])
}

/// The id of the reservation for what was fixed under an attempt's id: the same for every retry.
pub(super) fn reservation_id(attempt: Uuid, snapshot: &Snapshot) -> Uuid {
    let parts = [attempt.to_string(), snapshot.nonce.to_string()];
    derived_id("reservation", &[&parts[0], &parts[1]])
}

/// A UUID of version 8 (RFC 9562) made of the SHA-256 of what it stands for.
pub fn derived_id(purpose: &str, parts: &[&str]) -> Uuid {
    let mut hash = Sha256::new();
    for part in std::iter::once(&purpose).chain(parts) {
        // The length sets the parts apart, whatever they hold.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&hash.finalize()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

/// SHA-256 of the request in one form, in hexadecimal. Who tries again after switching to another
/// language, or having seen another total, asks for the same order.
pub(super) fn request_hash(input: &OrderInput) -> Result<String, Error> {
    let input = OrderInput {
        locale: None,
        expected_total: None,
        ..input.clone()
    };
    let json = serde_json::to_vec(&input).map_err(Error::internal)?;
    Ok(hex(&Sha256::digest(json)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Result<IdempotencyKey, Error> {
        let mut headers = http::HeaderMap::new();
        headers.insert("idempotency-key", text.parse().unwrap());
        IdempotencyKey::of(&headers)
    }

    #[test]
    fn a_key_is_printable_and_not_too_long() {
        assert_eq!(key(" a b ").unwrap().as_str(), "a b");
        for bad in ["", "  ", &"x".repeat(256)] {
            assert!(key(bad).is_err(), "{bad}");
        }
        assert!(IdempotencyKey::of(&http::HeaderMap::new()).is_err());
    }

    #[test]
    fn ids_follow_from_caller_and_key() {
        let one = key("k").unwrap();
        let owner = Some(Uuid::from_u128(1));
        assert_eq!(
            attempt_id(owner, "cart", &one),
            attempt_id(owner, "other cart", &one)
        );
        assert_ne!(
            attempt_id(None, "cart", &one),
            attempt_id(None, "other cart", &one)
        );
        assert_ne!(
            attempt_id(owner, "cart", &one),
            attempt_id(None, "cart", &one)
        );
        assert_eq!(attempt_id(None, "cart", &one).get_version_num(), 8);
        assert_ne!(derived_id("a", &["bc"]), derived_id("a", &["b", "c"]));
    }
}

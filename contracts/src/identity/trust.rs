//! Whose signature is believed.

use std::{collections::HashMap, fmt};

use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use ed25519_dalek::VerifyingKey;
use techcommerce_kernel::Error;

use crate::Service;

/// The header of a token that `key` signed, in base64url: the one header that is written and
/// taken for that key. It names the key by its first eight bytes.
pub(super) fn header(key: &VerifyingKey) -> String {
    let id = URL_SAFE_NO_PAD.encode(&key.as_bytes()[..8]);
    let header = format!(r#"{{"alg":"EdDSA","typ":"JWT","kid":"{id}"}}"#);
    URL_SAFE_NO_PAD.encode(header)
}

/// The public keys of the services. A service may have several, while one takes another's place.
#[derive(Clone, PartialEq, Eq)]
pub struct TrustedKeys {
    by_header: HashMap<String, (Service, VerifyingKey)>,
}

impl TrustedKeys {
    /// One key of one service.
    pub(super) fn one(service: Service, key: VerifyingKey) -> Self {
        Self {
            by_header: HashMap::from([(header(&key), (service, key))]),
        }
    }

    /// Reads what a file of trusted keys holds: on each line a service's name and its public key,
    /// 32 bytes in base64, as [`TrustedKeys::line`] writes them. What follows a `#` is a remark.
    ///
    /// # Errors
    /// `trusted_keys` with the line that is wrong, or if there is no key at all.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |line: usize, why: String| {
            Error::invalid("trusted_keys", format!("line {}: {why}", line + 1))
        };
        let mut by_header = HashMap::new();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            let (name, key) = line
                .split_once(char::is_whitespace)
                .ok_or_else(|| wrong(number, "write it as `service public-key`".to_owned()))?;
            let service: Service = name.parse().map_err(|why| wrong(number, why))?;
            let key = public_key(key.trim()).ok_or_else(|| {
                wrong(
                    number,
                    "the public key is not that of Ed25519, 32 bytes in base64".to_owned(),
                )
            })?;
            let twin = by_header.insert(header(&key), (service, key));
            // A key that speaks for two services would let one pass for the other.
            if twin.is_some_and(|(other, _)| other != service) {
                return Err(wrong(
                    number,
                    "this key is another service's; each has its own".to_owned(),
                ));
            }
        }
        if by_header.is_empty() {
            return Err(Error::invalid("trusted_keys", "there is no key in it"));
        }
        Ok(Self { by_header })
    }

    /// A line for [`TrustedKeys::parse`].
    pub fn line(service: Service, public_key: &[u8; 32]) -> String {
        format!("{service} {}", STANDARD.encode(public_key))
    }

    /// Whether tokens of this key are taken for those of `service`.
    pub fn trusts(&self, service: Service, public_key: &[u8; 32]) -> bool {
        self.by_header
            .values()
            .any(|(other, key)| *other == service && key.as_bytes() == public_key)
    }

    /// The services that have a key here.
    pub fn services(&self) -> impl Iterator<Item = Service> {
        Service::ALL
            .into_iter()
            .filter(|service| self.by_header.values().any(|(other, _)| other == service))
    }

    pub(super) fn by_header(&self, header: &str) -> Option<(Service, &VerifyingKey)> {
        self.by_header
            .get(header)
            .map(|(service, key)| (*service, key))
    }
}

fn public_key(text: &str) -> Option<VerifyingKey> {
    let bytes: [u8; 32] = STANDARD.decode(text).ok()?.try_into().ok()?;
    VerifyingKey::from_bytes(&bytes).ok()
}

impl fmt::Debug for TrustedKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.services()).finish()
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::SigningKey;

    use super::*;

    fn line(service: Service, seed: u8) -> String {
        let key = SigningKey::from_bytes(&[seed; 32]).verifying_key();
        TrustedKeys::line(service, key.as_bytes())
    }

    #[test]
    fn a_file_is_read() {
        let text = format!(
            "# the shop's keys\n\n{}\n  {}  # old\n{}",
            line(Service::Auth, 1),
            line(Service::Api, 2),
            line(Service::Api, 3)
        );
        let keys = TrustedKeys::parse(&text).unwrap();
        let services: Vec<Service> = keys.services().collect();
        assert_eq!(services, [Service::Api, Service::Auth]);
        let key = SigningKey::from_bytes(&[3; 32]).verifying_key();
        assert!(keys.trusts(Service::Api, key.as_bytes()));
        assert!(!keys.trusts(Service::Auth, key.as_bytes()));
    }

    #[test]
    fn what_is_wrong_is_named_by_its_line() {
        let twice = format!("{}\n{}", line(Service::Auth, 1), line(Service::Api, 1));
        for (text, part) in [
            ("", "no key"),
            ("auth", "line 1: write it as"),
            ("auth x", "line 1: the public key"),
            ("shop AAAA", "line 1: `shop` is no service"),
            (twice.as_str(), "line 2: this key is another service's"),
        ] {
            let error = TrustedKeys::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
    }
}

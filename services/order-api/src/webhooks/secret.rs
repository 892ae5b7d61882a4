//! Secrets and signatures, by the Standard Webhooks specification (1.0.0, symmetric, `v1`).

use std::fmt;

use base64::{Engine, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use techcommerce_kernel::{Env, Error};

/// What a secret begins with, so that people and scanners know one.
const PREFIX: &str = "whsec_";

/// A secret that one endpoint's events are signed with.
pub(super) struct Secret(String);

impl Secret {
    /// A new one of 256 random bits.
    pub(super) fn new(env: &Env) -> Self {
        Self(format!(
            "{PREFIX}{}",
            STANDARD.encode(env.random_bytes::<32>())
        ))
    }

    /// One that was stored.
    pub(super) fn stored(text: String) -> Self {
        Self(text)
    }

    /// What is stored, and shown once.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }

    /// `v1,…` over an event's id, the time in seconds since 1970, and the bytes that are sent.
    ///
    /// # Errors
    /// `internal` if what was stored is no secret.
    pub(super) fn sign(&self, id: &str, seconds: i64, body: &str) -> Result<String, Error> {
        let unfit = || Error::internal("a webhook's secret cannot be read");
        let key = self.0.strip_prefix(PREFIX).ok_or_else(unfit)?;
        let key = STANDARD.decode(key).map_err(|_| unfit())?;
        let mut mac = Hmac::<Sha256>::new_from_slice(&key).map_err(|_| unfit())?;
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body.as_bytes());
        let signature = mac.finalize().into_bytes();
        Ok(format!("v1,{}", STANDARD.encode(signature)))
    }
}

/// Without what it is.
impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The header `webhook-signature`: one signature for each secret.
///
/// # Errors
/// As [`Secret::sign`].
pub(super) fn signatures(
    secrets: &[Secret],
    id: &str,
    seconds: i64,
    body: &str,
) -> Result<String, Error> {
    let signed = secrets.iter().map(|secret| secret.sign(id, seconds, body));
    Ok(signed.collect::<Result<Vec<_>, _>>()?.join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example of the specification's own libraries.
    #[test]
    fn signs_as_the_specification_says() {
        let secret = Secret::stored("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw".into());
        let signature = secret.sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            1_614_265_330,
            r#"{"test": 2432232314}"#,
        );
        assert_eq!(
            signature.unwrap(),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        );
    }

    #[test]
    fn a_secret_is_long_enough_and_stays_out_of_debug() {
        let (env, _) = Env::manual(3);
        let secret = Secret::new(&env);
        let key = STANDARD.decode(&secret.expose()[PREFIX.len()..]).unwrap();
        assert_eq!(key.len(), 32);
        assert_eq!(format!("{secret:?}"), "Secret");
        assert_ne!(secret.expose(), Secret::new(&env).expose());
        let two = [secret, Secret::new(&env)];
        let header = signatures(&two, "evt_1", 5, "{}").unwrap();
        assert_eq!(header.split(' ').count(), 2);
        assert!(Secret::stored("plain".into()).sign("a", 1, "").is_err());
    }
}

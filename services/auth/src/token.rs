//! Secrets that are handed out: session tokens, API keys, reset tokens.
//!
//! Each is 256 random bits after a prefix that tells what it is (and lets secret scanners find
//! it). Only the SHA-256 is stored: the bits are random, so a slow hash would add nothing.

use sha2::{Digest, Sha256};
use techcommerce_kernel::Env;

/// What a secret is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// A session, in a cookie or as a bearer token.
    Session,
    /// An API key of a program.
    ApiKey,
    /// A link in a mail for a new password.
    PasswordReset,
}

impl Purpose {
    const fn prefix(self) -> &'static str {
        match self {
            Self::Session => "tcs_",
            Self::ApiKey => "tck_",
            Self::PasswordReset => "tcr_",
        }
    }

    /// A new secret; whoever gets it sees it once.
    pub fn generate(self, env: &Env) -> String {
        format!("{}{}", self.prefix(), env.token())
    }

    /// What `secret` is for, if it has the form of one of ours. Nothing else is looked up.
    pub fn of(secret: &str) -> Option<Self> {
        let purpose = [Self::Session, Self::ApiKey, Self::PasswordReset]
            .into_iter()
            .find(|purpose| secret.starts_with(purpose.prefix()))?;
        let rest = &secret[purpose.prefix().len()..];
        let sane = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        (rest.len() == 43 && rest.bytes().all(sane)).then_some(purpose)
    }
}

/// What is stored of a secret.
pub type TokenHash = [u8; 32];

/// What is stored of `secret`.
pub fn hash(secret: &str) -> TokenHash {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_tells_the_purpose() {
        let (env, _) = Env::manual(1);
        for purpose in [Purpose::Session, Purpose::ApiKey, Purpose::PasswordReset] {
            let secret = purpose.generate(&env);
            assert_eq!(Purpose::of(&secret), Some(purpose));
            assert_eq!(Purpose::of(&secret[..46]), None);
            assert_eq!(Purpose::of(&format!("{secret}x")), None);
        }
        assert_eq!(Purpose::of(""), None);
        assert_eq!(Purpose::of("tcs_ööööööööööööööööööööö1"), None);
    }

    #[test]
    fn a_hash_is_not_the_secret() {
        assert_ne!(hash("a"), hash("b"));
        assert_eq!(hash("a"), hash("a"));
    }
}

//! Passwords: what is taken for one, and how it is kept.
//!
//! Argon2id with the parameters that OWASP's Password Storage Cheat Sheet gives (19 MiB, two
//! passes, one lane). A hash takes tens of milliseconds and 19 MiB, so it runs beside the
//! asynchronous threads, at most [`AT_ONCE`] at a time, and the queue for it is bounded.

use std::sync::Arc;

use argon2::{
    Algorithm, Argon2, Block, Params, Version,
    password_hash::phc::{Ident, Output, ParamsString, PasswordHash, Salt},
};
use techcommerce_kernel::{Env, Error};
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;

/// How many hashes are computed at one time: this bounds the memory to 2 × 19 MiB.
const AT_ONCE: usize = 2;
/// How many requests may wait for a hash. Beyond it they are refused, as they would time out.
const MAX_WAITING: usize = 64;
/// The fewest characters of a password.
pub const MIN_CHARS: usize = 12;
/// The most bytes of a password: more would only cost time.
pub const MAX_BYTES: usize = 1024;

/// Verified when there is no account, so that the answer takes as long. Its password is unknown.
const DECOY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdCBvZiBuby1vbmUgYQ$MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI";

/// Common passwords of at least [`MIN_CHARS`] characters, in lower case, one a line.
const COMMON: &str = include_str!("common_passwords.txt");

/// A password that somebody chose and that is good enough to keep.
pub struct NewPassword(String);

impl NewPassword {
    /// Checks a chosen password. `email` is whose it will be.
    ///
    /// # Errors
    /// A message for the one who chose it, that says what to do.
    pub fn parse(raw: &str, email: &str) -> Result<Self, &'static str> {
        if raw.len() > MAX_BYTES {
            return Err("is longer than 1024 bytes");
        }
        let password: String = raw.nfc().collect();
        if password.chars().count() < MIN_CHARS {
            return Err("needs at least 12 characters; some words in a row make a good one");
        }
        let lower = password.to_lowercase();
        let simplify = |text: &str| text.replace([' ', '-', '_', '.', '!'], "");
        let simple = simplify(&lower);
        let email = email.to_lowercase();
        let local = simplify(email.split('@').next().unwrap_or_default());
        let mut chars: Vec<char> = simple.chars().collect();
        chars.sort_unstable();
        chars.dedup();
        if chars.len() < 4
            || COMMON
                .lines()
                .any(|common| common == lower || common == simple)
            || lower == email
            || (local.len() >= 4 && simple.replace(&local, "").chars().count() < 4)
        {
            return Err("is too easy to guess; some words in a row make a good one");
        }
        Ok(Self(password))
    }

    /// A password made by us, for someone to use once.
    pub fn generate(env: &Env) -> (Self, String) {
        // 118 bits in groups that can be typed from another screen, without letters that look alike.
        const ALPHABET: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
        let mut password = String::new();
        for (at, byte) in env.random_bytes::<24>().iter().enumerate() {
            if at > 0 && at % 6 == 0 {
                password.push('-');
            }
            password.push(char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
        }
        (Self(password.clone()), password)
    }
}

impl std::fmt::Debug for NewPassword {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NewPassword(…)")
    }
}

/// The text of a password for someone to use once.
pub fn new_password(env: &Env) -> String {
    NewPassword::generate(env).1
}

/// Hashes and verifies passwords, a few at a time.
#[derive(Debug, Clone)]
pub struct Passwords {
    running: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            running: Arc::new(Semaphore::new(AT_ONCE)),
            waiting: Arc::new(Semaphore::new(MAX_WAITING)),
        }
    }
}

impl Passwords {
    /// What to store of a password: a PHC string with its parameters and a new salt.
    ///
    /// # Errors
    /// `unavailable` when too many are waiting already.
    pub async fn hash(&self, env: &Env, password: NewPassword) -> Result<String, Error> {
        let salt = env.random_bytes::<16>();
        self.run(move || hash_now(&password.0, &salt)).await?
    }

    /// Whether `attempt` is the password of `stored`. Without `stored` it is not, after the same
    /// work, so that the time of the answer does not tell whether there is an account.
    ///
    /// # Errors
    /// `unavailable` when too many are waiting already.
    pub async fn verify(&self, stored: Option<&str>, attempt: &str) -> Result<bool, Error> {
        if attempt.len() > MAX_BYTES {
            return Ok(false);
        }
        let attempt: String = attempt.nfc().collect();
        let known = stored.is_some();
        let stored = stored.unwrap_or(DECOY).to_owned();
        let same = self.run(move || verify_now(&stored, &attempt)).await??;
        Ok(known & same)
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Error> {
        let _place =
            self.waiting.clone().try_acquire_owned().map_err(|_| {
                Error::unavailable("Too many people are signing in at this moment.")
            })?;
        let slot = self.running.clone().acquire_owned().await;
        let slot = slot.map_err(Error::internal)?;
        // The slot moves along: if the caller goes away, the work still counts until it is done.
        tokio::task::spawn_blocking(move || {
            let _slot = slot;
            work()
        })
        .await
        .map_err(Error::internal)
    }
}

fn hash_now(password: &str, salt: &[u8; 16]) -> Result<String, Error> {
    let params = Params::DEFAULT;
    let mut output = [0; Params::DEFAULT_OUTPUT_LEN];
    compute(Params::DEFAULT, password, salt, &mut output)?;
    let hash = PasswordHash {
        algorithm: Ident::new("argon2id").map_err(Error::internal)?,
        version: Some(Version::V0x13.into()),
        params: ParamsString::try_from(&params).map_err(Error::internal)?,
        salt: Some(Salt::new(salt).map_err(Error::internal)?),
        hash: Some(Output::new(&output).map_err(Error::internal)?),
    };
    Ok(hash.to_string())
}

fn verify_now(stored: &str, attempt: &str) -> Result<bool, Error> {
    let stored = PasswordHash::new(stored).map_err(Error::internal)?;
    let params = Params::try_from(&stored).map_err(Error::internal)?;
    let (Some(salt), Some(expected)) = (stored.salt, stored.hash) else {
        return Err(Error::internal(
            "a stored password hash lacks its salt or its output",
        ));
    };
    let mut output = vec![0; expected.len()];
    compute(params, attempt, salt.as_ref(), &mut output)?;
    // `Output` compares in constant time.
    Ok(Output::new(&output).map_err(Error::internal)? == expected)
}

fn compute(params: Params, password: &str, salt: &[u8], output: &mut [u8]) -> Result<(), Error> {
    // More than 32 MiB are asked for and only the needed ones touched: an allocation of that size
    // is always mapped by itself and returned to the system when it is dropped, where a smaller
    // one would stay in the allocator's heap for good.
    let mut memory: Vec<Block> = Vec::with_capacity(params.block_count().max(33 * 1024));
    memory.resize(params.block_count(), Block::new());
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
        .hash_password_into_with_memory(password.as_bytes(), salt, output, &mut memory)
        .map_err(Error::internal)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_the_same_password_is_right() {
        let (env, _) = Env::manual(1);
        let passwords = Passwords::default();
        let parse = |raw| NewPassword::parse(raw, "jo@example.com").unwrap();
        let stored = passwords
            .hash(&env, parse("zwölf kleine Enten"))
            .await
            .unwrap();
        assert!(
            stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{stored}"
        );
        assert!(
            passwords
                .verify(Some(&stored), "zwölf kleine Enten")
                .await
                .unwrap()
        );
        // The same letters, written as o and a combining diaeresis.
        assert!(
            passwords
                .verify(Some(&stored), "zwo\u{308}lf kleine Enten")
                .await
                .unwrap()
        );
        assert!(
            !passwords
                .verify(Some(&stored), "zwölf kleine enten")
                .await
                .unwrap()
        );
        assert!(!passwords.verify(None, "zwölf kleine Enten").await.unwrap());
        let again = passwords
            .hash(&env, parse("zwölf kleine Enten"))
            .await
            .unwrap();
        assert_ne!(stored, again, "every hash has its own salt");
    }

    #[tokio::test]
    async fn waiting_is_bounded() {
        let passwords = Passwords::default();
        let _all = passwords.waiting.try_acquire_many(64).unwrap();
        let error = passwords.verify(None, "whatever it is").await.unwrap_err();
        assert_eq!(error.code(), "unavailable");
        assert!(error.retry_after_hint().is_some());
    }

    /// What the process holds in memory, in KiB.
    #[cfg(target_os = "linux")]
    fn resident() -> u64 {
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS:"))
            .unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn memory_is_given_back() {
        let passwords = Passwords::default();
        assert!(!passwords.verify(None, "whatever it is").await.unwrap());
        let before = resident();
        for _ in 0..3 {
            let (one, two) = tokio::join!(
                passwords.verify(None, "whatever it is"),
                passwords.verify(None, "whatever it is"),
            );
            assert!(!one.unwrap() && !two.unwrap());
        }
        let grown = resident().saturating_sub(before);
        assert!(grown < 8 * 1024, "{grown} KiB stay behind");
    }

    #[test]
    fn weak_ones_are_refused() {
        for bad in [
            "short",
            "aaaaaaaaaaaaaaaa",
            "Password1234",
            "correct horse battery staple",
            "1234567890123456",
            "jo.shopper@example.com",
            "joshopper123",
        ] {
            assert!(
                NewPassword::parse(bad, "jo.shopper@example.com").is_err(),
                "{bad}"
            );
        }
        assert!(NewPassword::parse(&"long enough ".repeat(100), "jo@example.com").is_err());
        assert!(NewPassword::parse("zwölf kleine Enten", "jo@example.com").is_ok());
    }

    #[test]
    fn generated_ones_are_good() {
        let (env, _) = Env::manual(1);
        let (_, text) = NewPassword::generate(&env);
        assert_eq!(text.len(), 27);
        assert!(NewPassword::parse(&text, "admin@example.com").is_ok());
        assert_ne!(text, NewPassword::generate(&env).1);
    }
}

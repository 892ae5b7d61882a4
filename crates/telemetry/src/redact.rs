//! Keeps secrets out of logs, in three layers: a type for what is known to be secret, the names
//! of fields, and the shape of values. The type is the rule; the other two are the net below it.

use std::{borrow::Cow, fmt};

/// What stands in a log in place of a secret.
pub const REDACTED: &str = "[redacted]";

/// A value that may be used but never shown: `Debug` and `Display` print [`REDACTED`].
///
/// ```
/// use techcommerce_telemetry::Redacted;
/// let key = Redacted::new(String::from("sk_live_1"));
/// assert_eq!(format!("{key} {key:?}"), "[redacted] [redacted]");
/// assert_eq!(key.expose(), "sk_live_1");
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Redacted<T>(T);

impl<T> Redacted<T> {
    /// Hides `value`.
    pub fn new(value: T) -> Self {
        Self(value)
    }

    /// The value itself. Call it where the value is used, not where it is passed on.
    pub fn expose(&self) -> &T {
        &self.0
    }

    /// The value itself, taken out.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> From<T> for Redacted<T> {
    fn from(value: T) -> Self {
        Self(value)
    }
}

impl<T> fmt::Debug for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

impl<T> fmt::Display for Redacted<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(REDACTED)
    }
}

/// Whether a field of this name is taken to hold a secret: one of its words (divided by `_`, `-`
/// or `.`) is `password`, `secret`, `token`, `authorization`, `cookie`, `card`, `email`, ….
pub fn is_sensitive_name(name: &str) -> bool {
    const WORDS: &[&str] = &[
        "password",
        "passwd",
        "passphrase",
        "secret",
        "secrets",
        "token",
        "tokens",
        "authorization",
        "bearer",
        "cookie",
        "cookies",
        "card",
        "cvc",
        "cvv",
        "iban",
        "email",
        "apikey",
        "credential",
        "credentials",
        "signature",
    ];
    const PAIRS: &[&str] = &["api_key", "private_key", "cart_id", "session_id"];
    let lower = name.to_ascii_lowercase();
    lower
        .split(['_', '-', '.'])
        .any(|word| WORDS.contains(&word))
        || PAIRS.iter().any(|pair| lower.contains(pair))
}

/// Hides what looks like a mail address, a password in an address (`scheme://user:password@…`),
/// a bearer token, the value of a sensitive parameter (`token=…`) or the number of a card.
pub fn scrub(text: &str) -> Cow<'_, str> {
    if !may_need_scrubbing(text) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    let mut hide_next = false;
    while !rest.is_empty() {
        let end = rest.find(is_separator).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if hide_next && !word.is_empty() {
            out.push_str(REDACTED);
            hide_next = false;
        } else {
            scrub_word(word, &mut out);
        }
        if word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic") {
            hide_next = true;
        }
        let mut rest_chars = after.chars();
        if let Some(separator) = rest_chars.next() {
            out.push(separator);
        }
        rest = rest_chars.as_str();
    }
    Cow::Owned(out)
}

fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '<' | '>' | '"' | '\'' | ',' | ';' | '(' | ')' | '&' | '?'
        )
}

fn may_need_scrubbing(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.contains(&b'@')
        || bytes.contains(&b'=')
        || bytes.iter().filter(|b| b.is_ascii_digit()).count() >= 13
        || ["earer", "EARER", "asic"].iter().any(|w| text.contains(w))
}

fn scrub_word(word: &str, out: &mut String) {
    if let Some((name, _)) = word.split_once('=')
        && is_sensitive_name(name)
    {
        out.push_str(name);
        out.push('=');
        out.push_str(REDACTED);
        return;
    }
    if let Some((before, after)) = word.split_once("://")
        && let Some((user_info, host)) = after.rsplit_once('@')
    {
        let user = user_info.split(':').next().unwrap_or_default();
        out.push_str(&format!("{before}://{user}:{REDACTED}@{host}"));
        return;
    }
    let is_mail = word.split_once('@').is_some_and(|(local, domain)| {
        !local.is_empty() && domain.contains(|c: char| c.is_ascii_alphanumeric())
    });
    if is_mail || looks_like_card(word) {
        out.push_str(REDACTED);
    } else {
        out.push_str(word);
    }
}

/// 13 to 19 digits, with or without dashes, that start as cards do and pass Luhn's check.
fn looks_like_card(word: &str) -> bool {
    let word = word.trim_matches(|c: char| !c.is_ascii_digit());
    if !word.bytes().all(|b| b.is_ascii_digit() || b == b'-') {
        return false;
    }
    let digits: Vec<u32> = word.chars().filter_map(|c| c.to_digit(10)).collect();
    if !(13..=19).contains(&digits.len()) || !(2..=6).contains(&digits[0]) {
        return false;
    }
    let sum: u32 = digits
        .iter()
        .rev()
        .enumerate()
        .map(|(place, digit)| match (place % 2, digit * 2) {
            (0, _) => *digit,
            (_, double) if double > 9 => double - 9,
            (_, double) => double,
        })
        .sum();
    sum.is_multiple_of(10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_hidden_wherever_they_stand() {
        for (text, safe) in [
            (
                "mail to ada@example.org failed",
                "mail to [redacted] failed",
            ),
            (
                "550 <ada@example.org>: unknown",
                "550 <[redacted]>: unknown",
            ),
            (
                "postgres://shop:hunter2@db:5432/shop refused",
                "postgres://shop:[redacted]@db:5432/shop refused",
            ),
            (
                "Authorization: Bearer abc.def",
                "Authorization: Bearer [redacted]",
            ),
            (
                "GET /orders?access_token=abc&x=1",
                "GET /orders?access_token=[redacted]&x=1",
            ),
            ("card 4242424242424242 refused", "card [redacted] refused"),
            ("card 4242-4242-4242-4242.", "card [redacted]"),
        ] {
            assert_eq!(scrub(text), safe);
        }
    }

    #[test]
    fn ordinary_words_stay() {
        for text in [
            "order 1042 placed",
            "0190a3f8-8c1e-7cc3-98a4-1f2e3d4c5b6a",
            "took=1800000000000000",
            "@media and a=b",
            "discarded 3 of 7",
        ] {
            assert_eq!(scrub(text), text);
        }
    }

    #[test]
    fn names_are_judged_by_their_words() {
        for name in [
            "password",
            "smtp.password",
            "access_token",
            "x-api-key".replace('-', "_").as_str(),
            "Email",
        ] {
            assert!(is_sensitive_name(name), "{name}");
        }
        for name in ["discarded", "route", "cardinality", "tokenizer", "order_id"] {
            assert!(!is_sensitive_name(name), "{name}");
        }
    }
}

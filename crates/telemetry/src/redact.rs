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
/// a bearer token, a token of ours or of JWT's shape, what stands behind a sensitive name
/// (`token=…`, `"password":"…"`) or the number of a card; mail addresses and names also where they
/// are written as in an address (`%40`) or in JSON (`\u0040`).
pub fn scrub(text: &str) -> Cow<'_, str> {
    if !may_need_scrubbing(text) {
        return Cow::Borrowed(text);
    }
    let spaced = hide_spaced_cards(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = &*spaced;
    let mut next = Next::Any;
    while !rest.is_empty() {
        let end = rest.find(is_separator).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if next == Next::Secret && !word.is_empty() && word != ":" && !is_scheme(word) {
            out.push_str(REDACTED);
            next = Next::Any;
        } else {
            scrub_word(word, &mut out);
            next = next.after(word);
        }
        let mut rest_chars = after.chars();
        if let Some(separator) = rest_chars.next() {
            out.push(separator);
        }
        rest = rest_chars.as_str();
    }
    Cow::Owned(out)
}

/// What the words so far make of the next one.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Whatever it is.
    Any,
    /// A secret, if it follows a colon: the last word was a sensitive name.
    Named,
    /// A secret.
    Secret,
}

impl Next {
    fn after(self, word: &str) -> Self {
        if word.is_empty() {
            return self;
        }
        if is_scheme(word) {
            return Self::Secret;
        }
        let name = word.trim_end_matches([':', '=', '\\']);
        match (name.is_empty(), name.len() < word.len()) {
            // The colon between a name and its value.
            (true, _) if self == Self::Any => Self::Any,
            (true, _) => Self::Secret,
            (false, _) if !is_sensitive_name(name) => Self::Any,
            // An escaped quote is no end of a name.
            (false, true) if !word.ends_with('\\') => Self::Secret,
            (false, _) => Self::Named,
        }
    }
}

/// How a credential in the header `Authorization` begins.
fn is_scheme(word: &str) -> bool {
    word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic")
}

fn is_separator(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '<' | '>' | '"' | '\'' | ',' | ';' | '(' | ')' | '{' | '}' | '[' | ']' | '&' | '?'
        )
}

/// What the tokens of this shop begin with: sessions, API keys, ways to a new password.
const TOKENS: [&str; 3] = ["tcs_", "tck_", "tcr_"];

fn may_need_scrubbing(text: &str) -> bool {
    let mut digits = 0_usize;
    for byte in text.bytes() {
        match byte {
            b'@' | b'=' | b':' | b'%' | b'\\' => return true,
            b'0'..=b'9' => digits += 1,
            _ => {}
        }
    }
    digits >= 13
        || ["earer", "EARER", "asic", "eyJ"]
            .iter()
            .chain(&TOKENS)
            .any(|w| text.contains(w))
}

fn scrub_word(word: &str, out: &mut String) {
    if let Some((name, value)) = word.split_once(['=', ':'])
        && !value.is_empty()
        && is_sensitive_name(name)
    {
        out.push_str(&word[..=name.len()]);
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
    if is_mail(word) || is_token(word) || looks_like_card(word) {
        out.push_str(REDACTED);
    } else {
        out.push_str(word);
    }
}

/// Something before an at sign, and something behind it.
fn is_mail(word: &str) -> bool {
    ["@", "%40", "\\u0040"].iter().any(|at| {
        word.split_once(at).is_some_and(|(local, domain)| {
            local.contains(|c: char| c.is_ascii_alphanumeric())
                && domain.contains(|c: char| c.is_ascii_alphanumeric())
        })
    })
}

/// One of ours, or three parts of base64 the first of which is an object (a JWT).
fn is_token(word: &str) -> bool {
    TOKENS.iter().any(|start| {
        word.split_once(start)
            .is_some_and(|(_, rest)| rest.len() >= 8)
    }) || word.split_once("eyJ").is_some_and(|(_, rest)| {
        let mut parts = rest.split('.');
        parts
            .by_ref()
            .take(3)
            .filter(|part| part.len() >= 8)
            .count()
            == 3
    })
}

/// Hides numbers of cards that are written in groups, as on the card.
fn hide_spaced_cards(text: &str) -> Cow<'_, str> {
    const GROUPS: [&[usize]; 3] = [&[4, 4, 4, 4, 3], &[4, 4, 4, 4], &[4, 6, 5]];
    let bytes = text.as_bytes();
    if bytes.iter().filter(|byte| byte.is_ascii_digit()).count() < 13 {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut kept = 0;
    let mut at = 0;
    while at < bytes.len() {
        let begins =
            bytes[at].is_ascii_digit() && (at == 0 || !bytes[at - 1].is_ascii_alphanumeric());
        let end = match begins {
            true => GROUPS.iter().find_map(|groups| grouped(bytes, at, groups)),
            false => None,
        };
        let Some(end) = end.filter(|end| looks_like_card(&text[at..*end].replace([' ', '+'], "-")))
        else {
            at += 1;
            continue;
        };
        out.push_str(&text[kept..at]);
        out.push_str(REDACTED);
        (kept, at) = (end, end);
    }
    if kept == 0 {
        return Cow::Borrowed(text);
    }
    out.push_str(&text[kept..]);
    Cow::Owned(out)
}

/// Where digits in such groups end that begin at `at`, with a space (or a form's `+`) between them.
fn grouped(bytes: &[u8], at: usize, groups: &[usize]) -> Option<usize> {
    let mut end = at;
    for (index, length) in groups.iter().enumerate() {
        if index > 0 {
            matches!(bytes.get(end)?, b' ' | b'+').then_some(())?;
            end += 1;
        }
        let digits = bytes.get(end..end + length)?;
        digits.iter().all(u8::is_ascii_digit).then_some(())?;
        end += length;
    }
    let goes_on = bytes.get(end).is_some_and(u8::is_ascii_alphanumeric);
    (!goes_on).then_some(end)
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
            (
                "card 4242 4242 4242 4242 refused",
                "card [redacted] refused",
            ),
            ("n=4242+4242+4242+4242&x=1", "n=[redacted]&x=1"),
            ("amex 3782 822463 10005", "amex [redacted]"),
            ("to ada%40example.org", "to [redacted]"),
            (r"to ada\u0040example.org", "to [redacted]"),
            (
                r#"{"password":"hunter2","a":1}"#,
                r#"{"password":"[redacted]","a":1}"#,
            ),
            (
                r#"{\"password\":\"hunter2\"}"#,
                r#"{\"password\":\"[redacted]"}"#,
            ),
            (
                "password: hunter2 was sent",
                "password: [redacted] was sent",
            ),
            ("Cookie: tc_session=abcdef", "Cookie: [redacted]"),
            (
                "a key tck_0123456789abcdef ran out",
                "a key [redacted] ran out",
            ),
            ("/reset/tcr_0123456789abcdef", "[redacted]"),
            (
                "x eyJhbGciOiJFZERTQSJ9.eyJpc3MiOiJhIn0.c2lnbmF0dXJl y",
                "x [redacted] y",
            ),
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
            "GET /orders/{id}: 404, took 1,234 ms at 12:34:56",
            "at 127.0.0.1:5432 [os error 111]",
            "1234 5678 9012 3456 rows",
            "task_local and tcs_short",
            "100%",
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

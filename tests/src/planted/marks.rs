//! Words that are planted, and the search for them in whatever came out.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};

/// What every planted word begins with: long enough to be nowhere by chance.
const ROOT: &str = "qzplanted";
/// What the number of every planted card begins with.
const BIN: &str = "4929715";
/// How much of what stands around it is shown.
const AROUND: usize = 160;

/// What a planted word stands for, and so who may see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A password, token, key, cookie: nobody.
    Secret,
    /// The number of a card: as a secret, but where a number was asked for it is that number.
    Card,
    /// What somebody typed: the page that asks them to mend it may show it to them again. No
    /// problem document does, and no log, trace or metric.
    Typed,
    /// The name of a field that nobody knows: its sender is told that it is unknown.
    Name,
    /// What is to be found, so that it is known that the search finds.
    Leak,
}

impl Kind {
    /// All that is nowhere to be found.
    pub const ALL: [Self; 4] = [Self::Secret, Self::Card, Self::Typed, Self::Name];

    fn name(self) -> &'static str {
        match self {
            Self::Secret => "secret",
            Self::Card => "card",
            Self::Typed => "typed",
            Self::Name => "name",
            Self::Leak => "leak",
        }
    }
}

/// Makes words that no other input has.
#[derive(Debug, Default)]
pub struct Marks(AtomicU64);

impl Marks {
    fn next(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    /// A word of letters and digits, which no encoding of addresses, forms or JSON changes.
    pub fn word(&self, kind: Kind) -> String {
        format!("{ROOT}{}x{:05}", kind.name(), self.next())
    }

    /// A mail address.
    pub fn mail(&self) -> String {
        format!("{}@planted.example", self.word(Kind::Typed))
    }

    /// The number of a card, with its check digit.
    pub fn card(&self) -> u64 {
        let body = format!("{BIN}{:08}", self.next());
        let sum: u64 = body
            .bytes()
            .rev()
            .enumerate()
            .map(
                |(place, digit)| match (place % 2, u64::from(digit - b'0')) {
                    (0, digit) if digit > 4 => digit * 2 - 9,
                    (0, digit) => digit * 2,
                    (_, digit) => digit,
                },
            )
            .sum();
        let body: u64 = body.parse().expect("digits");
        body * 10 + (10 - sum % 10) % 10
    }

    /// The number of a card as it stands on it.
    pub fn card_in_groups(&self, between: &str) -> String {
        let digits = self.card().to_string();
        [&digits[..4], &digits[4..8], &digits[8..12], &digits[12..]].join(between)
    }
}

/// The planted words of these kinds in `text`, each with what stands around it.
///
/// They are found as they are, in capitals, in addresses, forms, JSON and HTML (which leave letters
/// and digits as they are), and in hexadecimal and base64 of both alphabets, wherever in the
/// encoded text they begin. Cards are found with blanks or dashes between their digits.
pub fn found(text: &[u8], kinds: &[Kind]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(text);
    let mut found = BTreeSet::new();
    let lower = text.to_ascii_lowercase();
    for kind in kinds {
        let word = format!("{ROOT}{}x", kind.name());
        found.extend(lower.match_indices(&word).map(|(at, _)| around(&lower, at)));
        for (needle, any_case) in encoded(&word) {
            let hay = if any_case { &lower } else { &*text };
            found.extend(hay.match_indices(&needle).map(|(at, _)| around(hay, at)));
        }
    }
    if kinds.contains(&Kind::Card) {
        found.extend(cards(&text));
        for (needle, any_case) in encoded(BIN) {
            let hay = if any_case { &lower } else { &*text };
            found.extend(hay.match_indices(&needle).map(|(at, _)| around(hay, at)));
        }
    }
    found
}

/// A word in base64 and hexadecimal, and whether capitals are all the same.
fn encoded(word: &str) -> BTreeSet<(String, bool)> {
    let mut all = BTreeSet::new();
    for offset in 0..3 {
        let text = [&b"\0\0"[..offset], word.as_bytes()].concat();
        // Letters that the bytes before or behind have a part in are left out.
        let whole = (text.len() * 8 / 6).min(text.len() / 3 * 4);
        let from = [0, 2, 3][offset];
        for engine in [&STANDARD, &URL_SAFE] {
            all.insert((engine.encode(&text)[from..whole].to_owned(), false));
        }
    }
    let hex: String = word.bytes().map(|byte| format!("{byte:02x}")).collect();
    all.insert((hex, true));
    all
}

/// Digits of cards, however they stand together.
fn cards(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut digits = String::new();
    let mut start = 0;
    let mut gap = 0;
    for (at, c) in text.char_indices() {
        match c {
            '0'..='9' => {
                if digits.is_empty() {
                    start = at;
                }
                digits.push(c);
                gap = 0;
                // The last so many are enough to know one.
                if digits.len() >= 16 && digits[digits.len() - 16..].starts_with(BIN) {
                    found.push(around(text, start));
                }
            }
            ' ' | '-' | '+' | '.' if gap == 0 && !digits.is_empty() => gap = 1,
            _ => {
                digits.clear();
                gap = 0;
            }
        }
    }
    found
}

fn around(text: &str, at: usize) -> String {
    let mut from = at.saturating_sub(AROUND);
    while !text.is_char_boundary(from) {
        from -= 1;
    }
    let mut to = (at + AROUND).min(text.len());
    while !text.is_char_boundary(to) {
        to += 1;
    }
    text[from..to].escape_debug().to_string()
}

#[test]
fn whatever_is_planted_is_found_however_it_is_written() {
    const ALL: [Kind; 4] = Kind::ALL;
    let marks = Marks::default();
    let (secret, typed) = (marks.word(Kind::Secret), marks.word(Kind::Typed));
    for word in [&secret, &typed] {
        let escaped: String = word
            .chars()
            .map(|c| format!("\\u{:04x}", c as u32))
            .collect();
        assert!(
            found(escaped.as_bytes(), &ALL).is_empty(),
            "as nobody writes it"
        );
        for text in [
            word.clone(),
            format!("{{\"message\":\"\\\"{word}\\\"\"}}"),
            format!("/a%20{word}%40x?b={word}"),
            word.to_uppercase(),
            word.bytes().map(|byte| format!("{byte:02X}")).collect(),
        ] {
            assert!(!found(text.as_bytes(), &ALL).is_empty(), "{text}");
        }
        for before in ["", "a", "ab", "user:", "x=1&y"] {
            for engine in [&STANDARD, &URL_SAFE] {
                let text = format!(
                    "Basic {}.",
                    engine.encode(format!("{before}{word} and more"))
                );
                assert!(!found(text.as_bytes(), &ALL).is_empty(), "{text}");
            }
        }
    }
    let card = marks.card().to_string();
    for text in [
        card.clone(),
        format!("n={card}&x"),
        marks.card_in_groups(" "),
        marks.card_in_groups("-"),
        STANDARD.encode(format!("card {card}!")),
    ] {
        assert!(!found(text.as_bytes(), &ALL).is_empty(), "{text}");
        assert!(found(text.as_bytes(), &[Kind::Typed]).is_empty(), "{text}");
    }
    assert!(found(typed.as_bytes(), &[Kind::Secret]).is_empty());
    assert!(found(b"4242 4242, 2026-11-21T08:00:00.4929Z, qzplant", &ALL).is_empty());
}

//! The fields of a form with files, and the texts in them.

use std::{collections::HashMap, str::FromStr};

use sha2::{Digest, Sha256};

/// The fields of a form in the order in which they were sent.
#[derive(Debug, Default)]
pub struct Fields {
    list: Vec<(String, String)>,
    places: HashMap<String, usize>,
}

impl Fields {
    /// Adds a field.
    pub fn push(&mut self, name: String, value: String) {
        self.places.entry(name.clone()).or_insert(self.list.len());
        self.list.push((name, value));
    }

    /// The first value of the field without spaces around it; empty if it was not sent.
    pub fn text(&self, name: &str) -> String {
        self.find(name).unwrap_or_default().trim().to_owned()
    }

    /// Whether the field was sent.
    pub fn has(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.places
            .get(name)
            .map(|place| self.list[*place].1.as_str())
    }

    /// All values of the field, in their order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let named = self.list.iter().filter(move |(n, _)| n == name);
        named.map(|(_, value)| value.as_str())
    }

    /// The field's value if it can be read so.
    pub fn parsed<T: FromStr>(&self, name: &str) -> Option<T> {
        self.find(name)?.trim().parse().ok()
    }
}

/// The lines that are not empty, each once.
pub fn lines(text: &str) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for line in text.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if !lines.iter().any(|known| known == line) {
            lines.push(line.to_owned());
        }
    }
    lines
}

/// A short mark of a text: the same for the same text, and hardly for another.
pub fn mark(text: &str) -> String {
    let digest = Sha256::digest(text.as_bytes());
    digest[..5]
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Browsers send the lines of a text with the line ends of the web.
pub fn unix(text: &str) -> String {
    text.replace("\r\n", "\n")
}

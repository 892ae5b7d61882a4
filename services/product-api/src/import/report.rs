//! What an import did, and what it refused.

/// A row, or a whole file, that did not go in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The line of the file that the record starts on; the header is on line 1.
    pub line: u64,
    /// The column that is wrong, by its name in the file.
    pub column: Option<String>,
    /// What is wrong, and how to mend it.
    pub reason: String,
}

impl Refusal {
    /// A refusal of the row on `line` for what stands in `column`.
    pub fn new(line: u64, column: Option<String>, reason: impl Into<String>) -> Self {
        Self {
            line,
            column,
            reason: reason.into(),
        }
    }

    /// What is wrong, and how to mend it: they stand in one text, set apart by a semicolon, as
    /// `is empty; each variant has a price`.
    pub fn reason_and_mend(&self) -> (&str, &str) {
        self.reason.split_once("; ").unwrap_or((&self.reason, ""))
    }

    /// A refusal of the whole row on `line`.
    pub fn line(line: u64, reason: impl Into<String>) -> Self {
        Self::new(line, None, reason)
    }
}

//! What an import did.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// As `shopify`.
    pub format: String,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Records read, without the header.
    pub rows: u64,
    /// Products that were new.
    pub created: u64,
    /// Products that were changed.
    pub updated: u64,
    /// Products that were there just so.
    pub unchanged: u64,
    /// Rows that were not taken.
    pub refused: u64,
    /// Why, row by row; at most the first 1,000.
    pub errors: Vec<ImportError>,
    /// What was taken, but not as it stood.
    pub warnings: Vec<ImportError>,
}

/// Why a row was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportError {
    /// The line of the file that the record starts on; the header is line 1.
    pub line: u64,
    /// The column's name; empty if it is the row as a whole.
    pub column: String,
    /// What is wrong, and how to mend it.
    pub reason: String,
}

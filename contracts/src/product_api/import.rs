//! Catalogue files on their way in: runs, and what they report.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Timestamp, Uuid};
use utoipa::ToSchema;

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// The run that this is the report of; see `GET /products/imports/{id}`.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// `shopify`, `woocommerce` or `jsonl`.
    pub format: String,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Whether it went on where an earlier run of the same file had broken off; the counts are
    /// those of both.
    #[serde(default)]
    pub resumed: bool,
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
    /// What was taken, but not as it stood.
    #[serde(default)]
    pub warned: u64,
    /// What was new or changed, product by product; at most the first 1,000.
    #[serde(default)]
    pub changes: Vec<ImportChange>,
    /// What was not taken and why, row by row; at most the first 1,000.
    pub errors: Vec<ImportError>,
    /// What was taken, but not as it stood; at most the first 1,000.
    pub warnings: Vec<ImportError>,
}

/// What became of a product of the file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportChange {
    /// The line of the file that the product starts on; the header is line 1.
    pub line: u64,
    /// Whether it was new or changed.
    pub outcome: ImportOutcome,
    /// Its name in addresses.
    pub handle: String,
    /// As it is called.
    pub title: String,
}

/// Whether a product was new or changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImportOutcome {
    /// It was not there.
    Created,
    /// It was there, but not so.
    Updated,
}

/// A place of the file that was not taken, or not as it stood.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportError {
    /// The line of the file that the record starts on; the header is line 1.
    pub line: u64,
    /// The column's name; empty if it is the row as a whole.
    pub column: String,
    /// What is wrong. It follows on the column's name: `Variant Price` + `is empty`.
    pub reason: String,
    /// How to mend it, in a sentence; empty if the reason says all.
    #[serde(default)]
    pub mend: String,
}

/// How a run stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ImportState {
    /// It is at work.
    Running,
    /// It broke off, as by a crash. The same file again, or `apply`, goes on where it was.
    Interrupted,
    /// It came to the end of the file.
    Done,
    /// The file could not be read, or something else ended it; `error` says what.
    Failed,
}

impl ImportState {
    /// The name as stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Interrupted => "interrupted",
            Self::Done => "done",
            Self::Failed => "failed",
        }
    }
}

/// An import of a file, or a dry run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportRun {
    /// Names the run.
    pub id: Uuid,
    /// What the file was called, if that is known.
    pub file_name: Option<String>,
    /// How many bytes it has.
    pub file_bytes: u64,
    /// SHA-256 of it, in hexadecimal.
    pub file_hash: String,
    /// Who started it, as `account:0193…`.
    pub actor: String,
    /// How it stands.
    pub state: ImportState,
    /// Whether it only says what would happen.
    pub dry_run: bool,
    /// Whether `POST /products/imports/{id}/apply` can import the file without another upload: it
    /// is kept for a day.
    pub can_apply: bool,
    /// How far it is in the file, in percent.
    pub percent: u32,
    /// Why it failed.
    pub error: Option<String>,
    /// When it was started first.
    pub started_at: Timestamp,
    /// When it last came further.
    pub updated_at: Timestamp,
    /// When it came to its end.
    pub finished_at: Option<Timestamp>,
    /// What it did so far. In lists without `changes`, `errors` and `warnings`; see their counts.
    pub report: ImportReport,
    /// The pictures that it asked for.
    pub pictures: ImportPictures,
}

/// The pictures of a run, which are fetched from their addresses afterwards.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportPictures {
    /// Those yet to be fetched.
    pub waiting: u64,
    /// Those that are there.
    pub fetched: u64,
    /// Those that were given up.
    pub failed: u64,
    /// Why, for at most the first 100 of those; not in lists.
    pub errors: Vec<PictureError>,
}

/// A picture that was given up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PictureError {
    /// The product that it belongs to.
    pub product_id: Uuid,
    /// Where it should have been.
    pub address: String,
    /// Why it was given up.
    pub reason: String,
}

//! Catalogue files: those of other shop systems, and our own.
//!
//! A file is read on a thread of its own ([`reader`]), record by record ([`records`]), into complete
//! products ([`layout`]), which are written in batches, each in a transaction ([`apply`]) that also
//! says how far the run came ([`runs`]). Only some batches are in memory at any time. What cannot
//! be taken is refused with line, column and reason, and the rest goes in. The same file again
//! changes nothing; after a crash it goes on where it was.

mod apply;
mod cells;
mod columns;
mod json_lines;
pub mod kept;
mod layout;
mod merge;
mod reader;
mod records;
mod report;
mod run;
pub mod runs;
mod shopify;
mod shopify_product;
mod source;
pub mod survey;
mod unread;
mod woocommerce;

pub use run::{Begun, Import, Opened, Progress, run};
pub use shopify::CATEGORY_HANDLE;

#[cfg(test)]
mod tests;

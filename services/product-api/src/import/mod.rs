//! Catalogue files of other shop systems.
//!
//! A file is read on a thread of its own, record by record ([`records`]), into complete products
//! ([`layout`]), which are written in batches, each in a transaction ([`apply`]). Only some
//! batches are in memory at any time. What cannot be taken is refused with line, column and
//! reason, and the rest goes in. The same file again changes nothing.

mod apply;
mod cells;
mod columns;
mod layout;
mod merge;
mod records;
mod report;
mod run;
mod shopify;
mod shopify_product;
mod source;

pub use run::{Import, Progress, run};

#[cfg(test)]
mod tests;

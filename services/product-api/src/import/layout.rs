//! What the formats of catalogue files have in common.

use techcommerce_kernel::Currency;

use super::{columns::Columns, records::Row, report::Refusal, shopify::Shopify};
use crate::catalogue::draft::ProductDraft;

/// What a layout must know of the shop.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// The currency that the file's prices are in.
    pub currency: Currency,
}

/// What came of one product's rows.
#[derive(Debug, Default)]
pub struct Parsed {
    /// The product, unless all of it was refused.
    pub product: Option<ProductDraft>,
    /// The line that the product starts on.
    pub line: u64,
    /// Whether all rows with a variant were taken.
    pub whole: bool,
    /// The rows that were refused.
    pub refusals: Vec<Refusal>,
    /// What was taken, but not as it stood.
    pub warnings: Vec<Refusal>,
}

impl Parsed {
    /// Only a refused row.
    pub fn refused(refusal: Refusal) -> Self {
        Self {
            line: refusal.line,
            refusals: vec![refusal],
            ..Self::default()
        }
    }
}

/// A format: takes rows, gives products as soon as they are complete.
pub trait Layout: Send {
    /// What it is called in reports.
    fn name(&self) -> &'static str;

    /// Takes a row; gives what is complete now.
    fn push(&mut self, row: Row) -> Vec<Parsed>;

    /// The file is at its end; gives what was still open.
    fn finish(&mut self) -> Option<Parsed>;
}

/// The format of a file, by its header.
pub fn detect(columns: &Columns, context: Context) -> Option<Box<dyn Layout>> {
    Shopify::detect(columns, context).map(|layout| Box::new(layout) as Box<dyn Layout>)
}

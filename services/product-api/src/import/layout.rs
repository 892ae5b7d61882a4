//! What the formats of catalogue files have in common.

use techcommerce_contracts::product_api::ProductOption;
use techcommerce_kernel::{Currency, Timestamp};

use super::{
    columns::Columns, records::Row, report::Refusal, shopify::Shopify, woocommerce::WooCommerce,
};
use crate::catalogue::{
    draft::{ImageDraft, ProductDraft, VariantDraft},
    limits,
};

/// What a layout must know of the shop.
#[derive(Debug, Clone, Copy)]
pub struct Context {
    /// The currency that the file's prices are in.
    pub currency: Currency,
    /// When the import runs: a sale may be over.
    pub today: Timestamp,
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

/// A place that is wrong: the column, and why.
pub(super) type Wrong = (Option<usize>, String);

/// A format: takes rows, gives products as soon as they are complete.
pub trait Layout: Send {
    /// What it is called in reports.
    fn name(&self) -> &'static str;

    /// Whether all rows are to be shown to [`Layout::index`] before the first is pushed.
    fn wants_index(&self) -> bool {
        false
    }

    /// Looks at a row beforehand.
    fn index(&mut self, _row: &Row) {}

    /// All rows were shown.
    fn indexed(&mut self) {}

    /// Takes a row; gives what is complete now.
    fn push(&mut self, row: Row) -> Vec<Parsed>;

    /// The file is at its end; gives what was still open.
    fn finish(&mut self) -> Vec<Parsed>;

    /// Whether all rows are to be pushed once more, because not all fitted into memory.
    fn again(&mut self) -> bool {
        false
    }
}

/// The format of a file, by its header.
pub fn detect(columns: &Columns, context: Context) -> Option<Box<dyn Layout>> {
    if let Some(layout) = Shopify::detect(columns, context) {
        return Some(Box::new(layout));
    }
    let layout = WooCommerce::detect(columns, context)?;
    Some(Box::new(layout))
}

/// A product that is refused as a whole: `first` says why, and the rest of its rows that it was.
pub(super) fn refused_whole<'r>(
    parsed: &mut Parsed,
    first: Refusal,
    rest: impl Iterator<Item = &'r Row>,
) {
    parsed.refusals.clear();
    parsed.warnings.clear();
    let reason = format!("its product was refused on line {}", first.line);
    parsed.refusals.push(first);
    let rest = rest.map(|row| Refusal::line(row.line, reason.clone()));
    parsed.refusals.extend(rest);
}

/// The options with the values that variants have, in the order that they come in.
pub(super) fn options_of(names: &[String], variants: &[VariantDraft]) -> Vec<ProductOption> {
    let mut options = Vec::with_capacity(names.len());
    for (place, name) in names.iter().enumerate() {
        let mut values: Vec<String> = Vec::new();
        for variant in variants {
            let Some(selected) = variant.options.get(place) else {
                continue;
            };
            if !values.contains(&selected.value) {
                values.push(selected.value.clone());
            }
        }
        options.push(ProductOption {
            name: name.clone(),
            values,
        });
    }
    options
}

/// A picture by its address; none if the cell is blank.
pub(super) fn image(source: &str, alt: &str) -> Result<Option<ImageDraft>, String> {
    if source.is_empty() {
        return Ok(None);
    }
    let http = source.starts_with("https://") || source.starts_with("http://");
    if !http || source.len() > limits::ADDRESS || source.chars().any(char::is_whitespace) {
        return Err("is no address of a picture; write it as https://…".into());
    }
    Ok(Some(ImageDraft {
        alt: alt.chars().take(limits::TITLE).collect(),
        image_id: None,
        size: None,
        source_url: Some(source.to_owned()),
    }))
}

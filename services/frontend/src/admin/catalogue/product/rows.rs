//! The rows of a product's form: options, variants, pictures.

use techcommerce_contracts::{
    images::Image,
    product_api::{InventoryPolicy, Variant},
};
use techcommerce_kernel::Uuid;

use super::fields::{lines, mark};
use crate::admin::catalogue::amount;

/// An option as it is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OptionRow {
    /// As `Colour`.
    pub name: String,
    /// One value a line.
    pub values: String,
    /// The values that the variants below were made from.
    pub was: Vec<String>,
}

impl OptionRow {
    /// The values, each once.
    pub fn lines(&self) -> Vec<String> {
        lines(&self.values)
    }

    /// The values that the variants were made from, one a line.
    pub fn was_lines(&self) -> String {
        self.was.join("\n")
    }
}

/// A variant as it is typed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VariantRow {
    /// Which one; none for a new one.
    pub id: Option<Uuid>,
    /// One value for each option.
    pub values: Vec<String>,
    /// May be empty.
    pub sku: String,
    /// As it is typed.
    pub price: String,
    /// The price before, as it is typed; may be empty.
    pub before: String,
    /// How the stock is kept.
    pub stock: StockRule,
    /// For a new variant: how many there are.
    pub on_hand: String,
    /// What was there when the form was made, as a [`mark`].
    pub seen: String,
}

impl VariantRow {
    /// The values joined as the API joins them.
    pub fn title(&self) -> String {
        self.values.join(" / ")
    }

    /// What there is to compare of it.
    pub fn canonical(&self) -> String {
        let parts = [&self.sku, &self.price, &self.before];
        let parts = parts.map(|part| part.as_str()).join("\u{1f}");
        format!("{}\u{1f}{parts}\u{1f}{}", self.title(), self.stock.name())
    }
}

/// How a variant's stock is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct StockRule {
    /// Whether it is counted.
    pub tracked: bool,
    /// Whether it is sold on below zero.
    pub sells_on: bool,
}

impl StockRule {
    /// All rules: counted, counted and sold on, not counted (and the same with the other policy,
    /// which shows only once it is counted again).
    pub const NAMES: [&'static str; 4] = ["deny", "continue", "none", "none-continue"];

    /// As it is sent.
    pub fn name(self) -> &'static str {
        match (self.tracked, self.sells_on) {
            (true, false) => "deny",
            (true, true) => "continue",
            (false, false) => "none",
            (false, true) => "none-continue",
        }
    }

    /// As it was sent.
    pub fn of(name: &str) -> Self {
        Self {
            tracked: !name.starts_with("none"),
            sells_on: name.ends_with("continue"),
        }
    }

    /// As the API has it.
    pub fn policy(self) -> InventoryPolicy {
        match self.sells_on {
            true => InventoryPolicy::Continue,
            false => InventoryPolicy::Deny,
        }
    }
}

/// A picture of the product.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PictureRow {
    /// Names it on the page and in the form.
    pub key: String,
    /// The picture, if the shop has it.
    pub id: Option<Uuid>,
    /// Else where it is being fetched from.
    pub source: String,
    /// What it shows.
    pub alt: String,
    /// Width in pixels of the largest size.
    pub width: u32,
    /// Height in pixels of the largest size.
    pub height: u32,
}

impl PictureRow {
    /// The address of its smallest size.
    pub fn thumbnail(&self) -> Option<String> {
        let id = self.id?;
        Some(Image::url_of(id, 320))
    }
}

/// The row of a picture that is there.
pub fn picture_of(image: &Image) -> PictureRow {
    let source = image.source_url.clone().unwrap_or_default();
    PictureRow {
        key: image.id.map_or_else(|| mark(&source), |id| id.to_string()),
        id: image.id,
        source,
        alt: image.alt.clone(),
        width: image.width,
        height: image.height,
    }
}

/// The row of a variant that is there.
pub fn row_of(variant: &Variant, language: &str) -> VariantRow {
    let write = |money| amount::write(money, language);
    VariantRow {
        id: Some(variant.id),
        values: variant.options.iter().map(|o| o.value.clone()).collect(),
        sku: variant.sku.clone().unwrap_or_default(),
        price: write(variant.price),
        before: variant.compare_at_price.map(write).unwrap_or_default(),
        stock: StockRule {
            tracked: variant.track_inventory,
            sells_on: variant.inventory_policy == InventoryPolicy::Continue,
        },
        on_hand: String::new(),
        seen: String::new(),
    }
}

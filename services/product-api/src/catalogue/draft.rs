//! A product as it should be, before it is compared with what the database holds.
//!
//! Staff, an import and the demo all speak in drafts, so that one piece of code writes products.

use serde::Serialize;
use sha2::{Digest, Sha256};
use techcommerce_contracts::product_api::{
    InventoryPolicy, OptionValue, ProductOption, ProductStatus,
};
use techcommerce_kernel::Uuid;

/// A product that should be there, with everything that belongs to it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ProductDraft {
    /// Its name in addresses; also what an import recognises it by.
    pub handle: String,
    /// Plain text.
    pub title: String,
    /// Sanitised HTML.
    pub description: String,
    /// Plain text, may be empty.
    pub vendor: String,
    /// Without repetitions.
    pub tags: Vec<String>,
    /// The category that it stands in; made if there is none with this handle.
    pub category: Option<CategoryDraft>,
    /// What one chooses by; empty if there is but one variant.
    pub options: Vec<ProductOption>,
    /// Who sees it.
    pub status: ProductStatus,
    /// In the order that they are shown.
    pub images: Vec<ImageDraft>,
    /// In the order that they are shown; at least one.
    pub variants: Vec<VariantDraft>,
}

/// A category that should be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CategoryDraft {
    /// Its name in addresses.
    pub handle: String,
    /// Plain text.
    pub title: String,
    /// Plain text, may be empty.
    pub description: String,
}

/// A picture that should be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ImageDraft {
    /// What it shows, for those who do not see it.
    pub alt: String,
    /// The picture in the image service, if it is there already.
    pub image_id: Option<Uuid>,
    /// Width and height in pixels, if they are known.
    pub size: Option<(u32, u32)>,
    /// Where it lies outside, if it has yet to be fetched.
    pub source_url: Option<String>,
}

/// A variant that should be there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VariantDraft {
    /// Which one it is, if it is there already.
    #[serde(skip)]
    pub id: Option<Uuid>,
    /// As its owner writes it; may be missing or repeat.
    pub sku: Option<String>,
    /// One value for each of the product's options, in their order.
    pub options: Vec<OptionValue>,
    /// Minor units.
    pub price: i64,
    /// Minor units: what it cost before.
    pub compare_at_price: Option<i64>,
    /// Whether its stock is counted.
    pub track_inventory: bool,
    /// What happens when none is left.
    pub inventory_policy: InventoryPolicy,
    /// Whether it is sent by parcel.
    pub requires_shipping: bool,
    /// Whether tax is due on it.
    pub taxable: bool,
    /// Grams.
    pub weight_grams: Option<i64>,
    /// GTIN or whatever is printed on it.
    pub barcode: Option<String>,
    /// How many the source says there are, if it does and they are counted.
    pub source_on_hand: Option<i64>,
    /// How many there shall be; `None` leaves the stock as it is, and a new variant empty.
    #[serde(skip)]
    pub on_hand: Option<i64>,
}

impl VariantDraft {
    /// What its variant is called: the values of its options.
    pub fn title(&self) -> String {
        variant_title(&self.options)
    }
}

/// What a variant with these options is called; empty without options.
pub fn variant_title(options: &[OptionValue]) -> String {
    let values: Vec<&str> = options.iter().map(|option| option.value.as_str()).collect();
    values.join(" / ")
}

impl ProductDraft {
    /// The same content has the same hash, on every machine and in every run.
    pub fn content_hash(&self) -> String {
        let text = serde_json::to_vec(self).unwrap_or_default();
        hex(&Sha256::digest(text))
    }
}

/// Lower-case hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
}

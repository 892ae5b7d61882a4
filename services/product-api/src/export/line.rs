//! A product as a line of JSON: everything that makes up a catalogue, so that an empty shop that
//! imports it has the same one. Ids are given for reference only.

use serde::{Deserialize, Serialize};
use techcommerce_contracts::product_api::{
    InventoryPolicy, OptionValue, ProductOption, ProductStatus,
};
use techcommerce_kernel::{Error, Handle, Money, Timestamp, Uuid};

use super::address;
use crate::catalogue::{
    read::CategoryRow,
    rows::{Record, parsed},
};

/// A line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductLine {
    /// As the shop that exported has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    pub handle: Handle,
    pub title: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub vendor: String,
    #[serde(default)]
    pub tags: Vec<String>,
    #[serde(default)]
    pub category: Option<CategoryLine>,
    #[serde(default)]
    pub status: ProductStatus,
    #[serde(default)]
    pub options: Vec<ProductOption>,
    #[serde(default)]
    pub images: Vec<ImageLine>,
    pub variants: Vec<VariantLine>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub updated_at: Option<Timestamp>,
}

/// The product's category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CategoryLine {
    pub handle: Handle,
    pub title: String,
    #[serde(default)]
    pub description: String,
}

/// A picture.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageLine {
    /// Where it can be fetched.
    pub address: String,
    #[serde(default)]
    pub alt: String,
}

/// A variant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct VariantLine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<Uuid>,
    #[serde(default)]
    pub sku: Option<String>,
    #[serde(default)]
    pub options: Vec<OptionValue>,
    pub price: Money,
    #[serde(default)]
    pub compare_at_price: Option<Money>,
    /// How many there are, reserved ones included.
    #[serde(default)]
    pub on_hand: i64,
    #[serde(default)]
    pub track_inventory: bool,
    #[serde(default)]
    pub inventory_policy: InventoryPolicy,
    #[serde(default = "yes")]
    pub requires_shipping: bool,
    #[serde(default = "yes")]
    pub taxable: bool,
    #[serde(default)]
    pub weight_grams: Option<i64>,
    #[serde(default)]
    pub barcode: Option<String>,
}

const fn yes() -> bool {
    true
}

/// The product as a line.
///
/// # Errors
/// `internal` if a row holds what nobody could have written.
pub(super) fn line(
    record: &Record,
    categories: &[CategoryRow],
    public_url: &str,
) -> Result<ProductLine, Error> {
    let row = &record.row;
    let category = categories
        .iter()
        .find(|category| Some(&category.handle) == row.category.as_ref());
    let category = category.map(|category| {
        Ok::<_, Error>(CategoryLine {
            handle: parsed(&category.handle)?,
            title: category.title.clone(),
            description: category.description.clone(),
        })
    });
    let images = record.images.iter().map(|image| ImageLine {
        address: address(image, public_url),
        alt: image.alt.clone(),
    });
    let variants = record.variants.iter().map(|variant| {
        let currency = parsed(&variant.currency)?;
        Ok(VariantLine {
            id: Some(variant.id),
            sku: variant.sku.clone(),
            options: variant.options.0.clone(),
            price: Money::new(variant.price, currency),
            compare_at_price: variant
                .compare_at_price
                .map(|amount| Money::new(amount, currency)),
            on_hand: variant.on_hand,
            track_inventory: variant.track_inventory,
            inventory_policy: parsed(&variant.inventory_policy)?,
            requires_shipping: variant.requires_shipping,
            taxable: variant.taxable,
            weight_grams: variant.weight_grams,
            barcode: variant.barcode.clone(),
        })
    });
    Ok(ProductLine {
        id: Some(row.id),
        handle: parsed(&row.handle)?,
        title: row.title.clone(),
        description: row.description.clone(),
        vendor: row.vendor.clone(),
        tags: row.tags.0.clone(),
        category: category.transpose()?,
        status: parsed(&row.status)?,
        options: row.options.0.clone(),
        images: images.collect(),
        variants: variants.collect::<Result<_, Error>>()?,
        created_at: Some(Timestamp::from_micros(row.created_at)),
        updated_at: Some(Timestamp::from_micros(row.updated_at)),
    })
}

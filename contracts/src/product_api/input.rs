//! Products as staff write them.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Handle, Money, Sku, Uuid};
use utoipa::ToSchema;

use super::{InventoryPolicy, OptionValue, ProductStatus};

/// A product as staff write it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductInput {
    /// As it is called.
    pub title: String,
    /// Names it in addresses; made from the title if not given.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub handle: Option<Handle>,
    /// HTML; anything but plain formatting is removed.
    #[serde(default)]
    pub description: String,
    /// Who made it.
    #[serde(default)]
    pub vendor: String,
    /// What else it can be found by.
    #[serde(default)]
    pub tags: Vec<String>,
    /// The handle of an existing category.
    #[serde(default)]
    pub category: Option<String>,
    /// Whether the public sees it; `active` if not given.
    #[serde(default)]
    pub status: ProductStatus,
    /// Pictures that were uploaded, in their order.
    #[serde(default)]
    pub images: Vec<ImageInput>,
    /// At least one. Without options there is exactly one.
    pub variants: Vec<VariantInput>,
}

/// A picture of a product as staff write it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImageInput {
    /// As the upload answered.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// Instead of an id: a picture of this product that has not been fetched yet, as it was shown.
    #[serde(default)]
    pub source_url: Option<String>,
    /// What it shows, for those who cannot see it.
    #[serde(default)]
    pub alt: String,
    /// Width in pixels of the largest size, as the upload answered.
    #[serde(default)]
    pub width: u32,
    /// Height in pixels of the largest size, as the upload answered.
    #[serde(default)]
    pub height: u32,
}

/// A variant as staff write it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct VariantInput {
    /// For a change: which one. A variant without an id is new.
    #[serde(default)]
    pub id: Option<Uuid>,
    /// May be left out and may repeat.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub sku: Option<Sku>,
    /// One value for each option; all variants name the same options in the same order.
    #[serde(default)]
    pub options: Vec<OptionValue>,
    /// In the shop's currency, zero or more.
    pub price: Money,
    /// What it cost before; more than the price.
    #[serde(default)]
    pub compare_at_price: Option<Money>,
    /// Whether the stock is counted.
    #[serde(default = "yes")]
    pub track_inventory: bool,
    /// What happens when it runs out.
    #[serde(default)]
    pub inventory_policy: InventoryPolicy,
    /// For a new variant: how many there are.
    #[serde(default)]
    pub on_hand: i64,
}

const fn yes() -> bool {
    true
}

/// A change of a product: what is not given stays.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProductPatch {
    /// Only if the product is still this version, else 409 `product_changed`.
    pub version: Option<i64>,
    /// As it is called.
    pub title: Option<String>,
    /// Names it in addresses.
    #[schema(value_type = Option<String>)]
    pub handle: Option<Handle>,
    /// HTML; anything but plain formatting is removed.
    pub description: Option<String>,
    /// Who made it.
    pub vendor: Option<String>,
    /// What else it can be found by.
    pub tags: Option<Vec<String>>,
    /// The handle of an existing category; the empty text takes it out of its category.
    pub category: Option<String>,
    /// Whether the public sees it.
    pub status: Option<ProductStatus>,
    /// All pictures anew.
    pub images: Option<Vec<ImageInput>>,
    /// All variants anew: those with an id are changed, those without are new, those that are
    /// left out go.
    pub variants: Option<Vec<VariantInput>>,
}

/// A description as somebody writes it, or as it is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DescriptionPreview {
    /// HTML; in the answer without anything but plain formatting.
    pub description: String,
}

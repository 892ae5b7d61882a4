//! How many there are, and why.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Handle, Timestamp, Uuid};
use utoipa::{IntoParams, ToSchema};

use super::ProductStatus;

/// How many of a variant there are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StockLevel {
    /// The variant.
    pub variant_id: Uuid,
    /// In the house.
    pub on_hand: i64,
    /// Of these, promised to carts at the checkout and orders that are being paid.
    pub reserved: i64,
    /// `on_hand − reserved`: what can be sold now.
    pub available: i64,
}

/// Sets how many there are.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StockInput {
    /// In the house, by counting.
    pub on_hand: i64,
    /// Why; `counted` if not given.
    #[serde(default)]
    pub reason: Option<String>,
}

/// Changes how many there are.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StockAdjustment {
    /// How many came (positive) or went (negative).
    pub delta: i64,
    /// Why.
    pub reason: String,
}

/// Which stock.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct StockQuery {
    /// Only of products with these words in their title or handle, or a SKU that begins so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Only counted variants with fewer available pieces than this, the fewest first.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<i64>,
    /// How many at most: 1 to 100, 20 if not given.
    #[param(minimum = 1, maximum = 100, default = 20)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// The stock of a variant in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StockItem {
    /// The variant.
    pub variant_id: Uuid,
    /// Its product.
    pub product_id: Uuid,
    /// The product's title.
    pub product_title: String,
    /// The product's handle.
    #[schema(value_type = String)]
    pub product_handle: Handle,
    /// Whether the public sees the product; archived ones are not in the list.
    pub product_status: ProductStatus,
    /// The variant's title; empty if the product has no options.
    pub variant_title: String,
    /// The variant's SKU.
    pub sku: Option<String>,
    /// In the house.
    pub on_hand: i64,
    /// Of these, promised.
    pub reserved: i64,
    /// `on_hand − reserved`.
    pub available: i64,
    /// Whether the stock is counted.
    pub track_inventory: bool,
}

/// One change of a variant's stock, as its ledger has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StockMovement {
    /// Names the movement.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// How many came (positive) or went (negative).
    pub delta: i64,
    /// How many there were afterwards.
    pub on_hand: i64,
    /// `set`, `adjustment`, `import`, `sale`, `release` or `restock`.
    pub reason: String,
    /// In the words of who did it.
    pub note: Option<String>,
    /// What it belongs to, as an order's id.
    pub reference: Option<String>,
    /// Who, as `account:0193…`, `api-key:0193…` or `service:order-api`.
    pub actor: String,
}

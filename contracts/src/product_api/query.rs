//! Which products, and in what order.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::ProductStatus;

/// The order of a list of products.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub enum ProductSort {
    /// The best match first (only with `q`).
    #[serde(rename = "relevance")]
    Relevance,
    /// The newest first.
    #[serde(rename = "newest")]
    Newest,
    /// The cheapest first.
    #[serde(rename = "price")]
    Price,
    /// The dearest first.
    #[serde(rename = "-price")]
    PriceDescending,
    /// By title.
    #[serde(rename = "title")]
    Title,
}

/// Which products.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ProductQuery {
    /// Words to search for; typing errors are forgiven.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Only in the category with this handle.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    /// Only with this tag.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// Only of this vendor.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vendor: Option<String>,
    /// Only with a variant at this price or above, in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_price: Option<i64>,
    /// Only with a variant at this price or below, in minor units.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_price: Option<i64>,
    /// Only what can be bought now (`true`) or cannot (`false`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub in_stock: Option<bool>,
    /// Only what has a variant below the price it had before (`true`), or none (`false`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_sale: Option<bool>,
    /// `relevance` (with `q`), `newest` (else), `price`, `-price` or `title`.
    #[param(inline)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<ProductSort>,
    /// Staff only: `draft`, `active` or `archived`; the public sees active ones. With it the list
    /// is read from the database, `q` finds words of the title or handle and beginnings of SKUs,
    /// and it is sorted by `newest` or `title`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<ProductStatus>,
    /// How many at most: 1 to 100, 20 if not given.
    #[param(minimum = 1, maximum = 100, default = 20)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

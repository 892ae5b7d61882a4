//! Categories as they are shown and as staff write them.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Handle, Uuid};
use utoipa::ToSchema;

use super::Image;

/// A category.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Category {
    /// Names the category.
    pub id: Uuid,
    /// Names it in addresses and filters.
    #[schema(value_type = String)]
    pub handle: Handle,
    /// As it is called.
    pub title: String,
    /// A sentence on it; may be empty.
    pub description: String,
    /// Its place among the categories: the lowest comes first.
    #[serde(default)]
    pub position: i64,
    /// How many products in it the public sees.
    pub product_count: i64,
    /// For staff: how many products there are in it, whoever sees them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub total_count: Option<i64>,
    /// The picture of one of its products.
    pub image: Option<Image>,
}

/// All categories.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CategoryList {
    /// In their order.
    pub items: Vec<Category>,
    /// Always `null`: the list is whole.
    pub next_cursor: Option<String>,
}

/// A category as staff write it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CategoryInput {
    /// As it is called.
    pub title: String,
    /// Names it in addresses; made from the title if not given.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    pub handle: Option<Handle>,
    /// A sentence on it, plain text.
    #[serde(default)]
    pub description: String,
    /// Its place among the categories, from 1; those behind make room. The last if not given.
    #[serde(default)]
    pub position: Option<i64>,
}

/// A change of a category: what is not given stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CategoryPatch {
    /// As it is called.
    pub title: Option<String>,
    /// Names it in addresses.
    #[schema(value_type = Option<String>)]
    pub handle: Option<Handle>,
    /// A sentence on it, plain text.
    pub description: Option<String>,
    /// Its place among the categories, from 1; the others make room.
    pub position: Option<i64>,
}

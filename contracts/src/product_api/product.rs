//! Products as they are shown.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Handle, Money, Timestamp, Uuid};
use utoipa::ToSchema;

use super::Image;

/// Whether the public sees a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProductStatus {
    /// Being prepared; only staff see it.
    Draft,
    /// On sale.
    #[default]
    Active,
    /// No longer sold; only staff see it.
    Archived,
}

impl ProductStatus {
    /// The name as stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Active => "active",
            Self::Archived => "archived",
        }
    }
}

impl std::str::FromStr for ProductStatus {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        [Self::Draft, Self::Active, Self::Archived]
            .into_iter()
            .find(|status| status.name() == text)
            .ok_or_else(|| format!("`{text}` is no status; there are draft, active and archived"))
    }
}

/// What happens when a counted variant runs out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum InventoryPolicy {
    /// It is sold out.
    #[default]
    Deny,
    /// It is sold all the same, and made or ordered afterwards.
    Continue,
}

impl InventoryPolicy {
    /// The name as stored and shown.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deny => "deny",
            Self::Continue => "continue",
        }
    }
}

impl std::str::FromStr for InventoryPolicy {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "deny" => Ok(Self::Deny),
            "continue" => Ok(Self::Continue),
            _ => Err(format!(
                "`{text}` is no inventory policy; there are deny and continue"
            )),
        }
    }
}

/// One of a product's options, as Colour, and its values in their order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProductOption {
    /// As `Colour`.
    pub name: String,
    /// As `["Sand", "Ink"]`.
    pub values: Vec<String>,
}

/// What a variant chose of one option.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
pub struct OptionValue {
    /// As `Colour`.
    pub name: String,
    /// As `Sand`.
    pub value: String,
}

/// What is bought: one choice of a product's options.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Variant {
    /// Names the variant everywhere; SKUs may be blank and may repeat.
    pub id: Uuid,
    /// The stock-keeping unit, if it has one.
    pub sku: Option<String>,
    /// The option values joined by ` / `; empty if the product has no options.
    pub title: String,
    /// One value for each of the product's options, in their order.
    pub options: Vec<OptionValue>,
    /// What it costs now, with or without tax as the shop is configured.
    pub price: Money,
    /// What it cost before, if it is on sale.
    pub compare_at_price: Option<Money>,
    /// How many can be bought now; `null` if nobody counts.
    pub available: Option<i64>,
    /// Whether the stock is counted.
    pub track_inventory: bool,
    /// What happens when it runs out.
    pub inventory_policy: InventoryPolicy,
}

impl Variant {
    /// Whether `quantity` of it can be bought now.
    pub fn can_sell(&self, quantity: i64) -> bool {
        can_sell(self.available, self.inventory_policy, quantity)
    }
}

pub(super) fn can_sell(available: Option<i64>, policy: InventoryPolicy, quantity: i64) -> bool {
    policy == InventoryPolicy::Continue || available.is_none_or(|count| count >= quantity)
}

/// A product with its variants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Product {
    /// Names the product.
    pub id: Uuid,
    /// Names it in addresses.
    #[schema(value_type = String)]
    pub handle: Handle,
    /// As it is called.
    pub title: String,
    /// HTML, cleaned to plain formatting.
    pub description: String,
    /// Who made it; may be empty.
    pub vendor: String,
    /// What else it can be found by.
    pub tags: Vec<String>,
    /// The handle of its category.
    pub category: Option<String>,
    /// Whether the public sees it.
    pub status: ProductStatus,
    /// In their order; the first stands for the product.
    pub images: Vec<Image>,
    /// In their order.
    pub options: Vec<ProductOption>,
    /// At least one.
    pub variants: Vec<Variant>,
    /// Counts its changes, but not those of its stock: send it with a change, so that nobody's
    /// change is lost.
    #[serde(default)]
    pub version: i64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it, but not its stock, was last changed.
    pub updated_at: Timestamp,
}

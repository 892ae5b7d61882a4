//! Products, stock and reservations.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Handle, Money, Quantity, Sku, Timestamp, Uuid};
use utoipa::{IntoParams, ToSchema};

pub use crate::images::Image;

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

fn can_sell(available: Option<i64>, policy: InventoryPolicy, quantity: i64) -> bool {
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
    /// When it was added.
    pub created_at: Timestamp,
    /// When it, but not its stock, was last changed.
    pub updated_at: Timestamp,
}

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
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sort: Option<ProductSort>,
    /// Staff only: `draft`, `active` or `archived`; the public sees active ones.
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
    /// How many products in it the public sees.
    pub product_count: i64,
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
    pub id: Uuid,
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

/// What an import did, or would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportReport {
    /// As `shopify`.
    pub format: String,
    /// Whether nothing was changed.
    pub dry_run: bool,
    /// Records read, without the header.
    pub rows: u64,
    /// Products that were new.
    pub created: u64,
    /// Products that were changed.
    pub updated: u64,
    /// Products that were there just so.
    pub unchanged: u64,
    /// Rows that were not taken.
    pub refused: u64,
    /// Why, row by row; at most the first 1,000.
    pub errors: Vec<ImportError>,
    /// What was taken, but not as it stood.
    pub warnings: Vec<ImportError>,
}

/// Why a row was not taken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportError {
    /// The line of the file that the record starts on; the header is line 1.
    pub line: u64,
    /// The column's name; empty if it is the row as a whole.
    pub column: String,
    /// What is wrong, and how to mend it.
    pub reason: String,
}

/// A variant and how many of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineRequest {
    /// Which variant.
    pub variant_id: Uuid,
    /// How many.
    pub quantity: Quantity,
}

/// Asks what variants cost and whether they are there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct QuoteRequest {
    /// The variants.
    pub variant_ids: Vec<Uuid>,
}

/// What variants cost now. Variants that do not exist are left out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Quotes {
    /// In no certain order, each once.
    pub items: Vec<Quote>,
}

/// What a variant is and costs now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// The variant.
    pub variant_id: Uuid,
    /// Its product.
    pub product_id: Uuid,
    /// The product's handle.
    pub product_handle: Handle,
    /// The product's title.
    pub product_title: String,
    /// The variant's title; may be empty.
    pub variant_title: String,
    /// The variant's SKU.
    pub sku: Option<String>,
    /// What one costs.
    pub price: Money,
    /// What one cost before.
    pub compare_at_price: Option<Money>,
    /// The product's first picture.
    pub image: Option<Image>,
    /// Whether it may be sold at all: its product is active.
    pub for_sale: bool,
    /// How many can be bought now; `null` if nobody counts.
    pub available: Option<i64>,
    /// What happens when it runs out.
    pub inventory_policy: InventoryPolicy,
}

impl Quote {
    /// Whether `quantity` of it can be bought now.
    pub fn can_sell(&self, quantity: i64) -> bool {
        self.for_sale && can_sell(self.available, self.inventory_policy, quantity)
    }
}

/// Asks to hold stock: all lines or none. The same id with the same lines is the same
/// reservation, also after it ran out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReserveRequest {
    /// Derived from the caller and the idempotency key, so that a retry is the same.
    pub id: Uuid,
    /// What to hold. Lines of the same variant are added up.
    pub lines: Vec<LineRequest>,
    /// When the stock goes back by itself.
    pub deadline: Timestamp,
}

/// What became of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReservationState {
    /// The stock is held until the deadline.
    Held,
    /// The stock is sold: `on_hand` fell.
    Claimed,
    /// The stock went back because the order did not come about.
    Released,
    /// The stock went back by itself.
    Expired,
}

impl ReservationState {
    /// The name as stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Claimed => "claimed",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}

/// Stock that is held or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// As it was asked for.
    pub id: Uuid,
    /// What became of it.
    pub state: ReservationState,
    /// When the stock goes back by itself, while it is held.
    pub deadline: Timestamp,
    /// One line for each variant, with what it is and the price that holds for the order.
    pub lines: Vec<ReservedLine>,
}

/// A variant that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservedLine {
    /// How many.
    pub quantity: i64,
    /// What it is and costs.
    pub quote: Quote,
}

/// A line that cannot be had, in the problem `out_of_stock` under `lines`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Shortage {
    /// Which variant.
    pub variant_id: Uuid,
    /// How many were asked for.
    pub requested: i64,
    /// How many there are.
    pub available: i64,
}

/// Makes held stock sold stock, for good. A reservation that ran out is taken again if the stock
/// is there, else the answer is the problem `reservation_expired`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClaimRequest {
    /// The order, for the movement.
    pub reference: String,
}

/// Puts sold stock back. The same id puts it back once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RestockRequest {
    /// Derived from the cancellation or refund.
    pub id: Uuid,
    /// The order, for the movement.
    pub reference: String,
    /// Why, as `cancelled` or `refunded`.
    pub reason: String,
    /// What comes back.
    pub lines: Vec<LineRequest>,
}

//! A product as the read model keeps it.

use techcommerce_contracts::product_api::{InventoryPolicy, Product, Variant};

use crate::catalogue::text::fold;

/// How many characters of a title decide its place in a list; the rest is decided by the id.
const TITLE_KEY: usize = 80;

/// A product with what lists sort and filter by.
#[derive(Debug)]
pub struct Entry {
    /// As it is shown.
    pub product: Product,
    /// The beginning of the folded title.
    pub title_key: String,
    /// The folded vendor.
    pub vendor_key: String,
    /// The folded tags.
    pub tag_keys: Vec<String>,
    /// The price of the cheapest variant, in minor units.
    pub price: i64,
    /// Whether a variant can be bought now.
    pub in_stock: bool,
    /// Whether a variant is below the price it had before.
    pub on_sale: bool,
}

impl Entry {
    /// Of a product.
    pub fn new(mut product: Product) -> Self {
        // Where a shop's pictures came from is for its staff.
        for image in &mut product.images {
            image.source_url = None;
        }
        let variants = &product.variants;
        Self {
            title_key: fold(&product.title).chars().take(TITLE_KEY).collect(),
            vendor_key: fold(&product.vendor),
            tag_keys: product.tags.iter().map(|tag| fold(tag)).collect(),
            price: variants
                .iter()
                .map(|variant| variant.price.amount)
                .min()
                .unwrap_or(0),
            in_stock: variants.iter().any(can_buy),
            on_sale: variants.iter().any(is_reduced),
            product,
        }
    }
}

fn can_buy(variant: &Variant) -> bool {
    variant.inventory_policy == InventoryPolicy::Continue
        || variant.available.is_none_or(|available| available > 0)
}

fn is_reduced(variant: &Variant) -> bool {
    variant
        .compare_at_price
        .is_some_and(|before| before.amount > variant.price.amount)
}

//! A product as the read model keeps it.

use bytes::Bytes;
use http::HeaderValue;
use techcommerce_contracts::product_api::{
    Image, InventoryPolicy, Product, ProductStatus, Variant,
};
use techcommerce_http::{Packed, etag};
use techcommerce_kernel::{Error, Timestamp, Uuid};

use crate::catalogue::text::fold;

/// How many characters of a title decide its place in a list; the rest is decided by the id.
const TITLE_KEY: usize = 80;

/// A product with what lists sort and filter by. What is shown of it is kept as it is sent, so
/// that an answer is put together without making JSON.
#[derive(Debug)]
pub struct Entry {
    /// Its id.
    pub id: Uuid,
    /// Its name in addresses.
    pub handle: String,
    /// Who sees it.
    pub status: ProductStatus,
    /// The handle of its category.
    pub category: Option<String>,
    /// When it was added.
    pub created_at: Timestamp,
    /// Its first picture.
    pub picture: Option<Image>,
    /// The beginning of the folded title.
    pub title_key: String,
    /// The folded vendor.
    pub vendor_key: String,
    /// The folded tags.
    pub tag_keys: Vec<String>,
    /// The price of the cheapest variant, in minor units.
    pub price: i64,
    /// The prices of all variants, if they are not one.
    prices: Box<[i64]>,
    /// Whether a variant can be bought now.
    pub in_stock: bool,
    /// Whether a variant is below the price it had before.
    pub on_sale: bool,
    /// The product as the public sees it, in JSON.
    pub json: Bytes,
    /// Names [`Entry::json`].
    pub tag: HeaderValue,
    /// [`Entry::json`], compressed.
    pub packed: Packed,
}

impl Entry {
    /// Of a product.
    ///
    /// # Errors
    /// `internal` if it cannot be JSON.
    pub fn new(product: &mut Product) -> Result<Self, Error> {
        // Where a shop's pictures came from is for its staff.
        for image in &mut product.images {
            image.source_url = None;
        }
        let json = Bytes::from(serde_json::to_vec(product).map_err(Error::internal)?);
        let variants = &product.variants;
        let mut prices: Vec<i64> = variants.iter().map(|v| v.price.amount).collect();
        prices.sort_unstable();
        prices.dedup();
        let price = prices.first().copied().unwrap_or(0);
        if prices.len() == 1 {
            prices.clear();
        }
        Ok(Self {
            id: product.id,
            handle: product.handle.as_str().to_owned(),
            status: product.status,
            category: product.category.clone(),
            created_at: product.created_at,
            picture: product.images.first().cloned(),
            title_key: fold(&product.title).chars().take(TITLE_KEY).collect(),
            vendor_key: fold(&product.vendor),
            tag_keys: product.tags.iter().map(|tag| fold(tag)).collect(),
            price,
            prices: prices.into(),
            in_stock: variants.iter().any(can_buy),
            on_sale: variants.iter().any(is_reduced),
            tag: etag::header(&json)?,
            packed: Packed::default(),
            json,
        })
    }

    /// Whether a variant has a price in these bounds.
    pub fn costs(&self, lowest: i64, highest: i64) -> bool {
        let fits = |price: &i64| (lowest..=highest).contains(price);
        fits(&self.price) || self.prices.iter().any(fits)
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

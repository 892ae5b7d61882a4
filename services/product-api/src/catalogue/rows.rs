//! Products as they are stored, and as they are shown.

use std::{fmt::Display, str::FromStr};

use sqlx::types::Json;
use techcommerce_contracts::product_api::{Image, OptionValue, Product, ProductOption, Variant};
use techcommerce_kernel::{Error, Money, Timestamp, Uuid};

/// The address of a picture that has not been fetched yet.
const PLACEHOLDER: &str = "/static/placeholder.svg";
/// How large a picture of unknown size is drawn.
const PLACEHOLDER_SIZE: u32 = 640;
/// The width of the middle size.
const MIDDLE: u32 = 640;

/// A row of `products` with its category's handle.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ProductRow {
    pub id: Uuid,
    pub handle: String,
    pub title: String,
    pub description: String,
    pub vendor: String,
    pub category: Option<String>,
    pub tags: Json<Vec<String>>,
    pub options: Json<Vec<ProductOption>>,
    pub status: String,
    pub version: i64,
    pub source_hash: Option<String>,
    pub created_at: i64,
    pub updated_at: i64,
}

/// A row of `variants` with its stock.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct VariantRow {
    pub id: Uuid,
    pub product_id: Uuid,
    pub position: i64,
    pub sku: Option<String>,
    pub title: String,
    pub options: Json<Vec<OptionValue>>,
    pub price: i64,
    pub compare_at_price: Option<i64>,
    pub currency: String,
    pub track_inventory: bool,
    pub inventory_policy: String,
    pub requires_shipping: bool,
    pub taxable: bool,
    pub weight_grams: Option<i64>,
    pub barcode: Option<String>,
    pub source_on_hand: Option<i64>,
    pub on_hand: i64,
    pub reserved: i64,
}

/// A row of `product_images`.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct ImageRow {
    pub product_id: Uuid,
    pub alt: String,
    pub image_id: Option<Uuid>,
    pub width: Option<i64>,
    pub height: Option<i64>,
    pub source_url: Option<String>,
}

/// A product with all that belongs to it; variants that were taken off are not among it.
#[derive(Debug, Clone)]
pub struct Record {
    /// The product.
    pub row: ProductRow,
    /// In their order.
    pub variants: Vec<VariantRow>,
    /// In their order.
    pub images: Vec<ImageRow>,
}

impl Record {
    /// As it is shown.
    ///
    /// # Errors
    /// `internal` if a row holds what nobody could have written.
    pub fn product(&self) -> Result<Product, Error> {
        let row = &self.row;
        let variants = self.variants.iter().map(VariantRow::variant);
        Ok(Product {
            id: row.id,
            handle: parsed(&row.handle)?,
            title: row.title.clone(),
            description: row.description.clone(),
            vendor: row.vendor.clone(),
            tags: row.tags.0.clone(),
            category: row.category.clone(),
            status: parsed(&row.status)?,
            images: self.images.iter().map(ImageRow::image).collect(),
            options: row.options.0.clone(),
            variants: variants.collect::<Result<_, _>>()?,
            version: row.version,
            created_at: Timestamp::from_micros(row.created_at),
            updated_at: Timestamp::from_micros(row.updated_at),
        })
    }
}

impl VariantRow {
    fn variant(&self) -> Result<Variant, Error> {
        let currency = parsed(&self.currency)?;
        let left = self.on_hand.saturating_sub(self.reserved).max(0);
        Ok(Variant {
            id: self.id,
            sku: self.sku.clone(),
            title: self.title.clone(),
            options: self.options.0.clone(),
            price: Money::new(self.price, currency),
            compare_at_price: self
                .compare_at_price
                .map(|amount| Money::new(amount, currency)),
            available: self.track_inventory.then_some(left),
            track_inventory: self.track_inventory,
            inventory_policy: parsed(&self.inventory_policy)?,
        })
    }
}

impl ImageRow {
    fn image(&self) -> Image {
        Image {
            source_url: match self.image_id {
                Some(_) => None,
                None => self.source_url.clone(),
            },
            ..image(self.image_id, self.alt.clone(), self.width, self.height)
        }
    }
}

/// A picture as it is shown; a placeholder while it has not been fetched.
pub fn image(id: Option<Uuid>, alt: String, width: Option<i64>, height: Option<i64>) -> Image {
    let pixels = |size: Option<i64>| {
        let size = size
            .and_then(|size| u32::try_from(size).ok())
            .filter(|size| *size > 0);
        size.unwrap_or(PLACEHOLDER_SIZE)
    };
    Image {
        id,
        url: id.map_or_else(|| PLACEHOLDER.to_owned(), |id| Image::url_of(id, MIDDLE)),
        alt,
        width: pixels(width),
        height: pixels(height),
        source_url: None,
    }
}

/// Reads what was written from a value of this type.
///
/// # Errors
/// `internal` if it was not.
pub fn parsed<T: FromStr<Err: Display>>(text: &str) -> Result<T, Error> {
    text.parse()
        .map_err(|error| Error::internal(format!("the database holds `{text}`: {error}")))
}

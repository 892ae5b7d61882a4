//! The built-in catalogue, put in on the first start.

use std::{collections::BTreeSet, time::Duration};

use serde::Deserialize;
use techcommerce_contracts::product_api::{
    InventoryPolicy, OptionValue, ProductOption, ProductStatus,
};
use techcommerce_kernel::{Currency, Env, Error, Handle, Uuid};
use techcommerce_store::{Db, transact, with};

use crate::{
    catalogue::{
        draft::{CategoryDraft, ImageDraft, ProductDraft, VariantDraft},
        read, text,
        write::Writer,
    },
    changes,
    stock::Reason,
};

/// Products are listed from the newest to the oldest, as if added this far apart: the best of the
/// catalogue stands first, and the home page shows the newest.
const APART: Duration = Duration::from_secs(3600);

/// A picture of the catalogue in the image service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Picture {
    /// Its id.
    pub id: Uuid,
    /// Width in pixels of the largest size.
    pub width: u32,
    /// Height in pixels of the largest size.
    pub height: u32,
}

#[derive(Deserialize)]
struct Catalogue {
    categories: Vec<Category>,
    products: Vec<Product>,
}

#[derive(Deserialize)]
struct Category {
    handle: Handle,
    title: String,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize)]
struct Product {
    handle: Handle,
    title: String,
    description: String,
    vendor: String,
    tags: Vec<String>,
    category: Handle,
    options: Vec<ProductOption>,
    images: Vec<Image>,
    variants: Vec<Variant>,
}

#[derive(Deserialize)]
struct Image {
    file: String,
    alt: String,
}

#[derive(Deserialize)]
struct Variant {
    sku: Option<String>,
    options: Vec<String>,
    price: i64,
    compare_at_price: Option<i64>,
    /// `null`: nobody counts.
    stock: Option<i64>,
    #[serde(default)]
    inventory_policy: InventoryPolicy,
}

/// Whether the shop has no product yet, on sale or not.
pub async fn is_empty(db: &Db) -> Result<bool, Error> {
    let mut conn = db.read().await?;
    let any: Option<i64> = with!(conn, |c| {
        sqlx::query_scalar("SELECT CAST(1 AS BIGINT) FROM products LIMIT 1")
            .fetch_optional(c)
            .await
    })?;
    Ok(any.is_none())
}

/// Puts the catalogue in, in one transaction, and gives how many products were new. Products
/// whose handle is there already are left alone, so that it may be called again.
///
/// `picture` says which picture of the image service a file's name stands for; without one the
/// product is put in without that picture.
///
/// # Errors
/// `internal` if the catalogue is not of the shape asked for.
pub async fn load_demo(
    db: &Db,
    env: &Env,
    currency: Currency,
    json: &[u8],
    picture: impl Fn(&str) -> Option<Picture>,
) -> Result<usize, Error> {
    let catalogue: Catalogue = serde_json::from_slice(json).map_err(Error::internal)?;
    let categories: Vec<CategoryDraft> = catalogue
        .categories
        .into_iter()
        .map(|category| CategoryDraft {
            handle: category.handle.into(),
            title: category.title,
            description: category.description,
        })
        .collect();
    let mut drafts = Vec::with_capacity(catalogue.products.len());
    for product in catalogue.products {
        let category = categories
            .iter()
            .find(|category| category.handle == product.category.as_str());
        let category = category.cloned().ok_or_else(|| {
            Error::internal(format!(
                "{} is in no category that there is",
                product.handle
            ))
        })?;
        drafts.push(draft(product, category, &picture));
    }
    let now = env.now();
    transact!(db, |tx| -> Result<usize, Error> {
        let mut changed = BTreeSet::new();
        let mut created = 0;
        let mut writer = Writer::new(env, currency, "demo", Reason::Import);
        for category in &categories {
            writer.category(tx, category, &mut changed).await?;
        }
        for (place, draft) in (0_u32..).zip(&drafts) {
            if read::id_of(tx, &draft.handle).await?.is_some() {
                continue;
            }
            writer.created_at = Some(now - APART * place);
            writer.create(tx, draft, &mut changed).await?;
            created += 1;
        }
        changes::record(tx, now, &changed).await?;
        Ok(created)
    })
}

fn draft(
    product: Product,
    category: CategoryDraft,
    picture: &impl Fn(&str) -> Option<Picture>,
) -> ProductDraft {
    let images = product.images.into_iter().filter_map(|image| {
        let picture = picture(&image.file)?;
        Some(ImageDraft {
            alt: image.alt,
            image_id: Some(picture.id),
            size: Some((picture.width, picture.height)),
            source_url: None,
        })
    });
    let variants = product.variants.into_iter().map(|variant| VariantDraft {
        id: None,
        sku: variant.sku,
        options: product
            .options
            .iter()
            .zip(variant.options)
            .map(|(option, value)| OptionValue {
                name: option.name.clone(),
                value,
            })
            .collect(),
        price: variant.price,
        compare_at_price: variant.compare_at_price,
        track_inventory: variant.stock.is_some(),
        inventory_policy: variant.inventory_policy,
        requires_shipping: true,
        taxable: true,
        weight_grams: None,
        barcode: None,
        source_on_hand: None,
        on_hand: variant.stock,
    });
    ProductDraft {
        handle: product.handle.into(),
        title: product.title,
        description: text::clean_html(&product.description),
        vendor: product.vendor,
        tags: product.tags,
        category: Some(category),
        images: images.collect(),
        variants: variants.collect(),
        options: product.options,
        status: ProductStatus::Active,
    }
}

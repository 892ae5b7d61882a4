//! The catalogue as a file: Shopify's CSV, which the import reads back without a change, or JSON
//! Lines with a product as the interface shows it on each line.

use bytes::Bytes;
use techcommerce_contracts::product_api::{Image, InventoryPolicy, ProductStatus};
use techcommerce_kernel::{Currency, Error, Money, Uuid};
use techcommerce_store::Db;
use tokio::sync::mpsc;

use crate::catalogue::{
    read::{self, CategoryRow},
    rows::{ImageRow, Record, VariantRow},
};

/// How many products are read at once.
const PAGE: i64 = 200;
/// The size of a picture that is exported.
const WIDTH: u32 = 1280;

/// What the file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// CSV with Shopify's columns.
    Shopify,
    /// A JSON document on each line.
    JsonLines,
}

const HEADER: [&str; 26] = [
    "Handle",
    "Title",
    "Body (HTML)",
    "Vendor",
    "Type",
    "Tags",
    "Published",
    "Option1 Name",
    "Option1 Value",
    "Option2 Name",
    "Option2 Value",
    "Option3 Name",
    "Option3 Value",
    "Variant SKU",
    "Variant Grams",
    "Variant Inventory Tracker",
    "Variant Inventory Qty",
    "Variant Inventory Policy",
    "Variant Price",
    "Variant Compare At Price",
    "Variant Requires Shipping",
    "Variant Taxable",
    "Variant Barcode",
    "Image Src",
    "Image Alt Text",
    "Status",
];

/// Writes all products, of whatever status, piece by piece into `to`; ends early when nobody
/// reads any more. `public_url` is what the addresses of pictures begin with.
///
/// # Errors
/// If the database cannot be read.
pub async fn run(
    db: &Db,
    format: Format,
    currency: Currency,
    public_url: &str,
    to: &mpsc::Sender<Bytes>,
) -> Result<(), Error> {
    let categories = read::categories(&mut db.read().await?).await?;
    let mut piece = Vec::new();
    if format == Format::Shopify {
        csv_rows(&mut piece, &[HEADER.map(str::to_owned).to_vec()])?;
    }
    let mut after = Uuid::nil();
    loop {
        // No connection is held while a slow reader takes its time.
        let mut conn = db.read().await?;
        let ids = read::ids_after(&mut conn, after, PAGE).await?;
        let Some(last) = ids.last() else { break };
        after = *last;
        let records = read::products(&mut conn, &ids).await?;
        drop(conn);
        for record in records {
            match format {
                Format::JsonLines => {
                    serde_json::to_writer(&mut piece, &record.product()?)
                        .map_err(Error::internal)?;
                    piece.push(b'\n');
                }
                Format::Shopify => {
                    let rows = product_rows(&record, &categories, currency, public_url)?;
                    csv_rows(&mut piece, &rows)?;
                }
            }
        }
        if to
            .send(Bytes::from(std::mem::take(&mut piece)))
            .await
            .is_err()
        {
            return Ok(());
        }
    }
    if !piece.is_empty() {
        let _ = to.send(Bytes::from(piece)).await;
    }
    Ok(())
}

fn csv_rows(piece: &mut Vec<u8>, rows: &[Vec<String>]) -> Result<(), Error> {
    let mut writer = csv::Writer::from_writer(piece);
    for row in rows {
        writer.write_record(row).map_err(Error::internal)?;
    }
    writer.flush().map_err(Error::internal)
}

/// A row for each variant or picture, whichever are more; the first carries the product.
fn product_rows(
    record: &Record,
    categories: &[CategoryRow],
    currency: Currency,
    public_url: &str,
) -> Result<Vec<Vec<String>>, Error> {
    let count = record.variants.len().max(record.images.len()).max(1);
    let mut rows = Vec::with_capacity(count);
    for index in 0..count {
        let mut row = vec![record.row.handle.clone()];
        row.extend(product_cells(record, categories, index == 0));
        match record.variants.get(index) {
            Some(variant) => row.extend(variant_cells(record, variant, currency, index == 0)?),
            None => row.extend(vec![String::new(); 16]),
        }
        match record.images.get(index) {
            Some(image) => row.extend([address(image, public_url), image.alt.clone()]),
            None => row.extend([String::new(), String::new()]),
        }
        row.push(if index == 0 {
            record.row.status.clone()
        } else {
            String::new()
        });
        rows.push(row);
    }
    Ok(rows)
}

fn product_cells(record: &Record, categories: &[CategoryRow], first: bool) -> [String; 6] {
    if !first {
        return Default::default();
    }
    let row = &record.row;
    let category = categories
        .iter()
        .find(|category| Some(&category.handle) == row.category.as_ref());
    let published = row.status == ProductStatus::Active.name();
    [
        row.title.clone(),
        row.description.clone(),
        row.vendor.clone(),
        category
            .map(|category| category.title.clone())
            .unwrap_or_default(),
        row.tags.0.join(", "),
        published.to_string(),
    ]
}

fn variant_cells(
    record: &Record,
    variant: &VariantRow,
    currency: Currency,
    first: bool,
) -> Result<Vec<String>, Error> {
    let mut cells = Vec::with_capacity(16);
    for place in 0..3 {
        let names_nothing = place == 0 && record.row.options.0.is_empty();
        let name = record
            .row
            .options
            .0
            .get(place)
            .map(|option| option.name.as_str());
        let value = variant
            .options
            .0
            .get(place)
            .map(|option| option.value.as_str());
        let (name, value) = match names_nothing {
            true => (Some("Title"), Some("Default Title")),
            false => (name, value),
        };
        cells.push(name.filter(|_| first).unwrap_or_default().to_owned());
        cells.push(value.unwrap_or_default().to_owned());
    }
    let price = |amount: i64| Money::new(amount, currency).to_decimal();
    let policy: InventoryPolicy = crate::catalogue::rows::parsed(&variant.inventory_policy)?;
    let tracked = variant.track_inventory;
    cells.extend([
        variant.sku.clone().unwrap_or_default(),
        variant.weight_grams.unwrap_or(0).to_string(),
        if tracked {
            "shopify".to_owned()
        } else {
            String::new()
        },
        if tracked {
            variant.on_hand.to_string()
        } else {
            String::new()
        },
        policy.name().to_owned(),
        price(variant.price),
        variant.compare_at_price.map(price).unwrap_or_default(),
        variant.requires_shipping.to_string(),
        variant.taxable.to_string(),
        variant.barcode.clone().unwrap_or_default(),
    ]);
    Ok(cells)
}

fn address(image: &ImageRow, public_url: &str) -> String {
    match image.image_id {
        Some(id) => format!(
            "{}{}",
            public_url.trim_end_matches('/'),
            Image::url_of(id, WIDTH)
        ),
        None => image.source_url.clone().unwrap_or_default(),
    }
}

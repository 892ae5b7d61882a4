//! The catalogue as Shopify's CSV, and one column of our own, which Shopify passes over.
//!
//! Cells stand as they are, also those that a spreadsheet would take for a formula: an apostrophe
//! before them would become part of the text in any shop that imports the file.

use techcommerce_contracts::product_api::{InventoryPolicy, ProductStatus};
use techcommerce_kernel::{Currency, Error, Money};

use super::address;
use crate::{
    catalogue::{
        read::CategoryRow,
        rows::{Record, VariantRow, parsed},
    },
    import::CATEGORY_HANDLE,
};

const HEADER: [&str; 27] = [
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
    CATEGORY_HANDLE,
];

fn csv_rows(piece: &mut Vec<u8>, rows: &[Vec<String>]) -> Result<(), Error> {
    let mut writer = csv::Writer::from_writer(piece);
    for row in rows {
        writer.write_record(row).map_err(Error::internal)?;
    }
    writer.flush().map_err(Error::internal)
}

/// Writes the header.
pub(super) fn header(piece: &mut Vec<u8>) -> Result<(), Error> {
    csv_rows(piece, &[HEADER.map(str::to_owned).to_vec()])
}

/// Writes the rows of a product.
///
/// # Errors
/// `internal` if a row of the database holds what nobody could have written.
pub(super) fn product(
    piece: &mut Vec<u8>,
    record: &Record,
    categories: &[CategoryRow],
    currency: Currency,
    public_url: &str,
) -> Result<(), Error> {
    csv_rows(
        piece,
        &product_rows(record, categories, currency, public_url)?,
    )
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
        let first =
            |text: Option<&String>| text.filter(|_| index == 0).cloned().unwrap_or_default();
        row.push(first(Some(&record.row.status)));
        row.push(first(record.row.category.as_ref()));
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
    let policy: InventoryPolicy = parsed(&variant.inventory_policy)?;
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

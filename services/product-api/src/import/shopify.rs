//! Shopify's product export, in its older and its newer column names.
//!
//! A product is one or more rows that follow each other with the same handle. Only the first
//! carries the title and what else belongs to the product; each row may add a variant, a picture,
//! or both. See <https://help.shopify.com/en/manual/products/import-export/using-csv>.

use std::collections::HashSet;

use techcommerce_contracts::product_api::ProductStatus;

use super::{
    columns::Columns,
    layout::{Context, Layout, Parsed},
    records::Row,
    report::Refusal,
    shopify_product::Group,
    unread::Unread,
};
use crate::catalogue::{draft::hex, text};

/// A column of our own exports: a category may have another handle than its title gives.
pub const CATEGORY_HANDLE: &str = "Category Handle (TechCommerce)";

/// The most rows that one product may have, so that memory stays bounded.
const MAX_ROWS: usize = 5_000;
/// The most bytes that the rows of one product may have.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// Where the columns stand that are understood; all others are passed over.
#[derive(Debug, Clone)]
pub(super) struct At {
    pub handle: Option<usize>,
    pub title: Option<usize>,
    pub body: Option<usize>,
    pub vendor: Option<usize>,
    pub kind: Option<usize>,
    pub category: Option<usize>,
    pub tags: Option<usize>,
    pub published: Option<usize>,
    pub status: Option<usize>,
    pub option_names: [Option<usize>; 3],
    pub option_values: [Option<usize>; 3],
    pub sku: Option<usize>,
    pub grams: Option<usize>,
    pub tracker: Option<usize>,
    pub quantity: Option<usize>,
    pub policy: Option<usize>,
    pub price: Option<usize>,
    pub compare_at: Option<usize>,
    pub requires_shipping: Option<usize>,
    pub taxable: Option<usize>,
    pub barcode: Option<usize>,
    pub image: Option<usize>,
    pub image_position: Option<usize>,
    pub image_alt: Option<usize>,
    pub variant_image: Option<usize>,
    pub category_handle: Option<usize>,
}

/// What a shop always exports and nobody misses, by the beginnings of the columns' names.
const EXPECTED: [&str; 9] = [
    "variant fulfillment service",
    "fulfillment service",
    "variant weight unit",
    "weight unit",
    "gift card",
    "google shopping /",
    "option",
    "included /",
    "published",
];

impl At {
    /// The columns that are read.
    fn read(&self) -> Vec<usize> {
        let single = [
            self.handle,
            self.title,
            self.body,
            self.vendor,
            self.kind,
            self.category,
            self.tags,
            self.published,
            self.status,
            self.sku,
            self.grams,
            self.tracker,
            self.quantity,
            self.policy,
            self.price,
            self.compare_at,
            self.requires_shipping,
            self.taxable,
            self.barcode,
            self.image,
            self.image_position,
            self.image_alt,
            self.variant_image,
            self.category_handle,
        ];
        let options = self.option_names.iter().chain(&self.option_values);
        single.iter().chain(options).copied().flatten().collect()
    }
}

/// Reads Shopify's rows.
pub struct Shopify {
    pub(super) at: At,
    pub(super) columns: Columns,
    context: Context,
    unread: Unread,
    group: Option<Group>,
    finished: HashSet<u64>,
}

impl Shopify {
    /// If these are the columns of a Shopify export.
    pub fn detect(columns: &Columns, context: Context) -> Option<Self> {
        let at = At {
            handle: columns.find(&["Handle", "URL handle"]),
            title: columns.find(&["Title"]),
            body: columns.find(&["Body (HTML)", "Body HTML", "Description"]),
            vendor: columns.find(&["Vendor"]),
            kind: columns.find(&["Type", "Custom Product Type"]),
            category: columns.find(&[
                "Product Category",
                "Standardized Product Type",
                "Standard Product Type",
            ]),
            tags: columns.find(&["Tags"]),
            published: columns.find(&["Published", "Published on online store"]),
            status: columns.find(&["Status"]),
            option_names: [1, 2, 3].map(|n| columns.find(&[&format!("Option{n} Name")])),
            option_values: [1, 2, 3].map(|n| columns.find(&[&format!("Option{n} Value")])),
            sku: columns.find(&["Variant SKU", "SKU"]),
            grams: columns.find(&["Variant Grams", "Weight value (grams)"]),
            tracker: columns.find(&["Variant Inventory Tracker", "Inventory tracker"]),
            quantity: columns.find(&["Variant Inventory Qty", "Inventory quantity"]),
            policy: columns.find(&[
                "Variant Inventory Policy",
                "Continue selling when out of stock",
            ]),
            price: columns.find(&["Variant Price", "Price"]),
            compare_at: columns.find(&["Variant Compare At Price", "Compare-at price"]),
            requires_shipping: columns.find(&["Variant Requires Shipping", "Requires shipping"]),
            taxable: columns.find(&["Variant Taxable", "Charge tax"]),
            barcode: columns.find(&["Variant Barcode", "Barcode"]),
            image: columns.find(&["Image Src", "Product image URL"]),
            image_position: columns.find(&["Image Position"]),
            image_alt: columns.find(&["Image Alt Text"]),
            variant_image: columns.find(&["Variant Image", "Variant image URL"]),
            category_handle: columns.find(&[CATEGORY_HANDLE]),
        };
        let unread = Unread::new(columns, &at.read(), &EXPECTED);
        (at.handle.is_some() && at.title.is_some() && at.price.is_some()).then(|| Self {
            at,
            columns: columns.clone(),
            context,
            unread,
            group: None,
            finished: HashSet::new(),
        })
    }

    /// The handle that a row's handle becomes here: Shopify allows more letters than we do.
    fn handle_of(raw: &str) -> String {
        text::handle_from(raw, "product")
    }

    fn close(&mut self) -> Option<Parsed> {
        let group = self.group.take()?;
        self.finished.insert(fingerprint(&group.handle));
        Some(group.finish(self, self.context))
    }

    pub(super) fn refuse(
        &self,
        row: &Row,
        column: Option<usize>,
        reason: impl Into<String>,
    ) -> Refusal {
        Refusal::new(
            row.line,
            column.and_then(|index| self.columns.name(index)),
            reason,
        )
    }
}

impl Layout for Shopify {
    fn name(&self) -> &'static str {
        "shopify"
    }

    fn push(&mut self, row: Row) -> Vec<Parsed> {
        self.unread.note(&row);
        let raw = row.cell(self.at.handle).to_owned();
        if raw.is_empty() {
            let refusal = self.refuse(&row, self.at.handle, "is empty; each row names its product");
            return vec![Parsed::refused(refusal)];
        }
        let handle = Self::handle_of(&raw);
        if let Some(group) = self.group.as_mut().filter(|group| group.handle == handle) {
            if group.rows.len() < MAX_ROWS && group.bytes + row.size() <= MAX_BYTES {
                group.bytes += row.size();
                group.rows.push(row);
                return Vec::new();
            }
            let reason = format!("is on more than {MAX_ROWS} rows or {MAX_BYTES} bytes");
            return vec![Parsed::refused(self.refuse(&row, self.at.handle, reason))];
        }
        let mut done: Vec<Parsed> = self.close().into_iter().collect();
        if self.finished.contains(&fingerprint(&handle)) {
            let reason =
                format!("`{raw}` stood further up; the rows of one product must follow each other");
            done.push(Parsed::refused(self.refuse(&row, self.at.handle, reason)));
        } else {
            let bytes = row.size();
            self.group = Some(Group {
                handle,
                rows: vec![row],
                bytes,
            });
        }
        done
    }

    fn finish(&mut self) -> Vec<Parsed> {
        let mut last: Vec<Parsed> = self.close().into_iter().collect();
        last.extend(self.unread.warning());
        last
    }
}

/// Enough of a handle to know it again in little memory.
fn fingerprint(handle: &str) -> u64 {
    use sha2::{Digest, Sha256};
    let digest = hex(&Sha256::digest(handle));
    u64::from_str_radix(&digest[..16], 16).unwrap_or_default()
}

/// Who sees the product. `Published` is the older column: what is not published is a draft.
pub(super) fn status(status: &str, published: &str) -> Result<ProductStatus, (bool, String)> {
    let published = match published.to_ascii_lowercase().as_str() {
        "" | "true" | "yes" | "1" => true,
        "false" | "no" | "0" => false,
        other => return Err((false, format!("`{other}` is neither true nor false"))),
    };
    match status.to_ascii_lowercase().as_str() {
        "" | "active" if published => Ok(ProductStatus::Active),
        // Unlisted products are reachable by address only; a draft is the nearest that hides them.
        "" | "active" | "draft" | "unlisted" => Ok(ProductStatus::Draft),
        "archived" => Ok(ProductStatus::Archived),
        other => Err((
            true,
            format!("`{other}` is none of active, draft, archived"),
        )),
    }
}

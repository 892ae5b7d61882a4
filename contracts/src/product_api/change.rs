//! What changes in the catalogue and in the stock, for the shop's own services that follow it.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Handle, Timestamp, Uuid};

use super::ProductStatus;

/// Which changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangesQuery {
    /// Those after this place in the change feed.
    pub after: i64,
    /// How many at most; 0: only where the feed ends.
    pub limit: u32,
}

/// Changes in the order of their commits, and how what they are about stands now.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductChanges {
    /// Where the feed ended when it was read; never less than the last of `changes`.
    pub position: i64,
    /// Those after the place that was asked for.
    pub changes: Vec<ProductChange>,
    /// The products that `changes` name, as they stand after the last of them or later.
    pub products: Vec<ChangedProduct>,
}

/// One change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProductChange {
    /// Its place: from 1, without gaps in the whole feed.
    pub position: i64,
    /// When it was made.
    pub at: Timestamp,
    /// Of which product; `null` if it is of something else.
    pub product_id: Option<Uuid>,
    /// What it did.
    pub what: WhatChanged,
}

/// What a change did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WhatChanged {
    /// The product was added.
    Created,
    /// The product was changed in any other way; its stock perhaps too.
    Updated,
    /// The product was archived.
    Archived,
    /// Only how much is left.
    Stock,
    /// Something that is no product, or that this version does not know.
    #[serde(other)]
    Other,
}

/// How a product stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedProduct {
    /// Names it.
    pub id: Uuid,
    /// Its name in addresses.
    pub handle: Handle,
    /// What it is called.
    pub title: String,
    /// Whether the public sees it.
    pub status: ProductStatus,
    /// Counts its changes.
    pub version: i64,
    /// When it was added.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// The stock of those of its variants that are counted.
    pub stock: Vec<ChangedStock>,
}

/// How much of a variant is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChangedStock {
    /// The variant.
    pub variant_id: Uuid,
    /// Its SKU.
    pub sku: Option<String>,
    /// In the house.
    pub on_hand: i64,
    /// Of these, promised.
    pub reserved: i64,
}

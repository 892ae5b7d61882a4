//! Writing products, wherever they come from.
//!
//! Everything here runs in the caller's transaction and notes what changed, for the change feed.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::types::Json;
use techcommerce_contracts::codes;
use techcommerce_kernel::{Currency, Env, Error, Timestamp, Uuid};
use techcommerce_store::{Conn, StoreError, execute};

use super::{
    draft::{CategoryDraft, ImageDraft, ProductDraft, VariantDraft},
    read,
    rows::Record,
};
use crate::{
    changes::Change,
    stock::{self, Movement, Reason},
};

/// Who writes, and in what name.
#[derive(Debug, Clone, Copy)]
pub struct Writer<'a> {
    /// Clock and randomness.
    pub env: &'a Env,
    /// The shop's currency.
    pub currency: Currency,
    /// As `account:0193…` or `import`.
    pub actor: &'a str,
    /// Why the stock of what is written changes.
    pub reason: Reason,
    /// The hash of what the source said, if it is a source that may say the same again.
    pub source_hash: Option<&'a str>,
    /// When new products were added, if not now.
    pub created_at: Option<Timestamp>,
}

impl<'a> Writer<'a> {
    /// Somebody who writes what has no source that says it again.
    pub fn new(env: &'a Env, currency: Currency, actor: &'a str, reason: Reason) -> Self {
        Self {
            env,
            currency,
            actor,
            reason,
            source_hash: None,
            created_at: None,
        }
    }

    fn movement(&self) -> Movement<'_> {
        Movement {
            reason: self.reason,
            actor: self.actor,
            note: None,
            reference: None,
        }
    }

    fn now(&self) -> i64 {
        self.env.now().as_micros()
    }

    /// The id of a category, which is made if there is none with its handle.
    pub async fn category(
        &self,
        tx: &mut Conn,
        draft: &CategoryDraft,
        changes: &mut BTreeSet<Change>,
    ) -> Result<Uuid, StoreError> {
        if let Some(id) = read::category(tx, &draft.handle).await? {
            return Ok(id);
        }
        let id = self.env.new_id();
        let rows = execute!(
            tx,
            sqlx::query(
                "INSERT INTO categories
                 (id, handle, title, description, position, created_at, updated_at)
                 VALUES ($1, $2, $3, $4,
                         (SELECT COALESCE(MAX(position), 0) + 1 FROM categories), $5, $5)
                 ON CONFLICT (handle) DO NOTHING"
            )
            .bind(id)
            .bind(draft.handle.as_str())
            .bind(draft.title.as_str())
            .bind(draft.description.as_str())
            .bind(self.now())
        )?;
        if rows == 1 {
            changes.insert(Change::category(id));
            return Ok(id);
        }
        // Somebody else made it at the same time.
        Ok(read::category(tx, &draft.handle).await?.unwrap_or(id))
    }

    /// Adds a product.
    ///
    /// # Errors
    /// `handle_taken`.
    pub async fn create(
        &self,
        tx: &mut Conn,
        draft: &ProductDraft,
        changes: &mut BTreeSet<Change>,
    ) -> Result<Uuid, Error> {
        if read::id_of(tx, &draft.handle).await?.is_some() {
            return Err(handle_taken());
        }
        let category = match &draft.category {
            Some(category) => Some(self.category(tx, category, changes).await?),
            None => None,
        };
        let id = self.env.new_id();
        let inserted =
            execute!(
            tx,
            sqlx::query(
                "INSERT INTO products (id, handle, title, description, vendor, category_id, tags,
                 options, status, version, source_hash, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $11, $12)"
            )
            .bind(id)
            .bind(draft.handle.as_str())
            .bind(draft.title.as_str())
            .bind(draft.description.as_str())
            .bind(draft.vendor.as_str())
            .bind(category)
            .bind(Json(&draft.tags))
            .bind(Json(&draft.options))
            .bind(draft.status.name())
            .bind(self.source_hash)
            .bind(self.created_at.map_or_else(|| self.now(), Timestamp::as_micros))
            .bind(self.now())
        );
        match inserted {
            Err(error) if error.is_unique_violation() => return Err(handle_taken()),
            done => done?,
        };
        for (position, variant) in (0_i64..).zip(&draft.variants) {
            self.add_variant(tx, id, position, variant).await?;
        }
        self.images(tx, id, &draft.images).await?;
        changes.insert(Change::product(id));
        Ok(id)
    }

    /// Makes a product what the draft says. A variant of the draft that has an id is that
    /// variant, one without is new, and those that the draft leaves out are taken off.
    ///
    /// Gives what the stock of its variants is to be: whoever changes several products sets all
    /// of it at their end by [`Writer::set_stock`], in the order of variants' ids.
    ///
    /// # Errors
    /// `handle_taken`; `variant_not_found` if an id is not one of this product's variants.
    pub async fn update(
        &self,
        tx: &mut Conn,
        record: &Record,
        draft: &ProductDraft,
        changes: &mut BTreeSet<Change>,
    ) -> Result<BTreeMap<Uuid, i64>, Error> {
        let id = record.row.id;
        if draft.handle != record.row.handle && read::id_of(tx, &draft.handle).await?.is_some() {
            return Err(handle_taken());
        }
        let category = match &draft.category {
            Some(category) => Some(self.category(tx, category, changes).await?),
            None => None,
        };
        let updated = execute!(
            tx,
            sqlx::query(
                "UPDATE products SET handle = $1, title = $2, description = $3, vendor = $4,
                 category_id = $5, tags = $6, options = $7, status = $8,
                 source_hash = COALESCE($9, source_hash), version = version + 1, updated_at = $10
                 WHERE id = $11"
            )
            .bind(draft.handle.as_str())
            .bind(draft.title.as_str())
            .bind(draft.description.as_str())
            .bind(draft.vendor.as_str())
            .bind(category)
            .bind(Json(&draft.tags))
            .bind(Json(&draft.options))
            .bind(draft.status.name())
            .bind(self.source_hash)
            .bind(self.now())
            .bind(id)
        );
        match updated {
            Err(error) if error.is_unique_violation() => return Err(handle_taken()),
            done => done?,
        };
        let stock = self.variants(tx, record, draft).await?;
        execute!(
            tx,
            sqlx::query("DELETE FROM product_images WHERE product_id = $1").bind(id)
        )?;
        self.images(tx, id, &draft.images).await?;
        changes.insert(Change::product(id));
        Ok(stock)
    }

    async fn variants(
        &self,
        tx: &mut Conn,
        record: &Record,
        draft: &ProductDraft,
    ) -> Result<BTreeMap<Uuid, i64>, Error> {
        let mut gone: BTreeSet<Uuid> = record.variants.iter().map(|variant| variant.id).collect();
        let mut stock: BTreeMap<Uuid, i64> = BTreeMap::new();
        for (position, variant) in (0_i64..).zip(&draft.variants) {
            let Some(id) = variant.id else {
                self.add_variant(tx, record.row.id, position, variant)
                    .await?;
                continue;
            };
            if !gone.remove(&id) {
                return Err(Error::invalid_field(
                    format!("variants[{position}].id"),
                    "is no variant of this product, or stands here twice",
                ));
            }
            self.change_variant(tx, id, position, variant).await?;
            if let Some(on_hand) = variant.on_hand {
                stock.insert(id, on_hand);
            }
        }
        for id in gone {
            execute!(
                tx,
                sqlx::query("UPDATE variants SET archived = TRUE, updated_at = $1 WHERE id = $2")
                    .bind(self.now())
                    .bind(id)
            )?;
        }
        Ok(stock)
    }

    /// Sets the stock of variants, one after another by id.
    pub async fn set_stock(
        &self,
        tx: &mut Conn,
        stock: &BTreeMap<Uuid, i64>,
    ) -> Result<(), StoreError> {
        for (variant, on_hand) in stock {
            stock::set(tx, self.env, *variant, *on_hand, self.movement()).await?;
        }
        Ok(())
    }

    async fn add_variant(
        &self,
        tx: &mut Conn,
        product: Uuid,
        position: i64,
        draft: &VariantDraft,
    ) -> Result<(), StoreError> {
        let id = self.env.new_id();
        execute!(
            tx,
            sqlx::query(
                "INSERT INTO variants (id, product_id, position, sku, title, options, price,
                 compare_at_price, currency, track_inventory, inventory_policy, requires_shipping,
                 taxable, weight_grams, barcode, source_on_hand, archived, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                 FALSE, $17, $17)"
            )
            .bind(id)
            .bind(product)
            .bind(position)
            .bind(draft.sku.as_deref())
            .bind(draft.title())
            .bind(Json(&draft.options))
            .bind(draft.price)
            .bind(draft.compare_at_price)
            .bind(self.currency.code())
            .bind(draft.track_inventory)
            .bind(draft.inventory_policy.name())
            .bind(draft.requires_shipping)
            .bind(draft.taxable)
            .bind(draft.weight_grams)
            .bind(draft.barcode.as_deref())
            .bind(draft.source_on_hand.filter(|_| self.source_hash.is_some()))
            .bind(self.now())
        )?;
        stock::open(
            tx,
            self.env,
            id,
            draft.on_hand.unwrap_or(0),
            self.movement(),
        )
        .await
    }

    async fn change_variant(
        &self,
        tx: &mut Conn,
        id: Uuid,
        position: i64,
        draft: &VariantDraft,
    ) -> Result<(), StoreError> {
        execute!(
            tx,
            sqlx::query(
                "UPDATE variants SET position = $1, sku = $2, title = $3, options = $4, price = $5,
                 compare_at_price = $6, currency = $7, track_inventory = $8, inventory_policy = $9,
                 requires_shipping = $10, taxable = $11, weight_grams = $12, barcode = $13,
                 source_on_hand = COALESCE($14, source_on_hand), archived = FALSE, updated_at = $15
                 WHERE id = $16"
            )
            .bind(position)
            .bind(draft.sku.as_deref())
            .bind(draft.title())
            .bind(Json(&draft.options))
            .bind(draft.price)
            .bind(draft.compare_at_price)
            .bind(self.currency.code())
            .bind(draft.track_inventory)
            .bind(draft.inventory_policy.name())
            .bind(draft.requires_shipping)
            .bind(draft.taxable)
            .bind(draft.weight_grams)
            .bind(draft.barcode.as_deref())
            .bind(draft.source_on_hand.filter(|_| self.source_hash.is_some()))
            .bind(self.now())
            .bind(id)
        )?;
        Ok(())
    }

    async fn images(
        &self,
        tx: &mut Conn,
        product: Uuid,
        images: &[ImageDraft],
    ) -> Result<(), StoreError> {
        for (position, image) in (0_i64..).zip(images) {
            execute!(
                tx,
                sqlx::query(
                    "INSERT INTO product_images
                     (id, product_id, position, alt, image_id, width, height, source_url)
                     VALUES ($1, $2, $3, $4, $5, $6, $7, $8)"
                )
                .bind(self.env.new_id())
                .bind(product)
                .bind(position)
                .bind(image.alt.as_str())
                .bind(image.image_id)
                .bind(image.size.map(|(width, _)| i64::from(width)))
                .bind(image.size.map(|(_, height)| i64::from(height)))
                .bind(image.source_url.as_deref())
            )?;
        }
        Ok(())
    }
}

/// Waits until nobody else changes the product, and keeps it so until the commit.
///
/// # Errors
/// `product_not_found`.
pub async fn lock_product(tx: &mut Conn, id: Uuid) -> Result<(), Error> {
    let rows = execute!(
        tx,
        sqlx::query("UPDATE products SET version = version WHERE id = $1").bind(id)
    )?;
    if rows == 0 {
        return Err(read::not_found());
    }
    Ok(())
}

fn handle_taken() -> Error {
    Error::conflict(codes::HANDLE_TAKEN, "Another product has this handle.")
        .field("handle", "is taken; choose another")
}

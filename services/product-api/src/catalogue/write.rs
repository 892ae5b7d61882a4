//! Writing products, wherever they come from.
//!
//! Everything here runs in the caller's transaction and notes what changed, for the change feed.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::types::Json;
use techcommerce_contracts::{codes, product_api::ProductStatus};
use techcommerce_kernel::{Currency, Env, Error, Timestamp, Uuid};
use techcommerce_store::{Conn, StoreError, execute};

use super::{
    draft::{CategoryDraft, ProductDraft},
    input, read,
    rows::Record,
    text::fold,
};
use crate::{
    changes::Change,
    stock::{Movement, Reason},
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

    pub(super) fn movement(&self) -> Movement<'_> {
        Movement {
            reason: self.reason,
            actor: self.actor,
            note: None,
            reference: None,
        }
    }

    pub(super) fn now(&self) -> i64 {
        self.env.now().as_micros()
    }

    /// The id of a category, which is made if there is none with its handle.
    ///
    /// # Errors
    /// `invalid_input` if there is none and the draft does not say what it is called.
    pub async fn category(
        &self,
        tx: &mut Conn,
        draft: &CategoryDraft,
        changes: &mut BTreeSet<Change>,
    ) -> Result<Uuid, Error> {
        if let Some(id) = read::category(tx, &draft.handle).await? {
            return Ok(id);
        }
        if draft.title.is_empty() {
            // Staff name categories that there are; somebody deleted this one meanwhile.
            return Err(no_category());
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
                 options, status, version, source_hash, created_at, updated_at, title_key)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 1, $10, $11, $12, $13)"
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
            .bind(fold(&draft.title))
        );
        inserted.map_err(refused)?;
        self.add_variants(tx, id, &draft.variants).await?;
        self.images(tx, id, &draft.images).await?;
        changes.insert(Change::created(id));
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
                 source_hash = COALESCE($9, source_hash), version = version + 1, updated_at = $10,
                 title_key = $11 WHERE id = $12"
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
            .bind(fold(&draft.title))
            .bind(id)
        );
        updated.map_err(refused)?;
        let before = input::current(record)?;
        let stock = self.variants(tx, record, &before, draft).await?;
        if draft.images != before.images {
            execute!(
                tx,
                sqlx::query("DELETE FROM product_images WHERE product_id = $1").bind(id)
            )?;
            self.images(tx, id, &draft.images).await?;
        }
        let archived = ProductStatus::Archived.name();
        let archives = draft.status.name() == archived && record.row.status != archived;
        changes.insert(match archives {
            true => Change::archived(id),
            false => Change::product(id),
        });
        Ok(stock)
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

/// What the database refused of a product's row.
fn refused(error: StoreError) -> Error {
    if error.is_unique_violation() {
        handle_taken()
    } else if error.is_foreign_key_violation() {
        // Somebody deleted the category after it was looked up.
        no_category()
    } else {
        error.into()
    }
}

fn no_category() -> Error {
    Error::invalid_field("category", "is the handle of no category")
}

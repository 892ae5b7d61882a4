//! Writing what belongs to a product: its variants and its pictures.

use std::collections::{BTreeMap, BTreeSet};

use sqlx::types::Json;
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::{Conn, StoreError, execute};

use super::{
    draft::{ImageDraft, ProductDraft, VariantDraft},
    rows::Record,
    write::Writer,
};
use crate::stock;

impl Writer<'_> {
    /// Gives what the stock of the variants is to be.
    pub(super) async fn variants(
        &self,
        tx: &mut Conn,
        record: &Record,
        before: &ProductDraft,
        draft: &ProductDraft,
    ) -> Result<BTreeMap<Uuid, i64>, Error> {
        let product = record.row.id;
        let mut gone: BTreeSet<Uuid> = record.variants.iter().map(|variant| variant.id).collect();
        let mut stock: BTreeMap<Uuid, i64> = BTreeMap::new();
        for (position, variant) in (0_i64..).zip(&draft.variants) {
            let Some(id) = variant.id else {
                self.add_variant(tx, product, position, variant).await?;
                continue;
            };
            if !gone.remove(&id) {
                return Err(Error::invalid_field(
                    format!("variants[{position}].id"),
                    "is no variant of this product, or stands here twice",
                ));
            }
            if !self.is_so(record, before, position, variant) {
                self.put_variant(tx, product, id, position, variant).await?;
            }
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

    /// Whether the variant is what the draft says already, at its place. A product may have
    /// thousands of variants, and most changes touch none of them.
    fn is_so(
        &self,
        record: &Record,
        before: &ProductDraft,
        position: i64,
        draft: &VariantDraft,
    ) -> bool {
        let place = usize::try_from(position).unwrap_or(usize::MAX);
        let (Some(row), Some(before)) = (record.variants.get(place), before.variants.get(place))
        else {
            return false;
        };
        let wanted = VariantDraft {
            on_hand: None,
            source_on_hand: match self.source_hash {
                Some(_) => draft.source_on_hand.or(before.source_on_hand),
                None => before.source_on_hand,
            },
            ..draft.clone()
        };
        row.position == position && row.currency == self.currency.code() && *before == wanted
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

    pub(super) async fn add_variant(
        &self,
        tx: &mut Conn,
        product: Uuid,
        position: i64,
        draft: &VariantDraft,
    ) -> Result<(), StoreError> {
        let id = self.env.new_id();
        self.put_variant(tx, product, id, position, draft).await?;
        let on_hand = draft.on_hand.unwrap_or(0);
        stock::open(tx, self.env, id, on_hand, self.movement()).await
    }

    async fn put_variant(
        &self,
        tx: &mut Conn,
        product: Uuid,
        id: Uuid,
        position: i64,
        draft: &VariantDraft,
    ) -> Result<(), StoreError> {
        execute!(
            tx,
            sqlx::query(
                "INSERT INTO variants (id, product_id, position, sku, title, options, price,
                 compare_at_price, currency, track_inventory, inventory_policy, requires_shipping,
                 taxable, weight_grams, barcode, source_on_hand, archived, created_at, updated_at)
                 VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16,
                 FALSE, $17, $17)
                 ON CONFLICT (id) DO UPDATE SET position = excluded.position, sku = excluded.sku,
                 title = excluded.title, options = excluded.options, price = excluded.price,
                 compare_at_price = excluded.compare_at_price, currency = excluded.currency,
                 track_inventory = excluded.track_inventory,
                 inventory_policy = excluded.inventory_policy,
                 requires_shipping = excluded.requires_shipping, taxable = excluded.taxable,
                 weight_grams = excluded.weight_grams, barcode = excluded.barcode,
                 source_on_hand = COALESCE(excluded.source_on_hand, variants.source_on_hand),
                 archived = FALSE, updated_at = excluded.updated_at"
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
        Ok(())
    }

    pub(super) async fn images(
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

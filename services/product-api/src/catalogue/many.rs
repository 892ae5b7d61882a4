//! The variants of a new product, many at a time: a large catalogue is mostly these.

use sqlx::types::Json;
use techcommerce_kernel::Uuid;
use techcommerce_store::{Conn, StoreError, with};

use super::{draft::VariantDraft, write::Writer};

/// How many one statement writes: neither engine takes more than 32,766 values.
const AT_ONCE: usize = 100;

impl Writer<'_> {
    /// Adds them with their stock.
    pub(super) async fn add_variants(
        &self,
        tx: &mut Conn,
        product: Uuid,
        variants: &[VariantDraft],
    ) -> Result<(), StoreError> {
        let rows: Vec<Row<'_>> = (0_i64..)
            .zip(variants)
            .map(|(position, draft)| (position, self.env.new_id(), draft))
            .collect();
        for rows in rows.chunks(AT_ONCE) {
            self.insert_variants(tx, product, rows).await?;
            self.insert_levels(tx, rows).await?;
            self.insert_movements(tx, rows).await?;
        }
        Ok(())
    }

    async fn insert_variants(
        &self,
        tx: &mut Conn,
        product: Uuid,
        rows: &[Row<'_>],
    ) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO variants (id, product_id, position, sku, title, options, price,
             compare_at_price, currency, track_inventory, inventory_policy, requires_shipping,
             taxable, weight_grams, barcode, source_on_hand, archived, created_at, updated_at)
             VALUES {}",
            values(rows.len(), 19)
        );
        with!(tx, |c| {
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str()));
            for (position, id, draft) in rows {
                query = query
                    .bind(*id)
                    .bind(product)
                    .bind(*position)
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
                    .bind(false)
                    .bind(self.now())
                    .bind(self.now());
            }
            query.execute(c).await.map(drop)
        })
    }

    async fn insert_levels(&self, tx: &mut Conn, rows: &[Row<'_>]) -> Result<(), StoreError> {
        let sql = format!(
            "INSERT INTO stock_levels (variant_id, on_hand, reserved, updated_at) VALUES {}",
            values(rows.len(), 4)
        );
        with!(tx, |c| {
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str()));
            for (_, id, draft) in rows {
                query = query
                    .bind(*id)
                    .bind(draft.on_hand.unwrap_or(0))
                    .bind(0_i64)
                    .bind(self.now());
            }
            query.execute(c).await.map(drop)
        })
    }

    async fn insert_movements(&self, tx: &mut Conn, rows: &[Row<'_>]) -> Result<(), StoreError> {
        let stocked = rows.iter().filter_map(|(_, id, draft)| {
            let on_hand = draft.on_hand.filter(|on_hand| *on_hand != 0)?;
            Some((*id, on_hand))
        });
        let stocked: Vec<(Uuid, i64)> = stocked.collect();
        if stocked.is_empty() {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO stock_movements (id, variant_id, delta, on_hand_before, on_hand_after,
             reason, note, actor, reference, created_at) VALUES {}",
            values(stocked.len(), 10)
        );
        let movement = self.movement();
        with!(tx, |c| {
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str()));
            for (variant, on_hand) in &stocked {
                query = query
                    .bind(self.env.new_id())
                    .bind(*variant)
                    .bind(*on_hand)
                    .bind(0_i64)
                    .bind(*on_hand)
                    .bind(movement.reason.name())
                    .bind(movement.note)
                    .bind(movement.actor)
                    .bind(movement.reference)
                    .bind(self.now());
            }
            query.execute(c).await.map(drop)
        })
    }
}

/// Its place, its id, and what it is.
type Row<'a> = (i64, Uuid, &'a VariantDraft);

/// The placeholders of rows: `($1, $2), ($3, $4)`.
fn values(rows: usize, columns: usize) -> String {
    let row = |row: usize| {
        let first = row * columns;
        let places: Vec<String> = (1..=columns)
            .map(|place| format!("${}", first + place))
            .collect();
        format!("({})", places.join(", "))
    };
    let rows: Vec<String> = (0..rows).map(row).collect();
    rows.join(", ")
}

#[cfg(test)]
mod tests {
    #[test]
    fn placeholders_count_on() {
        assert_eq!(super::values(2, 3), "($1, $2, $3), ($4, $5, $6)");
    }
}

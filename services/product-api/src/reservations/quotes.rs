//! What variants are and cost now.

use std::collections::HashMap;

use techcommerce_contracts::product_api::{Image, Quote};
use techcommerce_kernel::{Error, Money, Uuid};
use techcommerce_store::{Conn, dialect::in_list, with};

use crate::catalogue::rows::{image, parsed};

/// A variant with what a checkout must know of it.
#[derive(Debug, Clone)]
pub struct Offer {
    /// What it is and costs.
    pub quote: Quote,
    /// Its product.
    pub product_id: Uuid,
    /// Whether its stock is counted.
    pub counted: bool,
    /// On hand less reserved, also below zero and also if nobody counts.
    pub left: i64,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    product_id: Uuid,
    handle: String,
    product_title: String,
    status: String,
    title: String,
    sku: Option<String>,
    price: i64,
    compare_at_price: Option<i64>,
    currency: String,
    track_inventory: bool,
    inventory_policy: String,
    archived: bool,
    on_hand: i64,
    reserved: i64,
    alt: Option<String>,
    image_id: Option<Uuid>,
    width: Option<i64>,
    height: Option<i64>,
}

/// The quotes of variants, each once, in no certain order. Unknown variants are left out.
pub async fn quotes(conn: &mut Conn, variants: &[Uuid]) -> Result<Vec<Quote>, Error> {
    let offers = offers(conn, variants).await?;
    Ok(offers.into_values().map(|offer| offer.quote).collect())
}

/// The offers of variants by their ids. Unknown variants are left out.
pub async fn offers(conn: &mut Conn, variants: &[Uuid]) -> Result<HashMap<Uuid, Offer>, Error> {
    let mut offers = HashMap::with_capacity(variants.len());
    for chunk in variants.chunks(500) {
        let sql = format!(
            "SELECT v.id, v.product_id, p.handle, p.title AS product_title, p.status, v.title, v.sku,
                    v.price, v.compare_at_price, v.currency, v.track_inventory, v.inventory_policy,
                    v.archived, s.on_hand, s.reserved, i.alt, i.image_id, i.width, i.height
             FROM variants v
             JOIN products p ON p.id = v.product_id
             JOIN stock_levels s ON s.variant_id = v.id
             LEFT JOIN product_images i ON i.product_id = p.id AND i.position = 0
             WHERE v.id IN {}",
            in_list(1, chunk.len())
        );
        let rows: Vec<Row> = with!(conn, |c| {
            let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()));
            for id in chunk {
                query = query.bind(*id);
            }
            query.fetch_all(c).await
        })?;
        for row in rows {
            offers.insert(row.id, offer(row)?);
        }
    }
    Ok(offers)
}

fn offer(row: Row) -> Result<Offer, Error> {
    let currency = parsed(&row.currency)?;
    let left = row.on_hand.saturating_sub(row.reserved);
    let picture: Option<Image> = row
        .alt
        .map(|alt| image(row.image_id, alt, row.width, row.height));
    Ok(Offer {
        product_id: row.product_id,
        counted: row.track_inventory,
        left,
        quote: Quote {
            variant_id: row.id,
            product_id: row.product_id,
            product_handle: parsed(&row.handle)?,
            product_title: row.product_title,
            variant_title: row.title,
            sku: row.sku,
            price: Money::new(row.price, currency),
            compare_at_price: row
                .compare_at_price
                .map(|amount| Money::new(amount, currency)),
            image: picture,
            for_sale: row.status == "active" && !row.archived,
            available: row.track_inventory.then_some(left.max(0)),
            inventory_policy: parsed(&row.inventory_policy)?,
        },
    })
}

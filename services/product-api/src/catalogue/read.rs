//! Reading products and categories from the database.

use std::collections::HashMap;

use techcommerce_contracts::{codes, product_api::ProductCounts};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::{Conn, StoreError, dialect::in_list, with};

use super::rows::{ImageRow, ProductRow, Record, VariantRow};

const PRODUCT: &str =
    "SELECT p.id, p.handle, p.title, p.description, p.vendor, c.handle AS category,
        p.tags, p.options, p.status, p.version, p.source_hash, p.created_at, p.updated_at
     FROM products p LEFT JOIN categories c ON c.id = p.category_id";

const VARIANT: &str = "SELECT v.id, v.product_id, v.position, v.sku, v.title, v.options, v.price,
        v.compare_at_price, v.currency, v.track_inventory, v.inventory_policy,
        v.requires_shipping, v.taxable, v.weight_grams, v.barcode, v.source_on_hand,
        s.on_hand, s.reserved
     FROM variants v JOIN stock_levels s ON s.variant_id = v.id WHERE v.archived = FALSE";

const IMAGE: &str =
    "SELECT product_id, alt, image_id, width, height, source_url FROM product_images";

/// How many ids one statement names.
const CHUNK: usize = 500;

/// A category.
#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct CategoryRow {
    pub id: Uuid,
    pub handle: String,
    pub title: String,
    pub description: String,
    pub position: i64,
}

/// All categories in their order.
pub async fn categories(conn: &mut Conn) -> Result<Vec<CategoryRow>, StoreError> {
    with!(conn, |c| sqlx::query_as(
        "SELECT id, handle, title, description, position FROM categories ORDER BY position, handle"
    )
    .fetch_all(c)
    .await)
}

/// The id of the category with a handle.
pub async fn category(conn: &mut Conn, handle: &str) -> Result<Option<Uuid>, StoreError> {
    with!(conn, |c| sqlx::query_scalar(
        "SELECT id FROM categories WHERE handle = $1"
    )
    .bind(handle)
    .fetch_optional(c)
    .await)
}

/// The ids of the products in a category.
pub async fn in_category(conn: &mut Conn, category: Uuid) -> Result<Vec<Uuid>, StoreError> {
    with!(conn, |c| sqlx::query_scalar(
        "SELECT id FROM products WHERE category_id = $1 ORDER BY id"
    )
    .bind(category)
    .fetch_all(c)
    .await)
}

/// The ids of products after `after` in the order of ids, at most `limit`.
pub async fn ids_after(conn: &mut Conn, after: Uuid, limit: i64) -> Result<Vec<Uuid>, StoreError> {
    with!(conn, |c| sqlx::query_scalar(
        "SELECT id FROM products WHERE id > $1 ORDER BY id LIMIT $2"
    )
    .bind(after)
    .bind(limit)
    .fetch_all(c)
    .await)
}

/// The id of the product with a handle.
pub async fn id_of(conn: &mut Conn, handle: &str) -> Result<Option<Uuid>, StoreError> {
    with!(conn, |c| sqlx::query_scalar(
        "SELECT id FROM products WHERE handle = $1"
    )
    .bind(handle)
    .fetch_optional(c)
    .await)
}

/// The product with an id.
///
/// # Errors
/// `product_not_found`.
pub async fn product(conn: &mut Conn, id: Uuid) -> Result<Record, Error> {
    products(conn, &[id]).await?.pop().ok_or_else(not_found)
}

/// `product_not_found`.
pub fn not_found() -> Error {
    Error::not_found(codes::PRODUCT_NOT_FOUND, "There is no such product.")
}

/// Products by their ids, in the order of ids. Unknown ones are left out.
pub async fn products(conn: &mut Conn, ids: &[Uuid]) -> Result<Vec<Record>, StoreError> {
    let mut records = Vec::with_capacity(ids.len());
    for chunk in ids.chunks(CHUNK) {
        let list = in_list(1, chunk.len());
        let rows: Vec<ProductRow> = select(
            conn,
            format!("{PRODUCT} WHERE p.id IN {list} ORDER BY p.id"),
            chunk,
        )
        .await?;
        let sql = format!("{VARIANT} AND v.product_id IN {list} ORDER BY v.position, v.id");
        let variants: Vec<VariantRow> = select(conn, sql, chunk).await?;
        let sql = format!("{IMAGE} WHERE product_id IN {list} ORDER BY position, id");
        let images: Vec<ImageRow> = select(conn, sql, chunk).await?;
        records.extend(assemble(rows, variants, images));
    }
    Ok(records)
}

fn assemble(
    rows: Vec<ProductRow>,
    variants: Vec<VariantRow>,
    images: Vec<ImageRow>,
) -> Vec<Record> {
    let mut variants_of: HashMap<Uuid, Vec<VariantRow>> = HashMap::new();
    for variant in variants {
        variants_of
            .entry(variant.product_id)
            .or_default()
            .push(variant);
    }
    let mut images_of: HashMap<Uuid, Vec<ImageRow>> = HashMap::new();
    for image in images {
        images_of.entry(image.product_id).or_default().push(image);
    }
    rows.into_iter()
        .map(|row| Record {
            variants: variants_of.remove(&row.id).unwrap_or_default(),
            images: images_of.remove(&row.id).unwrap_or_default(),
            row,
        })
        .collect()
}

async fn select<T>(conn: &mut Conn, sql: String, ids: &[Uuid]) -> Result<Vec<T>, StoreError>
where
    T: Send + Unpin,
    T: for<'r> sqlx::FromRow<'r, sqlx::postgres::PgRow>,
    T: for<'r> sqlx::FromRow<'r, sqlx::sqlite::SqliteRow>,
{
    with!(conn, |c| {
        let mut query = sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()));
        for id in ids {
            query = query.bind(*id);
        }
        query.fetch_all(c).await
    })
}

/// The catalogue in numbers. A variant is low on stock if fewer than `below` are left.
pub async fn counts(conn: &mut Conn, below: i64) -> Result<ProductCounts, StoreError> {
    let products: Vec<(String, i64)> = with!(conn, |c| sqlx::query_as(
        "SELECT status, COUNT(*) FROM products GROUP BY status"
    )
    .fetch_all(c)
    .await)?;
    let of = |status: &str| {
        let mut counts = products.iter();
        counts
            .find(|(name, _)| name == status)
            .map_or(0, |count| count.1)
    };
    // `CROSS JOIN` says to SQLite to begin with the levels, of which few are low.
    let (low_stock, out_of_stock): (i64, i64) = with!(conn, |c| {
        sqlx::query_as(
        "SELECT CAST(COALESCE(SUM(CASE WHEN s.on_hand > s.reserved THEN 1 ELSE 0 END), 0)
                AS BIGINT),
            CAST(COALESCE(SUM(CASE WHEN s.on_hand > s.reserved THEN 0 ELSE 1 END), 0) AS BIGINT)
         FROM stock_levels s CROSS JOIN variants v CROSS JOIN products p
         WHERE v.id = s.variant_id AND p.id = v.product_id AND s.on_hand - s.reserved < $1 AND v.track_inventory = TRUE AND v.archived = FALSE
         AND p.status = 'active'"
    )
    .bind(below)
    .fetch_one(c)
    .await
    })?;
    Ok(ProductCounts {
        active: of("active"),
        draft: of("draft"),
        archived: of("archived"),
        low_stock,
        out_of_stock,
    })
}

//! Lists of stock and of its movements, for staff.

use techcommerce_contracts::{
    ListQuery, Page,
    product_api::{StockItem, StockMovement, StockQuery},
};
use techcommerce_http::cursor;
use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Conn, with};

use crate::catalogue::{
    find::{Conditions, Search, Value},
    rows::parsed,
};

const COLUMNS: &str = "SELECT v.id AS variant_id, v.product_id, p.title AS product_title,
        p.handle AS product_handle, p.status AS product_status, v.title AS variant_title, v.sku,
        v.position, v.track_inventory, s.on_hand, s.reserved";

// `CROSS JOIN` is a join like any other to PostgreSQL; SQLite, which knows little of what is in
// its tables, takes them in this order.
const BY_PRODUCT: &str = "FROM variants v CROSS JOIN products p CROSS JOIN stock_levels s
     WHERE p.id = v.product_id AND s.variant_id = v.id";
const BY_LEVEL: &str = "FROM stock_levels s CROSS JOIN variants v CROSS JOIN products p
     WHERE v.id = s.variant_id AND p.id = v.product_id";

#[derive(Debug, sqlx::FromRow)]
struct ItemRow {
    variant_id: Uuid,
    product_id: Uuid,
    product_title: String,
    product_handle: String,
    product_status: String,
    variant_title: String,
    sku: Option<String>,
    position: i64,
    track_inventory: bool,
    on_hand: i64,
    reserved: i64,
}

impl ItemRow {
    fn available(&self) -> i64 {
        self.on_hand.saturating_sub(self.reserved)
    }

    fn shown(self) -> Result<StockItem, Error> {
        Ok(StockItem {
            available: self.available(),
            variant_id: self.variant_id,
            product_id: self.product_id,
            product_title: self.product_title,
            product_handle: parsed(&self.product_handle)?,
            product_status: parsed(&self.product_status)?,
            variant_title: self.variant_title,
            sku: self.sku,
            on_hand: self.on_hand,
            reserved: self.reserved,
            track_inventory: self.track_inventory,
        })
    }
}

/// Where a page ended: product, place and variant; below a number what is available and variant.
type ByProduct = (Uuid, i64, Uuid);
type ByAvailable = (i64, Uuid);

/// A page of the stock of all products that are not archived: the newest product first, or,
/// below a number, the fewest first.
///
/// # Errors
/// `invalid_input` with the place.
pub async fn items(conn: &mut Conn, query: &StockQuery) -> Result<Page<StockItem>, Error> {
    let limit = ListQuery {
        limit: query.limit,
        cursor: None,
    }
    .limit()?;
    let mut conditions = Conditions::default();
    conditions.and("v.archived = FALSE AND p.status <> 'archived'");
    if let Some(search) = Search::new(query.q.as_deref())? {
        let product = search.product(&mut conditions);
        let variant = search.variant(&mut conditions);
        conditions.and(&format!("({product} OR {variant})"));
    }
    let cursor = query.cursor.as_deref();
    let (tables, order) = match query.below {
        Some(below) => {
            let below = conditions.bind(Value::Number(below));
            conditions.and(&format!(
                "v.track_inventory = TRUE AND s.on_hand - s.reserved < {below}"
            ));
            if let Some(cursor) = cursor {
                let (available, id): ByAvailable = cursor::decode(cursor)?;
                let available = conditions.bind(Value::Number(available));
                let id = conditions.bind(Value::Id(id));
                conditions.and(&format!(
                    "(s.on_hand - s.reserved, s.variant_id) > ({available}, {id})"
                ));
            }
            (BY_LEVEL, "s.on_hand - s.reserved, s.variant_id")
        }
        None => {
            // The first page asks as the others do: it makes both engines go by the index.
            let (product, position, variant): ByProduct = match cursor {
                Some(cursor) => cursor::decode(cursor)?,
                None => (Uuid::max(), i64::MAX, Uuid::max()),
            };
            let product = conditions.bind(Value::Id(product));
            let position = conditions.bind(Value::Number(position));
            let variant = conditions.bind(Value::Id(variant));
            conditions.and(&format!(
                "v.product_id <= {product} AND (v.product_id < {product}
                 OR (v.position, v.id) > ({position}, {variant}))"
            ));
            (BY_PRODUCT, "v.product_id DESC, v.position, v.id")
        }
    };
    let sql = format!(
        "{COLUMNS} {tables} AND {} ORDER BY {order} LIMIT {}",
        conditions.sql(),
        limit + 1
    );
    let mut rows: Vec<ItemRow> = conditions.rows(conn, &sql).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = match rows.last().filter(|_| more) {
        None => None,
        Some(last) if query.below.is_some() => {
            Some(cursor::encode(&(last.available(), last.variant_id))?)
        }
        Some(last) => Some(cursor::encode(&(
            last.product_id,
            last.position,
            last.variant_id,
        ))?),
    };
    let items = rows.into_iter().map(ItemRow::shown);
    Ok(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor,
    })
}

#[derive(Debug, sqlx::FromRow)]
struct MovementRow {
    id: Uuid,
    created_at: i64,
    delta: i64,
    on_hand_after: i64,
    reason: String,
    note: Option<String>,
    reference: Option<String>,
    actor: String,
}

/// A page of a variant's movements, the newest first.
///
/// # Errors
/// `invalid_input` with the place.
pub async fn movements(
    conn: &mut Conn,
    variant_id: Uuid,
    query: &ListQuery,
) -> Result<Page<StockMovement>, Error> {
    let limit = query.limit()?;
    // Nothing is newer than the end of time.
    let (time, id): (i64, Uuid) = match query.cursor.as_deref() {
        Some(cursor) => cursor::decode(cursor)?,
        None => (i64::MAX, Uuid::max()),
    };
    let mut rows: Vec<MovementRow> = with!(conn, |c| sqlx::query_as(
        "SELECT id, created_at, delta, on_hand_after, reason, note, reference, actor
         FROM stock_movements WHERE variant_id = $1 AND (created_at, id) < ($2, $3)
         ORDER BY created_at DESC, id DESC LIMIT $4"
    )
    .bind(variant_id)
    .bind(time)
    .bind(id)
    .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX))
    .fetch_all(c)
    .await)?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = match rows.last() {
        Some(last) if more => Some(cursor::encode(&(last.created_at, last.id))?),
        _ => None,
    };
    let items = rows.into_iter().map(|row| StockMovement {
        id: row.id,
        at: Timestamp::from_micros(row.created_at),
        delta: row.delta,
        on_hand: row.on_hand_after,
        reason: row.reason,
        note: row.note,
        reference: row.reference,
        actor: row.actor,
    });
    Ok(Page {
        items: items.collect(),
        next_cursor,
    })
}

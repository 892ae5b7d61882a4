//! The rows of an order and all that belongs to it.

use std::collections::HashMap;

use sqlx::types::Json;
use techcommerce_contracts::images::Image;
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::{Conn, dialect::in_list, with};

use crate::path::State;

/// An order's row.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are described in the migration")]
pub struct OrderRow {
    pub id: Uuid,
    pub number: i64,
    pub reservation_id: Uuid,
    pub owner_id: Option<Uuid>,
    pub email: String,
    pub access_token: String,
    pub currency: String,
    pub shipping_method: String,
    pub discount_code: Option<String>,
    pub subtotal: i64,
    pub discount: i64,
    pub shipping: i64,
    pub tax: i64,
    pub tax_included: bool,
    pub total: i64,
    pub path: Json<State>,
    pub locale: String,
    pub placed_at: i64,
    pub method: String,
    pub token: Option<String>,
    pub client_secret: Option<String>,
    pub redirect_url: Option<String>,
}

/// A line's row.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are described in the migration")]
pub struct LineRow {
    pub id: Uuid,
    pub order_id: Uuid,
    pub position: i64,
    pub variant_id: Uuid,
    pub product_id: Uuid,
    pub product_handle: String,
    pub title: String,
    pub variant_title: String,
    pub sku: Option<String>,
    pub image: Option<Json<Image>>,
    pub quantity: i64,
    pub unit_price: i64,
    pub subtotal: i64,
    pub discount: i64,
    pub tax: i64,
}

/// Where it goes.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are described in the migration")]
pub struct AddressRow {
    pub order_id: Uuid,
    pub name: String,
    pub line1: String,
    pub line2: String,
    pub city: String,
    pub region: String,
    pub postal_code: String,
    pub country: String,
}

/// A refund's row.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are described in the migration")]
pub struct RefundRow {
    pub id: Uuid,
    pub order_id: Uuid,
    pub amount: i64,
    pub reason: String,
    pub customer_message: String,
    pub created_at: i64,
}

/// A shipment's row.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are described in the migration")]
pub struct ShipmentRow {
    pub id: Uuid,
    pub order_id: Uuid,
    pub carrier: Option<String>,
    pub tracking_number: Option<String>,
    pub created_at: i64,
}

/// A part of a shipment.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are described in the migration")]
pub struct ShipmentLineRow {
    pub shipment_id: Uuid,
    pub order_line_id: Uuid,
    pub quantity: i64,
}

/// An entry of the timeline.
#[derive(Debug, Clone, sqlx::FromRow)]
#[allow(missing_docs, reason = "the columns are described in the migration")]
pub struct EventRow {
    pub order_id: Uuid,
    pub kind: String,
    pub message: String,
    pub customer_message: String,
    pub actor: String,
    pub created_at: i64,
}

/// An order with all that belongs to it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The order.
    pub order: OrderRow,
    /// By position.
    pub lines: Vec<LineRow>,
    /// Where it goes.
    pub address: Option<AddressRow>,
    /// The oldest first.
    pub refunds: Vec<RefundRow>,
    /// The oldest first.
    pub shipments: Vec<(ShipmentRow, Vec<ShipmentLineRow>)>,
    /// The oldest first.
    pub events: Vec<EventRow>,
}

const ORDER: &str = "SELECT o.id, o.number, o.reservation_id, o.owner_id, o.email, \
     o.access_token, o.currency, o.shipping_method, o.discount_code, o.subtotal, o.discount, \
     o.shipping, o.tax, o.tax_included, o.total, o.path, o.locale, o.placed_at, p.method, p.token, \
     s.client_secret, s.redirect_url FROM orders o JOIN payments p ON p.order_id = o.id \
     LEFT JOIN stripe_payments s ON s.order_id = o.id WHERE o.id IN ";

/// Runs `sql` followed by the list of ids and `order`, and gives the rows.
macro_rules! by_orders {
    ($conn:expr, $ids:expr, $sql:expr, $order:expr, $row:ty) => {{
        let sql = format!("{} {} {}", $sql, in_list(1, $ids.len()), $order);
        with!($conn, |c| {
            let mut query = sqlx::query_as::<_, $row>(sqlx::AssertSqlSafe(sql.as_str()));
            for id in $ids {
                query = query.bind(*id);
            }
            query.fetch_all(c).await
        })
    }};
}

/// The order's row, if it is there.
///
/// # Errors
/// Those of the database.
pub async fn find(conn: &mut Conn, id: Uuid) -> Result<Option<OrderRow>, Error> {
    let rows: Vec<OrderRow> = by_orders!(conn, &[id], ORDER, "", OrderRow)?;
    Ok(rows.into_iter().next())
}

/// The order's lines by position.
///
/// # Errors
/// Those of the database.
pub async fn lines(conn: &mut Conn, ids: &[Uuid]) -> Result<Vec<LineRow>, Error> {
    const LINES: &str = "SELECT id, order_id, position, variant_id, product_id, product_handle, title, \
         variant_title, sku, image, quantity, unit_price, subtotal, discount, tax \
         FROM order_lines WHERE order_id IN";
    Ok(by_orders!(
        conn,
        ids,
        LINES,
        "ORDER BY order_id, position",
        LineRow
    )?)
}

const ADDRESSES: &str = "SELECT order_id, name, line1, line2, city, region, postal_code, country \
     FROM addresses WHERE order_id IN";

/// The order as it was when it was new: without what came to it later, as shipments, refunds and
/// the timeline.
///
/// # Errors
/// Those of the database.
pub async fn load_new(conn: &mut Conn, id: Uuid) -> Result<Option<Loaded>, Error> {
    let Some(order) = find(conn, id).await? else {
        return Ok(None);
    };
    let lines = lines(conn, &[id]).await?;
    let mut addresses: Vec<AddressRow> = by_orders!(conn, &[id], ADDRESSES, "", AddressRow)?;
    Ok(Some(Loaded {
        order,
        lines,
        address: addresses.pop(),
        refunds: Vec::new(),
        shipments: Vec::new(),
        events: Vec::new(),
    }))
}

/// Orders with all that belongs to them, in the order of `ids`; at most some hundreds. Ids that
/// are not there are left out.
///
/// # Errors
/// Those of the database.
pub async fn load(conn: &mut Conn, ids: &[Uuid]) -> Result<Vec<Loaded>, Error> {
    const REFUNDS: &str = "SELECT id, order_id, amount, reason, customer_message, created_at \
         FROM refunds WHERE order_id IN";
    const SHIPMENTS: &str = "SELECT id, order_id, carrier, tracking_number, created_at \
         FROM shipments WHERE order_id IN";
    const SHIPPED: &str = "SELECT l.shipment_id, l.order_line_id, l.quantity FROM shipment_lines l \
         JOIN order_lines o ON o.id = l.order_line_id WHERE o.order_id IN";
    const EVENTS: &str = "SELECT order_id, kind, message, customer_message, actor, created_at \
         FROM order_events WHERE order_id IN";
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let orders: Vec<OrderRow> = by_orders!(conn, ids, ORDER, "", OrderRow)?;
    let mut lines = grouped(lines(conn, ids).await?, |row| row.order_id);
    let addresses = by_orders!(conn, ids, ADDRESSES, "", AddressRow)?;
    let mut addresses = grouped(addresses, |row| row.order_id);
    let refunds = by_orders!(conn, ids, REFUNDS, "ORDER BY created_at, id", RefundRow)?;
    let mut refunds = grouped(refunds, |row| row.order_id);
    let shipments = by_orders!(conn, ids, SHIPMENTS, "ORDER BY created_at, id", ShipmentRow)?;
    let mut shipments = grouped(shipments, |row| row.order_id);
    let shipped = by_orders!(conn, ids, SHIPPED, "ORDER BY o.position", ShipmentLineRow)?;
    let mut shipped = grouped(shipped, |row| row.shipment_id);
    let events = by_orders!(conn, ids, EVENTS, "ORDER BY order_id, position", EventRow)?;
    let mut events = grouped(events, |row| row.order_id);
    let mut orders = grouped(orders, |row| row.id);
    let found = ids.iter().filter_map(|id| orders.remove(id)?.pop());
    Ok(found
        .map(|order| {
            let id = order.id;
            let with_lines = |shipment: ShipmentRow| {
                let lines = shipped.remove(&shipment.id).unwrap_or_default();
                (shipment, lines)
            };
            Loaded {
                order,
                lines: lines.remove(&id).unwrap_or_default(),
                address: addresses.remove(&id).and_then(|mut rows| rows.pop()),
                refunds: refunds.remove(&id).unwrap_or_default(),
                shipments: shipments
                    .remove(&id)
                    .unwrap_or_default()
                    .into_iter()
                    .map(with_lines)
                    .collect(),
                events: events.remove(&id).unwrap_or_default(),
            }
        })
        .collect())
}

fn grouped<T>(rows: Vec<T>, key: impl Fn(&T) -> Uuid) -> HashMap<Uuid, Vec<T>> {
    let mut groups: HashMap<Uuid, Vec<T>> = HashMap::new();
    for row in rows {
        groups.entry(key(&row)).or_default().push(row);
    }
    groups
}

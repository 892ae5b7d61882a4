//! Orders as they are stored, changed and shown.

mod attention;
mod change;
mod insert;
mod list;
mod log;
mod notes;
mod rows;
mod shipments;
mod summary;
mod view;
mod words;

use techcommerce_contracts::{codes, order_api::Order};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::Conn;

pub(crate) use change::add_event;
pub use change::{CONTRADICTION, Cause, Changed, change, lock};
pub use insert::{NewLine, NewOrder, insert};
pub use list::{Filter, list};
pub use log::record;
pub use notes::note;
#[cfg(test)]
pub use rows::{AddressRow, EventRow, LineRow, RefundRow, ShipmentRow};
pub use rows::{Loaded, OrderRow, find, lines, load, load_new};
pub use shipments::{NewShipment, insert_shipment, is_known_shipment};
pub use summary::summary;
pub use view::Audience;

use crate::app::App;

/// There is no such order, or the caller may not know of it.
pub fn not_found() -> Error {
    Error::not_found(codes::ORDER_NOT_FOUND, "There is no such order.")
}

/// What is stored cannot be read: our fault.
pub fn unreadable(why: impl std::fmt::Display) -> Error {
    Error::internal(format!("an order cannot be read: {why}"))
}

/// An order that was just written, as it is shown to `audience`.
///
/// # Errors
/// `internal` if it cannot be.
pub fn shown(loaded: Loaded, audience: Audience) -> Result<Order, Error> {
    view::view(loaded, audience)
}

/// The order as it is shown.
///
/// # Errors
/// `order_not_found`.
pub async fn show(app: &App, id: Uuid, audience: Audience) -> Result<Order, Error> {
    let mut conn = app.db.read().await?;
    show_in(&mut conn, id, audience).await
}

/// The order as it is shown, as this connection or transaction sees it.
///
/// # Errors
/// `order_not_found`.
pub async fn show_in(conn: &mut Conn, id: Uuid, audience: Audience) -> Result<Order, Error> {
    let orders = load(conn, &[id]).await?;
    let order = orders.into_iter().next().ok_or_else(not_found)?;
    view::view(order, audience)
}

/// The variants of an order's lines, by position.
///
/// # Errors
/// Those of the database.
pub async fn variants(conn: &mut Conn, id: Uuid) -> Result<Vec<Uuid>, Error> {
    let lines = lines(conn, &[id]).await?;
    Ok(lines.into_iter().map(|line| line.variant_id).collect())
}

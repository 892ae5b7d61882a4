//! Shipments as they are written.

use std::collections::BTreeSet;

use techcommerce_contracts::codes;
use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_store::{Conn, execute, with};

/// A shipment that is yet to be written.
#[derive(Debug)]
pub struct NewShipment<'a> {
    /// Its id.
    pub id: Uuid,
    /// Of this order.
    pub order: Uuid,
    /// Who carries it.
    pub carrier: Option<String>,
    /// The carrier's number for it.
    pub tracking_number: Option<String>,
    /// Who sent it.
    pub actor: &'a str,
}

/// Whether this very shipment was written before. `lines` are `(position, quantity)`; `None` asks
/// for all that was left, whatever that was.
///
/// # Errors
/// `idempotency_key_reused` if it was another one.
pub async fn is_known_shipment(
    tx: &mut Conn,
    shipment: &NewShipment<'_>,
    lines: Option<&[(u32, i64)]>,
) -> Result<bool, Error> {
    const FIND: &str = "SELECT carrier, tracking_number FROM shipments WHERE id = $1";
    const LINES: &str = "SELECT o.position, l.quantity FROM shipment_lines l \
         JOIN order_lines o ON o.id = l.order_line_id WHERE l.shipment_id = $1";
    let found: Option<(Option<String>, Option<String>)> = with!(tx, |c| sqlx::query_as(FIND)
        .bind(shipment.id)
        .fetch_optional(c)
        .await)?;
    let Some((carrier, tracking_number)) = found else {
        return Ok(false);
    };
    let sent: Vec<(i64, i64)> = with!(tx, |c| sqlx::query_as(LINES)
        .bind(shipment.id)
        .fetch_all(c)
        .await)?;
    let sent: BTreeSet<_> = sent.into_iter().collect();
    let same_lines = lines.is_none_or(|lines| {
        let lines = lines.iter().map(|&(position, n)| (i64::from(position), n));
        lines.collect::<BTreeSet<_>>() == sent
    });
    if same_lines && carrier == shipment.carrier && tracking_number == shipment.tracking_number {
        return Ok(true);
    }
    Err(Error::unprocessable(
        codes::IDEMPOTENCY_KEY_REUSED,
        "The same key was used for another shipment.",
    ))
}

/// Writes a shipment of these `(position, quantity)`.
///
/// # Errors
/// Those of the database.
pub async fn insert_shipment(
    tx: &mut Conn,
    env: &Env,
    shipment: &NewShipment<'_>,
    lines: &[(u32, i64)],
) -> Result<(), Error> {
    const SHIPMENT: &str = "INSERT INTO shipments \
         (id, order_id, carrier, tracking_number, actor, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    const LINE: &str = "INSERT INTO shipment_lines (shipment_id, order_line_id, quantity) \
         SELECT $1, id, $2 FROM order_lines WHERE order_id = $3 AND position = $4";
    execute!(
        tx,
        sqlx::query(SHIPMENT)
            .bind(shipment.id)
            .bind(shipment.order)
            .bind(shipment.carrier.as_deref())
            .bind(shipment.tracking_number.as_deref())
            .bind(shipment.actor)
            .bind(env.now().as_micros())
    )?;
    for &(position, quantity) in lines {
        execute!(
            tx,
            sqlx::query(LINE)
                .bind(shipment.id)
                .bind(quantity)
                .bind(shipment.order)
                .bind(i64::from(position))
        )?;
    }
    Ok(())
}

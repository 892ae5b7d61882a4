//! Putting parts of an order back into the stock.

use std::collections::BTreeSet;

use techcommerce_contracts::{codes, product_api::RestockRequest};
use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_store::{Conn, execute, with};

use super::{
    lines::{hash, sum},
    rows::find,
};
use crate::{
    changes::{self, Change},
    stock::{self, Movement, Reason},
};

/// Restocks lines of the order `reference`, once for each id, and never more than it took.
///
/// # Errors
/// `invalid_input`; `reservation_not_found` if no claimed reservation has this reference;
/// `restock_exceeds_sold`; `reservation_mismatch` if the id came with other lines before.
pub async fn restock(
    tx: &mut Conn,
    env: &Env,
    request: &RestockRequest,
    actor: &str,
) -> Result<Option<i64>, Error> {
    let lines = sum(&request.lines)?;
    let lines_hash = hash(&lines);
    let variants: Vec<Uuid> = lines.keys().copied().collect();
    stock::lock(tx, &variants).await?;
    let known: Option<String> = with!(tx, |c| sqlx::query_scalar(
        "SELECT lines_hash FROM restocks WHERE id = $1"
    )
    .bind(request.id)
    .fetch_optional(c)
    .await)?;
    match known {
        Some(hash) if hash == lines_hash => return Ok(None),
        Some(_) => {
            return Err(Error::conflict(
                codes::RESERVATION_MISMATCH,
                "This restock was made with other lines.",
            ));
        }
        None => {}
    }
    let reservation: Option<Uuid> = with!(tx, |c| {
        sqlx::query_scalar(
        "SELECT id FROM reservations WHERE reference = $1 AND state = 'claimed' ORDER BY id LIMIT 1"
    )
    .bind(request.reference.as_str())
    .fetch_optional(c)
    .await
    })?;
    let reservation = reservation.ok_or_else(|| {
        Error::not_found(
            codes::RESERVATION_NOT_FOUND,
            "This order has taken no stock.",
        )
    })?;
    execute!(
        tx,
        sqlx::query(
            "INSERT INTO restocks (id, reservation_id, reason, lines_hash, created_at)
             VALUES ($1, $2, $3, $4, $5)"
        )
        .bind(request.id)
        .bind(reservation)
        .bind(request.reason.as_str())
        .bind(lines_hash.as_str())
        .bind(env.now().as_micros())
    )?;
    let stored = find(tx, reservation).await?;
    let mut changed = BTreeSet::new();
    for (variant, quantity) in &lines {
        let rows = execute!(
            tx,
            sqlx::query(
                "UPDATE reservation_lines SET restocked = restocked + $1
                 WHERE reservation_id = $2 AND variant_id = $3 AND restocked + $1 <= quantity"
            )
            .bind(*quantity)
            .bind(reservation)
            .bind(*variant)
        )?;
        if rows == 0 {
            return Err(Error::conflict(
                codes::RESTOCK_EXCEEDS_SOLD,
                "More than the order took and has not given back.",
            ));
        }
        let line = stored.counted().find(|line| line.variant_id == *variant);
        if let Some(line) = line {
            let movement = Movement {
                reason: Reason::Restock,
                actor,
                note: Some(&request.reason),
                reference: Some(&request.reference),
            };
            stock::add(tx, env, *variant, *quantity, None, movement).await?;
            changed.insert(Change::stock(line.quote.product_id));
        }
    }
    Ok(changes::record(tx, env.now(), &changed).await?)
}

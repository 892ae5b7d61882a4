//! Giving a reservation's stock back as a whole.

use std::collections::BTreeSet;

use techcommerce_contracts::product_api::{Reservation, ReservationState};
use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_store::{Conn, execute};

use super::{reserve::overtaken, rows::find};
use crate::{
    changes::{self, Change},
    stock::{self, Movement, Reason},
};

/// Releases a reservation in whatever state it is; releasing twice is releasing once. A claimed
/// one gives back all that has not come back yet.
///
/// # Errors
/// `reservation_not_found`.
pub async fn release(
    tx: &mut Conn,
    env: &Env,
    id: Uuid,
    actor: &str,
) -> Result<(Reservation, Option<i64>), Error> {
    let reservation = find(tx, id).await?;
    if reservation.state == ReservationState::Released {
        return Ok((reservation.answer(), None));
    }
    let variants: Vec<Uuid> = reservation.counted().map(|line| line.variant_id).collect();
    stock::lock(tx, &variants).await?;
    let rows = execute!(
        tx,
        sqlx::query(
            "UPDATE reservations SET state = 'released', updated_at = $1
             WHERE id = $2 AND state = $3"
        )
        .bind(env.now().as_micros())
        .bind(id)
        .bind(reservation.state.name())
    )?;
    if rows == 0 {
        return Err(overtaken());
    }
    let mut changed = BTreeSet::new();
    for line in reservation.counted() {
        match reservation.state {
            ReservationState::Held => {
                stock::unreserve(tx, env, line.variant_id, line.quantity).await?;
            }
            ReservationState::Claimed => {
                let delta = take_back(tx, id, line.variant_id).await?;
                if delta == 0 {
                    continue;
                }
                let reference = reservation.reference.as_deref();
                let movement = Movement {
                    reason: Reason::Release,
                    actor,
                    note: None,
                    reference,
                };
                stock::add(tx, env, line.variant_id, delta, None, movement).await?;
            }
            ReservationState::Released | ReservationState::Expired => continue,
        }
        changed.insert(Change::stock(line.quote.product_id));
    }
    let position = changes::record(tx, env.now(), &changed).await?;
    Ok((find(tx, id).await?.answer(), position))
}

/// Marks a claimed line as wholly come back and gives how much of it had not.
async fn take_back(tx: &mut Conn, reservation: Uuid, variant: Uuid) -> Result<i64, Error> {
    use techcommerce_store::with;
    let open: i64 = with!(tx, |c| sqlx::query_scalar(
        "SELECT quantity - restocked FROM reservation_lines
         WHERE reservation_id = $1 AND variant_id = $2"
    )
    .bind(reservation)
    .bind(variant)
    .fetch_one(c)
    .await)?;
    execute!(
        tx,
        sqlx::query(
            "UPDATE reservation_lines SET restocked = quantity
             WHERE reservation_id = $1 AND variant_id = $2"
        )
        .bind(reservation)
        .bind(variant)
    )?;
    Ok(open)
}

//! Turning held stock into sold stock.

use std::collections::BTreeSet;

use techcommerce_contracts::{
    codes,
    product_api::{Reservation, ReservationState, Shortage},
};
use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_store::{Conn, execute};

use super::{
    lines::short,
    plan::suffices,
    quotes::offers,
    reserve::overtaken,
    rows::{Stored, find},
};
use crate::{
    changes::{self, Change},
    stock::{self, Movement, Reason},
};

/// Claims a reservation for the order `reference`: `on_hand` falls, the promise is kept.
///
/// The inner result is the answer, also when it is a refusal that changed something; the outer
/// error means that nothing happened. Gives the position in the change feed beside it.
///
/// # Errors
/// `reservation_not_found`; `reservation_released` if it was given up; `reservation_mismatch` if
/// another order has claimed it; inside,
/// `reservation_expired` with the lines that are short if the stock is no longer there: that is the end
/// of the reservation.
pub async fn claim(
    tx: &mut Conn,
    env: &Env,
    id: Uuid,
    reference: &str,
    actor: &str,
) -> Result<(Result<Reservation, Error>, Option<i64>), Error> {
    let reservation = find(tx, id).await?;
    let held = match reservation.state {
        ReservationState::Claimed if reservation.reference.as_deref() != Some(reference) => {
            return Err(Error::conflict(
                codes::RESERVATION_MISMATCH,
                "Another order has claimed this reservation.",
            ));
        }
        ReservationState::Claimed => return Ok((Ok(reservation.answer()), None)),
        ReservationState::Released => {
            return Err(Error::conflict(
                codes::RESERVATION_RELEASED,
                "The reservation was given up.",
            ));
        }
        ReservationState::Held => true,
        ReservationState::Expired => false,
    };
    let shortages = shortages(tx, &reservation, held).await?;
    if !shortages.is_empty() {
        let position = give_up(tx, env, &reservation).await?;
        let message = "The reservation ran out and the stock is gone.";
        return Ok((
            Err(short(codes::RESERVATION_EXPIRED, message, &shortages)),
            position,
        ));
    }
    let rows = execute!(
        tx,
        sqlx::query(
            "UPDATE reservations SET state = 'claimed', reference = $1, updated_at = $2
             WHERE id = $3 AND state = $4"
        )
        .bind(reference)
        .bind(env.now().as_micros())
        .bind(id)
        .bind(reservation.state.name())
    )?;
    if rows == 0 {
        return Err(overtaken());
    }
    let taken: Vec<(Uuid, i64)> = reservation
        .counted()
        .map(|line| (line.variant_id, line.quantity))
        .collect();
    let movement = Movement {
        reason: Reason::Sale,
        actor,
        note: None,
        reference: Some(reference),
    };
    stock::take(tx, env, &taken, held, movement).await?;
    let changed = changed(&reservation);
    let position = changes::record(tx, env.now(), &changed).await?;
    let claimed = Stored {
        state: ReservationState::Claimed,
        reference: Some(reference.to_owned()),
        ..reservation
    };
    Ok((Ok(claimed.answer()), position))
}

/// The products whose stock it is.
fn changed(reservation: &Stored) -> BTreeSet<Change> {
    let lines = reservation.counted();
    lines
        .map(|line| Change::stock(line.quote.product_id))
        .collect()
}

/// The lines that cannot be had, seen under the rows' locks.
///
/// What is held was promised; it is short only if staff have counted fewer since, and then it is
/// better not sold than sold without being there.
async fn shortages(
    tx: &mut Conn,
    reservation: &Stored,
    held: bool,
) -> Result<Vec<Shortage>, Error> {
    let variants: Vec<Uuid> = reservation.counted().map(|line| line.variant_id).collect();
    let levels = stock::lock(tx, &variants).await?;
    let offers = offers(tx, &variants).await?;
    let mut shortages = Vec::new();
    for line in reservation.counted() {
        let level = levels
            .iter()
            .find(|level| level.variant_id == line.variant_id);
        let left = level.map_or(0, |level| {
            if held {
                level.on_hand
            } else {
                level.available()
            }
        });
        let enough = offers
            .get(&line.variant_id)
            .is_some_and(|offer| suffices(offer, left, line.quantity));
        if !enough {
            shortages.push(Shortage {
                variant_id: line.variant_id,
                requested: line.quantity,
                available: left.max(0),
            });
        }
    }
    Ok(shortages)
}

/// A promise that cannot be kept holds nothing, and is never taken up again: the order is over as soon
/// as it hears of this, and the same claim may be delivered once more when the stock is back.
async fn give_up(tx: &mut Conn, env: &Env, reservation: &Stored) -> Result<Option<i64>, Error> {
    let rows = execute!(
        tx,
        sqlx::query(
            "UPDATE reservations SET state = 'released', updated_at = $1
             WHERE id = $2 AND state = $3"
        )
        .bind(env.now().as_micros())
        .bind(reservation.id)
        .bind(reservation.state.name())
    )?;
    if rows == 0 {
        return Err(overtaken());
    }
    if reservation.state != ReservationState::Held {
        return Ok(None);
    }
    let back: Vec<(Uuid, i64)> = reservation
        .counted()
        .map(|line| (line.variant_id, -line.quantity))
        .collect();
    stock::promise(tx, env, &back).await?;
    Ok(changes::record(tx, env.now(), &changed(reservation)).await?)
}

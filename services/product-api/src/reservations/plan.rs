//! Decides requests for stock, without I/O.

use std::collections::{BTreeMap, HashMap};

use techcommerce_contracts::{
    codes,
    product_api::{InventoryPolicy, Reservation, ReservationState, Shortage},
};
use techcommerce_kernel::{Error, Timestamp, Uuid};

use super::{
    lines::{Wanted, out_of_stock, short},
    quotes::Offer,
    rows::Stored,
};

/// What is to become of a request.
#[derive(Debug)]
pub enum Verdict {
    /// It was answered before and still holds.
    Repeat(Reservation),
    /// It ran out, but nobody has taken the stock back yet: it holds until the new deadline.
    Renew,
    /// Its stock is to be held.
    Take {
        /// The reservation is there from before, without stock.
        again: bool,
    },
    /// It cannot be had.
    Refuse(Error),
}

/// Decides `wanted` one after another; what one takes is gone for the next. `offers` says how
/// much of each variant is left.
pub fn plan(
    wanted: &[&Wanted],
    stored: &HashMap<Uuid, Stored>,
    offers: &HashMap<Uuid, Offer>,
    now: Timestamp,
) -> Vec<Verdict> {
    let mut left: HashMap<Uuid, i64> = offers.iter().map(|(id, offer)| (*id, offer.left)).collect();
    wanted
        .iter()
        .map(|request| decide(request, stored.get(&request.id), offers, &mut left, now))
        .collect()
}

fn decide(
    request: &Wanted,
    before: Option<&Stored>,
    offers: &HashMap<Uuid, Offer>,
    left: &mut HashMap<Uuid, i64>,
    now: Timestamp,
) -> Verdict {
    if let Some(before) = before {
        if before.lines_hash != request.hash {
            return Verdict::Refuse(Error::conflict(
                codes::RESERVATION_MISMATCH,
                "This reservation was made with other lines.",
            ));
        }
        match before.state {
            ReservationState::Claimed => return Verdict::Repeat(before.answer()),
            ReservationState::Held if before.deadline > now => {
                return Verdict::Repeat(before.answer());
            }
            ReservationState::Held => return Verdict::Renew,
            // A request that was long on its way, and comes again after the stock was given back or a
            // claim was refused: to hold it once more would let a claim that is as late sell to an
            // order that is over.
            ReservationState::Released => {
                return Verdict::Refuse(Error::conflict(
                    codes::RESERVATION_RELEASED,
                    "The reservation was given up.",
                ));
            }
            ReservationState::Expired => {}
        }
    }
    if let Err(error) = check(&request.lines, offers, left) {
        return Verdict::Refuse(error);
    }
    for (variant, quantity) in &request.lines {
        if offers.get(variant).is_some_and(|offer| offer.counted)
            && let Some(left) = left.get_mut(variant)
        {
            *left -= quantity;
        }
    }
    Verdict::Take {
        again: before.is_some(),
    }
}

fn check(
    lines: &BTreeMap<Uuid, i64>,
    offers: &HashMap<Uuid, Offer>,
    left: &HashMap<Uuid, i64>,
) -> Result<(), Error> {
    let mut not_for_sale = Vec::new();
    let mut short_of = Vec::new();
    for (variant, quantity) in lines {
        let shortage = |available: i64| Shortage {
            variant_id: *variant,
            requested: *quantity,
            available: available.max(0),
        };
        match offers.get(variant) {
            Some(offer) if offer.quote.for_sale => {
                let left = left.get(variant).copied().unwrap_or_default();
                if !suffices(offer, left, *quantity) {
                    short_of.push(shortage(left));
                }
            }
            _ => not_for_sale.push(shortage(0)),
        }
    }
    if !not_for_sale.is_empty() {
        let message = "Something of it is no longer sold.";
        return Err(short(codes::NOT_FOR_SALE, message, &not_for_sale));
    }
    if !short_of.is_empty() {
        return Err(out_of_stock(&short_of));
    }
    Ok(())
}

/// Whether `quantity` may be taken when `left` are there.
pub fn suffices(offer: &Offer, left: i64, quantity: i64) -> bool {
    !offer.counted || offer.quote.inventory_policy == InventoryPolicy::Continue || left >= quantity
}

/// How much of each counted variant all that is taken comes to.
pub fn taken(decided: &[(&Wanted, Verdict)], offers: &HashMap<Uuid, Offer>) -> BTreeMap<Uuid, i64> {
    let mut sums = BTreeMap::new();
    for (request, verdict) in decided {
        if !matches!(verdict, Verdict::Take { .. }) {
            continue;
        }
        for (variant, quantity) in &request.lines {
            if offers.get(variant).is_some_and(|offer| offer.counted) {
                *sums.entry(*variant).or_insert(0) += quantity;
            }
        }
    }
    sums
}

//! What a caller asks for, in one form.

use std::{collections::BTreeMap, time::Duration};

use sha2::{Digest, Sha256};
use techcommerce_contracts::{
    codes,
    product_api::{LineRequest, ReserveRequest, Shortage},
};
use techcommerce_kernel::{Error, Quantity, Timestamp, Uuid};

use crate::catalogue::draft::hex;

/// The most lines that one reservation may have.
const MAX_LINES: usize = 500;

/// What is to be reserved: each variant once, in the order of ids.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The reservation's id.
    pub id: Uuid,
    /// Pieces by variant.
    pub lines: BTreeMap<Uuid, i64>,
    /// When the stock goes back by itself.
    pub deadline: Timestamp,
    /// Of the lines, to know the same request again.
    pub hash: String,
}

impl Wanted {
    /// Adds up the lines of each variant.
    ///
    /// # Errors
    /// `invalid_input` if there are no lines or too many, or a deadline that has passed.
    pub fn new(request: &ReserveRequest, now: Timestamp) -> Result<Self, Error> {
        let deadline = match request.hold_seconds {
            Some(seconds) => now + Duration::from_secs(seconds.into()),
            // The version before says a time of its own clock.
            None => request.deadline,
        };
        if deadline <= now {
            let field = request.hold_seconds.map_or("deadline", |_| "hold_seconds");
            return Err(Error::invalid_field(field, "must lie in the future"));
        }
        let lines = sum(&request.lines)?;
        let hash = hash(&lines);
        Ok(Self {
            id: request.id,
            lines,
            deadline,
            hash,
        })
    }
}

/// Pieces by variant, of a list in which variants may repeat.
///
/// # Errors
/// `invalid_input` if there are no lines or too many, or more pieces than one line may hold.
pub fn sum(lines: &[LineRequest]) -> Result<BTreeMap<Uuid, i64>, Error> {
    if lines.is_empty() || lines.len() > MAX_LINES {
        let message = format!("must hold 1 to {MAX_LINES} lines");
        return Err(Error::invalid_field("lines", message));
    }
    let mut sums = BTreeMap::new();
    for (index, line) in lines.iter().enumerate() {
        let sum = sums.entry(line.variant_id).or_insert(0_i64);
        *sum += line.quantity.get();
        if *sum > Quantity::MAX {
            let path = format!("lines[{index}].quantity");
            let message = format!("is more than {} of one variant in all", Quantity::MAX);
            return Err(Error::invalid_field(path, message));
        }
    }
    Ok(sums)
}

/// The same lines have the same hash.
pub fn hash(lines: &BTreeMap<Uuid, i64>) -> String {
    let mut digest = Sha256::new();
    for (variant, quantity) in lines {
        digest.update(variant.as_bytes());
        digest.update(quantity.to_be_bytes());
    }
    hex(&digest.finalize())
}

/// An error that names each line that cannot be had.
pub fn short(code: &'static str, message: &'static str, lines: &[Shortage]) -> Error {
    Error::conflict(code, message).with_detail(serde_json::json!({ "lines": lines }))
}

/// `out_of_stock`.
pub fn out_of_stock(lines: &[Shortage]) -> Error {
    short(
        codes::OUT_OF_STOCK,
        "There is not enough stock for all of it.",
        lines,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000_000;

    fn deadline(deadline: i64, hold_seconds: Option<u32>) -> Result<i64, Error> {
        let line = LineRequest {
            variant_id: Uuid::from_u128(1),
            quantity: Quantity::new(1).unwrap(),
        };
        let request = ReserveRequest {
            id: Uuid::from_u128(2),
            lines: vec![line],
            deadline: Timestamp::from_micros(NOW + deadline * 1_000_000),
            hold_seconds,
        };
        let wanted = Wanted::new(&request, Timestamp::from_micros(NOW))?;
        Ok((wanted.deadline.as_micros() - NOW) / 1_000_000)
    }

    #[test]
    fn a_duration_counts_whatever_the_callers_clock_says() {
        assert_eq!(
            deadline(-3600, Some(60)).unwrap(),
            60,
            "a clock that is behind"
        );
        assert_eq!(
            deadline(3600, Some(60)).unwrap(),
            60,
            "a clock that is ahead"
        );
        let error = deadline(60, Some(0)).unwrap_err();
        assert_eq!(error.fields()[0].path, "hold_seconds");
    }

    #[test]
    fn the_version_before_says_a_time() {
        assert_eq!(deadline(60, None).unwrap(), 60);
        let error = deadline(-1, None).unwrap_err();
        assert_eq!(error.fields()[0].path, "deadline");
    }
}

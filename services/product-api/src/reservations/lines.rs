//! What a caller asks for, in one form.

use std::collections::BTreeMap;

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
        if request.deadline <= now {
            return Err(Error::invalid_field("deadline", "must lie in the future"));
        }
        let lines = sum(&request.lines)?;
        let hash = hash(&lines);
        Ok(Self {
            id: request.id,
            lines,
            deadline: request.deadline,
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

//! Discounts and how they are shared out.

/// What a discount code takes off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reduction {
    /// Hundredths of a percent: 1000 is 10 %.
    Percent(i64),
    /// Minor units.
    Amount(i64),
}

impl Reduction {
    /// What it takes off goods of this price, in minor units: never more than the price. A
    /// percentage is rounded half up.
    pub fn amount_off(self, subtotal: i64) -> i64 {
        let off = match self {
            Self::Percent(basis_points) => divide_half_up(subtotal, basis_points, 10_000),
            Self::Amount(amount) => amount,
        };
        off.clamp(0, subtotal.max(0))
    }
}

/// `value * numerator / denominator`, rounded half up, for values that are not negative.
pub(super) fn divide_half_up(value: i64, numerator: i64, denominator: i64) -> i64 {
    let product = i128::from(value) * i128::from(numerator);
    let denominator = i128::from(denominator);
    let rounded = (2 * product + denominator).div_euclid(2 * denominator);
    i64::try_from(rounded).unwrap_or(i64::MAX)
}

/// Shares `amount` out in proportion to `weights`. The shares add up to `amount` exactly, and none
/// is larger than its weight as long as `amount` is not larger than their sum.
///
/// Each share is the difference of two rounded-down running totals, so that the cents that do not
/// divide are spread and no line depends on how the others are sorted by size.
pub fn allocate(amount: i64, weights: &[i64]) -> Vec<i64> {
    let sum: i128 = weights.iter().map(|&weight| i128::from(weight)).sum();
    let mut running: i128 = 0;
    let mut given: i128 = 0;
    let share = |&weight: &i64| {
        running += i128::from(weight);
        let until_here = (i128::from(amount) * running).checked_div(sum).unwrap_or(0);
        let share = until_here - given;
        given = until_here;
        i64::try_from(share).unwrap_or(0)
    };
    weights.iter().map(share).collect()
}

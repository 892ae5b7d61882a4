//! Tax at one flat rate.

use super::discount::divide_half_up;

/// How tax is computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tax {
    /// Whether prices include it.
    pub included: bool,
    /// Hundredths of a percent: 1900 is 19 %.
    pub basis_points: i64,
}

impl Tax {
    /// The tax in `amount`, or on it, rounded half up.
    pub fn of(self, amount: i64) -> i64 {
        if self.included {
            divide_half_up(amount, self.basis_points, 10_000 + self.basis_points)
        } else {
            divide_half_up(amount, self.basis_points, 10_000)
        }
    }

    /// What is paid for `amount` that carries `tax`.
    pub fn gross(self, amount: i64, tax: i64) -> i64 {
        if self.included { amount } else { amount + tax }
    }
}

//! Bars as an inline SVG: no script, no inline style. The template adds a table that says the same.

use techcommerce_contracts::order_api::DaySummary;
use techcommerce_kernel::Money;

use super::{Frame, parts::short_day};

/// How high the drawing is; its width follows from the number of bars.
pub const HEIGHT: i64 = 100;
const STEP: i64 = 10;

/// A chart of days.
#[derive(Debug, Default)]
pub struct Chart {
    /// The drawing's width.
    pub width: i64,
    /// One for each day, the oldest first.
    pub bars: Vec<Bar>,
    /// What the top of the drawing stands for.
    pub top: String,
    /// What its middle stands for.
    pub middle: String,
    /// The first day.
    pub first: String,
    /// The last day.
    pub last: String,
    /// All days added up.
    pub sum: String,
    /// How many orders all days had.
    pub orders: i64,
}

/// A day.
#[derive(Debug)]
pub struct Bar {
    pub x: i64,
    pub y: i64,
    pub height: i64,
    /// As `21 Nov 2026`.
    pub day: String,
    /// As `€1,200.00`.
    pub amount: String,
    pub refunded: String,
    pub orders: i64,
}

impl Chart {
    /// The revenue of `days`.
    pub fn of(page: &Frame, days: &[DaySummary]) -> Self {
        let Some(currency) = days.first().map(|day| day.revenue.currency) else {
            return Self::default();
        };
        let unit = 10_i64.pow(currency.exponent());
        let most = days.iter().map(|day| day.revenue.amount).max();
        let top = ceiling(most.unwrap_or(0), unit);
        let day = |date: &str| short_day(page.texts(), date);
        let money = |amount| page.money(Money::new(amount, currency));
        let bars = (0_i64..).zip(days).map(|(place, summary)| {
            let share = summary.revenue.amount.max(0).saturating_mul(HEIGHT) / top;
            // What is there at all can be seen.
            let height = if summary.revenue.amount > 0 {
                share.max(1)
            } else {
                0
            };
            Bar {
                x: place * STEP + 1,
                y: HEIGHT - height,
                height,
                day: day(&summary.date),
                amount: page.money(summary.revenue),
                refunded: page.money(summary.refunded),
                orders: summary.orders,
            }
        });
        let sum = days
            .iter()
            .fold(0_i64, |sum, day| sum.saturating_add(day.revenue.amount));
        let count = i64::try_from(days.len()).unwrap_or(i64::MAX);
        Self {
            width: count.saturating_mul(STEP),
            bars: bars.collect(),
            top: money(top),
            middle: money(top / 2),
            first: days.first().map(|d| day(&d.date)).unwrap_or_default(),
            last: days.last().map(|d| day(&d.date)).unwrap_or_default(),
            sum: money(sum),
            orders: days.iter().map(|day| day.orders).sum(),
        }
    }
}

/// The next of 1, 2, 5, 10, 20, 50, … units that is not less.
fn ceiling(most: i64, unit: i64) -> i64 {
    let mut round = unit.max(1);
    loop {
        for factor in [1, 2, 5] {
            let top = round.saturating_mul(factor);
            if top >= most {
                return top;
            }
        }
        round = round.saturating_mul(10);
    }
}

#[cfg(test)]
mod tests {
    use super::ceiling;

    #[test]
    fn the_scale_ends_at_a_round_number() {
        assert_eq!(ceiling(0, 100), 100);
        assert_eq!(ceiling(101, 100), 200);
        assert_eq!(ceiling(123_456, 100), 200_000);
        assert_eq!(ceiling(500_000, 100), 500_000);
        assert_eq!(ceiling(i64::MAX, 100), i64::MAX);
    }
}

//! What a cart or an order costs, in integer minor units.
//!
//! - The discount is taken off the goods, never off shipping, and is shared out over the lines in
//!   proportion to their prices so that the shares add up to it exactly.
//! - Tax is computed for every line, and for shipping, on what is left after the discount, rounded
//!   half up; the total's tax is the sum of those. So a single line can be refunded with exactly
//!   the tax that was charged for it, and the parts always add up.
//! - When prices include tax, tax is the part of the price that is tax and the total does not
//!   change by it; else it comes on top.

mod discount;
mod tax;
#[cfg(test)]
mod tests;

pub use discount::{Reduction, allocate};
pub use tax::Tax;

/// One line to be priced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Item {
    /// Minor units for one.
    pub unit_price: i64,
    /// How many.
    pub quantity: i64,
}

/// A line's price.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LinePrice {
    /// Unit price times quantity.
    pub subtotal: i64,
    /// This line's share of the discount.
    pub discount: i64,
    /// The tax in, or on, what is left.
    pub tax: i64,
    /// What the line costs: subtotal less discount, and tax if it comes on top.
    pub total: i64,
}

/// The whole price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Price {
    /// One for each item, in their order.
    pub lines: Vec<LinePrice>,
    /// The sum of the lines' subtotals.
    pub subtotal: i64,
    /// The sum of the lines' discounts.
    pub discount: i64,
    /// What shipping costs, tax included only when prices include tax.
    pub shipping: i64,
    /// The tax in, or on, shipping.
    pub shipping_tax: i64,
    /// All tax.
    pub tax: i64,
    /// What is to be paid.
    pub total: i64,
}

/// No sum can be larger, so that nothing overflows: ninety million millions.
pub const MAX_TOTAL: i64 = 9_000_000_000_000_000;

/// Prices `items`. `shipping` is asked for the price of shipping goods that cost this much after
/// the discount. `None` when a sum is beyond [`MAX_TOTAL`].
pub fn price(
    items: &[Item],
    reduction: Option<Reduction>,
    shipping: impl FnOnce(i64) -> i64,
    tax: Tax,
) -> Option<Price> {
    let mut subtotals = Vec::with_capacity(items.len());
    let mut subtotal: i64 = 0;
    for item in items {
        let line = item.unit_price.checked_mul(item.quantity)?;
        subtotal = subtotal.checked_add(line).filter(|sum| *sum <= MAX_TOTAL)?;
        subtotals.push(line);
    }
    let discount = reduction.map_or(0, |reduction| reduction.amount_off(subtotal));
    let lines: Vec<_> = subtotals
        .iter()
        .zip(allocate(discount, &subtotals))
        .map(|(&subtotal, discount)| {
            let left = subtotal - discount;
            let line_tax = tax.of(left);
            LinePrice {
                subtotal,
                discount,
                tax: line_tax,
                total: tax.gross(left, line_tax),
            }
        })
        .collect();
    let shipping = shipping(subtotal - discount);
    let shipping_tax = tax.of(shipping);
    Some(Price {
        subtotal,
        discount,
        shipping,
        shipping_tax,
        tax: lines.iter().map(|line| line.tax).sum::<i64>() + shipping_tax,
        total: lines.iter().map(|line| line.total).sum::<i64>() + tax.gross(shipping, shipping_tax),
        lines,
    })
}

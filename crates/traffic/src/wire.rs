//! What the shop's public interface answers, as far as it is checked here. Written down a second
//! time on purpose: the services' own types would change together with a mistake.

use std::collections::BTreeSet;

use serde::Deserialize;

/// Minor units of a currency.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Money {
    pub amount: i64,
    pub currency: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next_cursor: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Category {
    pub handle: String,
    pub product_count: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Product {
    pub handle: String,
    pub title: String,
    pub category: Option<String>,
    pub variants: Vec<Variant>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Variant {
    pub id: String,
    pub price: Money,
    pub available: Option<i64>,
    pub inventory_policy: String,
}

impl Variant {
    /// Whether so many can be bought now.
    pub fn can_sell(&self, quantity: i64) -> bool {
        self.inventory_policy == "continue" || self.available.is_none_or(|count| count >= quantity)
    }
}

#[derive(Debug, Clone, Deserialize)]
pub struct Cart {
    pub id: String,
    pub lines: Vec<Line>,
    pub discount_code: Option<String>,
    pub subtotal: Money,
    pub discount: Money,
    pub shipping: Money,
    pub tax: Money,
    pub total: Money,
    pub tax_included: bool,
}

/// A line of a cart or an order.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Line {
    pub variant_id: String,
    pub quantity: i64,
    pub unit_price: Money,
    pub total: Money,
    /// Of an order's line only.
    pub discount: Option<Money>,
    /// Of an order's line only.
    pub tax: Option<Money>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct ShippingMethod {
    pub id: String,
    pub price: Money,
    pub total: Option<Money>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Order {
    pub id: String,
    pub number: String,
    pub status: String,
    pub payment_status: String,
    pub email: String,
    pub lines: Vec<Line>,
    pub subtotal: Money,
    pub discount: Money,
    pub shipping: Money,
    pub tax: Money,
    pub total: Money,
    pub tax_included: bool,
    pub payment: Payment,
    pub access_token: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Payment {
    pub method: String,
    pub authorized: Money,
    pub captured: Money,
    pub refunded: Money,
    pub failure: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct StockLevel {
    pub on_hand: i64,
    pub reserved: i64,
    pub available: i64,
}

#[derive(Debug, Clone, Deserialize)]
pub struct StockItem {
    pub variant_id: String,
    pub track_inventory: bool,
    #[serde(flatten)]
    pub level: StockLevel,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Movement {
    pub at: techcommerce_kernel::Timestamp,
    pub delta: i64,
    pub reference: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct SessionCreated {
    pub token: String,
}

/// The sums of a cart or an order.
struct Sums<'a> {
    lines: &'a [Line],
    subtotal: &'a Money,
    discount: &'a Money,
    shipping: &'a Money,
    tax: &'a Money,
    total: &'a Money,
    tax_included: bool,
}

impl Sums<'_> {
    fn check(&self) -> Result<(), String> {
        let sums = [
            self.subtotal,
            self.discount,
            self.shipping,
            self.tax,
            self.total,
        ];
        let lines = self
            .lines
            .iter()
            .flat_map(|line| [&line.unit_price, &line.total]);
        let currencies: BTreeSet<_> = lines.chain(sums).map(|money| &money.currency).collect();
        if currencies.len() != 1 {
            return Err(format!("there are amounts in {currencies:?}"));
        }
        if let Some(amount) = sums
            .iter()
            .map(|money| money.amount)
            .find(|amount| *amount < 0)
        {
            return Err(format!("a sum is {amount}"));
        }
        for line in self.lines {
            if line.quantity <= 0 || line.quantity * line.unit_price.amount != line.total.amount {
                return Err(format!(
                    "a line says {} × {} = {}",
                    line.quantity, line.unit_price.amount, line.total.amount
                ));
            }
        }
        let goods: i64 = self.lines.iter().map(|line| line.total.amount).sum();
        if goods != self.subtotal.amount {
            return Err(format!(
                "the lines come to {goods}, the subtotal says {}",
                self.subtotal.amount
            ));
        }
        let on_top = if self.tax_included {
            0
        } else {
            self.tax.amount
        };
        let total = self.subtotal.amount - self.discount.amount + self.shipping.amount + on_top;
        if total != self.total.amount {
            return Err(format!(
                "the parts come to {total}, the total says {}",
                self.total.amount
            ));
        }
        if self.tax_included && self.tax.amount > self.total.amount {
            return Err(format!(
                "the tax {} is more than the total {}",
                self.tax.amount, self.total.amount
            ));
        }
        Ok(())
    }
}

impl Cart {
    /// Whether the parts come to the whole.
    pub fn adds_up(&self) -> Result<(), String> {
        Sums {
            lines: &self.lines,
            subtotal: &self.subtotal,
            discount: &self.discount,
            shipping: &self.shipping,
            tax: &self.tax,
            total: &self.total,
            tax_included: self.tax_included,
        }
        .check()
    }
}

impl Order {
    /// Whether the parts come to the whole, the lines' shares of discount and tax included.
    pub fn adds_up(&self) -> Result<(), String> {
        Sums {
            lines: &self.lines,
            subtotal: &self.subtotal,
            discount: &self.discount,
            shipping: &self.shipping,
            tax: &self.tax,
            total: &self.total,
            tax_included: self.tax_included,
        }
        .check()?;
        let of = |part: fn(&Line) -> Option<&Money>| {
            self.lines
                .iter()
                .filter_map(part)
                .map(|money| money.amount)
                .sum::<i64>()
        };
        let discounts = of(|line| line.discount.as_ref());
        if discounts != self.discount.amount {
            return Err(format!(
                "the lines' discounts come to {discounts}, the order's is {}",
                self.discount.amount
            ));
        }
        let taxes = of(|line| line.tax.as_ref());
        if taxes > self.tax.amount {
            return Err(format!(
                "the lines' taxes come to {taxes}, the order's is {}",
                self.tax.amount
            ));
        }
        Ok(())
    }

    /// Whether nothing will change any more without somebody's doing.
    pub fn is_settled(&self) -> bool {
        self.status != "placed"
            || !["pending", "authorized"].contains(&self.payment_status.as_str())
            || (self.payment.method == "invoice" && self.payment_status == "pending")
    }

    /// Whether it keeps its goods.
    pub fn keeps_goods(&self) -> bool {
        self.status != "cancelled"
    }
}

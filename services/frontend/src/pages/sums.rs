//! The sums below a cart or an order.

use techcommerce_contracts::order_api::{Cart, Order, ShippingMethod};
use techcommerce_kernel::Money;

use crate::page::Page;

/// A row of the sums.
#[derive(Debug, Clone)]
pub struct Sum {
    /// What it is.
    pub label: String,
    /// How much.
    pub value: String,
    /// Whether it is what has to be paid.
    pub total: bool,
}

struct Sums<'p> {
    page: &'p Page,
    rows: Vec<Sum>,
}

impl Sums<'_> {
    fn row(&mut self, label: impl Into<String>, value: impl Into<String>) {
        self.rows.push(Sum {
            label: label.into(),
            value: value.into(),
            total: false,
        });
    }

    fn tax(&mut self, tax: Money, included: bool) {
        if tax.amount > 0 {
            let label = if included {
                "cart.tax_included"
            } else {
                "cart.tax_added"
            };
            self.row(self.page.t(label), self.page.money(tax));
        }
    }

    fn shipping(&mut self, label: &str, price: Money) {
        self.row(self.page.t(label), price_or_free(self.page, price));
    }

    fn discount(&mut self, code: Option<&String>, discount: Money) {
        if discount.amount > 0 {
            let taken = Money::new(-discount.amount, discount.currency);
            let label = self.page.t("cart.discount");
            let label = code.map_or_else(|| label.to_owned(), |code| format!("{label} ({code})"));
            self.row(label, self.page.money(taken));
        }
    }

    fn total(&mut self, total: Money) {
        let label = self.page.t("cart.total").to_owned();
        self.rows.push(Sum {
            label,
            value: self.page.money(total),
            total: true,
        });
    }
}

/// A price, or the word for none.
pub fn price_or_free(page: &Page, price: Money) -> String {
    match price.amount {
        0 => page.t("cart.shipping_free").to_owned(),
        _ => page.money(price),
    }
}

/// The sums of a cart when it is shipped in this way.
pub fn of_checkout(page: &Page, cart: &Cart, method: &ShippingMethod) -> Vec<Sum> {
    let mut sums = Sums {
        page,
        rows: Vec::new(),
    };
    sums.row(page.t("cart.subtotal"), page.money(cart.subtotal));
    sums.discount(cart.discount_code.as_ref(), cart.discount);
    sums.shipping("cart.shipping", method.price);
    sums.total(method.total.unwrap_or(cart.total));
    sums.tax(method.tax.unwrap_or(cart.tax), cart.tax_included);
    sums.rows
}

/// The sums of a cart; shipping is the cheapest way.
pub fn of_cart(page: &Page, cart: &Cart) -> Vec<Sum> {
    let mut sums = Sums {
        page,
        rows: Vec::new(),
    };
    sums.row(page.t("cart.subtotal"), page.money(cart.subtotal));
    sums.discount(cart.discount_code.as_ref(), cart.discount);
    sums.shipping("cart.shipping_estimate", cart.shipping);
    sums.total(cart.total);
    sums.tax(cart.tax, cart.tax_included);
    sums.rows
}

/// The sums of an order.
pub fn of_order(page: &Page, order: &Order) -> Vec<Sum> {
    let mut sums = Sums {
        page,
        rows: Vec::new(),
    };
    sums.row(page.t("cart.subtotal"), page.money(order.subtotal));
    sums.discount(order.discount_code.as_ref(), order.discount);
    sums.shipping("cart.shipping", order.shipping);
    sums.total(order.total);
    sums.tax(order.tax, order.tax_included);
    if order.payment.refunded.amount > 0 {
        sums.row(page.t("order.refunded"), page.money(order.payment.refunded));
    }
    sums.rows
}

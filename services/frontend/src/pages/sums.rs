//! The sums below a cart or an order.

use techcommerce_contracts::order_api::{Cart, Order, ShippingMethod};
use techcommerce_kernel::Money;

use crate::{i18n::Texts, money, page::Page};

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

struct Sums<'t> {
    texts: &'t Texts,
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

    fn money(&self, money: Money) -> String {
        money::format(money, self.texts.language())
    }

    fn tax(&mut self, tax: Money, included: bool) {
        if tax.amount > 0 {
            let label = if included {
                "cart.tax_included"
            } else {
                "cart.tax_added"
            };
            let tax = self.money(tax);
            self.row(self.texts.get(label), tax);
        }
    }

    fn shipping(&mut self, label: &str, price: Money) {
        self.row(self.texts.get(label), free_or(self.texts, price));
    }

    fn discount(&mut self, code: Option<&String>, discount: Money) {
        if discount.amount > 0 {
            let taken = Money::new(-discount.amount, discount.currency);
            let label = self.texts.get("cart.discount");
            let label = code.map_or_else(|| label.to_owned(), |code| format!("{label} ({code})"));
            let taken = self.money(taken);
            self.row(label, taken);
        }
    }

    fn total(&mut self, total: Money) {
        let label = self.texts.get("cart.total").to_owned();
        let value = self.money(total);
        self.rows.push(Sum {
            label,
            value,
            total: true,
        });
    }
}

/// A price, or the word for none.
pub fn price_or_free(page: &Page, price: Money) -> String {
    free_or(page.texts(), price)
}

fn free_or(texts: &Texts, price: Money) -> String {
    match price.amount {
        0 => texts.get("cart.shipping_free").to_owned(),
        _ => money::format(price, texts.language()),
    }
}

/// The sums of a cart when it is shipped in this way.
pub fn of_checkout(page: &Page, cart: &Cart, method: &ShippingMethod) -> Vec<Sum> {
    let mut sums = Sums {
        texts: page.texts(),
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
        texts: page.texts(),
        rows: Vec::new(),
    };
    sums.row(page.t("cart.subtotal"), page.money(cart.subtotal));
    sums.discount(cart.discount_code.as_ref(), cart.discount);
    sums.shipping("cart.shipping_estimate", cart.shipping);
    sums.total(cart.total);
    sums.tax(cart.tax, cart.tax_included);
    sums.rows
}

/// The sums of an order, in the words of `texts`.
pub fn of_order(texts: &Texts, order: &Order) -> Vec<Sum> {
    let mut sums = Sums {
        texts,
        rows: Vec::new(),
    };
    let subtotal = sums.money(order.subtotal);
    sums.row(texts.get("cart.subtotal"), subtotal);
    sums.discount(order.discount_code.as_ref(), order.discount);
    sums.shipping("cart.shipping", order.shipping);
    sums.total(order.total);
    sums.tax(order.tax, order.tax_included);
    if order.payment.refunded.amount > 0 {
        let refunded = sums.money(order.payment.refunded);
        sums.row(texts.get("order.refunded"), refunded);
    }
    sums.rows
}

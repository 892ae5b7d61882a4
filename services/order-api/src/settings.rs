//! What the shop's owner decides about carts and orders.

use std::time::Duration;

use techcommerce_contracts::order_api::PaymentMethod;
use techcommerce_kernel::{Currency, TimeZone};

use crate::{pricing::Tax, webhooks};

/// The settings of this service.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The shop's name, for mail.
    pub shop_name: String,
    /// The shop's address without a slash at the end, for links in mail.
    pub public_url: String,
    /// The shop's only currency.
    pub currency: Currency,
    /// Says when a day of the shop begins.
    pub time_zone: TimeZone,
    /// How tax is computed.
    pub tax: Tax,
    /// The ways of shipping, in the order in which they are shown. At least one.
    pub shipping: Vec<Shipping>,
    /// What customers may pay with.
    pub payment_methods: Vec<PaymentMethod>,
    /// How long stock is held for an order whose payment has not been authorised.
    pub reservation: Duration,
    /// How long an order may wait for its turn at the database, beyond which it is refused; whoever
    /// fills a cart may wait for half of it, whoever begins one for a tenth.
    pub patience: Duration,
    /// How long a customer who is asked to confirm a payment has for that.
    pub customer_pays_within: Duration,
    /// What was begun at the provider within so long before now is compared with our books; none:
    /// nothing is.
    pub reconciled: Option<Duration>,
    /// How long a cart is kept that nobody touches.
    pub cart_lifetime: Duration,
    /// How often it is looked whether the books of orders and payments agree.
    pub ledger_check: Duration,
    /// About webhooks.
    pub webhooks: webhooks::Settings,
}

/// A way of shipping at one price.
#[derive(Debug, Clone)]
pub struct Shipping {
    /// Names it in orders, as `standard`.
    pub id: String,
    /// As it is called.
    pub title: String,
    /// How long it takes.
    pub description: String,
    /// Minor units.
    pub price: i64,
    /// Costs nothing for goods of at least this price after the discount, in minor units.
    pub free_from: Option<i64>,
}

impl Shipping {
    /// What it costs to ship goods of this price, in minor units.
    pub fn price_for(&self, goods: i64) -> i64 {
        match self.free_from {
            Some(free_from) if goods >= free_from => 0,
            _ => self.price,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        let method = |id: &str, title: &str, description: &str, price, free_from| Shipping {
            id: id.to_owned(),
            title: title.to_owned(),
            description: description.to_owned(),
            price,
            free_from,
        };
        Self {
            shop_name: "Tidewell".to_owned(),
            public_url: "http://127.0.0.1:3000".to_owned(),
            currency: Currency::EUR,
            time_zone: TimeZone::UTC,
            tax: Tax {
                included: true,
                basis_points: 1900,
            },
            shipping: vec![
                method(
                    "standard",
                    "Standard",
                    "2 to 4 working days",
                    490,
                    Some(5000),
                ),
                method("express", "Express", "Next working day", 1290, None),
            ],
            payment_methods: vec![PaymentMethod::Test, PaymentMethod::Invoice],
            reservation: Duration::from_mins(15),
            patience: Duration::from_mins(1),
            customer_pays_within: Duration::from_mins(30),
            reconciled: Some(Duration::from_hours(24 * 3)),
            cart_lifetime: Duration::from_hours(24 * 30),
            ledger_check: Duration::from_mins(10),
            webhooks: webhooks::Settings::default(),
        }
    }
}

impl Settings {
    /// The way of shipping with this id.
    pub fn shipping_method(&self, id: &str) -> Option<&Shipping> {
        self.shipping.iter().find(|method| method.id == id)
    }

    /// What the cheapest way costs for goods of this price, in minor units.
    pub fn cheapest_shipping(&self, goods: i64) -> i64 {
        let prices = self.shipping.iter().map(|method| method.price_for(goods));
        prices.min().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipping_is_free_from_a_price_on() {
        let settings = Settings::default();
        assert_eq!(settings.cheapest_shipping(4999), 490);
        assert_eq!(settings.cheapest_shipping(5000), 0);
        assert_eq!(
            settings.shipping_method("express").map(|m| m.price_for(9)),
            Some(1290)
        );
    }
}

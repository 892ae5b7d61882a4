//! A cart as it is shown.

use std::collections::HashMap;

use techcommerce_contracts::{
    codes,
    order_api::{Cart, CartLine, ShippingMethod},
    product_api::Quote,
};
use techcommerce_kernel::{Error, Uuid};

use super::{LineRow, Loaded};
use crate::{
    app::App,
    discounts,
    pricing::{Item, Price, Reduction, price},
    settings::Shipping,
};

/// What the cart's prices are computed from.
struct Basis {
    lines: Vec<CartLine>,
    items: Vec<Item>,
    reduction: Option<Reduction>,
}

impl Basis {
    async fn of(app: &App, cart: &Loaded) -> Result<Self, Error> {
        let lines: Vec<CartLine> = cart
            .lines
            .iter()
            .map(|line| line_view(app, line, &cart.quotes))
            .collect();
        let items: Vec<Item> = lines
            .iter()
            .map(|line| Item {
                unit_price: line.unit_price.amount,
                quantity: line.quantity,
            })
            .collect();
        let subtotal = items.iter().fold(0_i64, |sum, item| {
            sum.saturating_add(item.unit_price.saturating_mul(item.quantity))
        });
        let reduction = match &cart.row.discount_code {
            // A code that has become void takes nothing off; ordering says so.
            Some(code) => discounts::reduction(app, code, subtotal).await?.ok(),
            None => None,
        };
        Ok(Self {
            lines,
            items,
            reduction,
        })
    }

    fn price(&self, app: &App, shipping: impl FnOnce(i64) -> i64) -> Result<Price, Error> {
        price(&self.items, self.reduction, shipping, app.settings.tax)
            .ok_or_else(|| app.too_large())
    }
}

/// Computes the cart from its rows and what product-api says of its variants.
pub(super) async fn view(app: &App, id: &str, cart: &Loaded) -> Result<Cart, Error> {
    let basis = Basis::of(app, cart).await?;
    let price = basis.price(app, |goods| match cart.lines.is_empty() {
        true => 0,
        false => app.settings.cheapest_shipping(goods),
    })?;
    Ok(Cart {
        id: id.to_owned(),
        currency: app.settings.currency,
        item_count: basis.lines.iter().map(|line| line.quantity).sum(),
        lines: basis.lines,
        discount_code: cart.row.discount_code.clone(),
        subtotal: app.money(price.subtotal),
        discount: app.money(price.discount),
        shipping: app.money(price.shipping),
        tax: app.money(price.tax),
        total: app.money(price.total),
        tax_included: app.settings.tax.included,
        order_id: cart.row.order_id,
    })
}

/// The ways of shipping at their prices for the cart, the cheapest first.
pub(super) async fn shipping(
    app: &App,
    cart: Option<&Loaded>,
) -> Result<Vec<ShippingMethod>, Error> {
    let basis = match cart {
        Some(cart) => Some(Basis::of(app, cart).await?),
        None => None,
    };
    let method = |method: &Shipping| {
        let price = match &basis {
            Some(basis) => Some(basis.price(app, |goods| method.price_for(goods))?),
            None => None,
        };
        let own = price.as_ref().map_or(method.price, |price| price.shipping);
        Ok(ShippingMethod {
            id: method.id.clone(),
            title: method.title.clone(),
            description: method.description.clone(),
            price: app.money(own),
            total: price.as_ref().map(|price| app.money(price.total)),
            tax: price.as_ref().map(|price| app.money(price.tax)),
        })
    };
    let methods: Result<Vec<_>, Error> = app.settings.shipping.iter().map(method).collect();
    let mut methods = methods?;
    methods.sort_by_key(|method| method.price.amount);
    Ok(methods)
}

fn line_view(app: &App, line: &LineRow, quotes: &HashMap<Uuid, Quote>) -> CartLine {
    let quote = quotes.get(&line.variant_id);
    let problem = match quote {
        None => Some(codes::NOT_FOR_SALE),
        Some(quote) if !quote.for_sale => Some(codes::NOT_FOR_SALE),
        Some(quote) if !quote.can_sell(line.quantity) => Some(codes::OUT_OF_STOCK),
        Some(_) => None,
    };
    let is_there = quote.is_some();
    let quote = quote.unwrap_or(&line.seen);
    CartLine {
        variant_id: line.variant_id,
        product_id: quote.product_id,
        product_handle: quote.product_handle.clone(),
        title: quote.product_title.clone(),
        variant_title: quote.variant_title.clone(),
        sku: quote.sku.clone(),
        image: quote.image.clone(),
        quantity: line.quantity,
        unit_price: quote.price,
        compare_at_price: quote.compare_at_price,
        total: app.money(quote.price.amount.saturating_mul(line.quantity)),
        available: if is_there { quote.available } else { Some(0) },
        problem: problem.map(str::to_owned),
    }
}

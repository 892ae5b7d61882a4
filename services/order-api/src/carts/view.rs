//! A cart as it is shown.

use std::collections::HashMap;

use techcommerce_contracts::{
    codes,
    order_api::{Cart, CartLine},
    product_api::Quote,
};
use techcommerce_kernel::{Error, Uuid};

use super::{CartRow, LineRow};
use crate::{
    app::App,
    discounts,
    pricing::{Item, price},
};

/// Computes the cart from its rows and what product-api says of its variants.
pub(super) async fn view(
    app: &App,
    id: &str,
    row: &CartRow,
    lines: &[LineRow],
    quotes: &HashMap<Uuid, Quote>,
) -> Result<Cart, Error> {
    let lines: Vec<CartLine> = lines
        .iter()
        .map(|line| line_view(app, line, quotes))
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
    let reduction = match &row.discount_code {
        // A code that has become void takes nothing off; ordering says so.
        Some(code) => discounts::reduction(app, code, subtotal).await?.ok(),
        None => None,
    };
    let shipping = |goods| {
        if items.is_empty() {
            0
        } else {
            app.settings.cheapest_shipping(goods)
        }
    };
    let tax = app.settings.tax;
    let price = price(&items, reduction, shipping, tax).ok_or_else(|| app.too_large())?;
    Ok(Cart {
        id: id.to_owned(),
        currency: app.settings.currency,
        item_count: lines.iter().map(|line| line.quantity).sum(),
        lines,
        discount_code: row.discount_code.clone(),
        subtotal: app.money(price.subtotal),
        discount: app.money(price.discount),
        shipping: app.money(price.shipping),
        tax: app.money(price.tax),
        total: app.money(price.total),
        tax_included: tax.included,
        order_id: row.order_id,
    })
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

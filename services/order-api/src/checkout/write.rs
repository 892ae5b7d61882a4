//! The one transaction in which an order comes about.

use std::collections::HashMap;

use http::StatusCode;
use serde_json::json;
use techcommerce_contracts::{
    codes,
    order_api::{OrderInput, PaymentMethod},
    product_api::Reservation,
};
use techcommerce_jobs::{NewJob, enqueue_all};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_once::Answer;
use techcommerce_store::transact;

use super::{Attempt, Placed, Snapshot, Written, fix};
use crate::{
    app::App,
    carts, discounts,
    orders::{self, Audience, NewLine, NewOrder, insert},
    path::{Method, State},
    pricing::{Item, Price, price},
    saga::{Advance, Mailing},
    webhooks,
};

/// Writes the order at the prices of the reservation, unless the same request has made it already,
/// or asks for something else by now.
pub(super) async fn write(
    app: &App,
    attempt: &Attempt,
    input: &OrderInput,
    snapshot: &Snapshot,
    reserved: &Reservation,
) -> Result<Written<Placed>, Error> {
    let lines = lines(app, snapshot, reserved)?;
    let price = total(app, input, snapshot, &lines).await?;
    let due = app.money(price.total);
    if input.expected_total.is_some_and(|expected| expected != due) {
        return Err(Error::conflict(
            codes::TOTAL_CHANGED,
            "The order would cost something else by now. Look at the total, and order again.",
        )
        .with_detail(json!({ "total": due })));
    }
    let id = app.env.new_id();
    let number = app.numbers.next(&app.db).await?;
    let access_token = app.env.token();
    let method = match input.payment.method {
        PaymentMethod::Invoice => Method::Invoice,
        PaymentMethod::Test | PaymentMethod::Stripe => Method::Provider,
    };
    let quantities: Vec<i64> = lines.iter().map(|line| line.quantity).collect();
    let state = State::placed(id, method, price.total, &quantities);
    let code = snapshot.discount_code.as_deref();
    transact!(app.db, |tx| -> Result<Written<Placed>, Error> {
        // The cart before the request, as whoever fixes one does it: nobody waits crosswise.
        match carts::hold(tx, &attempt.cart_key).await {
            Err(error) if error.is_transient() => return Err(error),
            // What it has become decides what follows.
            Ok(_) | Err(_) => {}
        }
        if let Some(otherwise) = fix::answer(tx, attempt.id, snapshot, id).await? {
            return Ok(otherwise);
        }
        let (cart, now) = (&attempt.cart_key, app.env.now());
        carts::take(tx, cart, snapshot.cart_version, id, now).await?;
        if let Some(code) = code {
            discounts::use_up(tx, code, &input.email.key()).await?;
        }
        let advance = Advance::job(id)?;
        let confirmation = Mailing {
            order: id,
            notice: None,
        };
        let mail = NewJob::new(Mailing::KIND).payload(&confirmation)?;
        let [job, _] = enqueue_all(tx, &app.env, [advance, mail]).await?;
        let order = NewOrder {
            id,
            number,
            reservation: reserved.id,
            cart_key: &attempt.cart_key,
            owner: attempt.owner,
            actor: &attempt.actor,
            locale: attempt.locale,
            input,
            access_token: &access_token,
            discount_code: code,
            price: &price,
            tax: app.settings.tax,
            total: due,
            lines: &lines,
            state: &state,
            job,
        };
        let written = insert(tx, &app.env, &order).await?;
        webhooks::order_placed(tx, app, &written).await?;
        // Nothing can have come to it yet that the customer would miss.
        let shown = orders::shown(written, Audience::Buyer)?;
        let answer = Answer::json(StatusCode::CREATED, &shown)?;
        let hash = &attempt.request_hash;
        answer.keep(tx, &app.env, attempt.id, hash).await?;
        Ok(Written::Order(Placed::Now(answer)))
    })
}

/// The lines as they were reserved, in the cart's order.
fn lines(app: &App, snapshot: &Snapshot, reserved: &Reservation) -> Result<Vec<NewLine>, Error> {
    let mut by_variant: HashMap<Uuid, _> = reserved
        .lines
        .iter()
        .map(|line| (line.quote.variant_id, line))
        .collect();
    let mut lines = Vec::with_capacity(snapshot.lines.len());
    for wanted in &snapshot.lines {
        let line = by_variant
            .remove(&wanted.variant_id)
            .filter(|line| line.quantity == wanted.quantity)
            .ok_or_else(|| Error::internal("the reservation holds something else"))?;
        if line.quote.price.currency != app.settings.currency {
            return Err(Error::conflict(
                codes::NOT_FOR_SALE,
                "A product is priced in a currency that this shop does not take.",
            ));
        }
        lines.push(NewLine {
            id: app.env.new_id(),
            quantity: line.quantity,
            quote: line.quote.clone(),
        });
    }
    Ok(lines)
}

async fn total(
    app: &App,
    input: &OrderInput,
    snapshot: &Snapshot,
    lines: &[NewLine],
) -> Result<Price, Error> {
    let items: Vec<Item> = lines
        .iter()
        .map(|line| Item {
            unit_price: line.quote.price.amount,
            quantity: line.quantity,
        })
        .collect();
    let tax = app.settings.tax;
    let goods = price(&items, None, |_| 0, tax).ok_or_else(|| app.too_large())?;
    let reduction = match &snapshot.discount_code {
        // The customer was shown a price with the discount: without it there is no order.
        Some(code) => Some(discounts::reduction(app, code, goods.subtotal).await??),
        None => None,
    };
    let method = app
        .settings
        .shipping_method(&input.shipping_method)
        .ok_or_else(|| Error::invalid_field("shipping_method", "is not offered"))?;
    price(&items, reduction, |goods| method.price_for(goods), tax).ok_or_else(|| app.too_large())
}

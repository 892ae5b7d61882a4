//! Writing a new order.

use sqlx::types::Json;
use techcommerce_contracts::{order_api::OrderInput, product_api::Quote};
use techcommerce_kernel::{Env, Error, Money, Uuid};
use techcommerce_store::{
    Conn,
    dialect::{ROWS, rows},
    execute, with,
};

use super::{
    rows::{AddressRow, EventRow, LineRow, Loaded, OrderRow},
    words,
};
use crate::{
    locale::Locale,
    path::State,
    pricing::{LinePrice, Price, Tax},
};

/// An order that is yet to be written.
pub struct NewOrder<'a> {
    /// Its id.
    pub id: Uuid,
    /// For people.
    pub number: i64,
    /// The stock that is held for it.
    pub reservation: Uuid,
    /// Of this cart.
    pub cart_key: &'a str,
    /// The account or API key that ordered.
    pub owner: Option<Uuid>,
    /// Who that is in the timeline.
    pub actor: &'a str,
    /// In which language the customer is written to.
    pub locale: Locale,
    /// What the customer sent.
    pub input: &'a OrderInput,
    /// Opens the order without signing in.
    pub access_token: &'a str,
    /// The code that took something off.
    pub discount_code: Option<&'a str>,
    /// What it costs.
    pub price: &'a Price,
    /// How its tax was computed.
    pub tax: Tax,
    /// The total with its currency.
    pub total: Money,
    /// The lines, as many as the price has.
    pub lines: &'a [NewLine],
    /// Where it stands.
    pub state: &'a State,
    /// The job that takes it further.
    pub job: Uuid,
}

/// A line that is yet to be written.
pub struct NewLine {
    /// Its id.
    pub id: Uuid,
    /// How many.
    pub quantity: i64,
    /// What it is and costs.
    pub quote: Quote,
}

/// Writes the order, its lines, its address, its payment and that it was placed, and gives it as
/// it would be read.
pub async fn insert(tx: &mut Conn, env: &Env, new: &NewOrder<'_>) -> Result<Loaded, Error> {
    const ORDER: &str = "INSERT INTO orders (id, number, reservation_id, cart_key, owner_id, email, \
         email_key, access_token, currency, shipping_method, discount_code, subtotal, discount, \
         shipping, shipping_tax, tax, tax_included, tax_basis_points, total, path, version, status, \
         payment_status, fulfillment_status, captured, refunded, job_id, placed_at, updated_at, locale) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, \
         $19, $20, 0, $21, $22, $23, 0, 0, $24, $25, $25, $26)";
    const ADDRESS: &str = "INSERT INTO addresses \
         (order_id, name, line1, line2, city, region, postal_code, country) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    const PAYMENT: &str =
        "INSERT INTO payments (order_id, method, token, created_at) VALUES ($1, $2, $3, $4)";
    const EVENT: &str = "INSERT INTO order_events \
         (order_id, position, kind, message, actor, created_at, customer_message) \
         VALUES ($1, 0, $2, $3, $4, $5, $6)";
    let now = env.now().as_micros();
    let (price, input) = (new.price, new.input);
    let written = loaded(new, now);
    execute!(
        tx,
        sqlx::query(ORDER)
            .bind(new.id)
            .bind(new.number)
            .bind(new.reservation)
            .bind(new.cart_key)
            .bind(new.owner)
            .bind(input.email.as_str())
            .bind(input.email.key())
            .bind(new.access_token)
            .bind(new.total.currency.code())
            .bind(&input.shipping_method)
            .bind(new.discount_code)
            .bind(price.subtotal)
            .bind(price.discount)
            .bind(price.shipping)
            .bind(price.shipping_tax)
            .bind(price.tax)
            .bind(new.tax.included)
            .bind(new.tax.basis_points)
            .bind(price.total)
            .bind(Json(new.state))
            .bind(new.state.status().as_str())
            .bind(new.state.payment_status().as_str())
            .bind(new.state.fulfillment().as_str())
            .bind(new.job)
            .bind(now)
            .bind(new.locale.name())
    )?;
    let totals: Vec<i64> = price.lines.iter().map(|line| line.total).collect();
    insert_lines(tx, &written.lines, &totals).await?;
    if let Some(to) = &written.address {
        execute!(
            tx,
            sqlx::query(ADDRESS)
                .bind(new.id)
                .bind(&to.name)
                .bind(&to.line1)
                .bind(&to.line2)
                .bind(&to.city)
                .bind(&to.region)
                .bind(&to.postal_code)
                .bind(&to.country)
        )?;
    }
    execute!(
        tx,
        sqlx::query(PAYMENT)
            .bind(new.id)
            .bind(&written.order.method)
            .bind(written.order.token.as_deref())
            .bind(now)
    )?;
    let name = &input.shipping_address.name;
    words::insert(tx, new.id, new.number, &input.email.key(), name).await?;
    for event in &written.events {
        execute!(
            tx,
            sqlx::query(EVENT)
                .bind(new.id)
                .bind(&event.kind)
                .bind(&event.message)
                .bind(&event.actor)
                .bind(event.created_at)
                .bind(&event.customer_message)
        )?;
    }
    Ok(written)
}

/// The new order as it is read after it was written at `now`.
fn loaded(new: &NewOrder<'_>, now: i64) -> Loaded {
    let (price, input) = (new.price, new.input);
    let order = OrderRow {
        id: new.id,
        number: new.number,
        reservation_id: new.reservation,
        owner_id: new.owner,
        email: input.email.as_str().to_owned(),
        access_token: new.access_token.to_owned(),
        currency: new.total.currency.code().to_owned(),
        shipping_method: input.shipping_method.clone(),
        discount_code: new.discount_code.map(str::to_owned),
        subtotal: price.subtotal,
        discount: price.discount,
        shipping: price.shipping,
        tax: price.tax,
        tax_included: new.tax.included,
        total: price.total,
        path: Json(new.state.clone()),
        locale: new.locale.name().to_owned(),
        placed_at: now,
        method: input.payment.method.name().to_owned(),
        token: input.payment.token.clone(),
        client_secret: None,
        redirect_url: None,
    };
    let lines = new.lines.iter().zip(&price.lines).zip(0_i64..);
    let to = &input.shipping_address;
    Loaded {
        order,
        lines: lines
            .map(|((line, price), position)| line_row(new.id, position, line, price))
            .collect(),
        address: Some(AddressRow {
            order_id: new.id,
            name: to.name.trim().to_owned(),
            line1: to.line1.trim().to_owned(),
            line2: to.line2.trim().to_owned(),
            city: to.city.trim().to_owned(),
            region: to.region.trim().to_owned(),
            postal_code: to.postal_code.trim().to_owned(),
            country: to.country.clone(),
        }),
        refunds: Vec::new(),
        shipments: Vec::new(),
        events: vec![EventRow {
            order_id: new.id,
            kind: "placed".to_owned(),
            message: String::new(),
            customer_message: String::new(),
            actor: new.actor.to_owned(),
            created_at: now,
        }],
    }
}

fn line_row(order: Uuid, position: i64, line: &NewLine, price: &LinePrice) -> LineRow {
    let quote = &line.quote;
    LineRow {
        id: line.id,
        order_id: order,
        position,
        variant_id: quote.variant_id,
        product_id: quote.product_id,
        product_handle: quote.product_handle.as_str().to_owned(),
        title: quote.product_title.clone(),
        variant_title: quote.variant_title.clone(),
        sku: quote.sku.clone(),
        image: quote.image.clone().map(Json),
        quantity: line.quantity,
        unit_price: quote.price.amount,
        subtotal: price.subtotal,
        discount: price.discount,
        tax: price.tax,
    }
}

async fn insert_lines(tx: &mut Conn, lines: &[LineRow], totals: &[i64]) -> Result<(), Error> {
    const LINES: &str = "INSERT INTO order_lines (id, order_id, position, variant_id, product_id, \
         product_handle, title, variant_title, sku, image, quantity, unit_price, subtotal, discount, \
         tax, total) VALUES";
    for (lines, totals) in lines.chunks(ROWS).zip(totals.chunks(ROWS)) {
        let sql = format!("{LINES} {}", rows(1, lines.len(), 16));
        with!(tx, |c| {
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql.as_str()));
            for (line, total) in lines.iter().zip(totals) {
                query = query
                    .bind(line.id)
                    .bind(line.order_id)
                    .bind(line.position)
                    .bind(line.variant_id)
                    .bind(line.product_id)
                    .bind(&line.product_handle)
                    .bind(&line.title)
                    .bind(&line.variant_title)
                    .bind(line.sku.as_deref())
                    .bind(line.image.as_ref())
                    .bind(line.quantity)
                    .bind(line.unit_price)
                    .bind(line.subtotal)
                    .bind(line.discount)
                    .bind(line.tax)
                    .bind(total);
            }
            query.execute(c).await.map(|_| ())
        })?;
    }
    Ok(())
}

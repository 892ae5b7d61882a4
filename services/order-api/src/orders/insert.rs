//! Writing a new order.

use sqlx::types::Json;
use techcommerce_contracts::{order_api::OrderInput, product_api::Quote};
use techcommerce_kernel::{Env, Error, Money, Uuid};
use techcommerce_store::{Conn, execute};

use super::{
    change::{Cause, add_event},
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

/// Writes the order, its lines, its address and its payment.
pub async fn insert(tx: &mut Conn, env: &Env, new: &NewOrder<'_>) -> Result<(), Error> {
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
    let now = env.now().as_micros();
    let (price, input) = (new.price, new.input);
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
    for ((line, price), position) in new.lines.iter().zip(&price.lines).zip(0_i64..) {
        insert_line(tx, new.id, position, line, price).await?;
    }
    let to = &input.shipping_address;
    execute!(
        tx,
        sqlx::query(ADDRESS)
            .bind(new.id)
            .bind(to.name.trim())
            .bind(to.line1.trim())
            .bind(to.line2.trim())
            .bind(to.city.trim())
            .bind(to.region.trim())
            .bind(to.postal_code.trim())
            .bind(&to.country)
    )?;
    execute!(
        tx,
        sqlx::query(PAYMENT)
            .bind(new.id)
            .bind(input.payment.method.name())
            .bind(input.payment.token.as_deref())
            .bind(now)
    )?;
    words::insert(tx, new.id, new.number, &input.email.key(), &to.name).await?;
    let cause = Cause::by(new.actor);
    add_event(tx, env, new.id, "placed", cause).await
}

async fn insert_line(
    tx: &mut Conn,
    order: Uuid,
    position: i64,
    line: &NewLine,
    price: &LinePrice,
) -> Result<(), Error> {
    const LINE: &str = "INSERT INTO order_lines (id, order_id, position, variant_id, product_id, \
         product_handle, title, variant_title, sku, image, quantity, unit_price, subtotal, discount, \
         tax, total) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";
    let quote = &line.quote;
    execute!(
        tx,
        sqlx::query(LINE)
            .bind(line.id)
            .bind(order)
            .bind(position)
            .bind(quote.variant_id)
            .bind(quote.product_id)
            .bind(quote.product_handle.as_str())
            .bind(&quote.product_title)
            .bind(&quote.variant_title)
            .bind(quote.sku.as_deref())
            .bind(quote.image.as_ref().map(Json))
            .bind(line.quantity)
            .bind(quote.price.amount)
            .bind(price.subtotal)
            .bind(price.discount)
            .bind(price.tax)
            .bind(price.total)
    )?;
    Ok(())
}

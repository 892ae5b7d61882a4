//! Carts: what is in them, and what they cost.

mod rows;
mod view;

use std::collections::{HashMap, HashSet};

use sha2::{Digest, Sha256};
use techcommerce_contracts::{
    codes,
    order_api::{Cart, ShippingMethod},
    product_api::Quote,
};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::transact;

use crate::{app::App, discounts};
pub use rows::{
    CartRow, LineRow, Whole, delete_stale, hold, insert, lines, lock_open, lock_seen, put_discount,
    put_line, remove_line, reopen, take, whole,
};

/// The most lines that a cart may hold.
pub const MAX_LINES: usize = 100;

/// Under what a cart is stored: the SHA-256 of its id, in hexadecimal.
pub fn key(id: &str) -> String {
    hex(&Sha256::digest(id.as_bytes()))
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// There is no such cart, or there is no more.
pub fn not_found() -> Error {
    Error::not_found(
        codes::CART_NOT_FOUND,
        "There is no such cart. It may have been left alone for too long; start a new one.",
    )
}

/// The cart became an order.
pub fn ordered() -> Error {
    Error::conflict(
        codes::CART_ORDERED,
        "This cart has become an order already. Start a new one.",
    )
}

/// The cart holds something else than what was about to be ordered.
pub fn changed() -> Error {
    Error::conflict(
        codes::CART_CHANGED,
        "The cart was changed while it was ordered. Look at it, and order again.",
    )
}

/// A cart with what product-api says of its variants.
struct Loaded {
    row: CartRow,
    lines: Vec<LineRow>,
    quotes: HashMap<Uuid, Quote>,
}

/// Makes an empty cart and gives it as it is shown.
pub async fn create(app: &App) -> Result<Cart, Error> {
    let id = app.env.token();
    let cart = Loaded {
        row: insert(&app.db, &key(&id), app.env.now()).await?,
        lines: Vec::new(),
        quotes: HashMap::new(),
    };
    view::view(app, &id, &cart).await
}

/// The cart as it is shown, at today's prices.
///
/// # Errors
/// `cart_not_found`; `unavailable` when nobody can say what things cost.
pub async fn show(app: &App, id: &str) -> Result<Cart, Error> {
    view::view(app, id, &load(app, id).await?).await
}

/// The ways of shipping at their prices for a cart, the cheapest first.
///
/// # Errors
/// As [`show`].
pub async fn shipping_methods(app: &App, id: Option<&str>) -> Result<Vec<ShippingMethod>, Error> {
    match id {
        Some(id) => view::shipping(app, Some(&load(app, id).await?)).await,
        None => view::shipping(app, None).await,
    }
}

async fn load(app: &App, id: &str) -> Result<Loaded, Error> {
    let Whole { row, lines, .. } = find(app, &key(id)).await?;
    let quotes = app.products.quotes(variants(&lines)).await?;
    Ok(Loaded { row, lines, quotes })
}

/// The cart as it is stored. No connection is held when another service is asked next.
async fn find(app: &App, key: &str) -> Result<Whole, Error> {
    let mut conn = app.db.read().await?;
    whole(&mut conn, key).await?.ok_or_else(not_found)
}

fn variants(lines: &[LineRow]) -> Vec<Uuid> {
    lines.iter().map(|line| line.variant_id).collect()
}

/// Sets how many of a variant the cart holds; `None` takes it out. Gives the cart as it is then.
///
/// # Errors
/// `cart_not_found`, `cart_ordered`, `cart_too_large`, `variant_not_found`, `not_for_sale`.
pub async fn set_line(
    app: &App,
    id: &str,
    variant: Uuid,
    quantity: Option<i64>,
) -> Result<Cart, Error> {
    let key = key(id);
    let before = find(app, &key).await?;
    let mut wanted = variants(&before.lines);
    if !wanted.contains(&variant) {
        wanted.push(variant);
    }
    let asked: HashSet<Uuid> = wanted.iter().copied().collect();
    let mut quotes = app.products.quotes(wanted).await?;
    let quote = quotes.get(&variant);
    if quantity.is_some() {
        match quote {
            None => {
                return Err(Error::not_found(
                    codes::VARIANT_NOT_FOUND,
                    "There is no such product any more.",
                ));
            }
            Some(quote) if !quote.for_sale => {
                return Err(Error::conflict(
                    codes::NOT_FOR_SALE,
                    "This product is not sold at the moment.",
                ));
            }
            Some(_) => {}
        }
    }
    let (row, lines) = transact!(app.db, |tx| -> Result<(CartRow, Vec<LineRow>), Error> {
        let now = app.env.now();
        let (row, mut all) = if lock_seen(tx, &key, before.version, now).await? {
            (before.row.clone(), before.lines.clone())
        } else {
            // Somebody changed it meanwhile.
            let row = lock_open(tx, &key, now).await?;
            (row, lines(tx, &key).await?)
        };
        match (quantity, quote) {
            (Some(quantity), Some(quote)) => {
                put_line(tx, &key, &mut all, quote, quantity, now).await?;
            }
            _ => remove_line(tx, &key, &mut all, variant).await?,
        }
        Ok((row, all))
    })?;
    if lines.iter().any(|line| !asked.contains(&line.variant_id)) {
        quotes = app.products.quotes(variants(&lines)).await?;
    }
    view::view(app, id, &Loaded { row, lines, quotes }).await
}

/// Sets the cart's discount code, or takes it away. Gives the cart as it is then.
///
/// # Errors
/// `cart_not_found`, `cart_ordered`, `discount_invalid`.
pub async fn set_discount(app: &App, id: &str, code: Option<&str>) -> Result<Cart, Error> {
    let cart = show(app, id).await?;
    let code = code.map(discounts::normalised);
    if let Some(code) = &code {
        discounts::reduction(app, code, cart.subtotal.amount).await??;
    }
    let key = key(id);
    transact!(app.db, |tx| -> Result<(), Error> {
        lock_open(tx, &key, app.env.now()).await?;
        put_discount(tx, &key, code.as_deref()).await
    })?;
    show(app, id).await
}

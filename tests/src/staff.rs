//! What staff do before somebody can buy.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use techcommerce_testkit::Client;

/// How a variant's stock is kept.
#[derive(Debug, Clone, Copy)]
pub enum Stock {
    /// Counted, and sold out at zero.
    Counted(i64),
    /// Counted, and sold on below zero.
    Continue(i64),
    /// Nobody counts.
    Untracked,
}

/// A product with one variant.
#[derive(Debug, Clone)]
pub struct Item {
    pub product_id: String,
    pub handle: String,
    pub variant_id: String,
}

/// A product of one variant that costs 19.99.
pub async fn product(staff: &Client, title: &str, stock: Stock) -> Result<Item> {
    let (tracked, policy, on_hand) = match stock {
        Stock::Counted(count) => (true, "deny", count),
        Stock::Continue(count) => (true, "continue", count),
        Stock::Untracked => (false, "deny", 0),
    };
    let product: Value = staff
        .post("/api/products")
        .json(&json!({
            "title": title,
            "description": "<p>Good.</p>",
            "variants": [{
                "price": euros(1999),
                "track_inventory": tracked,
                "inventory_policy": policy,
                "on_hand": on_hand,
            }],
        }))
        .value(201)
        .await?;
    Ok(Item {
        product_id: text(&product, "/id")?,
        handle: text(&product, "/handle")?,
        variant_id: text(&product, "/variants/0/id")?,
    })
}

/// The variant's stock as staff see it: `on_hand`, `reserved`, `available`.
pub async fn stock(staff: &Client, variant_id: &str) -> Result<(i64, i64, i64)> {
    let level: Value = staff
        .get(&format!("/api/stock/{variant_id}"))
        .value(200)
        .await?;
    let number = |name: &str| level[name].as_i64().with_context(|| level.to_string());
    Ok((
        number("on_hand")?,
        number("reserved")?,
        number("available")?,
    ))
}

/// Money of the shop.
pub fn euros(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

/// A text inside an answer.
pub fn text(value: &Value, pointer: &str) -> Result<String> {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .map(str::to_owned)
        .with_context(|| format!("no text at {pointer} of {value}"))
}

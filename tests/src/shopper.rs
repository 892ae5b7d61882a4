//! What a shopper does by the public interface.

use std::time::Duration;

use anyhow::{Result, bail};
use serde_json::{Value, json};
use techcommerce_testkit::{Answer, Client};
use tokio::time::{Instant, sleep};

use crate::staff::text;

/// The worker polls, and a debug build on a busy machine takes its time.
const PATIENCE: Duration = Duration::from_secs(40);

/// An order that was acknowledged to its buyer.
#[derive(Debug, Clone)]
pub struct Placed {
    pub id: String,
    pub access_token: String,
    pub json: Value,
}

/// A new cart with these variants and quantities.
pub async fn cart_with(client: &Client, lines: &[(&str, i64)]) -> Result<String> {
    let cart: Value = client.post("/api/carts").value(201).await?;
    let id = text(&cart, "/id")?;
    for (variant, quantity) in lines {
        put_line(client, &id, variant, *quantity)
            .await?
            .expect(200)?;
    }
    Ok(id)
}

/// Sets a line of a cart.
pub async fn put_line(client: &Client, cart: &str, variant: &str, quantity: i64) -> Result<Answer> {
    client
        .put(&format!("/api/carts/{cart}/lines/{variant}"))
        .json(&json!({"quantity": quantity}))
        .send()
        .await
}

/// The body of `POST /api/orders`.
pub fn checkout(cart: &str, payment: Value) -> Value {
    json!({
        "cart_id": cart,
        "email": "ada@example.com",
        "shipping_address": {
            "name": "Ada Example",
            "line1": "1 Harbour Street",
            "line2": "",
            "city": "Kiel",
            "region": "",
            "postal_code": "24103",
            "country": "DE",
        },
        "shipping_method": "standard",
        "payment": payment,
    })
}

/// Pays with the provider for trials; no token succeeds.
pub fn card(token: Option<&str>) -> Value {
    json!({"method": "test", "token": token})
}

/// Sends `POST /api/orders`.
pub async fn send_order(client: &Client, key: &str, body: &Value) -> Result<Answer> {
    client
        .post("/api/orders")
        .header("idempotency-key", key)
        .json(body)
        .send()
        .await
}

/// Places an order that must be taken.
pub async fn place(client: &Client, key: &str, body: &Value) -> Result<Placed> {
    placed(&send_order(client, key, body).await?.expect(201)?)
}

/// Reads the answer to an order.
pub fn placed(answer: &Answer) -> Result<Placed> {
    let json: Value = answer.json()?;
    Ok(Placed {
        id: text(&json, "/id")?,
        access_token: text(&json, "/access_token")?,
        json,
    })
}

/// One item bought with a card that works, as a guest.
pub async fn buy(client: &Client, variant: &str, quantity: i64, key: &str) -> Result<Placed> {
    let cart = cart_with(client, &[(variant, quantity)]).await?;
    place(client, key, &checkout(&cart, card(None))).await
}

/// The order as its buyer sees it.
pub async fn order(client: &Client, placed: &Placed) -> Result<Value> {
    client
        .get(&format!(
            "/api/orders/{}?access_token={}",
            placed.id, placed.access_token
        ))
        .value(200)
        .await
}

/// Waits until the order's payment has this status.
pub async fn wait_for_payment(client: &Client, placed: &Placed, status: &str) -> Result<Value> {
    wait_for(client, placed, |order| order["payment_status"] == status).await
}

/// Waits until the order is as `done` wants it.
pub async fn wait_for(
    client: &Client,
    placed: &Placed,
    done: impl Fn(&Value) -> bool,
) -> Result<Value> {
    let end = Instant::now() + PATIENCE;
    loop {
        let order = order(client, placed).await?;
        if done(&order) {
            return Ok(order);
        }
        if Instant::now() > end {
            bail!("the order stays as it is: {order}");
        }
        sleep(Duration::from_millis(50)).await;
    }
}

/// Waits until `done` gives something; for what is not an order.
pub async fn eventually<T>(
    what: &str,
    mut done: impl AsyncFnMut() -> Result<Option<T>>,
) -> Result<T> {
    let end = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = done().await? {
            return Ok(value);
        }
        if Instant::now() > end {
            bail!("{what} did not happen within {PATIENCE:?}");
        }
        sleep(Duration::from_millis(50)).await;
    }
}

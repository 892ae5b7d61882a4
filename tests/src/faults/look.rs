//! What the shop shows when it is asked, and what is in the books of others.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde_json::Value;
use sqlx::PgConnection;

use super::checker::{Book, Level, Order, Seen};
use super::ground::Ground;
use super::people::Town;
use super::pictures::{self, Shown};

/// All that is there now; `shown` keeps the pictures from look to look.
pub async fn look(town: &Town, ground: &Ground, shown: &mut Shown) -> Result<Seen> {
    pictures::look(town, shown).await;
    Ok(Seen {
        orders: orders(town).await?,
        levels: levels(town).await?,
        books: books(ground).await?,
        mails: ground.mail.taken(),
        events: events(ground)?,
        pictures: shown.clone(),
    })
}

async fn orders(town: &Town) -> Result<Vec<Order>> {
    let mut all = Vec::new();
    let mut path = "/api/orders?limit=100".to_owned();
    loop {
        let page: Value = town.staff.get(&path).value(200).await?;
        for order in page["items"].as_array().context("a list")? {
            all.push(order_of(order).with_context(|| order.to_string())?);
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/api/orders?limit=100&cursor={cursor}"),
            None => return Ok(all),
        }
    }
}

fn order_of(order: &Value) -> Option<Order> {
    let text = |name: &str| order[name].as_str().map(str::to_owned);
    let amount = |pointer: &str| order.pointer(pointer).and_then(Value::as_i64);
    let refund = |refund: &Value| {
        let amount = refund.pointer("/amount/amount")?.as_i64()?;
        Some((amount, refund["status"].as_str()?.to_owned()))
    };
    Some(Order {
        id: text("id")?,
        email: text("email")?,
        status: text("status")?,
        payment_status: text("payment_status")?,
        total: amount("/total/amount")?,
        authorized: amount("/payment/authorized/amount")?,
        captured: amount("/payment/captured/amount")?,
        refunded: amount("/payment/refunded/amount")?,
        refunds: order["refunds"]
            .as_array()?
            .iter()
            .map(refund)
            .collect::<Option<_>>()?,
        shipments: order["shipments"].as_array()?.len(),
    })
}

async fn levels(town: &Town) -> Result<BTreeMap<String, Level>> {
    let mut levels = BTreeMap::new();
    for variant in &town.variants {
        let (on_hand, reserved, available) = crate::staff::stock(&town.staff, variant).await?;
        let level = Level {
            on_hand,
            reserved,
            available,
        };
        levels.insert(variant.clone(), level);
    }
    Ok(levels)
}

/// What webhooks told, each once however often it came.
fn events(ground: &Ground) -> Result<BTreeMap<String, Vec<String>>> {
    let mut events: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (id, copies) in ground.hooks.taken() {
        let event = copies.first().context("a copy")?;
        let event: Value = serde_json::from_str(event).with_context(|| id.clone())?;
        let kind = event["type"].as_str().context("a type")?.to_owned();
        let subject = event["subject"]["id"].as_str().context("a subject")?;
        events.entry(subject.to_owned()).or_default().push(kind);
    }
    Ok(events)
}

/// The books of the double of Stripe, and those of the provider for trials: they are its own, though
/// they lie beside the shop's.
async fn books(ground: &Ground) -> Result<Vec<Book>> {
    const BOOKS: &str = "SELECT payment::text, state, captured, refunded \
         FROM order_api.test_provider_payments";
    let mut conn: PgConnection = ground.database.lock().await.connect().await?;
    let rows: Vec<(String, String, i64, i64)> = sqlx::query_as(BOOKS).fetch_all(&mut conn).await?;
    let book = |(order, state, captured, refunded): (String, String, i64, i64)| Book {
        order,
        held: state == "held",
        captured,
        refunded,
    };
    let mut books: Vec<Book> = rows.into_iter().map(book).collect();
    books.extend(ground.cards.intents().into_iter().map(|intent| Book {
        order: intent.metadata.get("order").cloned().unwrap_or(intent.id),
        held: intent.status == "requires_capture",
        captured: intent.captured,
        refunded: intent.refunded,
    }));
    Ok(books)
}

//! What staff do with orders.

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use tokio::time::sleep;

use crate::audit;
use crate::shop::{Shop, on_all};
use crate::shopper::{
    buy, card, cart_with, checkout, eventually, order, place, wait_for, wait_for_payment,
};
use crate::staff::{Stock, euros, product, stock, text};

on_all!(
    shipping_in_parts,
    cancelling_a_paid_order,
    cancelling_an_unpaid_order,
    refunding_in_parts,
    listing_orders
);

/// Sent in two parts, never more than was ordered; then the order is complete.
async fn shipping_in_parts(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    let placed = buy(&client, &lamp.variant_id, 3, "shipping").await?;
    wait_for_payment(&client, &placed, "paid").await?;
    let line = text(&placed.json, "/lines/0/id")?;
    let path = format!("/api/orders/{}/shipments", placed.id);
    let part = |quantity: i64| {
        json!({
            "lines": [{"line_id": line, "quantity": quantity}],
            "tracking_number": "TW1",
            "carrier": "Post",
        })
    };
    staff.post(&path).json(&part(1)).expect(201).await?;
    assert_eq!(
        order(&client, &placed).await?["fulfillment_status"],
        "partial"
    );
    let refused = staff.post(&path).json(&part(3)).send().await?;
    assert_eq!(refused.problem(409)?, "shipment_exceeds_ordered");
    staff.post(&path).json(&part(2)).expect(201).await?;
    let done = order(&client, &placed).await?;
    assert_eq!(done["fulfillment_status"], "fulfilled");
    assert_eq!(done["status"], "completed");
    audit::clean(&shop).await
}

/// Calling off a paid order gives back the money and the goods; once is enough.
async fn cancelling_a_paid_order(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    let placed = buy(&client, &lamp.variant_id, 2, "cancel").await?;
    wait_for_payment(&client, &placed, "paid").await?;
    let path = format!("/api/orders/{}/cancel", placed.id);
    assert_eq!(
        client.post(&path).json(&json!({})).problem(401).await?,
        "unauthenticated"
    );
    staff
        .post(&path)
        .json(&json!({"reason": "changed mind"}))
        .expect(200)
        .await?;
    let cancelled = wait_for(&client, &placed, |order| {
        order["status"] == "cancelled" && order["payment_status"] == "refunded"
    })
    .await?;
    assert_eq!(cancelled["payment"]["refunded"], cancelled["total"]);
    eventually("the goods' return", async || {
        let level = stock(&staff, &lamp.variant_id).await?;
        Ok((level == (5, 0, 5)).then_some(()))
    })
    .await?;
    let shipment = staff
        .post(&format!("/api/orders/{}/shipments", placed.id))
        .json(&json!({}))
        .send()
        .await?;
    assert_eq!(shipment.problem(409)?, "order_state");
    audit::clean(&shop).await
}

/// Calling off orders on account that nobody has paid, at every moment of their first step: the
/// stock may be about to be taken, being taken, or taken.
async fn cancelling_an_unpaid_order(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(50)).await?;
    let mut orders = Vec::new();
    for number in 0..20 {
        let cart = cart_with(&client, &[(&lamp.variant_id, 2)]).await?;
        let body = checkout(&cart, json!({"method": "invoice"}));
        let placed = place(&client, &format!("unpaid-{number}"), &body).await?;
        sleep(Duration::from_millis(4 * number)).await;
        staff
            .post(&format!("/api/orders/{}/cancel", placed.id))
            .json(&json!({"reason": ""}))
            .expect(200)
            .await?;
        orders.push(placed);
    }
    for placed in &orders {
        wait_for(&client, placed, |order| order["status"] == "cancelled").await?;
    }
    eventually("the goods' return", async || {
        let level = stock(&staff, &lamp.variant_id).await?;
        Ok((level == (50, 0, 50)).then_some(()))
    })
    .await?;
    audit::clean(&shop).await
}

/// Money back in parts, with goods, never more than was taken.
async fn refunding_in_parts(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    let placed = buy(&client, &lamp.variant_id, 2, "refund").await?;
    let path = format!("/api/orders/{}/refunds", placed.id);
    wait_for_payment(&client, &placed, "paid").await?;
    let line = text(&placed.json, "/lines/0/id")?;
    let total = placed.json["total"]["amount"].as_i64().context("a total")?;

    let too_much = json!({"amount": euros(total + 1), "reason": "x"});
    assert_eq!(
        staff.post(&path).json(&too_much).problem(409).await?,
        "refund_exceeds_captured"
    );
    let part = json!({
        "amount": euros(1999),
        "reason": "one was broken",
        "restock": [{"line_id": line, "quantity": 1}],
    });
    staff.post(&path).json(&part).expect(201).await?;
    let order = wait_for_payment(&client, &placed, "partially_refunded").await?;
    assert_eq!(order["payment"]["refunded"], euros(1999));
    eventually("the goods' return", async || {
        let level = stock(&staff, &lamp.variant_id).await?;
        Ok((level == (4, 0, 4)).then_some(()))
    })
    .await?;
    // Without an amount: all that is left.
    staff
        .post(&path)
        .json(&json!({"reason": "sorry"}))
        .expect(201)
        .await?;
    let order = wait_for_payment(&client, &placed, "refunded").await?;
    assert_eq!(order["payment"]["refunded"], order["total"]);
    let more = json!({"amount": euros(1), "reason": "x"});
    assert_eq!(
        staff.post(&path).json(&more).problem(409).await?,
        "refund_exceeds_captured"
    );
    audit::clean(&shop).await
}

/// Staff see all orders and narrow the list; pages follow one another without gaps.
async fn listing_orders(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(50)).await?;
    for number in 0..5 {
        buy(&client, &lamp.variant_id, 1, &format!("list-{number}")).await?;
    }
    let cart = cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
    let refused = place(
        &client,
        "refused",
        &checkout(&cart, card(Some("tok_decline"))),
    )
    .await?;
    wait_for_payment(&client, &refused, "failed").await?;

    let mut seen = std::collections::BTreeSet::new();
    let mut path = "/api/orders?limit=2".to_owned();
    let mut pages = 0;
    loop {
        let page: Value = staff.get(&path).value(200).await?;
        pages += 1;
        for order in page["items"].as_array().into_iter().flatten() {
            assert!(seen.insert(text(order, "/id")?), "twice: {order}");
        }
        let Some(cursor) = page["next_cursor"].as_str() else {
            break;
        };
        path = format!("/api/orders?limit=2&cursor={cursor}");
    }
    assert_eq!((seen.len(), pages), (6, 3));
    let failed: Value = staff
        .get("/api/orders?payment_status=failed")
        .value(200)
        .await?;
    assert_eq!(failed["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(
        client.get("/api/orders").problem(401).await?,
        "unauthenticated"
    );
    Ok(())
}

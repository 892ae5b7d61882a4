//! A retry is the same order.

use anyhow::Result;
use serde_json::Value;

use crate::audit;
use crate::shop::{Shop, on_all};
use crate::shopper::{card, cart_with, checkout, place, placed, send_order};
use crate::staff::{Stock, product, stock};

on_all!(retries, the_same_key_of_two_buyers);

/// The same key and body give the same order, also after a restart; another body does not.
async fn retries(shop: Shop) -> Result<()> {
    let mut shop = shop;
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    let cart = cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
    let body = checkout(&cart, card(None));

    let missing = client.post("/api/orders").json(&body).send().await?;
    assert_eq!(missing.problem(400)?, "idempotency_key_required");

    let first = place(&client, "retry", &body).await?;
    let second = placed(&send_order(&client, "retry", &body).await?.expect(201)?)?;
    assert_eq!(first.id, second.id);
    // A lost answer must not cost the guest the way to the order.
    assert_eq!(first.access_token, second.access_token);

    let mut other: Value = body.clone();
    other["email"] = "eve@example.com".into();
    let reused = send_order(&client, "retry", &other).await?;
    assert_eq!(reused.problem(422)?, "idempotency_key_reused");

    shop.kill()?;
    shop.start_again().await?;
    let third = placed(&send_order(&client, "retry", &body).await?.expect(201)?)?;
    assert_eq!(first.id, third.id);
    assert_eq!(stock(&staff, &lamp.variant_id).await?.2, 4);
    audit::clean(&shop).await
}

/// Keys belong to their caller: two guests who picked the same one have two orders.
async fn the_same_key_of_two_buyers(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    let mut ids = std::collections::BTreeSet::new();
    for _ in 0..2 {
        let cart = cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
        ids.insert(place(&client, "1", &checkout(&cart, card(None))).await?.id);
    }
    assert_eq!(ids.len(), 2);
    Ok(())
}

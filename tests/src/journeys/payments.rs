//! What the provider for trials can do to an order.

use crate::audit;
use crate::shop::{Shop, on_all};
use crate::shopper::{card, cart_with, checkout, eventually, place, wait_for_payment};
use crate::staff::{Stock, product, stock};
use anyhow::Result;

on_all!(
    a_declined_card,
    a_provider_that_misbehaves,
    an_unknown_token
);

/// A definite refusal gives the stock back and says so.
async fn a_declined_card(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    let cart = cart_with(&client, &[(&lamp.variant_id, 2)]).await?;
    let placed = place(
        &client,
        "declined",
        &checkout(&cart, card(Some("tok_decline"))),
    )
    .await?;
    let failed = wait_for_payment(&client, &placed, "failed").await?;
    assert_eq!(failed["payment"]["captured"]["amount"], 0);
    assert!(failed["payment"]["failure"].is_string());
    eventually("the stock's return", async || {
        let level = stock(&staff, &lamp.variant_id).await?;
        Ok((level == (5, 0, 5)).then_some(()))
    })
    .await?;
    audit::clean(&shop).await
}

/// Two answers, a lost answer, none in time, or a late one: the money is taken once, or
/// not at all.
async fn a_provider_that_misbehaves(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(50)).await?;
    let mut orders = Vec::new();
    for token in ["tok_success", "tok_twice", "tok_lost_reply"] {
        let cart = cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
        orders.push(place(&client, token, &checkout(&cart, card(Some(token)))).await?);
    }
    for order in &orders {
        let paid = wait_for_payment(&client, order, "paid").await?;
        assert_eq!(paid["payment"]["captured"], paid["total"]);
        assert_eq!(paid["payment"]["authorized"]["amount"], 0);
    }
    assert_eq!(stock(&staff, &lamp.variant_id).await?, (47, 0, 47));
    // These two stay open for a while; meanwhile the goods are held and nothing is charged.
    for token in ["tok_timeout", "tok_slow_unknown"] {
        let cart = cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
        let placed = place(&client, token, &checkout(&cart, card(Some(token)))).await?;
        let order = crate::shopper::order(&client, &placed).await?;
        assert_eq!(order["payment"]["refunded"]["amount"], 0);
    }
    audit::clean(&shop).await
}

/// A word that is no token of the provider's is refused before an order exists.
async fn an_unknown_token(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    let cart = cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
    let body = checkout(&cart, card(Some("tok_nonsense")));
    let answer = crate::shopper::send_order(&client, "nonsense", &body).await?;
    if answer.status == 201 {
        // Also right: the provider decides, and refuses.
        let placed = crate::shopper::placed(&answer)?;
        wait_for_payment(&client, &placed, "failed").await?;
    } else {
        assert!(matches!(answer.status, 400 | 422), "{}", answer.text());
    }
    audit::clean(&shop).await
}

//! Buying without an account.

use anyhow::Result;
use serde_json::{Value, json};

use crate::audit;
use crate::shop::{Shop, on_all};
use crate::shopper::{
    card, cart_with, checkout, order, place, put_line, send_order, wait_for_payment,
};
use crate::staff::{Stock, euros, product, stock, text};

on_all!(
    from_cart_to_paid,
    changing_a_cart,
    an_invoice_is_marked_as_paid
);

/// From the empty cart to the paid order, and what it did to the stock.
async fn from_cart_to_paid(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;

    let cart_id = cart_with(&client, &[(&lamp.variant_id, 2)]).await?;
    let cart: Value = client
        .get(&format!("/api/carts/{cart_id}"))
        .value(200)
        .await?;
    assert_eq!(cart["subtotal"], euros(2 * 1999));
    assert_eq!(cart["lines"][0]["unit_price"], euros(1999));
    assert_eq!(cart["item_count"], 2);

    let methods: Value = client
        .get(&format!("/api/shipping-methods?cart_id={cart_id}"))
        .value(200)
        .await?;
    let names: Vec<_> = methods["items"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|m| &m["id"])
        .collect();
    assert_eq!(names, ["standard", "express"]);
    assert_eq!(methods["items"][0]["price"], euros(490));

    let placed = place(&client, "guest-1", &checkout(&cart_id, card(None))).await?;
    assert_eq!(placed.json["status"], "placed");
    assert_eq!(placed.json["total"], euros(2 * 1999 + 490));
    // 19 % are contained in the price.
    let tax = placed.json["tax"]["amount"].as_i64().unwrap_or_default();
    // Rounded for each line or for the whole.
    assert!((716..=717).contains(&tax), "{tax}");
    assert_eq!(stock(&staff, &lamp.variant_id).await?.2, 3);

    let paid = wait_for_payment(&client, &placed, "paid").await?;
    assert_eq!(paid["payment"]["captured"], placed.json["total"]);
    assert_eq!(paid["fulfillment_status"], "unfulfilled");
    assert_eq!(stock(&staff, &lamp.variant_id).await?, (3, 0, 3));

    // The access token is the only way in, and the cart is spent.
    let bare = client
        .get(&format!("/api/orders/{}", placed.id))
        .send()
        .await?;
    assert!(matches!(bare.status, 401 | 404), "{}", bare.status);
    let wrong = client
        .get(&format!("/api/orders/{}?access_token=wrong", placed.id))
        .send()
        .await?;
    assert_eq!(wrong.problem(404)?, "order_not_found");
    let again = send_order(&client, "guest-2", &checkout(&cart_id, card(None))).await?;
    assert_eq!(again.problem(409)?, "cart_ordered");
    audit::clean(&shop).await
}

/// Changing one's mind before the checkout, and what the server makes of wrong wishes.
async fn changing_a_cart(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    let mug = product(&staff, "Mug", Stock::Counted(1)).await?;
    let cart = cart_with(&client, &[(&lamp.variant_id, 2), (&mug.variant_id, 1)]).await?;

    let removed: Value = put_line(&client, &cart, &lamp.variant_id, 0)
        .await?
        .expect(200)?
        .json()?;
    assert_eq!(removed["lines"].as_array().map(Vec::len), Some(1));
    for quantity in [-1, 10_000] {
        let refused = put_line(&client, &cart, &mug.variant_id, quantity).await?;
        assert_eq!(refused.problem(400)?, "invalid_input");
    }
    let unknown = put_line(&client, &cart, &lamp.product_id, 1).await?;
    assert_eq!(unknown.problem(404)?, "variant_not_found");

    // Somebody was faster.
    staff
        .put(&format!("/api/stock/{}", mug.variant_id))
        .json(&json!({"on_hand": 0}))
        .expect(200)
        .await?;
    let refused = send_order(&client, "late", &checkout(&cart, card(None)))
        .await?
        .expect(409)?;
    let problem: Value = refused.json()?;
    assert_eq!(problem["code"], "out_of_stock");
    assert_eq!(text(&problem, "/lines/0/variant_id")?, mug.variant_id);

    let empty = cart_with(&client, &[]).await?;
    let refused = send_order(&client, "empty", &checkout(&empty, card(None))).await?;
    assert_eq!(refused.problem(409)?, "cart_empty");
    Ok(())
}

/// An order on account is paid when staff say so.
async fn an_invoice_is_marked_as_paid(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    let cart = cart_with(&client, &[(&lamp.variant_id, 1)]).await?;
    let placed = place(
        &client,
        "invoice",
        &checkout(&cart, json!({"method": "invoice"})),
    )
    .await?;
    assert_eq!(placed.json["payment_status"], "pending");
    // The goods are taken at once: an invoice has no deadline.
    crate::shopper::eventually("the claim", async || {
        let level = stock(&staff, &lamp.variant_id).await?;
        Ok((level == (4, 0, 4)).then_some(()))
    })
    .await?;
    let path = format!("/api/orders/{}/mark-paid", placed.id);
    assert_eq!(client.post(&path).problem(401).await?, "unauthenticated");
    staff.post(&path).expect(200).await?;
    assert_eq!(order(&client, &placed).await?["payment_status"], "paid");
    audit::clean(&shop).await
}

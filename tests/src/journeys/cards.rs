//! Paying by card through the whole program, with a double of Stripe that loses replies and says
//! everything twice and in the wrong order.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use techcommerce_testkit::Client;
use techcommerce_testkit::stripe::{Fault, Intent, Stripe};

use crate::audit;
use crate::shop::{Engine, Setup, Shop};
use crate::shopper::{
    Placed, cart_with, checkout, eventually, order, place, wait_for, wait_for_payment,
};
use crate::staff::{Stock, euros, product, stock, text};

const MESSAGES: &str = "/api/payments/stripe/webhook";
const FOUND: &str = "/api/payments/findings?open=true";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() -> Result<()> {
    from_the_cart_to_the_dispute(Engine::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() -> Result<()> {
    from_the_cart_to_the_dispute(Engine::Postgres).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn split() -> Result<()> {
    from_the_cart_to_the_dispute(Engine::Split).await
}

/// Every operation of staff on what was found of payments, for the tour: two refunds fail after they
/// were made; one is made again, the other is settled.
pub async fn operations(staff: &Client, client: &Client, stripe: &Stripe) -> Result<()> {
    let lamp = product(staff, "Lamp by card", Stock::Counted(1)).await?;
    let cart = cart_with(client, &[(&lamp.variant_id, 1)]).await?;
    let card = json!({"method": "stripe", "token": "pm_card_visa"});
    let placed = place(client, "found", &checkout(&cart, card)).await?;
    wait_for_payment(client, &placed, "paid").await?;
    let made = async |count: usize| {
        wait_for(client, &placed, |order| {
            let refunds = order["refunds"].as_array().into_iter().flatten();
            refunds.filter(|refund| refund["status"] == "done").count() == count
        })
        .await
    };
    for (round, action) in ["refund-again", "settle"].into_iter().enumerate() {
        staff
            .post(&format!("/api/orders/{}/refunds", placed.id))
            .json(&json!({"amount": euros(100), "reason": "scratched"}))
            .expect(201)
            .await?;
        made(round + 1).await?;
        let refund = stripe.refunds().pop().context("a refund")?;
        stripe.refund_becomes(&refund.id, "failed");
        tell(stripe, client).await?;
        made(round).await?;
        let found: Value = staff.get(FOUND).value(200).await?;
        let path = format!("/api/payments/findings/{}", text(&found, "/items/0/id")?);
        let post = staff.post(&format!("{path}/{action}"));
        post.json(&json!({"note": "in cash"})).expect(200).await?;
        made(1).await?;
    }
    Ok(())
}

/// All messages that wait, the latest first, each twice, and once more by somebody who has no key.
async fn tell(stripe: &Stripe, client: &Client) -> Result<usize> {
    let messages = stripe.messages();
    for message in messages.iter().rev().chain(&messages) {
        let signed = client
            .post(MESSAGES)
            .header("stripe-signature", &stripe.signature(message));
        let signed = signed.body("application/json", message.clone());
        signed.expect(200).await?;
    }
    if let Some(message) = messages.first() {
        let forged = message.replace("pi_", "pi_1");
        let forged = client
            .post(MESSAGES)
            .header("stripe-signature", &stripe.signature(message))
            .body("application/json", forged);
        let problem: Value = forged.value(400).await?;
        ensure!(problem["code"] == "webhook_signature_invalid", "{problem}");
    }
    Ok(messages.len())
}

fn intent(stripe: &Stripe, placed: &Placed) -> Result<Intent> {
    let mut intents = stripe.of_order(&placed.id);
    ensure!(intents.len() == 1, "{intents:?}");
    intents.pop().context("an intent")
}

async fn from_the_cart_to_the_dispute(engine: Engine) -> Result<()> {
    let stripe = Stripe::start().await;
    let shop = Setup::new(engine).await.with_cards(&stripe).start().await?;
    let (staff, client) = (shop.admin().await?, shop.client());
    let lamp = product(&staff, "Lamp", Stock::Counted(10)).await?;
    let cart = cart_with(&client, &[(&lamp.variant_id, 2)]).await?;
    // Stripe does it, and the shop does not hear of it.
    stripe.faults([Fault::LoseReply]);
    let placed = place(
        &client,
        "card",
        &checkout(&cart, json!({"method": "stripe"})),
    )
    .await?;
    let again = place(
        &client,
        "card",
        &checkout(&cart, json!({"method": "stripe"})),
    )
    .await?;
    ensure!(again.id == placed.id);
    let asked = wait_for(&client, &placed, |order| {
        order["payment"]["next_action"].is_object()
    })
    .await?;
    let bought = intent(&stripe, &placed)?;
    let secret = text(&asked, "/payment/next_action/client_secret")?;
    ensure!(secret.starts_with(&bought.id), "{secret}");

    // The first card is declined, the second one is good; what Stripe says comes in any order.
    stripe.customer_confirms(&bought.id, false);
    stripe.customer_confirms(&bought.id, true);
    ensure!(tell(&stripe, &client).await? >= 3);
    let paid = wait_for_payment(&client, &placed, "paid").await?;
    ensure!(paid["payment"]["captured"] == paid["total"], "{paid}");
    let taken = intent(&stripe, &placed)?;
    ensure!(
        taken.captured == taken.amount && taken.refunded == 0,
        "{taken:?}"
    );
    // What it says of what is over changes nothing.
    tell(&stripe, &client).await?;

    let path = |what: &str| format!("/api/orders/{}/{what}", placed.id);
    staff
        .post(&path("shipments"))
        .json(&json!({}))
        .expect(201)
        .await?;
    let line = text(&placed.json, "/lines/0/id")?;
    let part = json!({
        "amount": euros(1999), "reason": "one was broken",
        "restock": [{"line_id": line, "quantity": 1}],
    });
    stripe.faults([Fault::LoseReply]);
    let refund = staff.post(&path("refunds")).header("idempotency-key", "r");
    refund.json(&part).expect(201).await?;
    wait_for_payment(&client, &placed, "partially_refunded").await?;
    eventually("the goods' return", async || {
        let level = stock(&staff, &lamp.variant_id).await?;
        Ok((level == (9, 0, 9)).then_some(()))
    })
    .await?;
    ensure!(intent(&stripe, &placed)?.refunded == 1999);
    tell(&stripe, &client).await?;
    audit::clean(&shop).await?;

    disputed(&stripe, &staff, &client, &placed).await?;
    fails_later(&shop, &stripe, (&staff, &client), &placed).await?;
    let end = order(&client, &placed).await?;
    ensure!(end["status"] == "completed", "{end}");
    ensure!(end["payment"]["refunded"] == euros(1999), "{end}");
    ensure!(stripe.violations().is_empty(), "{:?}", stripe.violations());
    audit::clean(&shop).await
}

/// The customer's bank wants the money back, and loses.
async fn disputed(stripe: &Stripe, staff: &Client, client: &Client, placed: &Placed) -> Result<()> {
    let dispute = stripe.disputes(&intent(stripe, placed)?.id, 1999);
    tell(stripe, client).await?;
    let disputed: Value = staff
        .get("/api/orders?attention=payment_disputed")
        .value(200)
        .await?;
    ensure!(
        disputed["items"][0]["id"] == placed.id.as_str(),
        "{disputed}"
    );
    let found: Value = staff.get(FOUND).value(200).await?;
    ensure!(found["items"][0]["kind"] == "dispute", "{found}");
    ensure!(found["items"][0]["due_at"].is_string(), "{found}");
    stripe.dispute_ends(&dispute, "won");
    tell(stripe, client).await?;
    let found: Value = staff.get(FOUND).value(200).await?;
    ensure!(found["items"] == json!([]), "{found}");
    let seen = order(client, placed).await?;
    ensure!(
        !seen.to_string().contains("disputed"),
        "the customer is told: {seen}"
    );
    Ok(())
}

/// Days later the refund comes back, and staff make it once more.
async fn fails_later(
    shop: &Shop,
    stripe: &Stripe,
    (staff, client): (&Client, &Client),
    placed: &Placed,
) -> Result<()> {
    let refund = stripe.refunds().pop().context("a refund")?;
    stripe.refund_becomes(&refund.id, "failed");
    tell(stripe, client).await?;
    wait_for_payment(client, placed, "paid").await?;
    let found: Value = staff.get(FOUND).value(200).await?;
    ensure!(found["items"][0]["kind"] == "refund_failed", "{found}");
    let told = shop.run(&["doctor", "--audit"]).await?;
    ensure!(!told.status.success(), "the audit knows: {told:?}");
    let id = text(&found, "/items/0/id")?;
    let again = format!("/api/payments/findings/{id}/refund-again");
    let (one, two) = tokio::join!(
        staff.post(&again).value::<Value>(200),
        staff.post(&again).value::<Value>(200),
    );
    let (one, two) = (one?, two?);
    ensure!(one["refund_id"] == two["refund_id"], "{one} {two}");
    wait_for_payment(client, placed, "partially_refunded").await?;
    ensure!(intent(stripe, placed)?.refunded == 1999);
    ensure!(stripe.refunds().len() == 2, "{:?}", stripe.refunds());
    let note = json!({"note": "x"});
    let settle = format!("/api/payments/findings/{id}/settle");
    let refused = staff.post(&settle).json(&note).problem(409).await?;
    ensure!(refused == "finding_state", "{refused}");
    Ok(())
}

//! Every documented operation is called, and answers as documented. Whoever documents a new one
//! adds a stop here.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use bytes::Bytes;
use serde_json::{Value, json};
use techcommerce_testkit::Client;
use techcommerce_testkit::stripe::Stripe;

use crate::audit;
use crate::shop::{Engine, Setup, Shop};
use crate::shopper::{buy, card, cart_with, checkout, eventually, place, wait_for_payment};
use crate::staff::{Stock, euros, product, text};

const PASSWORD: &str = "seven quiet harbour lanterns";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() -> Result<()> {
    every_documented_operation(Engine::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() -> Result<()> {
    every_documented_operation(Engine::Postgres).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn split() -> Result<()> {
    every_documented_operation(Engine::Split).await
}

/// The whole public interface, once around.
async fn every_documented_operation(engine: Engine) -> Result<()> {
    // The built-in catalogue brings the discount code.
    let cards = Stripe::start().await;
    let setup = Setup::new(engine).await.with_demo();
    let shop = setup.with_cards(&cards).start().await?;
    let staff = shop.admin().await?;
    let client = shop.client();
    let document: Value = client.get("/api/openapi.json").value(200).await?;
    ensure!(
        document["openapi"]
            .as_str()
            .is_some_and(|version| version.starts_with("3.1"))
    );
    let page = shop
        .plain_client()
        .get("/api/docs")
        .expect(200)
        .await?
        .text();
    ensure!(
        !page.contains("https://"),
        "the page of the interface needs something from outside"
    );
    client.get("/api/time").expect(200).await?;
    super::cards::operations(&staff, &client, &cards).await?;
    messages(&cards, &client).await?;

    pictures(&staff, &client).await?;
    super::pictures::asked_by_staff(&staff).await?;
    catalogue(&staff, &client).await?;
    super::shelves::stop(&staff).await?;
    let paid = carts_and_orders(&staff, &client).await?;
    afterwards(&staff, &client, &paid).await?;
    accounts(&shop, &staff, &client).await?;
    super::people::accounts(&shop, &staff).await?;
    super::counter::operations(&shop, &staff, &paid.id).await?;

    let left = shop.document().not_called();
    ensure!(
        left.is_empty(),
        "documented, but called by no test:\n  {}",
        left.join("\n  ")
    );
    audit::clean(&shop).await
}

/// What Stripe says is heard, what others say is not.
async fn messages(cards: &Stripe, client: &Client) -> Result<()> {
    let object = json!({"id": "pi_of_nobody", "object": "payment_intent", "metadata": {}});
    let kind = "payment_intent.amount_capturable_updated";
    let event = json!({"id": "evt_tour", "type": kind, "data": {"object": object}}).to_string();
    let path = "/api/payments/stripe/webhook";
    let signed = cards.signature(&event);
    for _ in 0..2 {
        let message = client.post(path).header("stripe-signature", &signed);
        let message = message.body("application/json", event.clone());
        message.expect(200).await?;
    }
    let other = event.replace("nobody", "another");
    let forged = client.post(path).header("stripe-signature", &signed);
    let forged = forged.body("application/json", other);
    let problem: Value = forged.value(400).await?;
    ensure!(problem["code"] == "webhook_signature_invalid");
    Ok(())
}

async fn pictures(staff: &Client, client: &Client) -> Result<()> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/picture.png");
    let form = multipart("picture.png", "image/png", &std::fs::read(file)?);
    let path = "/api/images/upload";
    let kind = "multipart/form-data; boundary=between";
    let refused = client.post(path).body(kind, form.clone()).send().await?;
    assert_eq!(refused.problem(401)?, "unauthenticated");
    let uploaded: Value = staff.post(path).body(kind, form.clone()).value(201).await?;
    for variant in uploaded["variants"].as_array().into_iter().flatten() {
        let picture = client.get(&text(variant, "/url")?).expect(200).await?;
        assert_eq!(picture.header("content-type"), Some("image/webp"));
        ensure!(
            picture
                .header("cache-control")
                .is_some_and(|value| value.contains("immutable"))
        );
    }
    // Named by content: the same picture is the same picture.
    let again: Value = staff.post(path).body(kind, form).value(201).await?;
    assert_eq!(again["id"], uploaded["id"]);
    let text_file = multipart("picture.png", "image/png", b"this is no picture");
    let refused = staff.post(path).body(kind, text_file).send().await?;
    ensure!(
        matches!(refused.status, 400 | 415 | 422),
        "{}",
        refused.text()
    );
    Ok(())
}

/// A form with one file, for the boundary `between`.
pub(crate) fn multipart(name: &str, kind: &str, content: &[u8]) -> Bytes {
    let mut body = format!(
        "--between\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: {kind}\r\n\r\n"
    )
    .into_bytes();
    body.extend_from_slice(content);
    body.extend_from_slice(b"\r\n--between--\r\n");
    body.into()
}

async fn catalogue(staff: &Client, client: &Client) -> Result<()> {
    let vase = product(staff, "Vase", Stock::Counted(3)).await?;
    let path = format!("/api/products/{}", vase.product_id);
    staff
        .patch(&path)
        .json(&json!({"vendor": "Marlhouse"}))
        .expect(200)
        .await?;
    client.get("/api/products").expect(200).await?;
    client.get("/api/categories").expect(200).await?;
    eventually("the vase's way to the shelf", async || {
        let answer = client
            .get(&format!("/api/products/{}", vase.handle))
            .send()
            .await?;
        Ok((answer.status == 200).then_some(()))
    })
    .await?;
    let stock = format!("/api/stock/{}", vase.variant_id);
    staff.get(&stock).expect(200).await?;
    staff
        .put(&stock)
        .json(&json!({"on_hand": 4}))
        .expect(200)
        .await?;
    staff
        .post(&format!("{stock}/adjustments"))
        .json(&json!({"delta": 1, "reason": "found one"}))
        .expect(200)
        .await?;
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shopify.csv");
    let look: Value = staff
        .post("/api/products/import?dry_run=true")
        .body("text/csv", std::fs::read(file)?)
        .value(200)
        .await?;
    staff.get("/api/products/imports").expect(200).await?;
    let run = format!("/api/products/imports/{}", text(&look, "/id")?);
    staff.get(&run).expect(200).await?;
    let begun: Value = staff.post(&format!("{run}/apply")).value(202).await?;
    let run = format!("/api/products/imports/{}", text(&begun, "/id")?);
    eventually("the end of the import", async || {
        let run: Value = staff.get(&run).value(200).await?;
        Ok((run["state"] == "done").then_some(()))
    })
    .await?;
    staff
        .get("/api/products/export?format=shopify")
        .expect(200)
        .await?;
    staff.delete(&path).expect(204).await?;
    Ok(())
}

/// A paid order of three lamps, by way of every operation on carts.
async fn carts_and_orders(staff: &Client, client: &Client) -> Result<crate::shopper::Placed> {
    let lamp = product(staff, "Lamp", Stock::Counted(20)).await?;
    let cart = cart_with(client, &[(&lamp.variant_id, 3)]).await?;
    client
        .get(&format!("/api/carts/{cart}"))
        .expect(200)
        .await?;
    client
        .get(&format!("/api/shipping-methods?cart_id={cart}"))
        .expect(200)
        .await?;
    let discount = format!("/api/carts/{cart}/discount");
    client
        .put(&discount)
        .json(&json!({"code": "WELCOME10"}))
        .expect(200)
        .await?;
    client.delete(&discount).send().await?;
    let placed = place(client, "tour", &checkout(&cart, card(None))).await?;
    let paid = wait_for_payment(client, &placed, "paid").await?;
    staff.get("/api/orders").expect(200).await?;

    let other = buy(client, &lamp.variant_id, 1, "tour-cancel").await?;
    staff
        .post(&format!("/api/orders/{}/cancel", other.id))
        .json(&json!({"reason": "changed mind"}))
        .expect(200)
        .await?;
    let cart = cart_with(client, &[(&lamp.variant_id, 1)]).await?;
    let invoice = place(
        client,
        "tour-invoice",
        &checkout(&cart, json!({"method": "invoice"})),
    )
    .await?;
    eventually("the claim", async || {
        let path = format!("/api/orders/{}/mark-paid", invoice.id);
        Ok((staff.post(&path).send().await?.status == 200).then_some(()))
    })
    .await?;
    Ok(crate::shopper::Placed {
        json: paid,
        ..placed
    })
}

async fn afterwards(staff: &Client, client: &Client, paid: &crate::shopper::Placed) -> Result<()> {
    let line = text(&paid.json, "/lines/0/id")?;
    staff
        .post(&format!("/api/orders/{}/shipments", paid.id))
        .json(&json!({"lines": [{"line_id": line, "quantity": 1}]}))
        .expect(201)
        .await?;
    staff
        .post(&format!("/api/orders/{}/refunds", paid.id))
        .json(&json!({"amount": euros(100), "reason": "scratched"}))
        .expect(201)
        .await?;
    crate::shopper::order(client, paid).await?;
    Ok(())
}

async fn accounts(shop: &Shop, staff: &Client, client: &Client) -> Result<()> {
    let email = "grace@example.com";
    let session: Value = client
        .post("/api/auth/register")
        .json(&json!({"email": email, "password": PASSWORD, "name": "Grace"}))
        .value(201)
        .await?;
    let grace = client.with_bearer(&text(&session, "/token")?);
    grace.get("/api/auth/me").expect(200).await?;
    grace.get("/api/auth/sessions").expect(200).await?;
    let changed: Value = grace
        .post("/api/auth/password")
        .json(&json!({"current_password": PASSWORD, "new_password": "a quite different phrase"}))
        .value(200)
        .await?;
    let grace = client.with_bearer(&text(&changed, "/token")?);
    let sessions: Value = grace.get("/api/auth/sessions").value(200).await?;
    grace.delete("/api/auth/sessions").expect(204).await?;
    let id = text(&sessions, "/items/0/id")?;
    grace
        .delete(&format!("/api/auth/sessions/{id}"))
        .expect(204)
        .await?;

    client
        .post("/api/auth/password-reset")
        .json(&json!({"email": email}))
        .expect(202)
        .await?;
    let token = reset_token(shop).await?;
    client
        .post("/api/auth/password-reset/confirm")
        .json(&json!({"token": token, "password": PASSWORD}))
        .expect(204)
        .await?;
    let token = crate::shop::sign_in(client, email, PASSWORD).await?;
    client
        .with_bearer(&token)
        .post("/api/auth/logout")
        .expect(204)
        .await?;

    let key: Value = staff
        .post("/api/auth/api-keys")
        .json(&json!({"name": "tour", "role": "staff"}))
        .value(201)
        .await?;
    staff.get("/api/auth/api-keys").expect(200).await?;
    let id = text(&key, "/key/id")?;
    staff
        .delete(&format!("/api/auth/api-keys/{id}"))
        .expect(204)
        .await?;
    Ok(())
}

/// The token in the mail that a shop without a mail server writes to a folder.
async fn reset_token(shop: &Shop) -> Result<String> {
    let folder = shop.setup.data().join("mail");
    eventually("the mail", async || {
        for file in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            // Quoted-printable breaks long lines and writes `=` as `=3D`.
            let mail = std::fs::read_to_string(file.path())?
                .replace("=\r\n", "")
                .replace("=\n", "")
                .replace("=3D", "=");
            if let Some((_, rest)) = mail.split_once("reset-password?token=") {
                let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c)));
                let token = &rest[..end.context("the mail goes on after the token")?];
                return Ok(Some(token.trim_end_matches('.').to_owned()));
            }
        }
        Ok(None)
    })
    .await
}

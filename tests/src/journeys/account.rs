//! Accounts, sessions, keys.

use anyhow::Result;
use serde_json::{Value, json};

use crate::shop::{Shop, on_all, sign_in};
use crate::shopper::{buy, card, cart_with, checkout, place, wait_for_payment};
use crate::staff::{Stock, product, text};

const PASSWORD: &str = "seven quiet harbour lanterns";

async fn register(client: &techcommerce_testkit::Client, email: &str) -> Result<()> {
    client
        .post("/api/auth/register")
        .json(&json!({"email": email, "password": PASSWORD, "name": "Grace"}))
        .expect(201)
        .await?;
    Ok(())
}

on_all!(
    ordering_with_an_account,
    sessions_one_by_one,
    refused_sign_ins,
    api_keys,
    cookies_from_another_origin
);

/// From sign-up to the list of one's own orders, which nobody else sees.
async fn ordering_with_an_account(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    register(&client, "grace@example.com").await?;
    let token = sign_in(&client, "grace@example.com", PASSWORD).await?;
    let grace = client.with_bearer(&token);
    let me: Value = grace.get("/api/auth/me").value(200).await?;
    assert_eq!(me["email"], "grace@example.com");
    assert_eq!(me["role"], "customer");

    let cart = cart_with(&grace, &[(&lamp.variant_id, 1)]).await?;
    let placed = place(&grace, "account", &checkout(&cart, card(None))).await?;
    wait_for_payment(&client, &placed, "paid").await?;
    buy(&client, &lamp.variant_id, 1, "somebody-else").await?;
    let orders: Value = grace.get("/api/orders").value(200).await?;
    assert_eq!(orders["items"].as_array().map(Vec::len), Some(1));
    assert_eq!(text(&orders, "/items/0/id")?, placed.id);
    grace
        .get(&format!("/api/orders/{}", placed.id))
        .expect(200)
        .await?;

    register(&client, "eve@example.com").await?;
    let eve = client.with_bearer(&sign_in(&client, "eve@example.com", PASSWORD).await?);
    let refused = eve
        .get(&format!("/api/orders/{}", placed.id))
        .send()
        .await?;
    assert_eq!(refused.problem(404)?, "order_not_found");
    let refused = eve
        .post(&format!("/api/orders/{}/cancel", placed.id))
        .json(&json!({}))
        .send()
        .await?;
    assert_eq!(refused.problem(403)?, "forbidden");
    Ok(())
}

/// Each session can be ended by itself; a signed-out token opens nothing.
async fn sessions_one_by_one(shop: Shop) -> Result<()> {
    let client = shop.client();
    register(&client, "grace@example.com").await?;
    let first = client.with_bearer(&sign_in(&client, "grace@example.com", PASSWORD).await?);
    let second = client.with_bearer(&sign_in(&client, "grace@example.com", PASSWORD).await?);
    let sessions: Value = first.get("/api/auth/sessions").value(200).await?;
    // Signing up began one too.
    assert_eq!(sessions["items"].as_array().map(Vec::len), Some(3));
    let second_sessions: Value = second.get("/api/auth/sessions").value(200).await?;
    let items = second_sessions["items"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let of_second = items
        .iter()
        .find(|session| session["current"] == true)
        .cloned()
        .unwrap_or_default();
    first
        .delete(&format!("/api/auth/sessions/{}", text(&of_second, "/id")?))
        .expect(204)
        .await?;
    assert_eq!(
        second.get("/api/auth/me").problem(401).await?,
        "unauthenticated"
    );
    first.delete("/api/auth/sessions").expect(204).await?;
    let left: Value = first.get("/api/auth/sessions").value(200).await?;
    assert_eq!(left["items"].as_array().map(Vec::len), Some(1));
    first.post("/api/auth/logout").expect(204).await?;
    assert_eq!(
        first.get("/api/auth/me").problem(401).await?,
        "unauthenticated"
    );
    Ok(())
}

/// What sign-up and sign-in refuse, without telling who has an account.
async fn refused_sign_ins(shop: Shop) -> Result<()> {
    let client = shop.client();
    register(&client, "grace@example.com").await?;
    let twice = client
        .post("/api/auth/register")
        .json(&json!({"email": "Grace@Example.com", "password": PASSWORD}))
        .send()
        .await?;
    assert_eq!(twice.problem(409)?, "email_taken");
    let weak = client
        .post("/api/auth/register")
        .json(&json!({"email": "a@example.com", "password": "short"}))
        .send()
        .await?;
    assert!(matches!(weak.status, 400 | 422), "{}", weak.text());
    let wrong = |email: &'static str| {
        client
            .post("/api/auth/login")
            .json(&json!({"email": email, "password": "wrong wrong wrong"}))
            .send()
    };
    let known = wrong("grace@example.com").await?;
    let unknown = wrong("nobody@example.com").await?;
    let (known, unknown): (Value, Value) =
        (known.expect(401)?.json()?, unknown.expect(401)?.json()?);
    assert_eq!(known["code"], "wrong_credentials");
    assert_eq!(
        (&known["code"], &known["detail"]),
        (&unknown["code"], &unknown["detail"])
    );
    Ok(())
}

/// A key of a program's own, made and taken back by an admin.
async fn api_keys(shop: Shop) -> Result<()> {
    let admin = shop.admin().await?;
    let created: Value = admin
        .post("/api/auth/api-keys")
        .json(&json!({"name": "stock sync", "role": "staff"}))
        .value(201)
        .await?;
    let program = shop.client().with_bearer(&text(&created, "/token")?);
    let lamp = product(&program, "Lamp", Stock::Counted(5)).await?;
    program
        .get(&format!("/api/stock/{}", lamp.variant_id))
        .expect(200)
        .await?;
    // Staff, not admin.
    assert_eq!(
        program.get("/api/auth/api-keys").problem(403).await?,
        "forbidden"
    );
    let id = text(&created, "/key/id")?;
    admin
        .delete(&format!("/api/auth/api-keys/{id}"))
        .expect(204)
        .await?;
    let refused = program
        .get(&format!("/api/stock/{}", lamp.variant_id))
        .send()
        .await?;
    assert_eq!(refused.problem(401)?, "unauthenticated");
    Ok(())
}

/// A browser's cookie changes nothing from another site's page.
async fn cookies_from_another_origin(shop: Shop) -> Result<()> {
    let client = shop.plain_client();
    register(&client, "grace@example.com").await?;
    let answer = client
        .post("/api/auth/login?session=cookie")
        .header("origin", &format!("http://{}", shop.setup.address()))
        .json(&json!({"email": "grace@example.com", "password": PASSWORD}))
        .expect(200)
        .await?;
    let cookie = answer
        .header("set-cookie")
        .map(str::to_owned)
        .unwrap_or_default();
    assert!(cookie.starts_with("tc_session="), "{cookie}");
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"),
        "{cookie}"
    );
    let pair = cookie.split(';').next().unwrap_or_default().to_owned();
    let with_cookie = client.with_header("cookie", &pair);
    with_cookie.get("/api/auth/me").expect(200).await?;
    let elsewhere = with_cookie
        .post("/api/auth/logout")
        .header("origin", "https://evil.example")
        .send()
        .await?;
    assert_eq!(elsewhere.problem(403)?, "cross_origin");
    with_cookie.get("/api/auth/me").expect(200).await?;
    Ok(())
}

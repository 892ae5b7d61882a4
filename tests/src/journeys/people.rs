//! Those who run the shop, and whom they let in.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use techcommerce_testkit::Client;

use crate::shop::{Shop, on_all, sign_in};
use crate::shopper::eventually;
use crate::staff::text;

const PASSWORD: &str = "seven quiet harbour lanterns";

on_all!(
    a_colleague_comes_and_goes,
    the_first_admins_password,
    a_key_ends_with_its_maker
);

/// Every operation on accounts, for the tour.
pub async fn accounts(shop: &Shop, admin: &Client) -> Result<()> {
    let made: Value = admin
        .post("/api/auth/accounts")
        .json(&json!({"email": "tourist@example.com", "name": "Tour", "role": "staff"}))
        .value(201)
        .await?;
    let path = format!("/api/auth/accounts/{}", text(&made, "/id")?);
    // Before it is shut: nobody is mailed an invitation to an account that is.
    invitation(shop, "tourist@example.com").await?;
    admin.get("/api/auth/accounts?q=tour").expect(200).await?;
    admin.get(&path).expect(200).await?;
    admin
        .patch(&path)
        .json(&json!({"disabled": true}))
        .expect(200)
        .await?;
    admin
        .delete(&format!("{path}/sessions"))
        .expect(204)
        .await?;
    admin.get("/api/audit/accounts").expect(200).await?;
    Ok(())
}

/// Invited, at work, promoted, gone.
async fn a_colleague_comes_and_goes(shop: Shop) -> Result<()> {
    let admin = shop.admin().await?;
    let client = shop.client();
    let email = "grace@example.com";
    let made: Value = admin
        .post("/api/auth/accounts")
        .json(&json!({"email": email, "name": "Grace", "role": "staff"}))
        .value(201)
        .await?;
    let id = text(&made, "/id")?;
    let path = format!("/api/auth/accounts/{id}");
    let token = invitation(&shop, email).await?;
    client
        .post("/api/auth/password-reset/confirm")
        .json(&json!({"token": token, "password": PASSWORD}))
        .expect(204)
        .await?;
    let grace = client.with_bearer(&sign_in(&client, email, PASSWORD).await?);
    let shown: Value = grace.get(&path).value(200).await?;
    assert_eq!(shown["account"]["role"], "staff");
    assert_eq!(shown["sessions"], 1);
    let twice = admin
        .post("/api/auth/accounts")
        .json(&json!({"email": "Grace@Example.com", "role": "admin"}))
        .problem(409)
        .await?;
    assert_eq!(twice, "email_taken");

    // Another role counts at once, and nobody gives it to themselves.
    let own = grace
        .patch(&path)
        .json(&json!({"role": "admin"}))
        .problem(403);
    assert_eq!(own.await?, "forbidden");
    let promoted = json!({"role": "admin"});
    admin.patch(&path).json(&promoted).expect(200).await?;
    assert_eq!(grace.get(&path).problem(401).await?, "unauthenticated");
    let grace = client.with_bearer(&sign_in(&client, email, PASSWORD).await?);
    grace.get("/api/auth/api-keys").expect(200).await?;
    let down = json!({"role": "customer"});
    let own = grace.patch(&path).json(&down).problem(409).await?;
    assert_eq!(own, "own_account");

    admin
        .patch(&path)
        .json(&json!({"disabled": true}))
        .expect(200)
        .await?;
    assert_eq!(grace.get(&path).problem(401).await?, "unauthenticated");
    let refused = client
        .post("/api/auth/login")
        .json(&json!({"email": email, "password": PASSWORD}))
        .problem(403)
        .await?;
    assert_eq!(refused, "account_disabled");

    let expected = [
        "account.sign_in_failed",
        "account.update",
        "account.sign_in",
        "account.update",
        "account.sign_in",
        "account.password",
        "account.invite",
    ];
    // What failed is written behind the answer.
    let path = format!("/api/audit/accounts?object_id={id}&limit=100");
    eventually("the whole log", async || {
        let log: Value = admin.get(&path).value(200).await?;
        let items = log["items"].as_array().context("a log")?;
        let actions: Vec<&str> = items
            .iter()
            .filter_map(|one| one["action"].as_str())
            .collect();
        Ok((actions == expected).then_some(()))
    })
    .await
}

/// Who knows it can do nothing with it but replace it.
async fn the_first_admins_password(shop: Shop) -> Result<()> {
    let client = shop.client();
    let once = shop.one_time_password()?;
    let token = sign_in(&client, crate::shop::ADMIN, &once).await?;
    let new = client.with_bearer(&token);
    let me: Value = new.get("/api/auth/me").value(200).await?;
    assert_eq!(me["must_change_password"], true);
    assert_eq!(me["role"], "admin");
    let refused = new.get("/api/auth/accounts").problem(403).await?;
    assert_eq!(refused, "password_change_required");
    new.get("/api/products").expect(200).await?;
    let admin = shop.admin().await?;
    admin.get("/api/auth/accounts").expect(200).await?;
    assert_eq!(
        new.get("/api/auth/me").problem(401).await?,
        "unauthenticated"
    );
    Ok(())
}

/// Whoever leaves takes no key along.
async fn a_key_ends_with_its_maker(shop: Shop) -> Result<()> {
    let admin = shop.admin().await?;
    let client = shop.client();
    let session: Value = client
        .post("/api/auth/register")
        .json(&json!({"email": "eve@example.com", "password": PASSWORD}))
        .value(201)
        .await?;
    let path = format!("/api/auth/accounts/{}", text(&session, "/account/id")?);
    let role = |role: &str| json!({"role": role});
    admin.patch(&path).json(&role("admin")).expect(200).await?;
    let eve = client.with_bearer(&sign_in(&client, "eve@example.com", PASSWORD).await?);
    let made: Value = eve
        .post("/api/auth/api-keys")
        .json(&json!({"name": "stock", "role": "admin", "expires_at": "2100-01-01T00:00:00Z"}))
        .value(201)
        .await?;
    let key = client.with_bearer(&text(&made, "/token")?);
    key.get("/api/auth/api-keys").expect(200).await?;
    admin.patch(&path).json(&role("staff")).expect(200).await?;
    key.get("/api/stock").expect(200).await?;
    assert_eq!(
        key.get("/api/auth/api-keys").problem(403).await?,
        "forbidden"
    );
    admin
        .patch(&path)
        .json(&role("customer"))
        .expect(200)
        .await?;
    assert_eq!(key.get("/api/stock").problem(401).await?, "unauthenticated");
    let keys: Value = admin.get("/api/auth/api-keys").value(200).await?;
    ensure!(keys["items"][0]["active"] == false, "{keys}");
    Ok(())
}

/// The token of the link in the mail to this address.
async fn invitation(shop: &Shop, email: &str) -> Result<String> {
    let folder = shop.setup.data().join("mail");
    eventually("the invitation", async || {
        for file in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            // Quoted-printable breaks long lines and writes `=` as `=3D`.
            let mail = std::fs::read_to_string(file.path())?
                .replace("=\r\n", "")
                .replace("=\n", "")
                .replace("=3D", "=");
            let link = mail.split_once("reset-password?token=");
            let Some((_, rest)) = link.filter(|_| mail.contains(email)) else {
                continue;
            };
            let token = rest.split_whitespace().next().context("a token")?;
            return Ok(Some(token.to_owned()));
        }
        Ok(None)
    })
    .await
}

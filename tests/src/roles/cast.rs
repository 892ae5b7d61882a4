//! Everyone who may want something.

use anyhow::{Context, Result};
use serde_json::{Value, json};
use techcommerce_testkit::Client;

use super::things::{Owned, Things};
use crate::shop::{Engine, Setup, Shop, sign_in};
use crate::shopper::eventually;
use crate::staff::text;

pub const PASSWORD: &str = "seven quiet harbour lanterns";

/// What somebody may do, and about whose things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rights {
    Stranger,
    /// The customer whose cart, order, session and account the [`Things`] are.
    Owner,
    Customer,
    Staff,
    Admin,
}

/// Somebody who shows nothing or something good.
pub struct Actor {
    pub name: &'static str,
    pub rights: Rights,
    /// A person has an account, a program does not.
    pub person: bool,
    /// An admin with the password of the first day has the rights of a customer.
    pub one_time_password: bool,
    /// The session's token or the API key.
    pub token: Option<String>,
    email: Option<&'static str>,
}

impl Actor {
    /// Their client. It is not held against the document: refusals are what is looked for.
    pub fn client(&self, shop: &Shop) -> Client {
        match &self.token {
            Some(token) => shop.plain_client().with_bearer(token),
            None => shop.plain_client(),
        }
    }

    /// A client with a session of its own that may be ended; for programs their only one.
    pub async fn another(&self, shop: &Shop) -> Result<Client> {
        match self.email {
            Some(email) => {
                let token = sign_in(&shop.plain_client(), email, PASSWORD).await?;
                Ok(shop.plain_client().with_bearer(&token))
            }
            None => Ok(self.client(shop)),
        }
    }
}

/// A running shop with everyone in it.
pub struct Cast {
    pub shop: Shop,
    pub things: Things,
    /// Those who show nothing or something good.
    pub actors: Vec<Actor>,
    /// What opens nothing any more: why, and the credential.
    pub useless: Vec<(&'static str, String)>,
}

impl Cast {
    pub async fn gather(engine: Engine) -> Result<Self> {
        Self::gather_in(Setup::new(engine).await).await
    }

    /// In a shop that is set up so.
    pub async fn gather_in(setup: Setup) -> Result<Self> {
        let shop = setup.with_demo().start().await?;
        let admin_token = shop.admin_token().await?;
        let client = shop.plain_client();
        let admin = client.with_bearer(&admin_token);

        let (grace, account) = account(&client, "grace@example.com").await?;
        let (eve, _) = account_of(&client, "eve@example.com").await?;
        let staff = with_role(&admin, &client, "sam@example.com", "staff").await?;
        let boss = with_role(&admin, &client, "ada@example.com", "admin").await?;
        let key = |role: &'static str| json!({"name": role, "role": role});
        let (staff_key, _) = api_key(&admin, &key("staff")).await?;
        let (admin_key, _) = api_key(&admin, &key("admin")).await?;
        let (_, victim) = api_key(&admin, &key("staff")).await?;
        let useless = useless(&admin, &client).await?;
        let owner = client.with_bearer(&grace);
        let sessions: Value = owner.get("/api/auth/sessions").value(200).await?;
        let other = sessions["items"].as_array().into_iter().flatten();
        let mut other = other.filter(|session| session["current"] == false);
        let hook = json!({"url": "https://hooks.example.com/", "enabled": false});
        let made: Value = admin.post("/api/webhooks").json(&hook).value(201).await?;
        let webhook = text(&made, "/webhook/id")?;
        let trial: Value = admin
            .post(&format!("/api/webhooks/{webhook}/test"))
            .value(202)
            .await?;
        let owned = Owned {
            webhook,
            delivery: text(&trial, "/id")?,
            session: text(other.next_back().context("another session")?, "/id")?,
            account,
            api_key: victim,
        };
        let things = Things::make(&admin, &owner, &client, owned).await?;

        let person = |name, rights, token, email| Actor {
            name,
            rights,
            person: true,
            one_time_password: false,
            token: Some(token),
            email: Some(email),
        };
        let program = |name, rights, token| Actor {
            person: false,
            email: None,
            ..person(name, rights, token, "")
        };
        let stranger = Actor {
            token: None,
            ..program("a stranger", Rights::Stranger, String::new())
        };
        let new = Actor {
            one_time_password: true,
            email: None,
            ..person(
                "an admin with a one-time password",
                Rights::Customer,
                newly_made_admin(&shop).await?,
                "",
            )
        };
        let actors = vec![
            stranger,
            person("the owner", Rights::Owner, grace, "grace@example.com"),
            person("a customer", Rights::Customer, eve, "eve@example.com"),
            new,
            person("staff", Rights::Staff, staff, "sam@example.com"),
            person("an admin", Rights::Admin, boss, "ada@example.com"),
            program("a key of staff", Rights::Staff, staff_key),
            program("a key of an admin", Rights::Admin, admin_key),
        ];
        Ok(Self {
            shop,
            things,
            actors,
            useless,
        })
    }

    pub fn actor(&self, name: &str) -> Result<&Actor> {
        let found = self.actors.iter().find(|actor| actor.name == name);
        found.with_context(|| name.to_owned())
    }

    /// What could have been changed, as an admin's key and the owner see it.
    pub async fn whole_shop(&self) -> Result<Vec<String>> {
        let admin = self.actor("a key of an admin")?.client(&self.shop);
        let owner = self.actor("the owner")?.client(&self.shop);
        self.things.whole_shop(&admin, &owner).await
    }
}

/// A new customer: a session's token and the account's id. Signing up was another session.
async fn account(client: &Client, email: &str) -> Result<(String, String)> {
    let (_, id) = account_of(client, email).await?;
    Ok((sign_in(client, email, PASSWORD).await?, id))
}

async fn account_of(client: &Client, email: &str) -> Result<(String, String)> {
    let body = json!({"email": email, "password": PASSWORD, "name": ""});
    let session: Value = client
        .post("/api/auth/register")
        .json(&body)
        .value(201)
        .await?;
    Ok((text(&session, "/token")?, text(&session, "/account/id")?))
}

async fn with_role(admin: &Client, client: &Client, email: &str, role: &str) -> Result<String> {
    let (_, id) = account_of(client, email).await?;
    change(admin, &id, &json!({"role": role})).await?;
    sign_in(client, email, PASSWORD).await
}

async fn change(admin: &Client, id: &str, patch: &Value) -> Result<()> {
    let path = format!("/api/auth/accounts/{id}");
    admin.patch(&path).json(patch).expect(200).await.map(drop)
}

async fn api_key(admin: &Client, body: &Value) -> Result<(String, String)> {
    let made: Value = admin
        .post("/api/auth/api-keys")
        .json(body)
        .value(201)
        .await?;
    Ok((text(&made, "/token")?, text(&made, "/key/id")?))
}

/// What was good once, and what never was.
async fn useless(admin: &Client, client: &Client) -> Result<Vec<(&'static str, String)>> {
    let shut = with_role(admin, client, "shut@example.com", "admin").await?;
    let holder = client.with_bearer(&shut);
    let (orphan, _) = api_key(&holder, &json!({"name": "orphan", "role": "admin"})).await?;
    let me: Value = holder.get("/api/auth/me").value(200).await?;
    change(admin, &text(&me, "/id")?, &json!({"disabled": true})).await?;

    let ended = with_role(admin, client, "ended@example.com", "admin").await?;
    let holder = client.with_bearer(&ended);
    holder.post("/api/auth/logout").expect(204).await?;

    let (deleted, id) = api_key(admin, &json!({"name": "deleted", "role": "admin"})).await?;
    let path = format!("/api/auth/api-keys/{id}");
    admin.delete(&path).expect(204).await?;

    let time: Value = client.get("/api/time").value(200).await?;
    let soon = soon_after(&text(&time, "/time")?)?;
    let body = json!({"name": "brief", "role": "admin", "expires_at": soon});
    let (expired, _) = api_key(admin, &body).await?;
    eventually("the end of a key", async || {
        let answer = client.with_bearer(&expired).get("/api/time").send().await?;
        Ok((answer.status == 401).then_some(()))
    })
    .await?;

    let never = "VGhpcyBpcyBhbiBleGFtcGxlLCBubyByZWFsIHRva2Vu";
    Ok(vec![
        ("the session of a disabled admin", shut),
        ("a key that a disabled admin made", orphan),
        ("a session that was ended", ended),
        ("a key that was deleted", deleted),
        ("a key that ran out", expired),
        ("a session that never was", format!("tcs_{}", &never[..43])),
        ("a key that never was", format!("tck_{}", &never[..43])),
        ("nonsense", "nonsense".to_owned()),
    ])
}

/// Two seconds after an RFC 3339 time, so that nothing waits for long.
fn soon_after(time: &str) -> Result<String> {
    let time: techcommerce_kernel::Timestamp = serde_json::from_value(json!(time))?;
    let soon = time + std::time::Duration::from_secs(2);
    Ok(serde_json::to_value(soon)?
        .as_str()
        .context("a time")?
        .to_owned())
}

/// The session of an admin who has not replaced the one-time password.
async fn newly_made_admin(shop: &Shop) -> Result<String> {
    let email = "new@example.com";
    let output = shop.run(&["admin", "create", "--email", email]).await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let password = text.lines().find_map(|line| line.strip_prefix("Password:"));
    let password = password.with_context(|| text.clone())?.trim();
    sign_in(&shop.plain_client(), email, password).await
}

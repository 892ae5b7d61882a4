//! Things in the shop that belong to somebody, and what the shop looks like as a whole.

use std::path::Path;

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use serde_json::Value;
use techcommerce_testkit::Client;

use crate::shopper::{Placed, buy, card, cart_with, checkout, place, wait_for_payment};
use crate::staff::{Item, Stock, product, text};

/// An id that names nothing.
pub const NOTHING: &str = "01890000-0000-7000-8000-000000000000";

/// One of each.
pub struct Things {
    pub product: Item,
    pub category: String,
    pub discount: String,
    pub image: String,
    pub image_variant: String,
    /// Of the owner.
    pub cart: String,
    /// Of the owner.
    pub order: Placed,
    /// A guest's.
    pub guests_order: Placed,
    /// A session of the owner that nobody uses.
    pub session: String,
    /// The owner's.
    pub account: String,
    pub api_key: String,
    /// A run of an import.
    pub import: String,
    /// Told of everything, and switched off.
    pub webhook: String,
    /// What was sent to it.
    pub delivery: String,
}

/// What [`Things::make`] is given.
pub struct Owned {
    pub session: String,
    pub account: String,
    pub api_key: String,
    pub webhook: String,
    pub delivery: String,
}

impl Things {
    /// Makes them, in a shop with the built-in catalogue.
    pub async fn make(
        staff: &Client,
        owner: &Client,
        guest: &Client,
        owned: Owned,
    ) -> Result<Self> {
        let product = product(staff, "Lamp", Stock::Counted(50)).await?;
        let cart = cart_with(owner, &[(&product.variant_id, 1)]).await?;
        let order = place(owner, "roles", &checkout(&cart, card(None))).await?;
        wait_for_payment(guest, &order, "paid").await?;
        let guests_order = buy(guest, &product.variant_id, 1, "roles-guest").await?;
        wait_for_payment(guest, &guests_order, "paid").await?;
        let categories: Value = guest.get("/api/categories").value(200).await?;
        let image: Value = staff
            .post("/api/images/upload")
            .body(PICTURE_TYPE, picture()?)
            .value(201)
            .await?;
        let variant = text(&image, "/variants/0/url")?;
        Ok(Self {
            category: text(&categories, "/items/0/handle")?,
            discount: "WELCOME10".to_owned(),
            image: text(&image, "/id")?,
            image_variant: variant.rsplit('/').next().context("a variant")?.to_owned(),
            cart: cart_with(owner, &[(&product.variant_id, 2)]).await?,
            order,
            guests_order,
            session: owned.session,
            account: owned.account,
            api_key: owned.api_key,
            import: import(staff).await?,
            webhook: owned.webhook,
            delivery: owned.delivery,
            product,
        })
    }

    /// A documented address with these things in the place of its parameters.
    pub fn address(&self, template: &str) -> Result<String> {
        self.filled(template, |thing| thing)
    }

    /// A documented address of things that do not exist.
    pub fn nowhere(&self, template: &str) -> Result<String> {
        self.filled(template, |_| NOTHING)
    }

    fn filled<'a>(&'a self, template: &'a str, of: impl Fn(&'a str) -> &'a str) -> Result<String> {
        let mut parts: Vec<&str> = Vec::new();
        let mut before = "";
        for part in template.split('/') {
            if !part.starts_with('{') {
                before = part;
                parts.push(part);
                continue;
            }
            let thing = match (before, part) {
                ("jobs", "{service}") => {
                    parts.push("order-api");
                    continue;
                }
                ("images", "{variant}") => {
                    parts.push(&self.image_variant);
                    continue;
                }
                ("jobs" | "findings", _) => NOTHING,
                ("payments", _) => NOTHING,
                ("products", _) => &self.product.product_id,
                ("stock" | "lines", _) => &self.product.variant_id,
                ("categories", _) => &self.category,
                ("discounts", _) => &self.discount,
                ("images", _) => &self.image,
                ("carts", _) => &self.cart,
                ("orders", _) => &self.order.id,
                ("sessions", _) => &self.session,
                ("accounts" | "customers", _) => &self.account,
                ("api-keys", _) => &self.api_key,
                ("imports" | "import", _) => &self.import,
                ("webhooks", _) => &self.webhook,
                ("deliveries", _) => &self.delivery,
                _ => bail!("{template}: tell tests/src/roles/things.rs what stands for {part}"),
            };
            parts.push(of(thing));
        }
        Ok(parts.join("/"))
    }

    /// All that somebody could have changed, as an admin and the owner see it. Each change of
    /// staff's is in a log, too.
    pub async fn whole_shop(&self, admin: &Client, owner: &Client) -> Result<Vec<String>> {
        let mut seen = Vec::new();
        for path in [
            "/api/products?limit=100",
            "/api/products?limit=100&status=draft",
            "/api/products/{id}",
            "/api/stock/{variant_id}",
            "/api/stock/{variant_id}/movements",
            "/api/categories",
            "/api/carts/{id}",
            "/api/orders?limit=100",
            "/api/orders/{id}",
            "/api/discounts?limit=100",
            "/api/images?limit=100",
            "/api/products/imports?limit=100",
            "/api/auth/accounts?limit=100",
            "/api/auth/api-keys",
            "/api/webhooks",
            "/api/audit/accounts?limit=100",
            "/api/audit/catalogue?limit=100",
            "/api/audit/orders?limit=100",
            "/api/audit/images?limit=100",
        ] {
            seen.push(look(admin, &self.address(path)?).await?);
        }
        let orders = format!("/api/orders/{}", self.guests_order.id);
        seen.push(look(admin, &orders).await?);
        seen.push(look(owner, "/api/auth/me").await?);
        seen.push(look(owner, "/api/auth/sessions").await?);
        Ok(seen)
    }
}

async fn look(client: &Client, path: &str) -> Result<String> {
    let mut json: Value = client.get(path).value(200).await?;
    forget(&mut json);
    Ok(format!("{path}: {json}"))
}

/// When a key or a session was used last is no change.
fn forget(json: &mut Value) {
    match json {
        Value::Object(fields) => {
            fields.retain(|name, _| !matches!(name.as_str(), "last_used_at" | "expires_at"));
            fields.values_mut().for_each(forget);
        }
        Value::Array(items) => items.iter_mut().for_each(forget),
        _ => {}
    }
}

/// The type of [`picture`].
pub const PICTURE_TYPE: &str = "multipart/form-data; boundary=between";

/// An upload.
pub fn picture() -> Result<Bytes> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/picture.png");
    let mut body = b"--between\r\nContent-Disposition: form-data; name=\"file\"; \
        filename=\"picture.png\"\r\nContent-Type: image/png\r\n\r\n"
        .to_vec();
    body.extend(std::fs::read(file)?);
    body.extend_from_slice(b"\r\n--between--\r\n");
    Ok(body.into())
}

/// The file of an import.
pub fn catalogue() -> Result<Bytes> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/shopify.csv");
    Ok(std::fs::read(file)?.into())
}

/// A run that changed nothing.
async fn import(staff: &Client) -> Result<String> {
    let answer = staff
        .post("/api/products/import?dry_run=true")
        .body("text/csv", catalogue()?)
        .send()
        .await?;
    let run: Value = answer.json()?;
    Ok(run["id"].as_str().unwrap_or(NOTHING).to_owned())
}

//! Every operation that makes something is sent twice under one key: the same answer, byte for byte,
//! and nothing has changed by the second. An operation that takes no key is listed here with the reason.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use techcommerce_testkit::{Answer, Client, Request};

use super::cast::Cast;
use super::matrix::{at_rest, good};
use super::table::{Rule, table};
use crate::shop::Engine;
use crate::shopper::{buy, cart_with, checkout, eventually, place, wait_for_payment};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() -> Result<()> {
    everything_twice(Engine::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() -> Result<()> {
    everything_twice(Engine::Postgres).await
}

/// What takes no key, and why it needs none or can have none.
const WITHOUT: &[(&str, &str)] = &[
    (
        "post /api/auth/register",
        "an address is taken once; a guest has no keys",
    ),
    (
        "post /api/auth/login",
        "each sign-in is a session of its own, and its token is kept nowhere",
    ),
    ("post /api/auth/logout", "twice is once"),
    (
        "post /api/auth/password-reset",
        "what is sent last counts; a guest has no keys",
    ),
    (
        "post /api/auth/password-reset/confirm",
        "the link is good once",
    ),
    (
        "post /api/auth/password",
        "the second one shows a password that is no longer the present one",
    ),
    (
        "post /api/auth/accounts",
        "an address is taken once, and the answer holds a password",
    ),
    (
        "post /api/auth/api-keys",
        "the answer holds the key, which is kept nowhere",
    ),
    (
        "post /api/carts",
        "a guest has no keys; a cart that nobody knows of is empty and goes by itself",
    ),
    (
        "post /api/images/upload",
        "the same picture is the same picture",
    ),
    (
        "post /api/jobs/retry",
        "a job that was started again is not there to be started again",
    ),
    ("post /api/jobs/{service}/{id}/retry", "the same"),
    (
        "post /api/payments/stripe/webhook",
        "an event has an id of its own, by which it is known",
    ),
    (
        "post /api/payments/findings/{id}/refund-again",
        "as long as a refund is under way, or made, asking again is the same one",
    ),
    (
        "post /api/payments/findings/{id}/settle",
        "what was settled stays as it is",
    ),
    (
        "post /api/products/import",
        "the same file again changes nothing",
    ),
    (
        "post /api/products/imports/{id}/apply",
        "it goes on where it is",
    ),
    ("post /api/products/preview", "it changes nothing"),
    (
        "post /api/webhooks/{id}/test",
        "each is one more trial, which is what is asked for",
    ),
    (
        "post /api/webhooks/{id}/resend-failed",
        "what was sent again has not failed any more",
    ),
    (
        "post /api/webhooks/{id}/deliveries/{delivery_id}/resend",
        "a delivery keeps its id, by which whoever gets it twice knows it",
    ),
];

fn takes_a_key(document: &Value, rule: &Rule) -> bool {
    let (method, path) = rule.parts();
    let parameters = document["paths"][path][method]["parameters"].as_array();
    let mut parameters = parameters.into_iter().flatten();
    parameters.any(|parameter| parameter["name"] == "Idempotency-Key")
}

async fn everything_twice(engine: Engine) -> Result<()> {
    let cast = Cast::gather(engine).await?;
    let staff = cast.actor("staff")?.client(&cast.shop);
    let admin = cast.actor("a key of an admin")?.client(&cast.shop);
    let document = cast.shop.document().json();
    let mut wrong = Vec::new();
    let mut tried = 0;
    for rule in table() {
        if !rule.operation.starts_with("post ") {
            continue;
        }
        let listed = WITHOUT
            .iter()
            .any(|(operation, _)| *operation == rule.operation);
        let keyed = takes_a_key(document, &rule);
        if listed == keyed {
            wrong.push(format!(
                "{}: it takes a key or stands in the list of those that take none",
                rule.operation
            ));
        }
        if keyed {
            tried += 1;
            let client = match rule.operation.contains("/api/webhooks") {
                true => &admin,
                false => &staff,
            };
            twice(&cast, client, &rule, &mut wrong).await?;
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    ensure!(tried >= 13, "only {tried} operations take a key");
    Ok(())
}

/// A request that can be sent again.
enum Wanted {
    /// The one of the table.
    Good,
    /// About something of its own.
    Own(String, Value),
}

impl Wanted {
    fn request<'a>(&self, cast: &Cast, client: &'a Client, rule: &Rule) -> Result<Request<'a>> {
        match self {
            Self::Good => good(client, rule, cast),
            Self::Own(path, Value::Null) => Ok(client.post(path)),
            Self::Own(path, body) => Ok(client.post(path).json(body)),
        }
    }
}

/// The request, about something that it can be done with.
async fn wanted(cast: &Cast, client: &Client, rule: &Rule) -> Result<Wanted> {
    let variant = &cast.things.product.variant_id;
    let guest = cast.shop.plain_client();
    let address = |id: &str| rule.parts().1.replace("{id}", id);
    Ok(match rule.operation {
        "post /api/orders" => {
            let cart = cart_with(client, &[(variant, 1)]).await?;
            let body = checkout(&cart, json!({"method": "invoice"}));
            Wanted::Own("/api/orders".to_owned(), body)
        }
        // Each has an order of its own: what one does stands in another's way.
        "post /api/orders/{id}/mark-paid" => {
            let cart = cart_with(&guest, &[(variant, 1)]).await?;
            let body = checkout(&cart, json!({"method": "invoice"}));
            let order = place(&guest, "once-invoice", &body).await?;
            eventually("its stock is taken", async || {
                let path = format!("/api/orders/{}", order.id);
                let order: Value = client.get(&path).value(200).await?;
                let events = order["events"].as_array();
                let mut events = events.into_iter().flatten();
                let taken = events.any(|event| event["kind"] == "stock_claimed");
                Ok(taken.then_some(()))
            })
            .await?;
            Wanted::Own(address(&order.id), Value::Null)
        }
        "post /api/orders/{id}/cancel"
        | "post /api/orders/{id}/refunds"
        | "post /api/orders/{id}/shipments" => {
            let order = buy(&guest, variant, 1, rule.operation).await?;
            wait_for_payment(&guest, &order, "paid").await?;
            let body = match rule.operation.rsplit('/').next() {
                Some("shipments") => json!({}),
                _ => json!({"reason": "once"}),
            };
            Wanted::Own(address(&order.id), body)
        }
        // The one of the table is told of what the others do, and seen to fail.
        "post /api/webhooks" => {
            let body =
                json!({"url": "https://hooks.example.com/", "types": ["order.refund_failed"]});
            Wanted::Own("/api/webhooks".to_owned(), body)
        }
        // The one of the table takes the product off the shelf, which others want to buy.
        "post /api/products/bulk" => {
            let action = json!({"kind": "change_price", "percent": 10});
            let body = json!({"ids": [cast.things.product.product_id], "action": action});
            Wanted::Own("/api/products/bulk".to_owned(), body)
        }
        _ => Wanted::Good,
    })
}

async fn twice(cast: &Cast, client: &Client, rule: &Rule, wrong: &mut Vec<String>) -> Result<()> {
    let key = format!("once {}", rule.operation);
    let wanted = wanted(cast, client, rule).await?;
    let request = || -> Result<Request<'_>> {
        let request = wanted.request(cast, client, rule)?;
        Ok(request.header("idempotency-key", &key))
    };
    let first = request()?.send().await?;
    if first.status >= 400 {
        wrong.push(format!("{}: {}", rule.operation, first.text()));
        return Ok(());
    }
    let before = at_rest(cast).await?;
    for _ in 0..2 {
        let again = request()?.send().await?;
        if said(&first) != said(&again) {
            wrong.push(format!(
                "{}: first {} {}, then {} {}",
                rule.operation,
                first.status,
                first.text(),
                again.status,
                again.text()
            ));
        }
    }
    if at_rest(cast).await? != before {
        wrong.push(format!(
            "{}: the second one changed something",
            rule.operation
        ));
    }
    Ok(())
}

/// All that a client can tell two answers apart by, but for the request's own id.
fn said(answer: &Answer) -> (u16, Vec<(String, String)>, Vec<u8>) {
    let kept = ["content-type", "location", "cache-control", "etag"];
    let headers = kept.iter().filter_map(|name| {
        let value = answer.headers.get(*name)?.to_str().ok()?;
        Some(((*name).to_owned(), value.to_owned()))
    });
    (answer.status, headers.collect(), answer.body.to_vec())
}

//! Every operation as everyone.

use std::collections::BTreeSet;

use anyhow::{Context, Result, ensure};
use http::Method;
use serde_json::{Value, json};
use techcommerce_testkit::{Answer, Client, Request};

use super::cast::{Actor, Cast};
use super::credentials::forgeries;
use super::table::{Rule, Sent, Verdict, table};
use crate::shop::Engine;
use crate::shopper::eventually;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_sqlite() -> Result<()> {
    everyone_tries_everything(Engine::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn on_postgres() -> Result<()> {
    everyone_tries_everything(Engine::Postgres).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn apart() -> Result<()> {
    everyone_tries_everything(Engine::Split).await
}

async fn everyone_tries_everything(engine: Engine) -> Result<()> {
    let cast = Cast::gather(engine).await?;
    let table = table();
    the_table_is_whole(&cast, &table)?;
    let before = at_rest(&cast).await?;
    let mut wrong = Vec::new();
    refusals(&cast, &table, &mut wrong).await?;
    useless_credentials(&cast, &table, &mut wrong).await?;
    forged_identities(&cast, &table, &mut wrong).await?;
    // Before anybody who may has done something.
    for (before, after) in before.iter().zip(&cast.whole_shop().await?) {
        if before != after {
            wrong.push(format!(
                "refused calls changed\n    {before}\n    to\n    {after}"
            ));
        }
    }
    others_see_less(&cast, &mut wrong).await?;
    permissions(&cast, &table, &mut wrong).await?;
    ensure!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}

/// What is documented is in the table, once, and nothing else is.
fn the_table_is_whole(cast: &Cast, table: &[Rule]) -> Result<()> {
    let documented = cast.shop.document().operations();
    let entered: BTreeSet<String> = table.iter().map(|rule| rule.operation.to_owned()).collect();
    ensure!(
        entered.len() == table.len(),
        "an operation is entered twice"
    );
    let list = |names: BTreeSet<&String>| {
        let names: Vec<&str> = names.into_iter().map(String::as_str).collect();
        names.join("\n  ")
    };
    let missing = list(documented.difference(&entered).collect());
    let gone = list(entered.difference(&documented).collect());
    ensure!(
        missing.is_empty() && gone.is_empty(),
        "who may call these? Say it in tests/src/roles/table.rs:\n  {missing}\nthese are in it, \
         but not in the document:\n  {gone}"
    );
    Ok(())
}

/// The shop as it is once what was begun has come to its end.
pub async fn at_rest(cast: &Cast) -> Result<Vec<String>> {
    let mut last = cast.whole_shop().await?;
    eventually("rest", async || {
        let now = cast.whole_shop().await?;
        let same = now == last;
        last = now;
        Ok(same.then(|| last.clone()))
    })
    .await
}

/// Those who may not are told so, with requests that would change something.
async fn refusals(cast: &Cast, table: &[Rule], wrong: &mut Vec<String>) -> Result<()> {
    for rule in table {
        for actor in &cast.actors {
            if let Verdict::Refused(status, code) = rule.may.verdict(actor) {
                let answer = good(&actor.client(&cast.shop), rule, cast)?.send().await?;
                check(rule, actor.name, answer, status, code, wrong);
            }
        }
    }
    Ok(())
}

/// What opens nothing is refused as a bearer token, wherever; as a cookie it is nobody's.
async fn useless_credentials(cast: &Cast, table: &[Rule], wrong: &mut Vec<String>) -> Result<()> {
    let stranger = cast.actor("a stranger")?;
    for rule in table {
        // Pictures and the shop's state are for everyone: nobody asks who looks, so that both can
        // be had while nobody can be recognised.
        if rule.operation.contains(" /images/") || rule.operation == "get /api/status" {
            continue;
        }
        for (what, token) in &cast.useless {
            let client = cast.shop.plain_client().with_bearer(token);
            let answer = good(&client, rule, cast)?.send().await?;
            check(rule, what, answer, 401, "unauthenticated", wrong);
            let Verdict::Refused(status, code) = rule.may.verdict(stranger) else {
                continue;
            };
            let client = cast
                .shop
                .plain_client()
                .with_header("cookie", &format!("tc_session={token}"))
                .with_header("origin", &format!("http://{}", cast.shop.setup.address()));
            let answer = good(&client, rule, cast)?.send().await?;
            check(rule, what, answer, status, code, wrong);
        }
    }
    Ok(())
}

/// Whoever says that they are somebody else is who they are.
async fn forged_identities(cast: &Cast, table: &[Rule], wrong: &mut Vec<String>) -> Result<()> {
    let forgeries = forgeries(&cast.shop)?;
    for name in ["a stranger", "a customer"] {
        let actor = cast.actor(name)?;
        for rule in table {
            let Verdict::Refused(status, code) = rule.may.verdict(actor) else {
                continue;
            };
            for (what, headers) in &forgeries {
                let client = actor.client(&cast.shop);
                let mut request = good(&client, rule, cast)?;
                for (name, value) in headers {
                    request = request.header(name, value);
                }
                let answer = request.send().await?;
                check(
                    rule,
                    &format!("{name} with {what}"),
                    answer,
                    status,
                    code,
                    wrong,
                );
            }
        }
    }
    Ok(())
}

/// Those who may are let in. Where they would change something, they ask for nonsense about what
/// does not exist: that is an error, but not one of who asks. That the right thing happens is for
/// the journeys.
async fn permissions(cast: &Cast, table: &[Rule], wrong: &mut Vec<String>) -> Result<()> {
    // What ends sessions comes last: it may end those of the cast.
    let (last, first): (Vec<_>, Vec<_>) = table.iter().partition(|rule| rule.ends_sessions);
    for rule in first.into_iter().chain(last) {
        for actor in &cast.actors {
            if rule.may.verdict(actor) != Verdict::Allowed {
                continue;
            }
            let mut client = actor.client(&cast.shop);
            if rule.ends_sessions {
                if actor.one_time_password {
                    continue;
                }
                client = actor.another(&cast.shop).await?;
            }
            let reads = rule.operation.starts_with("get ");
            let request = match reads {
                true => good(&client, rule, cast)?,
                false => nonsense(&client, rule, cast)?,
            };
            let answer = request.send().await?;
            let there = !rule.operation.contains("{") || answer.status != 404;
            // Jobs come and go: none stands still to be looked at here; the journeys make one.
            let gone = rule.operation == "get /api/jobs/{service}/{id}" && answer.status == 404;
            let let_in = match reads {
                true => (answer.status < 400 && there) || gone,
                false => !matches!(answer.status, 401 | 403) && answer.status < 500,
            };
            if !let_in {
                wrong.push(format!(
                    "{} as {}: {}",
                    rule.operation,
                    actor.name,
                    told(&answer)
                ));
            }
        }
    }
    Ok(())
}

/// In lists that are open to many, each sees their own.
async fn others_see_less(cast: &Cast, wrong: &mut Vec<String>) -> Result<()> {
    let (things, shop) = (&cast.things, &cast.shop);
    let ids = async |actor: &Actor| -> Result<Vec<String>> {
        let list: Value = actor
            .client(shop)
            .get("/api/orders?limit=100")
            .value(200)
            .await?;
        let items = list["items"].as_array().context("a list")?;
        let ids = items.iter().filter_map(|order| order["id"].as_str());
        Ok(ids.map(str::to_owned).collect())
    };
    for (name, expected) in [
        ("the owner", vec![&things.order.id]),
        ("a customer", vec![]),
        ("an admin with a one-time password", vec![]),
        ("staff", vec![&things.guests_order.id, &things.order.id]),
        (
            "a key of staff",
            vec![&things.guests_order.id, &things.order.id],
        ),
    ] {
        let seen = ids(cast.actor(name)?).await?;
        if seen.iter().collect::<Vec<_>>() != expected {
            wrong.push(format!("get /api/orders as {name}: {seen:?}"));
        }
    }
    // The key of an order is its own, and opens only it.
    let stranger = shop.plain_client();
    let (one, other) = (&things.order, &things.guests_order);
    for (id, token, status) in [
        (&one.id, &one.access_token, 200),
        (&other.id, &other.access_token, 200),
        (&one.id, &other.access_token, 404),
        (&other.id, &one.access_token, 404),
    ] {
        let path = format!("/api/orders/{id}?access_token={token}");
        let answer = stranger.get(&path).send().await?;
        if answer.status != status {
            wrong.push(format!(
                "an access token: {} instead of {status}",
                answer.status
            ));
        }
    }
    // What is not on the shelf is for staff.
    let staff = cast.actor("staff")?.client(shop);
    let draft: Value = staff
        .post("/api/products")
        .json(&json!({
            "title": "Not yet",
            "status": "draft",
            "variants": [{"price": {"amount": 1, "currency": "EUR"}}],
        }))
        .value(201)
        .await?;
    let path = format!("/api/products/{}", draft["id"].as_str().unwrap_or_default());
    staff.get(&path).expect(200).await?;
    for name in [
        "a stranger",
        "a customer",
        "an admin with a one-time password",
    ] {
        let client = cast.actor(name)?.client(shop);
        if client.get(&path).send().await?.status != 404 {
            wrong.push(format!("{name} sees a draft"));
        }
        let list = client.get("/api/products?status=draft").send().await?;
        if list.text().contains("Not yet") {
            wrong.push(format!("{name} sees drafts in the list"));
        }
    }
    Ok(())
}

/// A request that does what it is for, if it is let in.
pub fn good<'a>(client: &'a Client, rule: &Rule, cast: &Cast) -> Result<Request<'a>> {
    let (method, template) = rule.parts();
    let path = cast.things.address(template)? + (rule.query)(&cast.things).as_str();
    let request = client.request(verb(method)?, &path);
    Ok(match (rule.body)(&cast.things)? {
        Sent::Nothing => request,
        Sent::Json(value) => request.json(&value),
        Sent::File(kind, bytes) => request.body(kind, bytes),
    })
}

/// A request that cannot do anything.
pub fn nonsense<'a>(client: &'a Client, rule: &Rule, cast: &Cast) -> Result<Request<'a>> {
    let (method, template) = rule.parts();
    let path = cast.things.nowhere(template)?;
    let request = client.request(verb(method)?, &path);
    Ok(match method {
        "delete" => request,
        _ => request.json(&json!({"nonsense": true})),
    })
}

fn verb(method: &str) -> Result<Method> {
    Ok(method.to_uppercase().parse()?)
}

fn check(rule: &Rule, who: &str, answer: Answer, status: u16, code: &str, wrong: &mut Vec<String>) {
    let shown = told(&answer);
    match answer.problem(status) {
        Ok(given) if given == code => {}
        Ok(_) | Err(_) => wrong.push(format!(
            "{} as {who}: {shown} instead of {status} {code}",
            rule.operation
        )),
    }
}

fn told(answer: &Answer) -> String {
    let text: String = answer.text().chars().take(160).collect();
    format!("{} {text}", answer.status)
}

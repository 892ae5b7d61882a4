//! The password of Redis, which keeps the sessions and counts requests.

use anyhow::Result;
use techcommerce_testkit::TestRedis;

use super::{IN_FORCE, Load, REFUSED, count, ensure_untold, said};
use crate::mounted::Mounted;
use crate::shop::{Engine, Setup};
use crate::shopper::eventually;

/// The edge, auth and the worker hold it.
const HOLDERS: usize = 3;
const KEY: &str = "redis_url";

/// The user has this password from now on, and no other.
fn know(redis: &TestRedis, password: &str) {
    let password = format!(">{password}");
    let words = ["ACL", "SETUSER", "shop", "on", "resetpass", &password];
    redis.command(&[&words[..], &["~*", "&*", "+@all"]].concat());
}

/// All connections of the user end.
fn cut(redis: &TestRedis) {
    redis.command(&["CLIENT", "KILL", "USER", "shop"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_changed_while_people_are_signed_in() -> Result<()> {
    let redis = TestRedis::own();
    know(&redis, "first-of-redis");
    let setup = Setup::new(Engine::Split).await;
    let mounted = Mounted::at(setup.folder().join("redis"));
    let address = |password: &str| redis.url_as("shop", password);
    mounted.put(&[("url", &address("first-of-redis"))])?;
    let setup = setup
        .set("TECHCOMMERCE_REDIS_URL", "")
        .set("TECHCOMMERCE_REDIS_URL_FILE", &mounted.file("url"));
    let mut shop = setup.start().await?;
    let person = shop.plain_client().with_bearer(&shop.admin_token().await?);
    let asking = person.clone();
    let mut load = Load::of(4, move || {
        let person = asking.clone();
        async move { person.get("/api/auth/sessions").expect(200).await.map(drop) }
    });
    load.go_on(20).await?;

    // The file first. Nobody is let in with it yet: said once, and again when somebody asks.
    mounted.put(&[("url", &address("second-of-redis"))])?;
    said(&shop, REFUSED, KEY, HOLDERS).await?;
    load.go_on(50).await?;
    assert_eq!(count(&shop, REFUSED, KEY), HOLDERS, "said once");
    shop.processes.signal_all("HUP")?;
    said(&shop, REFUSED, KEY, 2 * HOLDERS).await?;
    // Then the server, with which no connection of before works any more.
    know(&redis, "second-of-redis");
    cut(&redis);
    load.go_on(50).await?;
    said(&shop, IN_FORCE, KEY, HOLDERS).await?;

    // The server first: what is connected goes on.
    know(&redis, "third-of-redis");
    load.go_on(50).await?;
    mounted.put(&[("url", &address("third-of-redis"))])?;
    shop.processes.signal_all("HUP")?;
    said(&shop, IN_FORCE, KEY, 2 * HOLDERS).await?;
    load.go_on(50).await?;
    println!("{} requests, none failed", load.end().await?);

    // By now nothing hangs on a connection of before.
    cut(&redis);
    eventually("sessions after all connections went", async || {
        let answer = person.get("/api/auth/sessions").send().await?;
        Ok((answer.status == 200).then_some(()))
    })
    .await?;
    ensure_untold(
        &shop,
        &["first-of-redis", "second-of-redis", "third-of-redis"],
    )?;
    shop.stop().await
}

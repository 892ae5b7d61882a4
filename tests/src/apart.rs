//! Each service as a process of its own: what it answers, what it opens, whom it believes.

use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use sqlx::{Connection, PgConnection};
use techcommerce_testkit::Client;

use crate::shop::{Engine, SERVICES, Setup, Shop};
use crate::shopper::{buy, wait_for_payment};
use crate::staff::{Stock, product};

/// Health at both doors of each, metrics at the inner one alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_is_watched_by_itself() -> Result<()> {
    let shop = Shop::start(Engine::Split).await?;
    for service in SERVICES {
        let (outer, inner) = shop.setup.place(service);
        let [outer, inner] = [outer, inner].map(|at| Client::new(format!("http://{at}")));
        for client in [&outer, &inner] {
            for path in ["/live", "/healthz", "/readyz", "/health"] {
                client
                    .get(path)
                    .expect(200)
                    .await
                    .with_context(|| service.to_owned())?;
            }
        }
        outer.get("/metrics").expect(404).await?;
        let metrics = inner.get("/metrics").expect(200).await?.text();
        ensure!(
            metrics.contains("techcommerce_build_info"),
            "{service}: {metrics}"
        );
    }
    // Nobody but the edge asks who holds a credential, and nobody outside asks for stock.
    for (service, path) in [
        ("auth", "/internal/tokens"),
        ("product-api", "/internal/quotes"),
    ] {
        let (address, _) = shop.setup.place(service);
        let client = Client::new(format!("http://{address}"));
        let body = serde_json::json!({"credential": "x", "variant_ids": []});
        let answer = client.post(path).json(&body).send().await?;
        ensure!(matches!(answer.status, 401 | 403), "{service}: {answer:?}");
    }
    Ok(())
}

/// Started alone on an empty database, a service makes its own tables and nobody else's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_opens_what_is_its_own() -> Result<()> {
    for (service, owned) in [
        ("product-api", vec!["product_api"]),
        ("order-api", vec!["order_api"]),
        ("auth", vec!["auth"]),
        ("images", vec!["images"]),
        ("worker", vec!["auth", "images", "order_api", "product_api"]),
        ("api", vec![]),
        ("frontend", vec![]),
    ] {
        let setup = Setup::new(Engine::Split).await;
        let mut processes = setup.launch_only(service)?;
        processes.wait_until_ready().await?;
        processes.stop(service).await?;
        let url = setup.database_url().context("PostgreSQL")?;
        let mut database = PgConnection::connect(url).await?;
        let schemas: Vec<String> = sqlx::query_scalar(
            "SELECT schema_name::text FROM information_schema.schemata
             WHERE schema_name NOT IN ('public', 'information_schema')
             AND schema_name NOT LIKE 'pg\\_%' ORDER BY 1",
        )
        .fetch_all(&mut database)
        .await?;
        assert_eq!(schemas, owned, "{service}");
        let keeps = setup.data().exists();
        ensure!(
            keeps || matches!(service, "api" | "frontend" | "order-api"),
            "{service} has no data folder"
        );
    }
    Ok(())
}

/// Without keys, or with one that nobody trusts, a service says so and does not start.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_without_a_trusted_key() -> Result<()> {
    let setup = Setup::new(Engine::Split).await;
    let text = fails(setup.command(&["serve", "order-api"])?)?;
    ensure!(text.contains("techcommerce keys"), "{text}");
    setup.make_keys()?;
    let own = setup.keys().join("order-api.key");
    fs::copy(setup.keys().join("worker.key"), own)?;
    let text = fails(setup.command(&["serve", "order-api"])?)?;
    ensure!(text.contains("trusted-keys"), "{text}");
    let unknown = fails(setup.command(&["serve", "orders"])?)?;
    ensure!(unknown.contains("product-api"), "{unknown}");
    let setup = Setup::new(Engine::Sqlite).await;
    let text = fails(setup.command(&["serve", "order-api"])?)?;
    ensure!(text.contains("PostgreSQL"), "{text}");
    Ok(())
}

/// order-api's key is changed while people shop: trust the new one, sign with it, forget the old
/// one. Nobody is started again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_changed() -> Result<()> {
    let shop = Shop::start(Engine::Split).await?;
    let staff = shop.admin().await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(10)).await?;
    let client = shop.client();
    let keys = shop.setup.keys();
    let trusted = keys.join("trusted-keys");
    let before = fs::read_to_string(&trusted)?;
    let old = before.lines().find(|line| line.starts_with("order-api "));
    let old = old.context("a key of order-api")?.to_owned();

    let folder = keys.display().to_string();
    let made = shop
        .run(&["keys", &folder, "--rotate", "order-api"])
        .await?;
    ensure!(made.status.success(), "{made:?}");
    shop.processes.signal_all("HUP")?;
    buy(&client, &lamp.variant_id, 1, "trusted").await?;

    fs::rename(keys.join("order-api.next.key"), keys.join("order-api.key"))?;
    shop.processes.signal_all("HUP")?;
    crate::shopper::eventually("the new key", async || {
        let output = shop.output();
        Ok(output.contains("signs with another key now").then_some(()))
    })
    .await?;
    buy(&client, &lamp.variant_id, 1, "signed").await?;

    let both = fs::read_to_string(&trusted)?;
    let rest: Vec<&str> = both.lines().filter(|line| *line != old).collect();
    fs::write(&trusted, rest.join("\n"))?;
    shop.processes.signal_all("HUP")?;
    let mut tries = 0;
    let placed = crate::shopper::eventually("an order after the old key", async || {
        tries += 1;
        let key = format!("forgotten-{tries}");
        Ok(buy(&client, &lamp.variant_id, 1, &key).await.ok())
    })
    .await?;
    wait_for_payment(&client, &placed, "paid").await?;
    Ok(())
}

/// Runs a command that must fail by itself; what it wrote.
fn fails(mut command: Command) -> Result<String> {
    let output = command.output()?;
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    ensure!(
        !output.status.success() && !text.contains("panicked"),
        "{text}"
    );
    Ok(text)
}

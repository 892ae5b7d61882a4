//! How the house stands, for staff and for everyone, while parts of it are away.

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};

use crate::shop::{Engine, Setup, Shop, on_all};
use crate::shopper::eventually;

on_all!(staff_see_the_whole_house);

async fn staff_see_the_whole_house(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let house: Value = staff.get("/api/system").value(200).await?;
    let services = house["services"].as_array().context("services")?;
    let names: Vec<_> = services.iter().map(|one| &one["service"]).collect();
    let all = [
        "api",
        "product-api",
        "order-api",
        "auth",
        "images",
        "worker",
    ];
    assert_eq!(names, all);
    for service in services {
        assert_eq!(service["status"], "ready", "{service}");
        ensure!(service["version"].is_string(), "{service}");
    }
    let schema = &services[2]["schema"];
    let database = match shop.setup.database_url() {
        Some(_) => "PostgreSQL",
        None => "SQLite",
    };
    assert_eq!(schema["database"], database, "{schema}");
    assert_eq!(schema["at"], schema["needed"], "{schema}");
    assert_eq!(services[2]["dependencies"][0]["name"], "database");
    assert_eq!(services[2]["dependencies"][0]["up"], true);

    let client = shop.client();
    assert_eq!(
        client.get("/api/system").problem(401).await?,
        "unauthenticated"
    );
    let told: Value = client.get("/api/status").value(200).await?;
    assert_eq!(told["status"], "open", "{told}");

    // Nobody outside is told what runs here.
    for path in ["/health", "/readyz", "/status", "/api/status"] {
        let text = shop.plain_client().get(path).send().await?.text();
        for secret in ["commit", "version", "schema", "PostgreSQL", "order-api"] {
            ensure!(!text.contains(secret), "{path} tells {secret}: {text}");
        }
    }
    backups(&shop).await
}

/// Whoever takes backups says so, and staff see it.
async fn backups(shop: &Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let none: Value = staff.get("/api/backups").value(200).await?;
    assert_eq!(none["items"], json!([]));
    let page = pages(shop).await?;
    ensure!(
        page.get("/admin/system")
            .expect(200)
            .await?
            .text()
            .contains("No backup is known")
    );
    let said = ["backup", "record", "--taken-at", "2026-01-02T03:04:05Z"];
    let said = shop
        .run(&[&said[..], &["--bytes", "118300000"]].concat())
        .await?;
    ensure!(said.status.success(), "{said:?}");
    let one: Value = staff.get("/api/backups").value(200).await?;
    assert_eq!(one["items"][0]["bytes"], 118_300_000);
    let text = page.get("/admin/system").expect(200).await?.text();
    ensure!(text.contains("118.3 MB"), "{text}");
    Ok(())
}

/// The pages in an admin's browser.
async fn pages(shop: &Shop) -> Result<techcommerce_testkit::Client> {
    let token = shop.admin_token().await?;
    let client = shop.plain_client();
    Ok(client.with_header("cookie", &format!("tc_session={token}")))
}

/// With services away one after another the status is told all the same, in a customer's words.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_of_the_house_may_be_down() -> Result<()> {
    let mut shop = Setup::new(Engine::Split).await.start().await?;
    let page = pages(&shop).await?;
    let client = shop.plain_client();
    let told = async |part: &str, status: &str, all: &str| -> Result<()> {
        eventually(part, async || {
            let answer = client
                .get("/status")
                .header("accept", "application/json")
                .expect(200)
                .await?;
            let told: Value = answer.json()?;
            let is = told["components"][part] == status && told["status"] == all;
            Ok(is.then_some(()))
        })
        .await
    };
    told("browsing", "up", "open").await?;
    for (service, part, status, all) in [
        ("images", "pictures", "down", "limited"),
        ("worker", "payment", "slow", "limited"),
        ("order-api", "checkout", "down", "limited"),
        ("product-api", "browsing", "down", "closed"),
    ] {
        shop.processes.kill(service)?;
        told(part, status, all).await?;
    }
    let text = page.get("/admin/system").expect(200).await?.text();
    ensure!(text.contains("Does not answer"), "{text}");
    ensure!(
        text.contains("This part of the page cannot be shown"),
        "{text}"
    );
    shop.processes.kill("auth")?;
    told("accounts", "down", "closed").await?;
    shop.processes.kill("api")?;
    let text = client.get("/status").expect(200).await?.text();
    ensure!(text.contains("cannot be used at the moment"), "{text}");
    for word in ["order-api", "connection", "unavailable"] {
        ensure!(!text.contains(word), "/status tells {word}: {text}");
    }
    Ok(())
}

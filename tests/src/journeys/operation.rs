//! What those who run the shop rely on.

use anyhow::{Result, ensure};
use serde_json::Value;
use techcommerce_testkit::Client;

use crate::shop::{Shop, on_all};
use crate::shopper::buy;
use crate::staff::{Stock, product};

on_all!(
    health_and_metrics,
    nothing_secret_in_the_log,
    security_headers,
    compression,
    an_orderly_end
);

/// Health on both listeners, metrics on the inner one alone.
async fn health_and_metrics(shop: Shop) -> Result<()> {
    let (outer, inner) = (shop.plain_client(), shop.management());
    for client in [&outer, &inner] {
        for path in ["/live", "/healthz", "/readyz", "/health"] {
            client.get(path).expect(200).await?;
        }
    }
    let health: Value = inner.get("/health").value(200).await?;
    ensure!(health.is_object(), "{health}");
    let hidden = outer.get("/metrics").send().await?;
    assert_eq!(hidden.status, 404);

    let staff = shop.admin().await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    buy(&shop.client(), &lamp.variant_id, 1, "metrics").await?;
    let metrics = inner.get("/metrics").expect(200).await?;
    ensure!(
        metrics
            .header("content-type")
            .is_some_and(|kind| kind.starts_with("application/openmetrics-text")
                || kind.starts_with("text/plain"))
    );
    let text = metrics.text();
    ensure!(
        text.contains("http_server_request_duration_seconds"),
        "{text}"
    );
    // Labels are bounded: no id, token or address of anybody.
    for secret in [lamp.variant_id.as_str(), "ada@example.com"] {
        ensure!(!text.contains(secret), "{secret} in the metrics");
    }
    Ok(())
}

/// Secrets stay out of the log.
async fn nothing_secret_in_the_log(shop: Shop) -> Result<()> {
    let staff = shop.admin().await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    let client = shop.client();
    let placed = buy(&client, &lamp.variant_id, 1, "secret-key-of-a-buyer").await?;
    crate::shopper::wait_for_payment(&client, &placed, "paid").await?;
    let output = shop.output();
    let password = std::fs::read_to_string(shop.setup.data().join("admin-password"))?;
    let password = password
        .split_whitespace()
        .last()
        .unwrap_or_default()
        .to_owned();
    for secret in [
        placed.access_token.as_str(),
        "ada@example.com",
        password.as_str(),
        "tok_success",
    ] {
        ensure!(
            !output.contains(secret),
            "{secret} is in the log:\n{output}"
        );
    }
    Ok(())
}

/// The headers of a careful site, on pages and on the interface.
async fn security_headers(shop: Shop) -> Result<()> {
    let client = shop.plain_client();
    for path in [
        "/",
        "/cart",
        "/products",
        "/api/products",
        "/api/docs",
        "/no-such-page",
        "/api/none",
    ] {
        let answer = client
            .get(path)
            .header("accept", "text/html")
            .send()
            .await?;
        let header = |name: &str| answer.header(name).unwrap_or_default().to_owned();
        assert_eq!(header("x-content-type-options"), "nosniff", "{path}");
        ensure!(!header("referrer-policy").is_empty(), "{path}");
        let policy = header("content-security-policy");
        ensure!(policy.contains("frame-ancestors"), "{path}: {policy}");
        ensure!(
            !policy.contains("'unsafe-inline'") && !policy.contains("'unsafe-eval'"),
            "{path}: {policy}"
        );
        ensure!(
            answer.header("server").is_none() && answer.header("x-powered-by").is_none(),
            "{path}"
        );
        ensure!(answer.header("x-request-id").is_some(), "{path}");
    }
    let page = client.get("/").expect(200).await?.text();
    ensure!(
        !page.contains("onclick=") && !page.contains("style=\""),
        "inline code in a page"
    );
    Ok(())
}

/// Text that can be made smaller is, when the client can read it.
async fn compression(shop: Shop) -> Result<()> {
    let client = shop.plain_client();
    for encoding in ["br", "zstd", "gzip"] {
        let answer = client
            .get("/api/openapi.json")
            .header("accept-encoding", encoding)
            .expect(200)
            .await?;
        assert_eq!(answer.header("content-encoding"), Some(encoding));
        ensure!(
            answer
                .header("vary")
                .is_some_and(|vary| vary.to_lowercase().contains("accept-encoding"))
        );
    }
    Ok(())
}

/// A stop lets what is under way finish, and ends well.
async fn an_orderly_end(shop: Shop) -> Result<()> {
    let mut shop = shop;
    let staff = shop.admin().await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    buy(&shop.client(), &lamp.variant_id, 1, "end").await?;
    let address = shop.setup.address();
    let client = shop.plain_client();
    let ids: Vec<String> = (0..20).map(|n| format!("the-end-of-all-{n}")).collect();
    for id in &ids {
        let asked = client.get("/api/products").header("x-request-id", id);
        asked.expect(200).await?;
    }
    shop.stop().await?;
    // What was gathered is written before the end.
    let output = shop.output();
    for id in &ids {
        ensure!(output.contains(id), "no line for the request {id}");
    }
    let after = Client::new(format!("http://{address}"))
        .get("/live")
        .send()
        .await;
    ensure!(after.is_err());
    Ok(())
}

/// Who asks too often is told when to come back; others are served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_many_requests() -> Result<()> {
    let setup = crate::shop::Setup::new(crate::shop::Engine::Sqlite).await;
    let shop = setup
        .set("TECHCOMMERCE_LIMITS_LOGIN_PER_MINUTE", "5")
        .start()
        .await?;
    let client = shop.client();
    let mut refused = None;
    for _ in 0..30 {
        let answer = client
            .post("/api/auth/login")
            .json(&serde_json::json!({"email": "a@example.com", "password": "wrong wrong wrong"}))
            .send()
            .await?;
        if answer.status == 429 {
            refused = Some(answer);
            break;
        }
    }
    let refused = refused.ok_or_else(|| anyhow::anyhow!("nobody was refused"))?;
    ensure!(
        refused
            .header("retry-after")
            .is_some_and(|seconds| seconds.parse::<u64>().is_ok_and(|seconds| seconds > 0))
    );
    client.get("/api/products").expect(200).await?;
    Ok(())
}

//! Whole checkouts: a cart, three lines, an order; against the same SQL fired by a minimal
//! program at the same server.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sqlx::PgPool;
use techcommerce_testservers::Server;
use uuid::Uuid;

use crate::{
    Plan,
    catalogue::Catalogue,
    client::Client,
    load::{self, Work},
    minimal,
    shop::{Setup, Shop, database, postgres_process},
    stats::Sample,
};

/// What was found about checkouts.
pub struct Checkouts {
    /// Six of the seven services in one process on PostgreSQL; the worker, which takes the
    /// payments later, is left out, as in `minimal`.
    pub postgres: Vec<Sample>,
    /// The same SQL from a minimal program.
    pub minimal: Vec<Sample>,
    /// SQL statements for a checkout: the shop's and the minimal program's.
    pub statements: (f64, f64),
    /// The whole shop on PostgreSQL, with the worker taking payments beside it.
    pub postgres_whole: Vec<Sample>,
    /// The whole shop on SQLite, with the worker.
    pub sqlite_whole: Vec<Sample>,
}

/// What runs in front of the worker.
const WITHOUT_WORKER: [&str; 6] = [
    "frontend",
    "api",
    "product-api",
    "order-api",
    "auth",
    "images",
];

pub async fn measure(plan: &Plan, catalogue: &Catalogue, server: &Server) -> Result<Checkouts> {
    let sqlite = Setup::new(&plan.program, None)?;
    sqlite.import(catalogue).await?;
    let setup = Setup::new(&plan.program, Some(database(server, "placed").await?))?;
    setup.migrate().await?;
    setup.import(catalogue).await?;
    let pool = PgPool::connect(server.url()).await?;
    sqlx::query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        .execute(&pool)
        .await?;
    // The same data for each, before anybody has written to it.
    for copy in ["minimal", "whole"] {
        let sql = format!("CREATE DATABASE {copy} TEMPLATE placed");
        sqlx::query(sqlx::AssertSqlSafe(sql)).execute(&pool).await?;
    }
    let (base, _) = server.url().rsplit_once('/').context("an address")?;
    let whole = Setup::new(&plan.program, Some(format!("{base}/whole")))?;
    let minimal_pool = minimal::pool(&format!("{base}/minimal"), plan.clients).await?;

    let placing = setup.start_services(&WITHOUT_WORKER, "/readyz").await?;
    let whole = whole.start(&[]).await?;
    let sqlite = sqlite.start(&[]).await?;
    let of_sqlite = Arc::new(variants(sqlite.address).await?);
    let variants = Arc::new(variants(placing.address).await?);
    let postgres = postgres_process(server)?;

    let mut found = Checkouts {
        postgres: Vec::new(),
        minimal: Vec::new(),
        statements: (0.0, 0.0),
        postgres_whole: Vec::new(),
        sqlite_whole: Vec::new(),
    };
    let (mut by_shop, mut by_minimal) = (0.0, 0.0);
    for round in 0..plan.rounds {
        println!("checkouts, round {}", round + 1);
        let before = statements(&pool, "placed").await?;
        found
            .postgres
            .push(place(plan.clients, plan.each, &placing, Some(postgres), &variants).await?);
        by_shop += statements(&pool, "placed").await? - before;

        let before = statements(&pool, "minimal").await?;
        let own = std::process::id();
        let sample = load::run(plan.clients, plan.each, own, Some(postgres), async |_| {
            minimal::Checkout::new(&minimal_pool, variants.clone()).await
        });
        found.minimal.push(sample.await?);
        by_minimal += statements(&pool, "minimal").await? - before;

        // Each pays its orders before the next is measured.
        found
            .postgres_whole
            .push(place(plan.clients, plan.each, &whole, Some(postgres), &variants).await?);
        settled(&format!("{base}/whole")).await?;
        found
            .sqlite_whole
            .push(place(plan.clients, plan.each, &sqlite, None, &of_sqlite).await?);
        quiet(&sqlite).await?;
    }
    let done = |samples: &[Sample]| samples.iter().map(|sample| sample.done).sum::<usize>() as f64;
    found.statements = (
        by_shop / done(&found.postgres),
        by_minimal / done(&found.minimal),
    );
    for shop in [placing, whole, sqlite] {
        shop.stop().await?;
    }
    Ok(found)
}

/// How many statements a database was sent, `BEGIN` and `COMMIT` included.
async fn statements(pool: &PgPool, database: &str) -> Result<f64> {
    let calls: i64 = sqlx::query_scalar(
        "SELECT COALESCE(SUM(calls), 0)::bigint FROM pg_stat_statements s \
         JOIN pg_database d ON d.oid = s.dbid WHERE d.datname = $1",
    )
    .bind(database)
    .fetch_one(pool)
    .await?;
    Ok(calls as f64)
}

/// Waits until no order of the whole shop waits for its payment any more.
pub async fn settled(database: &str) -> Result<()> {
    let orders = PgPool::connect(database).await?;
    for _ in 0..1200 {
        let open: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM order_api.orders \
             WHERE status = 'placed' AND payment_status = 'pending'",
        )
        .fetch_one(&orders)
        .await?;
        if open == 0 {
            orders.close().await;
            return Ok(());
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    anyhow::bail!("orders are still not paid after two minutes")
}

/// Waits until the shop's process does next to nothing.
async fn quiet(shop: &Shop) -> Result<()> {
    let id = shop.id()?;
    let mut before = crate::machine::cpu(id)?;
    for _ in 0..600 {
        tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        let now = crate::machine::cpu(id)?;
        if now - before < 0.03 {
            return Ok(());
        }
        before = now;
    }
    anyhow::bail!("the shop does not come to rest")
}

/// The ids of some hundred variants.
pub async fn variants(address: SocketAddr) -> Result<Vec<Uuid>> {
    let mut client = Client::connect(address).await?;
    let mut found = Vec::new();
    let mut target = "/api/products?limit=100".to_owned();
    while found.len() < 1000 {
        let request = client.request("GET", &target, &[], "");
        let answer = client.send(&request).await?;
        let page: Value = serde_json::from_slice(answer.body)?;
        for product in page["items"].as_array().context("products")? {
            let id = product["variants"][0]["id"].as_str().context("a variant")?;
            found.push(id.parse()?);
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => target = format!("/api/products?limit=100&cursor={cursor}"),
            None => break,
        }
    }
    Ok(found)
}

pub async fn place(
    clients: usize,
    each: Duration,
    shop: &Shop,
    database: Option<u32>,
    variants: &Arc<Vec<Uuid>>,
) -> Result<Sample> {
    load::run(clients, each, shop.id()?, database, async |number| {
        Ok(Buyer {
            client: Client::connect(shop.address).await?,
            variants: Arc::clone(variants),
            next: number * 97,
        })
    })
    .await
}

/// The body of an order for a cart, with what the card does (none: all goes well).
pub fn order_body(cart: &str, token: Option<&str>) -> String {
    let token = token.map_or_else(String::new, |token| format!(",\"token\":\"{token}\""));
    format!(
        "{{\"cart_id\":\"{cart}\",\"email\":\"jo@example.com\",\"shipping_address\":\
         {{\"name\":\"Jo Miller\",\"line1\":\"1 High Street\",\"city\":\"Leeds\",\
         \"postal_code\":\"LS1 1AA\",\"country\":\"GB\"}},\"shipping_method\":\"standard\",\
         \"payment\":{{\"method\":\"test\"{token}}}}}"
    )
}

/// Somebody who orders three things, again and again.
struct Buyer {
    client: Client,
    variants: Arc<Vec<Uuid>>,
    next: usize,
}

impl Work for Buyer {
    async fn once(&mut self) -> Result<()> {
        let cart = self.send("POST", "/api/carts", &[], "", 201).await?;
        for quantity in 1..=3 {
            self.next = (self.next + 7919) % self.variants.len();
            let path = format!("/api/carts/{cart}/lines/{}", self.variants[self.next]);
            let body = format!("{{\"quantity\":{quantity}}}");
            self.send("PUT", &path, &[], &body, 200).await?;
        }
        let body = order_body(&cart, None);
        let key = Uuid::new_v4().to_string();
        let headers = [("idempotency-key", key.as_str())];
        self.send("POST", "/api/orders", &headers, &body, 201)
            .await?;
        Ok(())
    }
}

impl Buyer {
    /// Sends a request and gives the `id` that its answer begins with.
    async fn send(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
        expected: u16,
    ) -> Result<String> {
        let request = self.client.request(method, path, headers, body);
        let answer = self.client.send(&request).await?;
        let text = String::from_utf8_lossy(answer.body);
        ensure!(
            answer.status == expected,
            "{method} {path} answers {}: {text}",
            answer.status
        );
        let (_, rest) = text.split_once("\"id\":\"").context("an id")?;
        let (id, _) = rest.split_once('"').context("an id")?;
        Ok(id.to_owned())
    }
}

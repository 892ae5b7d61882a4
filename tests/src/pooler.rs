//! A shop whose connections go through a pooler in transaction mode, set up as in a cluster:
//! nothing of it needs a session, and what does goes to the server itself.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use futures_util::future::try_join_all;
use sqlx::{Connection, Executor, PgConnection};
use techcommerce_testkit::{Kind, Pooler};

use crate::audit;
use crate::owned::{Owned, WITH_DATABASE};
use crate::shop::{Engine, Setup};
use crate::shopper::{buy, eventually, wait_for_payment};
use crate::staff::{Stock, product};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_shop_through_a_pooler() -> Result<()> {
    let setup = Setup::new(Engine::Split).await;
    // One that asks for passwords as real ones do: a pooler that was shown no password cannot say
    // it in clear, as the tests' shared server wants it.
    let postgres = techcommerce_testkit::start(Kind::Postgres)?;
    let url = postgres.url().to_owned();
    let rules = postgres.home().join("data/pg_hba.conf");
    std::fs::write(rules, "host all all 127.0.0.1/32 scram-sha-256\n")?;
    let mut superuser = PgConnection::connect(&url).await?;
    superuser.execute("SELECT pg_reload_conf()").await?;
    let server = url.rsplit_once('@').context("an address")?.1;
    let server = server.split('/').next().unwrap_or_default();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let ini = std::fs::read_to_string(root.join("k8s/components/pgbouncer/pgbouncer.ini"))?;
    let pooler = Pooler::start(&url, &ini)?;
    let (setup, owned) = Owned::at(setup, url.clone(), Some(&pooler.place()))?;
    let mut shop = setup
        .set("TECHCOMMERCE_DATABASE_MIGRATE", "false")
        .set("TECHCOMMERCE_DATABASE_DIRECT_ADDRESS", server)
        // Longer than anybody waits here: what is done in time, somebody announced.
        .set("TECHCOMMERCE_WORKER_POLL_MILLISECONDS", "600000")
        .launch()?;
    owned.migrate(&shop.setup)?;
    shop.await_readiness().await?;
    let staff = shop.admin().await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(1000)).await?;
    listens(&owned).await?;

    // More at once than the pooler has connections for a role, each again and again: statements
    // that were prepared on one are run on another.
    let client = shop.client();
    let buyers = (0..24).map(|buyer| {
        let (client, lamp) = (client.clone(), lamp.clone());
        async move {
            let mut orders = Vec::new();
            for turn in 0..3 {
                let key = format!("pooled-{buyer}-{turn}");
                orders.push(buy(&client, &lamp.variant_id, 1, &key).await?);
            }
            anyhow::Ok(orders)
        }
    });
    for placed in try_join_all(buyers).await?.concat() {
        wait_for_payment(&client, &placed, "paid").await?;
    }
    staff.get("/api/orders").expect(200).await?;
    // What a session cannot say through a pooler, the role says.
    let mut own = owned.connect("order-api", "first").await?;
    let said: (String, String) = sqlx::query_as(
        "SELECT current_setting('search_path'), current_setting('statement_timeout')",
    )
    .fetch_one(&mut own)
    .await?;
    ensure!(
        said == ("order_api".to_owned(), "15s".to_owned()),
        "{said:?}"
    );
    audit::clean(&shop).await?;
    shop.stop().await?;
    drop(pooler);
    Ok(())
}

/// Waits until the worker hears of each database's work, past the pooler.
async fn listens(owned: &Owned) -> Result<()> {
    let roles: Vec<String> = WITH_DATABASE.iter().map(|name| owned.role(name)).collect();
    let mut admin = owned.superuser().await?;
    eventually("the worker listens", async || {
        let count: i64 = sqlx::query_scalar(
            "SELECT COUNT(DISTINCT usename) FROM pg_stat_activity
             WHERE usename = ANY($1) AND query LIKE 'LISTEN%'",
        )
        .bind(&roles)
        .fetch_one(&mut admin)
        .await?;
        Ok((count == 4).then_some(()))
    })
    .await
}

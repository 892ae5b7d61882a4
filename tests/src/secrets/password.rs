//! A password that comes by a file of its own, from which an address is composed.

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use super::{IN_FORCE, Load, REFUSED, ensure_untold, said};
use crate::mounted::Mounted;
use crate::shop::{Engine, Setup};

/// A whole shop has all four databases by this one.
const HOLDERS: usize = 4;
const KEY: &str = "database_url";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_alone_is_changed_while_people_shop() -> Result<()> {
    let setup = Setup::new(Engine::Postgres).await;
    let admin = setup.database_url().context("PostgreSQL")?.to_owned();
    let (_, place) = admin.rsplit_once('@').context("an address")?;
    let (server, database) = place.split_once('/').context("a database")?;
    let (host, port) = server.rsplit_once(':').context("a port")?;
    let database = database.split('?').next().unwrap_or_default();
    let role = format!("shop_{:08x}", rand::random::<u32>());
    let mut superuser = PgConnection::connect(&admin).await?;
    let sql = format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'first@of/role';
         GRANT ALL ON DATABASE \"{database}\" TO {role}"
    );
    superuser.execute(AssertSqlSafe(sql)).await?;

    let mounted = Mounted::at(setup.folder().join("password"));
    mounted.put(&[("password", "first@of/role\n")])?;
    let mut shop = setup
        .set("DATABASE_URL", "")
        .set("POSTGRES_HOST", host)
        .set("POSTGRES_PORT", port)
        .set("POSTGRES_USER", &role)
        .set("POSTGRES_DB", database)
        .set("POSTGRES_PASSWORD_FILE", &mounted.file("password"))
        .start()
        .await?;
    let staff = shop.admin().await?;
    let asking = staff.clone();
    let mut load = Load::of(4, move || {
        let staff = asking.clone();
        async move { staff.get("/api/orders").expect(200).await.map(drop) }
    });
    load.go_on(10).await?;
    mounted.put(&[("password", "second@of/role\n")])?;
    said(&shop, REFUSED, KEY, HOLDERS).await?;
    let sql = format!("ALTER ROLE {role} PASSWORD 'second@of/role'");
    superuser.execute(AssertSqlSafe(sql)).await?;
    shop.processes.signal_all("HUP")?;
    said(&shop, IN_FORCE, KEY, HOLDERS).await?;
    load.go_on(10).await?;
    println!("{} requests, none failed", load.end().await?);
    ensure_untold(
        &shop,
        &["second@of/role", "second%40of%2Frole", "first@of/role"],
    )?;
    shop.stop().await?;
    let sql = format!("DROP OWNED BY {role} CASCADE; DROP ROLE {role}");
    superuser.execute(AssertSqlSafe(sql)).await?;
    Ok(())
}

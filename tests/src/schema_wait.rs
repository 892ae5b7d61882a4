//! Services that do not bring their own schemas: they wait for them, say so, and go on.

use std::process::Stdio;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sqlx::{Connection, Executor, PgConnection};
use techcommerce_testkit::Client;

use crate::audit;
use crate::owned::{Owned, WITH_DATABASE};
use crate::shop::{Engine, Setup};
use crate::shopper::{buy, eventually, wait_for_payment};
use crate::staff::{Stock, product};

/// A cluster's start in the worst order: the services first, then the server's roles, then half of
/// the migrations, then all. Nothing is started twice, and then people shop.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_wait_and_go_on_by_themselves() -> Result<()> {
    let setup = Setup::new(Engine::Split).await;
    let setup = setup.set("TECHCOMMERCE_DATABASE_MIGRATE", "false");
    let (setup, owned) = Owned::new(setup)?;
    let mut shop = setup.launch()?;
    // No role exists yet: the server lets nobody in.
    for service in WITH_DATABASE {
        let said = waits(&shop.setup, service).await?;
        let schema = service.replace('-', "_");
        ensure!(said[0]["schema"] == schema.as_str(), "{said}");
        ensure!(said[0]["problem"].is_string(), "{said}");
    }
    // Roles and schemas without tables: as if the Job had died half way.
    owned.migrate(&shop.setup)?;
    for service in ["product-api", "auth", "images"] {
        becomes_ready(&shop.setup, service).await?;
    }
    becomes_ready(&shop.setup, "order-api").await?;
    becomes_ready(&shop.setup, "worker").await?;
    shop.await_readiness().await?;
    let staff = shop.admin().await?;
    let lamp = product(&staff, "Lamp", Stock::Counted(10)).await?;
    let placed = buy(&shop.client(), &lamp.variant_id, 1, "after").await?;
    wait_for_payment(&shop.client(), &placed, "paid").await?;
    audit::clean(&shop).await?;
    shop.stop().await?;
    owned.forget().await
}

/// What is missing is named: which schema, where it is, what is needed. The version before is
/// content with a schema that is ahead of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_is_behind_and_one_that_is_ahead() -> Result<()> {
    let setup = Setup::new(Engine::Split).await;
    let setup = setup.set("TECHCOMMERCE_DATABASE_MIGRATE", "false");
    let migrated = setup.command(&["migrate", "order-api"])?.output()?;
    ensure!(migrated.status.success(), "{migrated:?}");
    let url = setup.database_url().context("PostgreSQL")?.to_owned();
    let mut database = PgConnection::connect(&url).await?;
    let (newest, name): (i64, String) = last(&mut database).await?;
    // An older version was here: its last migration is not there yet.
    database
        .execute("CREATE TABLE kept AS SELECT * FROM order_api._sqlx_migrations")
        .await?;
    let behind = "DELETE FROM order_api._sqlx_migrations WHERE version = $1";
    sqlx::query(behind)
        .bind(newest)
        .execute(&mut database)
        .await?;
    let mut processes = setup.launch_only("order-api")?;
    let said = waits(&setup, "order-api").await?;
    let expected = format!("{newest} {name}");
    ensure!(said[0]["schema"] == "order_api", "{said}");
    ensure!(
        said[0]["needed"] == expected.as_str() && said[0]["at"].is_string(),
        "{said}"
    );
    ensure!(
        said[0]["missing"] == serde_json::json!([expected]),
        "{said}"
    );
    // Whoever has work for it is told to come back.
    let (address, _) = setup.place("order-api");
    let client = Client::new(format!("http://{address}"));
    let answer = client.get("/orders").send().await?;
    ensure!(answer.header("retry-after").is_some(), "{answer:?}");
    ensure!(answer.problem(503)? == "starting");

    database
        .execute("INSERT INTO order_api._sqlx_migrations SELECT * FROM kept ON CONFLICT DO NOTHING")
        .await?;
    becomes_ready(&setup, "order-api").await?;
    processes.stop("order-api").await?;
    // A newer version went before: it added what this one does not know.
    database
        .execute(
            "CREATE TABLE order_api.of_the_next_version (id uuid PRIMARY KEY);
             INSERT INTO order_api._sqlx_migrations
             SELECT 800000, 'of the next version', now(), true, '\\x00'::bytea, 1",
        )
        .await?;
    processes.start_one("order-api")?;
    becomes_ready(&setup, "order-api").await?;
    processes.stop("order-api").await?;
    // So is one that migrates by itself.
    let migrated = setup.command(&["migrate", "order-api"])?.output()?;
    ensure!(migrated.status.success(), "{migrated:?}");
    Ok(())
}

/// Two Jobs at once: one does it, the other waits and finds it done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_migrate_at_once() -> Result<()> {
    let (setup, owned) = Owned::new(Setup::new(Engine::Split).await)?;
    setup.make_keys()?;
    let run = || -> Result<_> {
        let mut command = setup.command(&["migrate"])?;
        command
            .env("TECHCOMMERCE_DATABASE_ADMIN_URL", &owned.admin)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Ok(command.spawn()?)
    };
    for process in [run()?, run()?, run()?] {
        let done = process.wait_with_output()?;
        ensure!(done.status.success(), "{done:?}");
    }
    owned.forget().await
}

/// Each service's role works in its own schema and sees nothing of the others'. A second run
/// changes nothing but the passwords, which are those of the settings.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_role_reads_nothing_of_anothers() -> Result<()> {
    let (setup, owned) = Owned::new(Setup::new(Engine::Split).await)?;
    setup.make_keys()?;
    owned.migrate(&setup)?;
    for service in WITH_DATABASE {
        let mut own = owned.connect(service, "first").await?;
        let jobs: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM jobs")
            .fetch_one(&mut own)
            .await?;
        assert_eq!(jobs, 0);
        for other in WITH_DATABASE.into_iter().filter(|other| *other != service) {
            let sql = format!("SELECT COUNT(*) FROM {}.jobs", other.replace('-', "_"));
            let refused = sqlx::query(sqlx::AssertSqlSafe(sql))
                .execute(&mut own)
                .await;
            assert_eq!(
                code(refused.unwrap_err()),
                "42501",
                "{service} reads {other}"
            );
        }
        let schemas = own.execute("CREATE SCHEMA mine").await;
        assert_eq!(
            code(schemas.unwrap_err()),
            "42501",
            "{service} makes schemas"
        );
        let roles = own.execute("CREATE ROLE somebody").await;
        assert_eq!(code(roles.unwrap_err()), "42501", "{service} makes roles");
    }
    let next = owned.address("auth", "second", None)?;
    owned.mount("auth", &next)?;
    owned.migrate(&setup)?;
    assert!(owned.connect("auth", "first").await.is_err());
    owned.connect("auth", "second").await?;
    // The password itself was in no statement: what is kept is what the server would make of it.
    let mut admin = owned.superuser().await?;
    let kept: String = sqlx::query_scalar("SELECT rolpassword FROM pg_authid WHERE rolname = $1")
        .bind(owned.role("auth"))
        .fetch_one(&mut admin)
        .await?;
    ensure!(kept.starts_with("SCRAM-SHA-256$4096:"), "{kept}");
    owned.forget().await
}

/// An admin who is no superuser, as managed servers give out; and a shop that had one role for
/// all before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_with_few_rights_takes_over_a_shop_with_one_role() -> Result<()> {
    let setup = Setup::new(Engine::Split).await;
    let url = setup.database_url().context("PostgreSQL")?.to_owned();
    let (setup, mut owned) = Owned::new(setup)?;
    setup.make_keys()?;
    let manager = owned.role("manager");
    let mut superuser = owned.superuser().await?;
    let database = url.rsplit_once('/').context("a database")?.1.to_owned();
    let made = format!(
        "CREATE ROLE {manager} LOGIN CREATEROLE PASSWORD 'm';
         ALTER DATABASE {database} OWNER TO {manager}"
    );
    superuser.execute(sqlx::AssertSqlSafe(made)).await?;
    let (_, rest) = url.rsplit_once('@').context("an address")?;
    let managed = format!("postgres://{manager}:m@{rest}");
    // Before, one role owned everything.
    let mut before = setup.command(&["migrate"])?;
    for service in WITH_DATABASE {
        let name = service.replace('-', "_").to_uppercase();
        before.env_remove(format!("TECHCOMMERCE_DATABASES_{name}_FILE"));
    }
    let before = before.env("DATABASE_URL", &managed).output()?;
    ensure!(before.status.success(), "{before:?}");

    let superusers = std::mem::replace(&mut owned.admin, managed);
    owned.migrate(&setup)?;
    let mut own = owned.connect("order-api", "first").await?;
    own.execute("SELECT COUNT(*) FROM orders").await?;
    let refused = own.execute("SELECT COUNT(*) FROM auth.jobs").await;
    assert_eq!(code(refused.unwrap_err()), "42501");
    owned.migrate(&setup)?;
    // No service is the one who administers.
    let name = "TECHCOMMERCE_DATABASES_AUTH";
    let mut wrong = setup.command(&["migrate", "auth"])?;
    wrong.env_remove("TECHCOMMERCE_DATABASES_AUTH_FILE");
    let wrong = wrong
        .env(name, &owned.admin)
        .env("TECHCOMMERCE_DATABASE_ADMIN_URL", &owned.admin)
        .output()?;
    let text = String::from_utf8_lossy(&wrong.stderr);
    ensure!(
        !wrong.status.success() && text.contains("role of its own"),
        "{text}"
    );
    owned.admin = superusers;
    owned.forget().await?;
    let gone = format!(
        "ALTER DATABASE {database} OWNER TO CURRENT_USER; REASSIGN OWNED BY {manager} TO CURRENT_USER;
         DROP OWNED BY {manager}; DROP ROLE {manager}"
    );
    owned
        .superuser()
        .await?
        .execute(sqlx::AssertSqlSafe(gone))
        .await?;
    Ok(())
}

fn code(error: sqlx::Error) -> String {
    let code = error.as_database_error().and_then(|error| error.code());
    code.map_or_else(|| error.to_string(), |code| code.into_owned())
}

async fn last(database: &mut PgConnection) -> Result<(i64, String)> {
    Ok(sqlx::query_as(
        "SELECT version, description FROM order_api._sqlx_migrations
         WHERE version < 900000 ORDER BY version DESC LIMIT 1",
    )
    .fetch_one(database)
    .await?)
}

/// Waits until the service lives and says that it waits; what for.
async fn waits(setup: &Setup, service: &str) -> Result<Value> {
    let (outer, inner) = setup.place(service);
    let [outer, inner] = [outer, inner].map(|at| Client::new(format!("http://{at}")));
    let said = eventually(service, async || {
        let Ok(answer) = outer.get("/readyz").send().await else {
            return Ok(None);
        };
        ensure!(answer.status == 503, "{answer:?}");
        let said: Value = answer.json()?;
        let some = said["waiting_for"]
            .as_array()
            .is_some_and(|all| !all.is_empty());
        Ok(some.then(|| said["waiting_for"].clone()))
    })
    .await?;
    for client in [&outer, &inner] {
        client.get("/live").expect(200).await?;
        client.get("/healthz").expect(200).await?;
        client.get("/health").expect(503).await?;
    }
    let whole: Value = inner.get("/readyz").expect(503).await?.json()?;
    let told = &whole["services"][service]["waiting_for"];
    ensure!(told.is_array(), "{whole}");
    inner.get("/metrics").expect(200).await?;
    Ok(said)
}

async fn becomes_ready(setup: &Setup, service: &str) -> Result<()> {
    let (_, inner) = setup.place(service);
    let client = Client::new(format!("http://{inner}"));
    eventually(service, async || {
        let answer = client.get("/readyz").send().await;
        Ok(answer
            .is_ok_and(|answer| answer.status == 200)
            .then_some(()))
    })
    .await
}

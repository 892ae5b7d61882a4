//! `techcommerce migrate --check`: what would happen, said by one who changes nothing.

use std::process::Output;

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, SqliteConnection};

use crate::owned::Owned;
use crate::shop::{Engine, Setup};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_sqlite() -> Result<()> {
    through_its_life(Engine::Sqlite).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_postgres() -> Result<()> {
    through_its_life(Engine::Postgres).await
}

/// Before the first start, up to date, behind, ahead, and damaged.
async fn through_its_life(engine: Engine) -> Result<()> {
    let setup = Setup::new(engine).await;
    let (code, said) = check(&setup)?;
    ensure!(
        (code, &said["state"]) == (10, &"pending".into()),
        "{code} {said:#}"
    );
    let orders = of(&said, "order-api")?;
    ensure!(orders["at"].is_null(), "{orders:#}");
    ensure!(orders["pending"][0]["name"] == "1 carts", "{orders:#}");
    ensure!(
        orders["pending"][0]["touches"][0]["lock"] == "none",
        "{orders:#}"
    );
    if engine == Engine::Sqlite {
        ensure!(!setup.data().exists(), "it made the folder");
    }
    let migrated = setup.command(&["migrate"])?.output()?;
    ensure!(migrated.status.success(), "{migrated:?}");
    let before = contents(&setup)?;
    let (code, said) = check(&setup)?;
    ensure!(
        (code, &said["state"]) == (0, &"current".into()),
        "{code} {said:#}"
    );
    ensure!(said["oldest_program"].is_null(), "{said:#}");
    let text = run(&setup, &["migrate", "--check"])?;
    ensure!(
        String::from_utf8_lossy(&text.stdout).contains("Nothing to do."),
        "{text:?}"
    );

    // A version before was here.
    change(&setup, "DELETE FROM {table} WHERE version = 2").await?;
    let (code, said) = check(&setup)?;
    ensure!(code == 10, "{code} {said:#}");
    let orders = of(&said, "order-api")?;
    ensure!(orders["pending"][0]["name"] == "2 orders", "{orders:#}");
    ensure!(orders["pending"][0]["class"] == "expand", "{orders:#}");
    let touches = orders["pending"][0]["touches"]
        .as_array()
        .context("touches")?;
    let counters = touches.iter().find(|one| one["table"] == "counters");
    let counters = counters.context("a table that is there")?;
    ensure!(
        counters["rows"].is_i64() && counters["bytes"].is_i64(),
        "{counters}"
    );
    let text = run(&setup, &["migrate", "--check", "order-api"]);
    if engine == Engine::Postgres {
        let text = String::from_utf8(text?.stdout)?;
        ensure!(text.contains("2 orders: expand; one transaction"), "{text}");
        ensure!(text.contains("go on working beside all of them"), "{text}");
    }
    let again = "INSERT INTO {table} (version, description, success, checksum, execution_time)
        SELECT 2, 'orders', true, checksum, 0 FROM {table} WHERE version = 1";
    // With another text than ours.
    change(&setup, again).await?;
    let (code, said) = check(&setup)?;
    ensure!(
        (code, &said["state"]) == (1, &"refused".into()),
        "{code} {said:#}"
    );
    let trouble = &of(&said, "order-api")?["troubles"][0];
    ensure!(
        trouble["what"]
            .to_string()
            .contains("2 orders was applied with another text"),
        "{trouble}"
    );
    ensure!(trouble["mend"].is_string(), "{trouble}");
    let refused = setup.command(&["migrate"])?.output()?;
    let text = String::from_utf8_lossy(&refused.stderr);
    ensure!(
        !refused.status.success() && text.contains("2 orders was applied with another text"),
        "{text}"
    );

    if engine == Engine::Sqlite {
        // Of the other services nothing was changed at all.
        ensure!(contents(&setup)? == before, "it changed a file");
    }
    Ok(())
}

/// A newer version only added: fine. It took away what this program needs: said, and not served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_schema_that_was_contracted_is_refused() -> Result<()> {
    let setup = Setup::new(Engine::Sqlite).await;
    let migrated = setup.command(&["migrate"])?.output()?;
    ensure!(migrated.status.success(), "{migrated:?}");
    for (version, description, is_fine) in [
        (800, "of the next version", true),
        (801, "old names [contract after 0.0.1]", true),
        (802, "old prices [contract after 999.0.0]", false),
    ] {
        let newer = format!(
            "INSERT INTO {{table}} (version, description, success, checksum, execution_time)
             SELECT {version}, '{description}', true, checksum, 0 FROM {{table}} WHERE version = 1"
        );
        change(&setup, &newer).await?;
        let (code, said) = check(&setup)?;
        ensure!(code == i32::from(!is_fine), "{code} {said:#}");
        let newest = of(&said, "order-api")?["ahead"]
            .as_array()
            .and_then(|all| all.last());
        ensure!(
            newest.is_some_and(|one| one["is_fine"] == is_fine),
            "{said:#}"
        );
    }
    let (_, said) = check(&setup)?;
    ensure!(said["oldest_program"] == "999.0.0", "{said:#}");
    let refused = run(&setup, &["serve"])?;
    let text = String::from_utf8_lossy(&refused.stderr);
    ensure!(
        !refused.status.success() && text.contains("it takes 999.0.0 or later"),
        "{text}"
    );
    Ok(())
}

/// Roles that are not there yet are a thing to do for one who may make them, else an error.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn roles_that_are_not_there_yet() -> Result<()> {
    let (setup, owned) = Owned::new(Setup::new(Engine::Split).await)?;
    setup.make_keys()?;
    let mut command = setup.command(&["migrate", "--check", "--json", "auth"])?;
    command.env("TECHCOMMERCE_DATABASE_ADMIN_URL", &owned.admin);
    let output = command.output()?;
    ensure!(output.status.code() == Some(10), "{output:?}");
    let said: Value = serde_json::from_slice(&output.stdout)?;
    ensure!(said["databases"][0]["is_there"] == false, "{said:#}");
    let output = run(&setup, &["migrate", "--check", "auth"])?;
    ensure!(output.status.code() == Some(1), "{output:?}");
    let mut admin = owned.superuser().await?;
    let roles: i64 = sqlx::query_scalar("SELECT COUNT(*) FROM pg_roles WHERE rolname = $1")
        .bind(owned.role("auth"))
        .fetch_one(&mut admin)
        .await?;
    ensure!(roles == 0, "it made a role");
    Ok(())
}

fn run(setup: &Setup, arguments: &[&str]) -> Result<Output> {
    Ok(setup.command(arguments)?.output()?)
}

fn check(setup: &Setup) -> Result<(i32, Value)> {
    let output = run(setup, &["migrate", "--check", "--json"])?;
    let said = serde_json::from_slice(&output.stdout)
        .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok((output.status.code().context("a code")?, said))
}

fn of<'v>(said: &'v Value, service: &str) -> Result<&'v Value> {
    let all = said["databases"].as_array().context("databases")?;
    let found = all.iter().find(|one| one["service"] == service);
    found.with_context(|| format!("{service} in {said:#}"))
}

/// Changes what order-api has written down of its migrations.
async fn change(setup: &Setup, sql: &str) -> Result<()> {
    const TABLE: &str = "_sqlx_migrations";
    match setup.database_url() {
        None => {
            let file = setup.data().join("order-api.db");
            let options = sqlx::sqlite::SqliteConnectOptions::new().filename(file);
            let mut conn: SqliteConnection = options.connect().await?;
            conn.execute(AssertSqlSafe(sql.replace("{table}", TABLE)))
                .await?;
            conn.close().await?;
        }
        Some(url) => {
            let sql = sql.replace("{table}", &format!("order_api.{TABLE}"));
            let mut conn = PgConnection::connect(url).await?;
            conn.execute(AssertSqlSafe(sql)).await?;
        }
    }
    Ok(())
}

/// The files of the services that nobody meddles with here.
fn contents(setup: &Setup) -> Result<Vec<Vec<u8>>> {
    if setup.database_url().is_some() {
        return Ok(Vec::new());
    }
    let files = ["product-api.db", "auth.db", "images.db"];
    let contents = files.map(|file| std::fs::read(setup.data().join(file)));
    Ok(contents.into_iter().collect::<Result<_, _>>()?)
}

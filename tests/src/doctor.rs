//! `techcommerce doctor` tells apart why something cannot be used, and tries single things where
//! there is no shell to do it with.

use std::fs;

use anyhow::{Context, Result, ensure};
use techcommerce_testkit::free_address;
use tokio::net::TcpListener;

use crate::shop::{Engine, Setup};

/// Runs the doctor for order-api with this address of its database; what it says.
fn examined(setup: &Setup, url: &str) -> Result<String> {
    let mut command = setup.command(&["doctor", "order-api"])?;
    command.env("TECHCOMMERCE_DATABASES_ORDER_API", url);
    let output = command.output()?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(!said.contains("panicked") && !said.is_empty(), "{output:?}");
    Ok(said)
}

/// Each reason has words and a mend of its own, and no password is among them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn why_a_database_cannot_be_used() -> Result<()> {
    let setup = Setup::new(Engine::Split).await;
    setup.make_keys()?;
    let url = setup.database_url().context("PostgreSQL")?.to_owned();
    let (user, rest) = url.split_once('@').context("user@host")?;
    let (host, database) = rest.split_once('/').context("host/database")?;
    let (name, password) = user.rsplit_once(':').context("user:password")?;
    let silent = TcpListener::bind("127.0.0.1:0").await?;
    let cases = [
        (format!("{user}@nowhere.invalid:5432/{database}"), "name"),
        (
            format!("{user}@{}/{database}", free_address()),
            "nobody listens there",
        ),
        (
            format!("{user}@{}/{database}", silent.local_addr()?),
            "takes connections and does not answer",
        ),
        (
            format!("{name}:not-it@{host}/{database}"),
            "the password of postgres is not taken",
        ),
        (
            format!("{user}@{host}/no_such_database"),
            "there is no database no_such_database",
        ),
        (
            format!("{user}@{host}/{database}"),
            "the schema order_api is missing",
        ),
    ];
    for (url, reason) in cases {
        let said = examined(&setup, &url)?;
        ensure!(
            said.contains("WRONG  database of order-api"),
            "{reason}: {said}"
        );
        ensure!(said.contains(reason), "{reason}: {said}");
        ensure!(
            said.contains("mend:") && !said.contains(password),
            "{reason}: {said}"
        );
    }
    let migrated = setup.command(&["migrate", "order-api"])?.output()?;
    ensure!(migrated.status.success(), "{migrated:?}");
    let said = examined(&setup, &url)?;
    ensure!(said.contains("the schema is this program's"), "{said}");
    Ok(())
}

/// In a pod there is the key of one service: its own needs are tried, and nobody else's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_services_whose_keys_are_here() -> Result<()> {
    let setup = Setup::new(Engine::Split).await;
    setup.make_keys()?;
    let own = setup.data().join("pod");
    fs::create_dir_all(&own)?;
    fs::copy(
        setup.keys().join("order-api.key"),
        own.join("order-api.key"),
    )?;
    let setup = setup.set("TECHCOMMERCE_KEYS_PRIVATE", &own.display().to_string());
    let output = setup.command(&["doctor"])?.output()?;
    let said = String::from_utf8_lossy(&output.stdout);
    ensure!(said.contains("database of order-api"), "{said}");
    ensure!(said.contains("WRONG  product-api at"), "{said}");
    for other in ["database of auth", "frontend at", "Redis", "mail"] {
        ensure!(!said.contains(other), "{other}: {said}");
    }
    Ok(())
}

/// What one would ask with getent, nc and wget.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn single_trials() -> Result<()> {
    let shop = Setup::new(Engine::Sqlite).await.start().await?;
    let address = shop.setup.address().to_string();
    let (_, management) = shop.setup.place("shop");
    let nobody = free_address();
    let trials: [(&[&str], bool, &str); 9] = [
        (&["doctor", "dns", "localhost"], true, "127.0.0.1"),
        (&["doctor", "dns", "nowhere.invalid"], false, "mend:"),
        (&["doctor", "tcp", &address], true, "takes connections"),
        (
            &["doctor", "tcp", &nobody.to_string()],
            false,
            "nobody listens",
        ),
        (
            &["doctor", "http", &format!("http://{management}/health")],
            true,
            "200 OK",
        ),
        (
            &["doctor", "http", &format!("http://{address}/nothing")],
            false,
            "404",
        ),
        (
            &["doctor", "http", &format!("http://{nobody}/")],
            false,
            "nobody listens",
        ),
        (&["health"], true, "/readyz answers 200"),
        (&["health", "--live"], true, "/live answers 200"),
    ];
    for (arguments, well, says) in trials {
        let output = shop.run(arguments).await?;
        let said = String::from_utf8_lossy(&output.stdout);
        ensure!(output.status.success() == well, "{arguments:?}: {output:?}");
        ensure!(said.contains(says), "{arguments:?}: {said}");
    }
    let wrong = shop.run(&["doctor", "tcp", "postgres"]).await?;
    let said = String::from_utf8_lossy(&wrong.stderr);
    ensure!(
        !wrong.status.success() && said.contains("HOST:PORT"),
        "{said}"
    );
    Ok(())
}

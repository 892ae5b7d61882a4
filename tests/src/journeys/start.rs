//! Starting, and everything that can be in the way of it.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;

use crate::shop::{Engine, Setup, Shop, on_all};
use crate::shopper::{buy, order, wait_for_payment};
use crate::staff::{Stock, product, stock};

const LIMIT: Duration = Duration::from_secs(60);

on_all!(a_restart_keeps_everything);

/// A restart keeps everything.
async fn a_restart_keeps_everything(shop: Shop) -> Result<()> {
    let mut shop = shop;
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(5)).await?;
    let placed = buy(&client, &lamp.variant_id, 1, "restart").await?;
    let before = wait_for_payment(&client, &placed, "paid").await?;
    let cart = crate::shopper::cart_with(&client, &[(&lamp.variant_id, 2)]).await?;
    shop.stop().await?;
    shop.start_again().await?;
    assert_eq!(order(&client, &placed).await?, before);
    // Sessions are kept too: the same credentials still open what only staff see.
    assert_eq!(stock(&staff, &lamp.variant_id).await?, (4, 0, 4));
    let kept: Value = client.get(&format!("/api/carts/{cart}")).value(200).await?;
    assert_eq!(kept["item_count"], 2);
    client
        .get(&format!("/api/products/{}", lamp.handle))
        .expect(200)
        .await?;
    Ok(())
}

/// A second shop in the same folder is kept out, and told so; the first goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_serve_in_the_same_folder() -> Result<()> {
    let shop = Shop::start(Engine::Sqlite).await?;
    let mut command = shop.setup.command(&["serve"])?;
    let (address, management) = (
        techcommerce_testkit::free_address(),
        techcommerce_testkit::free_address(),
    );
    command
        .env("TECHCOMMERCE_LISTEN_PORT", address.port().to_string())
        .env(
            "TECHCOMMERCE_LISTEN_MANAGEMENT_PORT",
            management.port().to_string(),
        );
    let text = fails(command).await?;
    let folder = shop.setup.data();
    ensure!(text.contains(folder.to_str().unwrap_or_default()), "{text}");
    shop.client().get("/api/products").expect(200).await?;
    // Other work on the same folder is welcome.
    ensure!(shop.run(&["config"]).await?.status.success());
    Ok(())
}

/// A port that somebody else has.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_taken_port() -> Result<()> {
    let setup = Setup::new(Engine::Sqlite).await;
    let _taken = TcpListener::bind(setup.address())?;
    let text = fails(setup.command(&["serve"])?).await?;
    ensure!(text.contains(&setup.address().port().to_string()), "{text}");
    Ok(())
}

/// A folder that cannot be written. (Root may write everywhere, so a file stands in its way.)
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unwritable_folder() -> Result<()> {
    let folder = techcommerce_testkit::folder();
    let blocked = folder.path().join("file");
    std::fs::write(&blocked, "not a folder")?;
    std::fs::set_permissions(&blocked, std::fs::Permissions::from_mode(0o400))?;
    let setup = Setup::new(Engine::Sqlite).await;
    let mut command = setup.command(&["serve"])?;
    command.env("TECHCOMMERCE_DATA_DIR", blocked.join("data"));
    let text = fails(command).await?;
    ensure!(text.contains("file/data"), "{text}");
    Ok(())
}

/// A setting that is misspelt or wrong names itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wrong_settings() -> Result<()> {
    for (name, value) in [
        ("TECHCOMMERCE_SHOP_NAEM", "x"),
        ("TECHCOMMERCE_LISTEN_PORT", "many"),
        ("TECHCOMMERCE_SHOP_CURRENCY", "money"),
    ] {
        let setup = Setup::new(Engine::Sqlite).await.set(name, value);
        let text = fails(setup.command(&["serve"])?).await?;
        ensure!(
            text.contains(name)
                || text.contains(
                    &name["TECHCOMMERCE_".len()..]
                        .to_lowercase()
                        .replacen('_', ".", 1)
                ),
            "{text}"
        );
    }
    Ok(())
}

/// A database that is not there: the error says where it was looked for, without the password.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_database() -> Result<()> {
    let nobody = techcommerce_testkit::free_address();
    let url = format!("postgres://shop:hunter2secret@{nobody}/shop");
    let setup = Setup::new(Engine::Sqlite).await.set("DATABASE_URL", &url);
    let text = fails(setup.command(&["serve"])?).await?;
    ensure!(!text.contains("hunter2secret"), "{text}");
    Ok(())
}

/// What is in force can be shown to anybody: secrets are hidden.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_settings_in_force() -> Result<()> {
    let setup = Setup::new(Engine::Sqlite).await;
    let setup = setup
        .set(
            "DATABASE_URL",
            "postgres://shop:hunter2secret@127.0.0.1/shop",
        )
        .set("TECHCOMMERCE_SHOP_NAME", "Marlhouse");
    let output = setup.command(&["config"])?.output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(
        output.status.success() && text.contains("Marlhouse"),
        "{text}"
    );
    ensure!(
        text.contains("TECHCOMMERCE_SHOP_NAME") && !text.contains("hunter2secret"),
        "{text}"
    );
    Ok(())
}

/// An admin by hand, beside the running shop.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_admin_by_hand() -> Result<()> {
    let shop = Shop::start(Engine::Sqlite).await?;
    let output = shop
        .run(&["admin", "create", "--email", "jo@example.com"])
        .await?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    ensure!(output.status.success(), "{text}");
    let password = text.lines().find_map(|line| line.strip_prefix("Password:"));
    let password = password.unwrap_or_default().trim();
    let token = crate::shop::sign_in(&shop.client(), "jo@example.com", password).await?;
    let me: Value = shop
        .client()
        .with_bearer(&token)
        .get("/api/auth/me")
        .value(200)
        .await?;
    assert_eq!(me["role"], "admin");
    Ok(())
}

/// Runs a command that must fail by itself, with an error for people; what it wrote.
async fn fails(mut command: std::process::Command) -> Result<String> {
    let folder = techcommerce_testkit::folder();
    let log = folder.path().join("output.log");
    let mut process = techcommerce_testkit::Process::start(&mut command, &log)?;
    let status = process.wait(LIMIT).await?;
    let text = process.output();
    ensure!(!status.success(), "it should have failed:\n{text}");
    ensure!(
        status.code().is_some_and(|code| code != 101) && !text.contains("panicked"),
        "{text}"
    );
    ensure!(!text.trim().is_empty(), "it failed without a word");
    Ok(text)
}

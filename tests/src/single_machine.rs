//! The unit and the settings in `packaging/systemd`, which docs/single-machine.md installs: the
//! program is started as systemd would start it, and says to it what systemd expects.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};
use techcommerce_testkit::{Client, Process, binary, folder, free_address};
use tokio::net::UnixDatagram;
use tokio::time::timeout;

use crate::processes::START;
use crate::shop::{Engine, Shop};

fn packaged(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging/systemd");
    root.join(name)
}

/// The values of a key in the unit.
fn values<'u>(unit: &'u str, key: &str) -> Vec<&'u str> {
    let line = |line: &'u str| line.strip_prefix(key)?.strip_prefix('=');
    unit.lines().filter_map(line).collect()
}

#[tokio::test]
async fn the_unit_starts_a_shop_that_systemd_can_watch() -> Result<()> {
    let home = folder();
    let unit = std::fs::read_to_string(packaged("techcommerce.service"))?;
    let [start] = values(&unit, "ExecStart")[..] else {
        anyhow::bail!("one ExecStart");
    };
    let mut words = start.split(' ');
    ensure!(
        words.next() == Some("/usr/local/bin/techcommerce"),
        "{start}"
    );
    // Where the unit's folders are on a machine, and where they are in this test.
    let moved = |text: &str| {
        let here = |name: &str| home.path().join(name).display().to_string();
        text.replace("/etc/techcommerce", &here("etc"))
            .replace("/var/lib/techcommerce", &here("data"))
    };
    std::fs::create_dir(home.path().join("etc"))?;
    std::fs::create_dir(home.path().join("data"))?;
    let settings = home.path().join("etc/techcommerce.toml");
    std::fs::copy(packaged("techcommerce.toml"), settings)?;

    let hears = home.path().join("notify");
    let socket = UnixDatagram::bind(&hears)?;
    let (address, management) = (free_address(), free_address());
    let mut command = Command::new(binary()?);
    command
        .args(words.map(moved))
        .env_clear()
        .current_dir(home.path().join("data"))
        .env("NOTIFY_SOCKET", &hears)
        .env("WATCHDOG_USEC", "200000")
        .env("TECHCOMMERCE_LISTEN_PORT", address.port().to_string())
        .env(
            "TECHCOMMERCE_LISTEN_MANAGEMENT_PORT",
            management.port().to_string(),
        );
    for pair in values(&unit, "Environment") {
        let (name, value) = pair.split_once('=').context("name=value")?;
        command.env(name, moved(value));
    }
    let mut process = Process::start(&mut command, &home.path().join("output.log"))?;

    let told = told(&socket).await;
    ensure!(
        told.as_deref().ok() == Some("READY=1"),
        "{told:?} {}",
        process.output()
    );
    // Once it is ready it serves: without waiting, without a demo catalogue, under the shop's name.
    let shop = Client::new(format!("http://{address}"));
    let page = shop.get("/").expect(200).await?.text();
    ensure!(page.contains("Your shop"), "{page}");
    let products: serde_json::Value = shop.get("/api/products").value(200).await?;
    ensure!(
        products["items"].as_array().is_some_and(Vec::is_empty),
        "{products}"
    );
    ensure!(self::told(&socket).await? == "WATCHDOG=1");

    let ended = process.terminate(START).await?;
    ensure!(ended.success(), "{ended}: {}", process.output());
    while self::told(&socket).await? != "STOPPING=1" {}
    Ok(())
}

async fn told(socket: &UnixDatagram) -> Result<String> {
    let mut buffer = [0; 256];
    let length = timeout(START, socket.recv(&mut buffer))
        .await
        .context("silence")??;
    Ok(String::from_utf8_lossy(&buffer[..length]).trim().to_owned())
}

/// The units that make copies, as systemd would run them on a shop that serves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_units_of_backups_make_some() -> Result<()> {
    let shop = Shop::start(Engine::Sqlite).await?;
    let home = folder();
    for name in ["techcommerce-backup", "techcommerce-backup-daily"] {
        let unit = std::fs::read_to_string(packaged(&format!("{name}.service")))?;
        let [start] = values(&unit, "ExecStart")[..] else {
            anyhow::bail!("one ExecStart");
        };
        let words = start
            .strip_prefix("/usr/local/bin/techcommerce ")
            .context("the program")?;
        let words = words.replace(
            "/var/lib/techcommerce-backups",
            &home.path().display().to_string(),
        );
        // The settings of this shop are in its environment.
        let words = words.replace(" --config /etc/techcommerce/techcommerce.toml", "");
        let words: Vec<&str> = words.split(' ').collect();
        let said = shop.run(&words).await?;
        ensure!(said.status.success(), "{said:?}");
        let timer = std::fs::read_to_string(packaged(&format!("{name}.timer")))?;
        ensure!(values(&timer, "OnCalendar").len() == 1, "{timer}");
    }
    for folder in ["recent", "daily"] {
        let kept = std::fs::read_dir(home.path().join(folder))?.flatten();
        let kept = kept.filter(|entry| entry.path().join("manifest.json").is_file());
        ensure!(kept.count() == 1, "{folder}");
    }
    Ok(())
}

/// Says what it cannot do where systemd is not installed.
#[test]
fn systemd_understands_the_unit() -> Result<()> {
    let units = [
        "techcommerce.service",
        "techcommerce-backup.timer",
        "techcommerce-backup-daily.timer",
    ];
    let verify = Command::new("systemd-analyze")
        .args(["verify", "--recursive-errors=no"])
        .args(units.map(packaged))
        .output();
    let Ok(output) = verify else {
        eprintln!("skipped: systemd-analyze is not installed");
        return Ok(());
    };
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    // The program need not be installed where the tests run; anything else is a mistake in the unit.
    let mistakes: Vec<&str> = said
        .lines()
        .filter(|line| line.contains("techcommerce") && !line.contains("is not executable"))
        .collect();
    ensure!(mistakes.is_empty(), "{mistakes:#?}");
    Ok(())
}

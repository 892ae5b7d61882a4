//! A real replica: what may lag is read from it, what must not is not, and without it all goes on.

use std::fs;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use sqlx::{Connection, Executor, PgConnection};
use techcommerce_testkit::{Client, Kind, TempDir, folder, free_address, is_root, start_with};

use crate::shop::{Engine, Setup, Shop};
use crate::shopper::{Placed, buy, eventually, order};
use crate::staff::{Stock, product};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn staff_read_from_the_replica_and_buyers_do_not() -> Result<()> {
    let primary = start_with(Kind::Postgres, &["wal_level=replica", "max_wal_senders=4"])?;
    let replica = Replica::of(primary.url())?;
    let shop = Setup::new(Engine::Postgres)
        .await
        .with_database_url(primary.url())
        .set(
            "TECHCOMMERCE_DATABASE_REPLICA_ADDRESS",
            &replica.address.to_string(),
        )
        .start()
        .await?;
    let staff = shop.admin().await?;
    let client = shop.client();
    let lamp = product(&staff, "Lamp", Stock::Counted(10)).await?;
    let first = buy(&client, &lamp.variant_id, 1, "first").await?;
    eventually("the first order in the list", async || {
        Ok(lists(&staff, &first).await?.then_some(()))
    })
    .await?;
    eventually("the metrics say that it follows", async || {
        Ok(lag(&shop).await?.filter(|lag| *lag < 1.0).map(drop))
    })
    .await?;
    // It falls behind: staff do not see what is new, whoever bought it does.
    let mut behind = PgConnection::connect(&replica.url(primary.url())?).await?;
    behind.execute("SELECT pg_wal_replay_pause()").await?;
    let second = buy(&client, &lamp.variant_id, 1, "second").await?;
    order(&client, &second).await?;
    ensure!(
        !lists(&staff, &second).await?,
        "the list is not the replica's"
    );
    eventually("the metrics say that it does not follow", async || {
        Ok(lag(&shop).await?.filter(|lag| *lag > 5.0).map(drop))
    })
    .await?;
    behind.close().await?;
    replica.stop()?;
    // What finds its connection cut is told to come back; then the primary stands in.
    eventually("the primary stands in", async || {
        let there = lists(&staff, &second).await.unwrap_or(false);
        Ok(there.then_some(()))
    })
    .await
}

/// How far behind order-api's replica is, if that was looked at.
async fn lag(shop: &Shop) -> Result<Option<f64>> {
    let text = shop.management().get("/metrics").expect(200).await?.text();
    let series = r#"techcommerce_db_replica_lag_seconds{service="order-api"} "#;
    let value = text.lines().find_map(|line| line.strip_prefix(series));
    Ok(value.map(str::parse).transpose()?)
}

async fn lists(staff: &Client, placed: &Placed) -> Result<bool> {
    let page: Value = staff.get("/api/orders").value(200).await?;
    let items = page["items"].as_array().context("a list")?;
    Ok(items.iter().any(|item| item["id"] == placed.id.as_str()))
}

/// A server that follows another one.
pub struct Replica {
    pub address: SocketAddr,
    bin: PathBuf,
    data: PathBuf,
    home: TempDir,
}

impl Replica {
    pub fn of(primary: &str) -> Result<Self> {
        Self::made_in(folder(), primary, "")
    }

    /// In this folder, with more settings, as `-c name=value`.
    pub fn made_in(home: TempDir, primary: &str, settings: &str) -> Result<Self> {
        let bin = Kind::Postgres.program()?;
        let replica = Self {
            address: free_address(),
            bin: bin.parent().context("a folder")?.to_path_buf(),
            data: home.path().join("data"),
            home,
        };
        if is_root() {
            let mut own = Command::new("chown");
            let owned = own.arg("postgres").arg(replica.home()).status()?;
            ensure!(owned.success());
        }
        let copied = replica
            .command("pg_basebackup")
            .args(["--write-recovery-conf", "--checkpoint=fast", "--pgdata"])
            .arg(&replica.data)
            .args(["--dbname", primary])
            .output()?;
        ensure!(copied.status.success(), "{copied:?}");
        let options = format!(
            "-p {} -k '{}' -c listen_addresses=127.0.0.1 -c max_connections=600 -c fsync=off {settings}",
            replica.address.port(),
            replica.home().display()
        );
        replica.control(&["start", "-w", "-t", "60"], &["-o", &options])?;
        Ok(replica)
    }

    /// Where its files are.
    pub fn home(&self) -> &Path {
        self.home.path()
    }

    /// `primary` with this server's place.
    pub fn url(&self, primary: &str) -> Result<String> {
        let (user, rest) = primary.rsplit_once('@').context("an address")?;
        let (_, database) = rest.split_once('/').context("a database")?;
        Ok(format!("{user}@{}/{database}", self.address))
    }

    /// Ends at once: no connection is told, nothing is written down.
    pub fn stop(&self) -> Result<()> {
        self.control(&["stop", "-w", "-m", "immediate"], &[])
    }

    /// What `pg_ctl` does, and what the server said if that fails.
    pub fn control(&self, arguments: &[&str], more: &[&str]) -> Result<()> {
        let log = self.home().join("server.log");
        let mut command = self.command("pg_ctl");
        command
            .args(arguments)
            .arg("-D")
            .arg(&self.data)
            .arg("-l")
            .arg(&log)
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        // Meanwhile all others go on.
        let done = tokio::task::block_in_place(|| command.status())?;
        let said = || fs::read_to_string(&log).unwrap_or_default();
        ensure!(done.success(), "pg_ctl {arguments:?} fails:\n{}", said());
        Ok(())
    }

    fn command(&self, program: &str) -> Command {
        let program = self.bin.join(program);
        let mut command = match is_root() {
            true => Command::new("runuser"),
            false => Command::new(&program),
        };
        if is_root() {
            command.args(["-u", "postgres", "--"]).arg(program);
        }
        command.current_dir("/");
        command
    }
}

impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.stop();
    }
}

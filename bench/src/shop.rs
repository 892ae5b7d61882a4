//! The program that is measured, as its owner would run it: logs on, everything durable.

use std::{
    fs::File,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::Stdio,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use techcommerce_testservers::{Kind, Server, free_port, start_with};
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::{catalogue::Catalogue, client::Client, machine};

/// PostgreSQL as it is delivered: what it says is written is written.
const DURABLE: [&str; 7] = [
    "fsync=on",
    "synchronous_commit=on",
    "full_page_writes=on",
    "autovacuum=on",
    "checkpoint_timeout=5min",
    "shared_preload_libraries=pg_stat_statements",
    "pg_stat_statements.track=top",
];

/// A PostgreSQL server for this run.
pub fn postgres() -> Result<Server> {
    Ok(start_with(Kind::Postgres, &DURABLE)?)
}

/// A new database on the server; its address.
pub async fn database(server: &Server, name: &str) -> Result<String> {
    let pool = sqlx::PgPool::connect(server.url()).await?;
    sqlx::query(sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}")))
        .execute(&pool)
        .await?;
    pool.close().await;
    let (base, _) = server.url().rsplit_once('/').context("an address")?;
    Ok(format!("{base}/{name}"))
}

/// The process of the server, with all of its children.
pub fn postgres_process(server: &Server) -> Result<u32> {
    let file = server.home().join("data/postmaster.pid");
    let text = std::fs::read_to_string(file)?;
    Ok(text.lines().next().context("a number")?.trim().parse()?)
}

/// Where a shop keeps its things, before it starts.
pub struct Setup<'p> {
    program: &'p Path,
    folder: TempDir,
    database: Option<String>,
}

/// A shop that runs.
pub struct Shop {
    process: Child,
    pub address: SocketAddr,
    /// From the start of the process until its first good answer.
    pub ready: Duration,
}

impl<'p> Setup<'p> {
    /// On this PostgreSQL database, or on SQLite.
    pub fn new(program: &'p Path, database: Option<String>) -> Result<Self> {
        Ok(Self {
            program,
            folder: tempfile::tempdir()?,
            database,
        })
    }

    fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(self.program);
        command
            .args(arguments)
            .env_clear()
            .env("TECHCOMMERCE_DATA_DIR", self.folder.path().join("data"))
            .env("TECHCOMMERCE_DEMO_CATALOGUE", "false")
            .env("TECHCOMMERCE_LIMITS_REQUESTS_PER_MINUTE", "1000000000")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(File::options().create(true).append(true).open(self.log())?)
            .kill_on_drop(true);
        if let Some(database) = &self.database {
            command.env("DATABASE_URL", database);
        }
        Ok(command)
    }

    fn log(&self) -> std::path::PathBuf {
        self.folder.path().join("log")
    }

    /// Brings all databases up to date.
    pub async fn migrate(&self) -> Result<()> {
        let status = self.command(&["migrate"])?.status().await?;
        ensure!(
            status.success(),
            "migrate ended with {status}: {}",
            self.said()
        );
        Ok(())
    }

    /// Imports the catalogue; how long that took.
    pub async fn import(&self, catalogue: &Catalogue) -> Result<Duration> {
        let file = catalogue.file();
        let began = Instant::now();
        let status = self
            .command(&["import", &file.display().to_string()])?
            .status()
            .await?;
        ensure!(
            status.success(),
            "the import ended with {status}: {}",
            self.said()
        );
        Ok(began.elapsed())
    }

    /// Starts the whole shop with these settings on top.
    pub async fn start(&self, settings: &[(&str, &str)]) -> Result<Shop> {
        self.serve(&[], settings, "/healthz").await
    }

    /// Starts only these services, in one process; the address is the first one's.
    pub async fn start_services(&self, services: &[&str], ready: &str) -> Result<Shop> {
        self.serve(services, &[], ready).await
    }

    async fn serve(
        &self,
        services: &[&str],
        settings: &[(&str, &str)],
        ready: &str,
    ) -> Result<Shop> {
        let port = free_port()?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let mut arguments = vec!["serve"];
        arguments.extend(services);
        let mut command = self.command(&arguments)?;
        if !services.is_empty() {
            let keys = self.keys().await?;
            command
                .env("TECHCOMMERCE_KEYS_PRIVATE", &keys)
                .env("TECHCOMMERCE_KEYS_TRUSTED", keys.join("trusted-keys"));
        }
        command
            .env(
                "TECHCOMMERCE_LISTEN_MANAGEMENT_PORT",
                free_port()?.to_string(),
            )
            .env("TECHCOMMERCE_PUBLIC_URL", format!("http://{address}"))
            .envs(settings.iter().copied());
        match services {
            [] | [_] => {
                command.env("TECHCOMMERCE_LISTEN_PORT", port.to_string());
            }
            [first, others @ ..] => {
                let name = |service: &str| {
                    let service = service.to_uppercase().replace('-', "_");
                    format!("TECHCOMMERCE_SERVICES_{service}")
                };
                command.env(name(first), format!("http://{address}"));
                for service in others {
                    command.env(name(service), format!("http://127.0.0.1:{}", free_port()?));
                }
            }
        }
        let began = Instant::now();
        let mut process = command.spawn()?;
        loop {
            if let Some(status) = process.try_wait()? {
                bail!("the shop ended with {status}: {}", self.said());
            }
            if good(address, ready).await {
                break;
            }
            ensure!(
                began.elapsed() < Duration::from_secs(60),
                "the shop does not answer: {}",
                self.said()
            );
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(Shop {
            process,
            address,
            ready: began.elapsed(),
        })
    }

    /// Every balance, computed anew by the program itself.
    pub async fn audit(&self) -> Result<()> {
        let output = self.command(&["doctor", "--audit"])?.output().await?;
        ensure!(
            output.status.success(),
            "the audit ended with {}: {}",
            output.status,
            self.said()
        );
        Ok(())
    }

    /// A folder with the keys that services apart know each other by.
    pub async fn keys(&self) -> Result<std::path::PathBuf> {
        let folder = self.folder.path().join("keys");
        if !folder.exists() {
            let mut command = self.command(&["keys", &folder.display().to_string()])?;
            let status = command.status().await?;
            ensure!(
                status.success(),
                "keys ended with {status}: {}",
                self.said()
            );
        }
        Ok(folder)
    }

    fn said(&self) -> String {
        let log = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = log.lines().rev().take(5).collect();
        lines.join("\n")
    }
}

async fn good(address: SocketAddr, path: &str) -> bool {
    let Ok(mut client) = Client::connect(address).await else {
        return false;
    };
    let request = client.request("GET", path, &[], "");
    client
        .send(&request)
        .await
        .is_ok_and(|answer| answer.status == 200)
}

impl Shop {
    /// Its process.
    pub fn id(&self) -> Result<u32> {
        self.process.id().context("the shop has ended")
    }

    /// Resident memory in bytes.
    pub fn memory(&self) -> Result<u64> {
        machine::memory(self.id()?)
    }

    /// Ends it as an operator would.
    pub async fn stop(mut self) -> Result<()> {
        let id = self.id()?;
        let done = Command::new("kill").arg(id.to_string()).status().await?;
        ensure!(done.success(), "kill ended with {done}");
        tokio::time::timeout(Duration::from_secs(30), self.process.wait()).await??;
        Ok(())
    }
}

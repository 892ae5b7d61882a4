//! Where words come from and come out beside requests: a mail server, databases, metrics.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection};
use techcommerce_testkit::{Client, Process};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Instant, sleep};

use crate::shop::{Engine, SERVICES, Setup, Shop};

/// Who has a database.
const KEEPERS: [&str; 4] = ["product_api", "order_api", "auth", "images"];

/// Takes no mail, and says to whom it would have been.
pub struct MailServer {
    port: u16,
    heard: Arc<AtomicUsize>,
}

impl MailServer {
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let port = listener.local_addr()?.port();
        let heard = Arc::<AtomicUsize>::default();
        let hears = Arc::clone(&heard);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(converse(stream, Arc::clone(&hears)));
            }
        });
        Ok(Self { port, heard })
    }

    pub fn url(&self) -> String {
        format!("smtp://127.0.0.1:{}?tls=none", self.port)
    }

    /// How many mails it was asked to take.
    pub fn heard(&self) -> usize {
        self.heard.load(Ordering::Relaxed)
    }
}

async fn converse(stream: TcpStream, heard: Arc<AtomicUsize>) -> Option<()> {
    let (read, mut write) = stream.into_split();
    let mut lines = BufReader::new(read).lines();
    let mut answer = "220 mail.test ready".to_owned();
    loop {
        let line = format!("{answer}\r\n");
        write.write_all(line.as_bytes()).await.ok()?;
        let asked = lines.next_line().await.ok()??;
        answer = match asked.split(' ').next().unwrap_or_default() {
            "RCPT" => {
                heard.fetch_add(1, Ordering::Relaxed);
                format!("550 5.1.1 {asked} is unknown here")
            }
            "QUIT" => "221 bye".to_owned(),
            _ => "250 ok".to_owned(),
        };
    }
}

/// What the program says with these settings, by the commands that look at them. One that goes on
/// is ended: it said what it had to say when it started.
pub async fn all_that_is_said(settings: &[(&str, String)]) -> Result<Vec<(String, String)>> {
    const ENOUGH: Duration = Duration::from_secs(4);
    let mut said = Vec::new();
    for what in ["config", "doctor", "migrate", "serve"] {
        let setup = Setup::new(Engine::Sqlite).await;
        let mut command = setup.command(&[what])?;
        command.env("TECHCOMMERCE_LOG_LEVEL", "debug");
        command.envs(settings.iter().map(|(name, value)| (name, value)));
        let log = setup.folder().join("said.log");
        let mut process = Process::start(&mut command, &log)?;
        let end = Instant::now() + ENOUGH;
        while process.ended()?.is_none() && Instant::now() < end {
            sleep(Duration::from_millis(20)).await;
        }
        process.kill()?;
        let (name, _) = settings.first().context("a setting")?;
        said.push((format!("`{what}` with {name}"), process.output()));
    }
    Ok(said)
}

/// The metrics of every process.
pub async fn metrics(shop: &Shop) -> Result<String> {
    let mut text = String::new();
    for service in SERVICES {
        let (_, management) = shop.setup.place(service);
        let client = Client::new(format!("http://{management}"));
        text += &client.get("/metrics").expect(200).await?.text();
    }
    Ok(text)
}

/// What jobs keep of their errors.
pub async fn kept_errors(setup: &Setup) -> Result<String> {
    let sql = "SELECT COALESCE(last_error, '') FROM jobs";
    rows(setup, sql).await
}

/// All rows of the audit logs.
pub async fn told_by_the_audit(setup: &Setup) -> Result<String> {
    let sql =
        "SELECT action || ' ' || object_id || ' ' || object_title || ' ' || change FROM audit_log";
    rows(setup, sql).await
}

/// Writes `text` where a job keeps its error, past the program.
pub async fn tell_a_job(setup: &Setup, text: &str) -> Result<()> {
    let sql = format!(
        "UPDATE jobs SET last_error = '{text}' WHERE id = (SELECT id FROM jobs WHERE state = 'done' LIMIT 1)"
    );
    let sql = AssertSqlSafe(sql);
    let changed = match Kept::open(setup, "order_api").await? {
        Kept::Server(mut conn) => sqlx::query(sql).execute(&mut conn).await?.rows_affected(),
        Kept::File(mut conn) => sqlx::query(sql).execute(&mut conn).await?.rows_affected(),
    };
    ensure!(changed == 1, "no job is done");
    Ok(())
}

async fn rows(setup: &Setup, sql: &'static str) -> Result<String> {
    let mut text = String::new();
    for keeper in KEEPERS {
        let found: Vec<String> = match Kept::open(setup, keeper).await? {
            Kept::Server(mut conn) => sqlx::query_scalar(sql).fetch_all(&mut conn).await?,
            Kept::File(mut conn) => sqlx::query_scalar(sql).fetch_all(&mut conn).await?,
        };
        text += &found.join("\n");
    }
    Ok(text)
}

/// A connection to the database of a service, whatever it is kept in.
enum Kept {
    Server(PgConnection),
    File(SqliteConnection),
}

impl Kept {
    async fn open(setup: &Setup, keeper: &str) -> Result<Self> {
        if let Some(url) = setup.database_url() {
            let mut conn = PgConnection::connect(url).await?;
            let path = format!("SET search_path = {keeper}");
            sqlx::query(AssertSqlSafe(path)).execute(&mut conn).await?;
            return Ok(Self::Server(conn));
        }
        let mut found = Vec::new();
        let name = format!("{}.db", keeper.replace('_', "-"));
        files(&setup.data(), &name, &mut found)?;
        let file = found.first().with_context(|| name.clone())?;
        let options = SqliteConnectOptions::new().filename(file);
        Ok(Self::File(options.connect().await?))
    }
}

fn files(folder: &Path, name: &str, into: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files(&path, name, into)?;
        } else if path.file_name().is_some_and(|found| found == name) {
            into.push(path);
        }
    }
    Ok(())
}

//! The program under test: its folder, its database, its configuration, its process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::{Value, json};
use techcommerce_testkit::{
    Client, PostgresDatabase, Process, TempDir, binary, folder, free_address,
};
use tokio::time::{Instant, sleep};

use crate::document::Document;

/// A debug build on a busy machine with two cores needs longer than the product promises.
const START: Duration = Duration::from_secs(60);

/// How many lines of the shop's output a failed test shows.
const LINES_SHOWN: usize = 60;

/// The first admin, and the password that they choose in place of the one-time one.
pub const ADMIN: &str = "admin@example.com";
pub const ADMIN_PASSWORD: &str = "nine patient lighthouse keepers";

/// Which database the shop runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// A shop before its start.
pub struct Setup {
    folder: TempDir,
    database: Option<PostgresDatabase>,
    address: SocketAddr,
    management: SocketAddr,
    settings: BTreeMap<String, String>,
}

impl Setup {
    /// An empty shop on this engine, on ports of its own, with no limits on how often one asks.
    pub async fn new(engine: Engine) -> Self {
        let folder = folder();
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(PostgresDatabase::empty().await),
        };
        let (address, management) = (free_address(), free_address());
        let setup = Self {
            folder,
            database,
            address,
            management,
            settings: BTreeMap::new(),
        };
        let setup = setup
            .set("TECHCOMMERCE_LISTEN_PORT", &address.port().to_string())
            .set(
                "TECHCOMMERCE_LISTEN_MANAGEMENT_PORT",
                &management.port().to_string(),
            )
            .set("TECHCOMMERCE_PUBLIC_URL", &format!("http://{address}"))
            .set("TECHCOMMERCE_DEMO_CATALOGUE", "false")
            .set("TECHCOMMERCE_LIMITS_REQUESTS_PER_MINUTE", "1000000")
            .set("TECHCOMMERCE_LIMITS_LOGIN_PER_MINUTE", "1000000")
            .set("TECHCOMMERCE_WORKER_POLL_MILLISECONDS", "200");
        match setup
            .database
            .as_ref()
            .map(|database| database.url().to_owned())
        {
            Some(url) => setup.set("DATABASE_URL", &url),
            None => setup,
        }
    }

    /// With the built-in catalogue, as a first start has it.
    pub fn with_demo(self) -> Self {
        self.set("TECHCOMMERCE_DEMO_CATALOGUE", "true")
    }

    /// Stock that a checkout holds comes back after this long.
    pub fn with_reservations_of(self, seconds: u32) -> Self {
        self.set(
            "TECHCOMMERCE_ORDERS_RESERVATION_SECONDS",
            &seconds.to_string(),
        )
    }

    /// Where shoppers reach the shop.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Sets a variable of the environment.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// The data folder.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The database's address, if it is PostgreSQL.
    pub fn database_url(&self) -> Option<&str> {
        self.database.as_ref().map(PostgresDatabase::url)
    }

    /// The program with these settings and nothing else of our environment.
    pub fn command(&self, arguments: &[&str]) -> Result<Command> {
        let mut command = Command::new(binary()?);
        command
            .args(arguments)
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("RUST_BACKTRACE", "1")
            .env("TECHCOMMERCE_DATA_DIR", self.data())
            .envs(&self.settings)
            .current_dir(self.folder.path());
        Ok(command)
    }

    /// Starts the shop and waits until it can serve.
    pub async fn start(self) -> Result<Shop> {
        let process = self.launch()?;
        let mut shop = Shop {
            client: Client::new(format!("http://{}", self.address)),
            management: Client::new(format!("http://{}", self.management)),
            setup: self,
            process,
            document: Arc::new(Document::new(Value::Null)),
        };
        shop.wait_until_ready().await?;
        let document = shop.client.get("/api/openapi.json").send().await?;
        shop.document = Arc::new(Document::new(document.expect(200)?.json()?));
        Ok(shop)
    }

    /// The lines that the program wrote so far, over all of its starts.
    pub fn log(&self) -> PathBuf {
        self.folder.path().join("output.log")
    }

    /// Starts the process and does not wait for anything.
    pub fn launch(&self) -> Result<Process> {
        Process::start(&mut self.command(&["serve"])?, &self.log())
    }
}

/// A shop that serves.
pub struct Shop {
    pub setup: Setup,
    process: Process,
    client: Client,
    management: Client,
    document: Arc<Document>,
}

impl Shop {
    /// An empty shop that serves.
    pub async fn start(engine: Engine) -> Result<Self> {
        Setup::new(engine).await.start().await
    }

    /// A client that nobody is signed in with, whose answers are held against the document.
    pub fn client(&self) -> Client {
        let document = Arc::clone(&self.document);
        self.client
            .observed(Arc::new(move |answer| document.check(answer)))
    }

    /// A client whose answers are not checked, for speed or for what is no part of the interface.
    pub fn plain_client(&self) -> Client {
        self.client.clone()
    }

    /// A client of the management listener.
    pub fn management(&self) -> Client {
        self.management.clone()
    }

    /// The interface's document.
    pub fn document(&self) -> &Document {
        &self.document
    }

    /// What the program wrote so far.
    pub fn output(&self) -> String {
        self.process.output()
    }

    /// A client with the rights of the first admin, who replaces the one-time password first.
    pub async fn admin(&self) -> Result<Client> {
        let token = self.admin_token().await?;
        Ok(self.client().with_bearer(&token))
    }

    /// The token of a new session of the first admin.
    pub async fn admin_token(&self) -> Result<String> {
        let client = self.client();
        let again = json!({"email": ADMIN, "password": ADMIN_PASSWORD});
        let answer = client.post("/api/auth/login").json(&again).send().await?;
        let session: Value = match answer.status {
            401 => {
                let once = self.one_time_password()?;
                let token = sign_in(&client, ADMIN, &once).await?;
                let change = json!({"current_password": once, "new_password": ADMIN_PASSWORD});
                let first = client.with_bearer(&token);
                first
                    .post("/api/auth/password")
                    .json(&change)
                    .value(200)
                    .await?
            }
            _ => answer.expect(200)?.json()?,
        };
        Ok(session["token"].as_str().context("a token")?.to_owned())
    }

    /// What the first start wrote down for the first admin.
    pub fn one_time_password(&self) -> Result<String> {
        let file = self.setup.data().join("admin-password");
        let text = std::fs::read_to_string(&file).with_context(|| file.display().to_string())?;
        let password = text.split_whitespace().last().context("a password")?;
        Ok(password.to_owned())
    }

    /// SIGKILL, as a crash.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// SIGTERM and the orderly end.
    pub async fn stop(&mut self) -> Result<()> {
        let status = self.process.terminate(START).await?;
        ensure!(status.success(), "ended with {status}:\n{}", self.output());
        Ok(())
    }

    /// Starts again after [`kill`](Self::kill) or [`stop`](Self::stop), with the same settings
    /// and ports.
    pub async fn start_again(&mut self) -> Result<()> {
        self.process = self.setup.launch()?;
        self.wait_until_ready().await
    }

    /// Runs another subcommand beside the running shop, to its end.
    pub async fn run(&self, arguments: &[&str]) -> Result<std::process::Output> {
        let mut command = self.setup.command(arguments)?;
        Ok(tokio::task::spawn_blocking(move || command.output()).await??)
    }

    async fn wait_until_ready(&mut self) -> Result<()> {
        let end = Instant::now() + START;
        loop {
            if let Some(status) = self.process.ended()? {
                bail!("the shop ended with {status}:\n{}", self.process.output());
            }
            let ready = self.client.get("/readyz").send().await;
            if ready.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            if Instant::now() > end {
                bail!("not ready within {START:?}:\n{}", self.process.output());
            }
            sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // Shown only of a test that fails; the end tells most.
        let output = self.process.output();
        let lines: Vec<&str> = output.lines().collect();
        let from = lines.len().saturating_sub(LINES_SHOWN);
        eprintln!(
            "── the end of the shop's output ──\n{}",
            lines[from..].join("\n")
        );
    }
}

/// Signs in; the session's token.
pub async fn sign_in(client: &Client, email: &str, password: &str) -> Result<String> {
    let session: Value = client
        .post("/api/auth/login")
        .json(&json!({"email": email, "password": password}))
        .value(200)
        .await?;
    Ok(session["token"].as_str().context("a token")?.to_owned())
}

/// Makes two tests of each function, `name::sqlite` and `name::postgres`, on an empty shop:
/// `on_both!(name, …);` for an `async fn name(shop: Shop) -> anyhow::Result<()>`.
macro_rules! on_both {
    ($($name:ident),+ $(,)?) => {
        $(
            mod $name {
                use crate::shop::{Engine, Shop};

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn sqlite() -> anyhow::Result<()> {
                    super::$name(Shop::start(Engine::Sqlite).await?).await
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn postgres() -> anyhow::Result<()> {
                    super::$name(Shop::start(Engine::Postgres).await?).await
                }
            }
        )+
    };
}

pub(crate) use on_both;

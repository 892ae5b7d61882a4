//! The program under test: its folder, its database, its configuration, its process.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use techcommerce_testkit::stripe::{SECRET_KEY, Stripe, WEBHOOK_SECRET};
use techcommerce_testkit::{
    Client, PostgresDatabase, TempDir, TestRedis, binary, folder, free_address,
};

use crate::balancer::Balancer;
use crate::document::Document;
use crate::processes::{Part, Processes};

/// How many lines of the shop's output a failed test shows.
const LINES_SHOWN: usize = 60;

/// The services that a split shop is made of.
pub const SERVICES: [&str; 7] = [
    "frontend",
    "api",
    "product-api",
    "order-api",
    "auth",
    "images",
    "worker",
];

/// The first admin, and the password that they choose in place of the one-time one.
pub const ADMIN: &str = "admin@example.com";
pub const ADMIN_PASSWORD: &str = "nine patient lighthouse keepers";

/// What the shop runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// One process, with files.
    Sqlite,
    /// One process, with PostgreSQL.
    Postgres,
    /// Seven processes that speak HTTP, with PostgreSQL and Redis.
    Split,
}

/// One of several processes of a service.
struct Replica {
    service: &'static str,
    name: String,
    address: SocketAddr,
    management: SocketAddr,
    /// It is not started with the others: the place of one that takes another's.
    spare: bool,
}

/// A shop before its start.
pub struct Setup {
    folder: TempDir,
    engine: Engine,
    database: Option<PostgresDatabase>,
    redis: Option<TestRedis>,
    /// Where each process serves and is watched.
    places: BTreeMap<&'static str, (SocketAddr, SocketAddr)>,
    /// The processes of the services that have two, which stand behind the services' addresses.
    replicas: Vec<Replica>,
    settings: BTreeMap<String, String>,
    /// What is set for one service alone.
    own: BTreeMap<String, BTreeMap<String, String>>,
}

impl Setup {
    /// An empty shop on this engine, on ports of its own, with no limits on how often one asks.
    pub async fn new(engine: Engine) -> Self {
        let database = match engine {
            Engine::Sqlite => None,
            Engine::Postgres | Engine::Split => Some(PostgresDatabase::empty().await),
        };
        let names: &[&str] = match engine {
            Engine::Sqlite | Engine::Postgres => &["shop"],
            Engine::Split => &SERVICES,
        };
        let places = names
            .iter()
            .map(|name| (*name, (free_address(), free_address())));
        let redis = (engine == Engine::Split).then(TestRedis::new);
        let setup = Self {
            folder: folder(),
            engine,
            database,
            redis,
            places: places.collect(),
            replicas: Vec::new(),
            settings: BTreeMap::new(),
            own: BTreeMap::new(),
        };
        let address = setup.address();
        let mut setup = setup
            .set("TECHCOMMERCE_PUBLIC_URL", &format!("http://{address}"))
            .set("TECHCOMMERCE_DEMO_CATALOGUE", "false")
            .set("TECHCOMMERCE_LIMITS_REQUESTS_PER_MINUTE", "1000000")
            .set("TECHCOMMERCE_LIMITS_LOGIN_PER_MINUTE", "1000000")
            // A debug build on a busy machine is always behind; `overload` sets its own.
            .set("TECHCOMMERCE_LIMITS_PATIENCE_MILLISECONDS", "60000")
            .set("TECHCOMMERCE_WORKER_POLL_MILLISECONDS", "200");
        if let Some(database) = &setup.database {
            let url = database.url().to_owned();
            setup = setup.set("DATABASE_URL", &url);
        }
        match engine {
            Engine::Sqlite | Engine::Postgres => {
                let (_, management) = setup.places["shop"];
                setup
                    .set("TECHCOMMERCE_LISTEN_PORT", &address.port().to_string())
                    .set(
                        "TECHCOMMERCE_LISTEN_MANAGEMENT_PORT",
                        &management.port().to_string(),
                    )
            }
            Engine::Split => setup.split(),
        }
    }

    /// What the seven have in common: where they are, their keys, Redis.
    fn split(mut self) -> Self {
        for (name, (address, _)) in self.places.clone() {
            let variable = format!("TECHCOMMERCE_SERVICES_{}", name.replace('-', "_"));
            let url = format!("http://{address}");
            self = self.set(&variable.to_uppercase(), &url);
        }
        let redis = self.redis.as_ref().map(|redis| redis.url().to_owned());
        let keys = self.folder.path().join("keys").display().to_string();
        self.set("TECHCOMMERCE_REDIS_URL", &redis.unwrap_or_default())
            .set("TECHCOMMERCE_KEYS_PRIVATE", &keys)
            .set("TECHCOMMERCE_KEYS_TRUSTED", &format!("{keys}/trusted-keys"))
            .set("TECHCOMMERCE_WORKER_NAME", "worker")
            .set("TECHCOMMERCE_SHUTDOWN_UNREADY_SECONDS", "0")
    }

    /// With the built-in catalogue, as a first start has it.
    pub fn with_demo(self) -> Self {
        self.set("TECHCOMMERCE_DEMO_CATALOGUE", "true")
    }

    /// With payments by card at this double of Stripe.
    pub fn with_cards(self, stripe: &Stripe) -> Self {
        self.set("TECHCOMMERCE_ORDERS_PAYMENT_METHODS", "test;invoice;stripe")
            .set("TECHCOMMERCE_STRIPE_API_ADDRESS", &stripe.address())
            .set("TECHCOMMERCE_STRIPE_SECRET_KEY", SECRET_KEY)
            .set("TECHCOMMERCE_STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
            .set("TECHCOMMERCE_STRIPE_PUBLISHABLE_KEY", "pk_test_double")
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
        self.place("frontend").0
    }

    /// Where a service serves, and where it is watched.
    pub fn place(&self, service: &str) -> (SocketAddr, SocketAddr) {
        let place = self.places.get(service).or(self.places.get("shop"));
        *place.expect("a service of the shop")
    }

    /// Whether each service is a process of its own.
    pub fn is_split(&self) -> bool {
        self.engine == Engine::Split
    }

    /// With two processes of each of these services behind a balancer.
    pub fn with_replicas(mut self, services: &[&'static str]) -> Self {
        for service in services {
            self.replicas.push(replica(service, 1, false));
            self.replicas.push(replica(service, 2, false));
        }
        self
    }

    /// With two processes of every service behind a balancer, and the place of a third each, that
    /// starts before another one ends.
    pub fn with_rollouts(self) -> Self {
        let mut setup = self.with_replicas(&SERVICES);
        let spares = SERVICES.map(|service| replica(service, 3, true));
        setup.replicas.extend(spares);
        setup
    }

    /// The names of the processes of services that have two.
    pub fn replicas(&self) -> Vec<String> {
        self.replicas.iter().map(|one| one.name.clone()).collect()
    }

    /// Another Redis than the one that tests share.
    pub fn with_redis(self, redis: &TestRedis) -> Self {
        let url = redis.url().to_owned();
        self.set("TECHCOMMERCE_REDIS_URL", &url)
    }

    /// Another PostgreSQL than the one that tests share.
    pub fn with_database_url(self, url: &str) -> Self {
        self.set("DATABASE_URL", url)
    }

    /// Sets a variable of the environment.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.insert(name.to_owned(), value.to_owned());
        self
    }

    /// Sets a variable of the environment of one service's processes.
    pub fn set_for(mut self, service: &str, name: &str, value: &str) -> Self {
        let own = self.own.entry(service.to_owned()).or_default();
        own.insert(name.to_owned(), value.to_owned());
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

    /// Where everything of this shop is.
    pub fn folder(&self) -> &std::path::Path {
        self.folder.path()
    }

    /// Starts the processes and waits for nothing; [`Shop::await_readiness`] does.
    pub fn launch(self) -> Result<Shop> {
        if self.is_split() {
            self.make_keys()?;
        }
        let processes = Processes::start(self.parts()?, self.folder.path())?;
        Ok(self.shop_of(processes, Vec::new()))
    }

    /// Starts the shop and waits until it can serve.
    pub async fn start(self) -> Result<Shop> {
        if self.is_split() {
            self.make_keys()?;
        }
        let is_spare = |part: &Part| {
            let mut spares = self.replicas.iter().filter(|one| one.spare);
            spares.any(|one| one.name == part.name)
        };
        let (spares, parts) = self.parts()?.into_iter().partition(is_spare);
        let mut processes = Processes::start(parts, self.folder.path())?;
        processes.add(spares);
        processes.wait_until_ready().await?;
        let mut balancers = Vec::new();
        for (service, (address, _)) in &self.places {
            let replicas = self.replicas.iter().filter(|one| one.service == *service);
            let replicas: Vec<SocketAddr> = replicas.map(|one| one.address).collect();
            if !replicas.is_empty() {
                balancers.push(Balancer::start(*address, replicas).await?);
            }
        }
        let mut shop = self.shop_of(processes, balancers);
        let document = shop.client.get("/api/openapi.json").send().await?;
        shop.document = Arc::new(Document::new(document.expect(200)?.json()?));
        Ok(shop)
    }

    fn shop_of(self, processes: Processes, balancers: Vec<Balancer>) -> Shop {
        let (address, management) = self.place("frontend");
        Shop {
            client: Client::new(format!("http://{address}")),
            management: Client::new(format!("http://{management}")),
            setup: self,
            processes,
            balancers,
            document: Arc::new(Document::new(Value::Null)),
            lines_shown: LINES_SHOWN,
        }
    }

    /// Where the keys of a split shop are.
    pub fn keys(&self) -> PathBuf {
        self.folder.path().join("keys")
    }

    /// Makes the keys of a split shop.
    pub fn make_keys(&self) -> Result<()> {
        let folder = self.keys().display().to_string();
        let made = self.command(&["keys", &folder])?.output()?;
        ensure!(made.status.success(), "{made:?}");
        Ok(())
    }

    /// Starts one service of a split shop and nothing else.
    pub fn launch_only(&self, service: &str) -> Result<Processes> {
        self.make_keys()?;
        let parts = self.parts()?.into_iter();
        let parts = parts.filter(|part| part.name == service).collect();
        Processes::start(parts, self.folder.path())
    }

    /// Another process of a service, with its own place and name, not started.
    pub fn another(&self, service: &str, name: &str) -> Result<Part> {
        self.part(name, service, free_address(), free_address())
    }

    fn part(
        &self,
        name: &str,
        service: &str,
        address: SocketAddr,
        management: SocketAddr,
    ) -> Result<Part> {
        let mut command = match service {
            "shop" => self.command(&["serve"])?,
            service => self.command(&["serve", service])?,
        };
        command
            .envs(self.own.get(service).into_iter().flatten())
            .env("TECHCOMMERCE_LISTEN_PORT", address.port().to_string())
            .env(
                "TECHCOMMERCE_LISTEN_MANAGEMENT_PORT",
                management.port().to_string(),
            );
        if service == "worker" && name != service {
            // Each takes up only its own jobs at once, as pods do by their names.
            command.env("TECHCOMMERCE_WORKER_NAME", name);
        }
        let name = name.to_owned();
        Ok(Part {
            name,
            command,
            address,
        })
    }

    /// The processes, not started.
    fn parts(&self) -> Result<Vec<Part>> {
        let several = |service: &str| self.replicas.iter().any(|one| one.service == service);
        let single = self.places.iter().filter(|(service, _)| !several(service));
        let single = single.map(|(service, (address, management))| {
            self.part(service, service, *address, *management)
        });
        let double = self
            .replicas
            .iter()
            .map(|one| self.part(&one.name, one.service, one.address, one.management));
        single.chain(double).collect()
    }
}

fn replica(service: &'static str, number: usize, spare: bool) -> Replica {
    Replica {
        service,
        name: format!("{service}-{number}"),
        address: free_address(),
        management: free_address(),
        spare,
    }
}

/// A shop that serves.
pub struct Shop {
    pub setup: Setup,
    pub processes: Processes,
    balancers: Vec<Balancer>,
    client: Client,
    management: Client,
    document: Arc<Document>,
    /// How many of each process's last lines are shown when it ends.
    pub lines_shown: usize,
}

impl Shop {
    /// How many connections were for a replica that had ended already.
    pub fn connections_lost(&self) -> usize {
        self.balancers.iter().map(Balancer::lost).sum()
    }

    /// An empty shop that serves.
    pub async fn start(engine: Engine) -> Result<Self> {
        Setup::new(engine).await.start().await
    }

    /// Waits until every process of [`Setup::launch`] can serve.
    pub async fn await_readiness(&mut self) -> Result<()> {
        self.processes.wait_until_ready().await?;
        let document = self.client.get("/api/openapi.json").send().await?;
        self.document = Arc::new(Document::new(document.expect(200)?.json()?));
        Ok(())
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
        self.processes.output()
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
        self.processes.kill_all()
    }

    /// SIGTERM and the orderly end.
    pub async fn stop(&mut self) -> Result<()> {
        self.processes.stop_all().await
    }

    /// Starts again after [`kill`](Self::kill) or [`stop`](Self::stop), with the same settings
    /// and ports.
    pub async fn start_again(&mut self) -> Result<()> {
        self.processes.start_all()?;
        self.processes.wait_until_ready().await
    }

    /// Runs another subcommand beside the running shop, to its end.
    pub async fn run(&self, arguments: &[&str]) -> Result<std::process::Output> {
        let mut command = self.setup.command(arguments)?;
        Ok(tokio::task::spawn_blocking(move || command.output()).await??)
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        // Shown only of a test that fails; the end tells most.
        eprintln!("{}", self.processes.last_lines(self.lines_shown));
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

/// Makes three tests of each function, `name::sqlite`, `name::postgres` and `name::split`, on an
/// empty shop: `on_all!(name, …);` for an `async fn name(shop: Shop) -> anyhow::Result<()>`.
macro_rules! on_all {
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

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn split() -> anyhow::Result<()> {
                    super::$name(Shop::start(Engine::Split).await?).await
                }
            }
        )+
    };
}

pub(crate) use on_all;

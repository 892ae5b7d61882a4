//! The shop that is drilled: seven processes, everything that they need behind proxies of ours.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::Command;
use std::time::SystemTime;

use anyhow::{Context, Result, ensure};
use sqlx::{Connection, PgConnection};
use techcommerce_testkit::{Kind, Server, TestRedis, TestS3, start_with};

use super::doubles::{Exporter, mail_server};
use super::load::Load;
use crate::processes::{Part, Processes};
use crate::replica::Replica;
use crate::shop::{Engine, SERVICES, Setup, Shop};
use crate::small_disk::{mount, unmount};
use crate::staff::{Item, Stock, product};
use crate::wire::{Mode, Wire, place_of, place_text};

/// How many connections a service may have: few, so that they can all be taken.
const CONNECTIONS: &str = "20";
/// Requests a minute from one address, beyond which it floods.
const FLOOD: &str = "600";
/// Longer than any of the objectives' windows lets a certificate run out.
const YEAR: &str = "365";
/// The data folder, where this machine lets us have a disk of its own.
const DISK: &str = "size=64m,mode=0700";

/// Everything that a fault can be done to.
pub struct Ground {
    pub shop: Shop,
    pub load: Load,
    pub cluster: Exporter,
    /// Sold to nobody, so that its stock rests.
    pub rare: Item,
    /// Locks that a fault holds, and more of a service's processes; dropped at its end.
    pub held: Vec<PgConnection>,
    /// A second process of the frontend, when there is one.
    pub second: Option<Processes>,
    second_place: (SocketAddr, SocketAddr),
    proxies: BTreeMap<&'static str, Wire>,
    database: Server,
    replica: Replica,
    disk: Option<PathBuf>,
    _s3: TestS3,
    _redis: TestRedis,
}

impl Ground {
    /// Starts all of it, with somebody who buys.
    pub async fn open() -> Result<Self> {
        let wal = ["wal_level=replica", "max_wal_senders=4"];
        let database = start_with(Kind::Postgres, &wal)?;
        let replica = Replica::of(database.url())?;
        let redis = TestRedis::own();
        let s3 = TestS3::own();
        let mut proxies = BTreeMap::new();
        for (name, target) in [
            ("database", place_of(database.url())?),
            ("redis", place_of(redis.url())?),
            ("object-store", place_of(&s3.endpoint)?),
            ("smtp", mail_server().await?),
        ] {
            proxies.insert(name, Wire::to(target).await?);
        }
        let mut setup = Setup::new(Engine::Split).await;
        for name in ["product-api", "api"] {
            let (address, _) = setup.place(name);
            proxies.insert(name, Wire::to(address).await?);
        }
        let at = |name: &str| proxies[name].address();
        let through = |url: &str, name: &str| -> Result<String> {
            let place = place_text(url).context("a place")?;
            Ok(url.replacen(place, &at(name).to_string(), 1))
        };
        let folder = setup.folder().to_path_buf();
        let data = folder.join("data");
        std::fs::create_dir_all(&data)?;
        let disk = mount(&data, DISK).then_some(data);
        let certificate = folder.join("tls.crt");
        certify(&certificate, YEAR)?;
        setup = setup
            .set(
                "TECHCOMMERCE_SERVICES_PRODUCT_API",
                &format!("http://{}", at("product-api")),
            )
            .set(
                "TECHCOMMERCE_SERVICES_API",
                &format!("http://{}", at("api")),
            )
            .set("DATABASE_URL", &through(database.url(), "database")?)
            .set("TECHCOMMERCE_REDIS_URL", &through(redis.url(), "redis")?)
            .set(
                "TECHCOMMERCE_DATABASE_REPLICA_ADDRESS",
                &replica.address.to_string(),
            )
            .set("TECHCOMMERCE_DATABASE_CONNECTIONS", CONNECTIONS)
            .set(
                "TECHCOMMERCE_SMTP_URL",
                &format!("smtp://{}?tls=none", at("smtp")),
            )
            .set(
                "TECHCOMMERCE_IMAGES_STORE",
                &format!("s3://{}/{}", s3.bucket, s3.prefix),
            )
            .set(
                "TECHCOMMERCE_IMAGES_S3_ENDPOINT",
                &format!("http://{}", at("object-store")),
            )
            .set("TECHCOMMERCE_IMAGES_S3_ACCESS_KEY", &s3.access_key)
            .set("TECHCOMMERCE_IMAGES_S3_SECRET_KEY", &s3.secret_key)
            .set(
                "TECHCOMMERCE_CERTIFICATES_WATCH",
                &format!("shop={}", certificate.display()),
            )
            .set("TECHCOMMERCE_WORKER_LEDGER_CHECK_SECONDS", "3")
            .set("TECHCOMMERCE_LIMITS_REQUESTS_PER_MINUTE", FLOOD)
            .set("TECHCOMMERCE_TRUSTED_PROXIES", "127.0.0.0/8");
        let shop = setup.start().await?;
        let staff = shop.admin().await?;
        let lamp = product(&staff, "Lamp", Stock::Counted(1_000_000)).await?;
        let rare = product(&staff, "Rare lamp", Stock::Counted(10)).await?;
        let load = Load::start(&shop, &lamp);
        let ground = Self {
            cluster: Exporter::start().await?,
            held: Vec::new(),
            second: None,
            second_place: (
                techcommerce_testkit::free_address(),
                techcommerce_testkit::free_address(),
            ),
            shop,
            load,
            rare,
            proxies,
            database,
            replica,
            disk,
            _s3: s3,
            _redis: redis,
        };
        ground.cluster.says(super::faults::WELL);
        ground.record_backup(3600).await?;
        Ok(ground)
    }

    /// How answers of a dependency come back from now on.
    pub fn proxy(&self, name: &str, mode: Mode) {
        self.proxies[name].set(mode);
    }

    /// A connection that bypasses the shop.
    pub async fn sql(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(self.database.url()).await?)
    }

    /// One statement behind the shop's back.
    pub async fn execute(&self, statement: &str) -> Result<()> {
        let mut database = self.sql().await?;
        run(&mut database, statement).await?;
        Ok(database.close().await?)
    }

    /// One statement at the replica.
    pub async fn at_replica(&self, statement: &str) -> Result<()> {
        let url = self.replica.url(self.database.url())?;
        let mut database = PgConnection::connect(&url).await?;
        run(&mut database, statement).await?;
        Ok(database.close().await?)
    }

    /// Begins a transaction with these statements and leaves it open.
    pub async fn hold(&mut self, statements: &str) -> Result<()> {
        let mut database = self.sql().await?;
        run(&mut database, &format!("BEGIN; {statements}")).await?;
        self.held.push(database);
        Ok(())
    }

    /// Gives up what is held.
    pub async fn let_go(&mut self) -> Result<()> {
        for mut database in self.held.drain(..) {
            run(&mut database, "ROLLBACK").await?;
            database.close().await?;
        }
        Ok(())
    }

    /// A signal to one service.
    pub fn signal(&self, service: &str, name: &str) -> Result<()> {
        self.shop.processes.signal(service, name)
    }

    /// Says that a backup was taken so many seconds ago, and tried.
    pub async fn record_backup(&self, seconds_ago: u64) -> Result<()> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH)?;
        let at = (now.as_secs() - seconds_ago).to_string();
        let words = [
            "backup",
            "record",
            "--bytes",
            "123456789",
            "--taken-at",
            &at,
            "--verified-at",
            &at,
        ];
        let recorded = self.shop.run(&words).await?;
        ensure!(recorded.status.success(), "{recorded:?}");
        Ok(())
    }

    /// The watched certificate, valid for so many days.
    pub fn certify(&self, days: &str) -> Result<()> {
        certify(&self.shop.setup.folder().join("tls.crt"), days)
    }

    /// The small disk with the data folder, where this machine lets us have one.
    pub fn disk(&self) -> Option<&PathBuf> {
        self.disk.as_ref()
    }

    /// Starts a second process of the frontend with another setting.
    pub async fn second_frontend(&mut self, name: &str, value: &str) -> Result<()> {
        let mut command = self.shop.setup.command(&["serve", "frontend"])?;
        let (address, management) = self.second_place;
        command
            .env("TECHCOMMERCE_LISTEN_PORT", address.port().to_string())
            .env(
                "TECHCOMMERCE_LISTEN_MANAGEMENT_PORT",
                management.port().to_string(),
            )
            .env(name, value);
        let part = Part {
            name: "frontend-2".to_owned(),
            command,
            address,
        };
        let mut processes = Processes::start(vec![part], self.shop.setup.folder())?;
        processes.wait_until_ready().await?;
        self.second = Some(processes);
        Ok(())
    }

    /// Who is measured, as a file for Prometheus.
    pub fn targets(&self) -> String {
        let mut all: Vec<serde_json::Value> = SERVICES
            .iter()
            .map(|service| target(service, self.shop.setup.place(service).1))
            .collect();
        if self.second.is_some() {
            all.push(target("frontend", self.second_place.1));
        }
        serde_json::Value::Array(all).to_string()
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        // Whoever is stopped does not end by a kind word.
        let _ = self.shop.processes.signal_all("CONT");
        if let Some(disk) = &self.disk {
            let _ = self.shop.processes.kill_all();
            unmount(disk);
        }
    }
}

/// Statements of ours, with nothing of anybody else's in them.
async fn run(database: &mut PgConnection, statements: &str) -> Result<()> {
    let statements = sqlx::AssertSqlSafe(statements.to_owned());
    sqlx::raw_sql(statements).execute(database).await?;
    Ok(())
}

fn target(service: &str, address: SocketAddr) -> serde_json::Value {
    serde_json::json!({
        "targets": [address.to_string()],
        "labels": {"service": service, "namespace": "techcommerce"},
    })
}

fn certify(file: &std::path::Path, days: &str) -> Result<()> {
    let made = Command::new("openssl")
        .args([
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:P-256",
            "-nodes",
        ])
        .args([
            "-subj",
            "/CN=shop.test",
            "-days",
            days,
            "-keyout",
            "/dev/null",
            "-out",
        ])
        .arg(file)
        .output()
        .context("openssl")?;
    ensure!(made.status.success(), "{made:?}");
    Ok(())
}

//! The shop under faults: seven processes, and a way of its own for everything that one of them
//! asks of another.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context, Result};
use serde_json::{Value, json};
use techcommerce_testkit::stripe::{Delivery, SECRET_KEY, Stripe, WEBHOOK_SECRET};
use techcommerce_testkit::{Client, TestRedis, TestS3};
use tokio::sync::{Mutex, watch};

use super::catalogue::{CARDS, DATABASE, EDGES, MAIL, REDIS, STORE};
use super::checker::{CANCELLED, PAID, PLACED, REFUNDED, SHIPPED};
use super::database::Database;
use super::doubles::MailServer;
use super::journal::Journal;
use super::people::Town;
use crate::listener::{Listener, Speak};
use crate::shop::{Engine, SERVICES, Setup, Shop};
use crate::small_disk::{mount, unmount};
use crate::staff::{Stock, product};
use crate::wire::{Mode, Wire, place_of};

/// Stock that a checkout holds comes back after so many seconds.
const RESERVATION: u32 = 10;
/// Of what never runs out, and of what does.
const UNITS: [i64; 2] = [1_000_000, 40];
/// So much of the services' data folder is a disk of its own.
const DISK: &str = "size=16m,mode=0700";

/// Of each process: what does not hold is told by the story, and is not to drown in theirs.
const LINES_SHOWN: usize = 5;

/// Everything that a fault can be done to.
pub struct Ground {
    pub shop: Mutex<Shop>,
    pub database: Mutex<Database>,
    pub redis: TestRedis,
    pub mail: MailServer,
    /// Who is told of orders by webhook.
    pub hooks: Listener,
    /// The payment provider, whose books are its own.
    pub cards: Stripe,
    /// What a process is told to do at a point of an order's path, and what time it has.
    pub trial: PathBuf,
    /// The services' data folder, if it is a disk of its own.
    pub disk: Option<PathBuf>,
    wires: BTreeMap<(&'static str, &'static str), Wire>,
    _s3: TestS3,
    /// The provider's messages; they come twice, and by the way that people take.
    _messages: Delivery,
}

impl Ground {
    /// Starts all of it, and gives the town that shops there.
    pub async fn open(seed: u64) -> Result<(Self, Town)> {
        let database = Database::start().await?;
        let redis = TestRedis::own();
        let s3 = TestS3::own();
        let mail = MailServer::start().await?;
        let cards = Stripe::start().await;
        let hooks = Listener::start(Speak::Http).await?;
        let setup = Setup::new(Engine::Split).await;
        let trial = setup.folder().join("trial");
        std::fs::create_dir_all(&trial)?;
        let data = setup.data();
        std::fs::create_dir_all(&data)?;
        let disk = mount(&data, DISK).then_some(data);
        let mut setup = setup
            .with_reservations_of(RESERVATION)
            .set("TRIAL_TECHCOMMERCE_FAULTS", &trial.display().to_string())
            .set(
                "TECHCOMMERCE_IMAGES_STORE",
                &format!("s3://{}/{}", s3.bucket, s3.prefix),
            )
            .set("TECHCOMMERCE_IMAGES_S3_ACCESS_KEY", &s3.access_key)
            .set("TECHCOMMERCE_IMAGES_S3_SECRET_KEY", &s3.secret_key)
            .set("TECHCOMMERCE_DATABASE_CONNECTIONS", "10")
            .set("TECHCOMMERCE_ORDERS_PAYMENT_METHODS", "test;invoice;stripe")
            .set("TECHCOMMERCE_STRIPE_SECRET_KEY", SECRET_KEY)
            .set("TECHCOMMERCE_STRIPE_WEBHOOK_SECRET", WEBHOOK_SECRET)
            .set("TECHCOMMERCE_STRIPE_PUBLISHABLE_KEY", "pk_test_double")
            .set("TECHCOMMERCE_STRIPE_API_ADDRESS", &cards.address())
            .set("TECHCOMMERCE_WEBHOOKS_HOSTS_ALLOWED", "127.0.0.1");
        for service in SERVICES {
            setup = setup.set_for(service, "TRIAL_TECHCOMMERCE_NAME", service);
        }
        let mut wires = BTreeMap::new();
        for (from, to) in EDGES {
            let target = match to {
                DATABASE => database.address(),
                REDIS => place_of(redis.url())?,
                STORE => place_of(&s3.endpoint)?,
                MAIL => mail.address,
                CARDS => place_of(&cards.address())?,
                service => setup.place(service).0,
            };
            let wire = Wire::to(target).await?;
            let at = wire.address();
            let (name, value) = match to {
                DATABASE => {
                    let url = database.url()?;
                    let main = database.address().to_string();
                    (
                        "DATABASE_URL".to_owned(),
                        url.replace(&main, &at.to_string()),
                    )
                }
                REDIS => {
                    let place = place_of(redis.url())?.to_string();
                    let url = redis.url().replace(&place, &at.to_string());
                    ("TECHCOMMERCE_REDIS_URL".to_owned(), url)
                }
                STORE => (
                    "TECHCOMMERCE_IMAGES_S3_ENDPOINT".to_owned(),
                    format!("http://{at}"),
                ),
                CARDS => (
                    "TECHCOMMERCE_STRIPE_API_ADDRESS".to_owned(),
                    format!("http://{at}"),
                ),
                MAIL => (
                    "TECHCOMMERCE_SMTP_URL".to_owned(),
                    format!("smtp://{at}?tls=none"),
                ),
                service => {
                    let name = service.replace('-', "_").to_uppercase();
                    (
                        format!("TECHCOMMERCE_SERVICES_{name}"),
                        format!("http://{at}"),
                    )
                }
            };
            if from == "people" {
                setup = setup.set("TECHCOMMERCE_PUBLIC_URL", &value);
            } else {
                setup = setup.set_for(from, &name, &value);
            }
            wires.insert((from, to), wire);
        }
        // What is run beside the shop, as `doctor`, goes the worker's ways.
        let main = database.address().to_string();
        let way = wires[&("worker", DATABASE)].address().to_string();
        let store = wires[&("worker", STORE)].address();
        setup = setup
            .set(
                "TECHCOMMERCE_IMAGES_S3_ENDPOINT",
                &format!("http://{store}"),
            )
            .set("DATABASE_URL", &database.url()?.replace(&main, &way))
            .set("TECHCOMMERCE_REDIS_URL", redis.url());
        let mut shop = setup.start().await?;
        shop.lines_shown = LINES_SHOWN;
        let client = Client::new(format!(
            "http://{}",
            wires[&("people", "frontend")].address()
        ));
        let messages = cards.deliver_to(client.base());
        let town = town(&shop, client, seed).await?;
        listen(&shop, &hooks).await?;
        let ground = Self {
            shop: Mutex::new(shop),
            database: Mutex::new(database),
            redis,
            mail,
            hooks,
            trial,
            disk,
            wires,
            cards,
            _s3: s3,
            _messages: messages,
        };
        Ok((ground, town))
    }

    /// What becomes of what one asks of another.
    pub fn way(&self, from: &str, to: &str, mode: Mode) -> Result<()> {
        let found = self
            .wires
            .iter()
            .find(|((one, other), _)| *one == from && *other == to);
        let (_, wire) = found.with_context(|| format!("no way from {from} to {to}"))?;
        wire.set(mode);
        Ok(())
    }

    /// From now on all that ask PostgreSQL find this server.
    pub fn database_is_at(&self, address: SocketAddr) {
        for ((_, to), wire) in &self.wires {
            if *to == DATABASE {
                wire.lead_to(address);
            }
        }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let shop = self.shop.get_mut();
        // Whoever is stopped does not end by a kind word.
        let _ = shop.processes.signal_all("CONT");
        let _ = shop.processes.kill_all();
        if let Some(disk) = &self.disk {
            unmount(disk);
        }
    }
}

/// Has the shop tell of orders.
async fn listen(shop: &Shop, hooks: &Listener) -> Result<()> {
    let url = format!("http://127.0.0.1:{}/in", hooks.port);
    let asked = json!({"url": url, "types": [PLACED, PAID, SHIPPED, REFUNDED, CANCELLED]});
    let admin = shop.admin().await?;
    admin.post("/api/webhooks").json(&asked).expect(201).await?;
    Ok(())
}

/// Something to buy, and staff whose right does not depend on a session.
async fn town(shop: &Shop, client: Client, seed: u64) -> Result<Town> {
    let admin = shop.admin().await?;
    let key: Value = admin
        .post("/api/auth/api-keys")
        .json(&json!({"name": "faults", "role": "staff"}))
        .value(201)
        .await?;
    let staff = client.with_bearer(key["token"].as_str().context("a key")?);
    let journal = Journal::new();
    let mut variants = Vec::new();
    for (title, units) in [("Lamp", UNITS[0]), ("Rare lamp", UNITS[1])] {
        let item = product(&admin, title, Stock::Counted(units)).await?;
        journal.know(|facts| facts.received.insert(item.variant_id.clone(), units));
        variants.push(item.variant_id);
    }
    let [many, few] = &variants[..] else {
        anyhow::bail!("two products");
    };
    Ok(Town {
        journal,
        client,
        staff,
        variants: [many.clone(), few.clone()],
        seed,
        token: watch::Sender::new(None),
        closed: false.into(),
    })
}

//! `techcommerce doctor`: tries everything that the shop depends on, and recomputes its books.

mod database;
mod probe;

use std::{process::ExitCode, time::Duration};

use techcommerce_auth::Sessions;
use techcommerce_config::Settings;
use techcommerce_contracts::{Body, Channel, Service};
use techcommerce_kernel::{Env, Error, Meter};
use techcommerce_store::Db;

use crate::{
    cli::Doctor,
    compose::{image_store, stripe},
    data_folder::DataFolder,
    ground::{mailer, needs_folder, sessions},
    here::{Here, address, calls},
    reach, say,
    stores::Stores,
    traces,
    trust::Trust,
};

pub use probe::{health, run as try_one};

/// How long a service may take to say that it runs.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tries every dependency; with `--audit` also recomputes the books. Fails if anything is wrong.
pub async fn run(settings: Settings, arguments: Doctor) -> Result<ExitCode, Error> {
    let mut findings = Findings::default();
    let mut services = arguments.services;
    if services.is_empty() {
        services = with_key_here(&settings);
    }
    let here = Here::for_command(services, &settings)?;
    findings.examine(&settings, &here, arguments.audit).await;
    if findings.wrong == 0 {
        say("\nAll is well.");
        return Ok(ExitCode::SUCCESS);
    }
    say(format_args!("\n{} of these need mending.", findings.wrong));
    Ok(ExitCode::FAILURE)
}

/// The services whose private keys lie here, if they are not all: in a pod, the pod's own.
fn with_key_here(settings: &Settings) -> Vec<Service> {
    let Some(folder) = settings.keys.private.as_ref().filter(|path| path.is_dir()) else {
        return Vec::new();
    };
    let has_key = |service: &Service| folder.join(format!("{service}.key")).exists();
    let found: Vec<Service> = Service::ALL.into_iter().filter(has_key).collect();
    match found.len() == Service::ALL.len() {
        true => Vec::new(),
        false => found,
    }
}

/// What is wrong with something, and how to mend it.
#[derive(Debug)]
struct Ill {
    what: String,
    mend: String,
}

impl Ill {
    fn new(what: impl Into<String>, mend: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            mend: mend.into(),
        }
    }
}

#[derive(Default)]
struct Findings {
    wrong: u32,
}

impl Findings {
    fn note<T>(&mut self, what: &str, outcome: Result<T, Error>, mend: &str) -> Option<T> {
        match outcome {
            Ok(value) => {
                say(format_args!("ok     {what}"));
                Some(value)
            }
            Err(error) => {
                self.wrong += 1;
                say(format_args!("WRONG  {what}: {error}"));
                if let Some(cause) = std::error::Error::source(&error) {
                    say(format_args!("       because: {cause}"));
                }
                say(format_args!("       mend:    {mend}"));
                None
            }
        }
    }

    /// As [`Findings::note`], for what knows its own mend; whether it is well.
    fn tell(&mut self, what: &str, outcome: Result<String, Ill>) -> bool {
        match outcome {
            Ok(found) => {
                say(format_args!("ok     {what}: {found}"));
                true
            }
            Err(ill) => {
                self.wrong += 1;
                say(format_args!("WRONG  {what}: {}", ill.what));
                say(format_args!("       mend:    {}", ill.mend));
                false
            }
        }
    }

    async fn examine(&mut self, settings: &Settings, here: &Here, audit: bool) {
        let env = Env::system();
        let mut folder = None;
        if needs_folder(here) {
            folder = self.note(
                &format!("data folder {}", settings.data_dir.display()),
                DataFolder::open(&settings.data_dir),
                "as it says",
            );
            if folder.is_none() {
                return;
            }
        }
        let stores = self.note(
            "the settings of databases are sound",
            Stores::open(settings, folder.as_ref(), &here.databases()).await,
            "check database_url, databases.… or the files in the data folder",
        );
        let Some(stores) = stores else { return };
        let mut reachable = true;
        for (service, db, migrator) in stores.all() {
            let what = format!("database of {service}");
            let well = match database::url(settings, service) {
                Some(url) => {
                    let outcome = database::examine(url, service, migrator).await;
                    self.tell(&what, outcome)
                }
                None => {
                    let answer = db.ping().await;
                    let mend = "check the file in the data folder";
                    self.note(&what, answer, mend).is_some()
                }
            };
            reachable &= well;
        }
        if let Ok(accounts) = stores.get(Service::Auth) {
            self.examine_sessions(settings, accounts, &env).await;
        }
        if let (Ok(_), Some(folder)) = (stores.get(Service::Images), &folder) {
            let store = image_store(settings, folder.path());
            let tried = match store {
                Ok(store) => store.try_out(&env).await,
                Err(error) => Err(error),
            };
            self.note(
                "the store of pictures takes and gives",
                tried,
                "check images.store, where it is and its keys, and that the folder or the bucket is there",
            );
        }
        if !here.is_whole() {
            self.examine_others(settings, here, &env).await;
        }
        if here.has(Service::Worker) {
            self.examine_mail(settings, &env).await;
        }
        if let Ok(orders) = stores.get(Service::OrderApi) {
            self.examine_payments(settings, here, orders, &env).await;
        }
        self.examine_collector(settings, &env).await;
        if here.has(Service::OrderApi) || here.has(Service::Frontend) {
            advise(settings);
        }
        if audit && reachable {
            self.audit(&stores).await;
        }
        stores.close().await;
    }

    async fn examine_sessions(&mut self, settings: &Settings, accounts: &Db, env: &Env) {
        match sessions(settings, accounts, env) {
            Ok(Sessions::Sql(_)) => say("ok     sessions are kept in the database"),
            Ok(redis) => {
                let what = "Redis keeps the sessions and answers";
                if let Some((host, port)) = redis_place(settings)
                    && let Err(fault) = reach::connect(&host, port, PATIENCE).await
                {
                    let said = format!("{host}:{port}: {}", fault.says());
                    let mend = format!("{}; the address is in redis_url", fault.mend());
                    self.tell(what, Err(Ill::new(said, mend)));
                    return;
                }
                self.note(
                    what,
                    redis.ping().await,
                    "check the password in redis_url, and Redis' own log",
                );
            }
            Err(error) => {
                self.note::<()>("Redis", Err(error), "check redis_url");
            }
        }
    }

    /// The keys of the services that run apart, and whether each answers at its address.
    async fn examine_others(&mut self, settings: &Settings, here: &Here, env: &Env) {
        let mend = "make the keys with `techcommerce keys` and hand them out";
        let trust = Trust::open(settings, None, here, env);
        self.note("the services' keys are there and trusted", trust, mend);
        for service in called(here) {
            let at = address(settings, service).as_str();
            let variable = service.name().replace('-', "_");
            let outcome = match at.parse::<http::Uri>() {
                Ok(uri) => answers(service, &uri).await,
                Err(error) => Err(Ill::new(error.to_string(), "write it as http://host:port")),
            };
            let outcome = outcome.map_err(|mut ill| {
                ill.mend
                    .push_str(&format!("; the address is services.{variable}"));
                ill
            });
            self.tell(&format!("{service} at {at}"), outcome);
        }
    }

    async fn examine_mail(&mut self, settings: &Settings, env: &Env) {
        let checked = match mailer(settings, settings.data_dir.join("mail"), env) {
            Ok(mailer) => mailer.check().await,
            Err(error) => Err(error),
        };
        let way = match settings.smtp_url {
            Some(_) => "the mail server answers",
            None => "mails go into the folder mail",
        };
        self.note(way, checked, "check smtp_url and shop.email_sender");
    }

    /// The payment provider outside, if the shop has one.
    async fn examine_payments(&mut self, settings: &Settings, here: &Here, db: &Db, env: &Env) {
        let takes = settings
            .orders
            .payment_methods
            .iter()
            .any(|m| m == "stripe");
        let stripe = match stripe(settings, db.clone(), env, Meter::default()) {
            Ok(Some(stripe)) => stripe.try_out().await,
            Ok(None) if takes => Err(Error::invalid("configuration", "there is no key for it")),
            Ok(None) => return,
            Err(error) => Err(error),
        };
        self.note(
            "the payment provider answers and knows the shop",
            stripe,
            "check stripe.secret_key and stripe.api_address, and that the network lets the worker out \
             to it",
        );
        let deaf = here.has(Service::OrderApi) && settings.stripe.webhook_secret.is_none();
        let blind = here.has(Service::Frontend) && settings.stripe.publishable_key.is_empty();
        let half = [
            (deaf, "stripe.webhook_secret"),
            (blind, "stripe.publishable_key"),
        ];
        for (_, key) in half.iter().filter(|(missing, _)| takes && *missing) {
            let missing: Result<(), Error> = Err(Error::invalid("configuration", "it is not set"));
            self.note(
                key,
                missing,
                "take it from the dashboard of the payment provider",
            );
        }
    }

    async fn examine_collector(&self, settings: &Settings, env: &Env) {
        let taken = match traces::export(&settings.traces, env) {
            Ok(Some(export)) => techcommerce_otlp::check(&export, env.clone()).await,
            Ok(None) => return,
            Err(error) => Err(error),
        };
        // No fault of the shop's: it does well without.
        match taken {
            Ok(()) => say("ok     the collector takes traces"),
            Err(error) => {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                say(format_args!(
                    "note   the collector takes no traces ({}): check traces.endpoint and \
                     traces.headers; the shop does well without",
                    cause.unwrap_or_else(|| error.to_string())
                ));
            }
        }
    }

    /// Recomputes stock, reservations, orders and payments from their books.
    async fn audit(&mut self, stores: &Stores) {
        let mend = "nothing was changed; keep a copy of the data and look at what is named";
        if let Ok(db) = stores.get(Service::ProductApi) {
            self.audit_stock(db, mend).await;
        }
        if let Ok(db) = stores.get(Service::OrderApi) {
            self.audit_orders(db, mend).await;
        }
    }

    async fn audit_stock(&mut self, db: &Db, mend: &str) {
        match techcommerce_product_api::audit::audit(db).await {
            Ok(differences) => {
                let lines = differences.iter().map(ToString::to_string).collect();
                self.note(
                    "stock equals its movements and reservations",
                    agree(lines),
                    mend,
                );
            }
            Err(error) => {
                self.note::<()>("stock", Err(error), mend);
            }
        }
    }

    async fn audit_orders(&mut self, db: &Db, mend: &str) {
        match techcommerce_order_api::audit(db).await {
            Ok(audit) => {
                let what = format!(
                    "{} orders equal their lines, {} ledger entries and the provider's books",
                    audit.orders, audit.entries
                );
                self.note(&what, agree(audit.differences), mend);
            }
            Err(error) => {
                self.note::<()>("orders", Err(error), mend);
            }
        }
    }
}

/// The services that those which run here call, or that run beside them in the same settings.
fn called(here: &Here) -> Vec<Service> {
    let all = here.services().len() == Service::ALL.len();
    let mut called: Vec<Service> = match all {
        true => Service::ALL.to_vec(),
        false => here
            .services()
            .iter()
            .flat_map(|one| calls(*one))
            .copied()
            .collect(),
    };
    called.sort_unstable();
    called.dedup();
    called
}

/// What a shop in earnest has otherwise.
fn advise(settings: &Settings) {
    let plays = settings.orders.payment_methods.iter().any(|m| m == "test");
    if plays && (settings.public_url.is_https() || !settings.listen.address.is_loopback()) {
        say(
            "note   shoppers may pay with the test provider, which charges nobody: take test out of \
             orders.payment_methods before the shop sells in earnest",
        );
    }
    if !settings.public_url.is_https() && !settings.listen.address.is_loopback() {
        say(
            "note   the shop listens to the world, but public_url is not https: put a proxy with \
             TLS before it and name its address there",
        );
    }
}

/// Host and port of Redis, if it is reached over the network.
fn redis_place(settings: &Settings) -> Option<(String, u16)> {
    let url = url::Url::parse(settings.redis_url.as_ref()?.expose()).ok()?;
    let tcp = url.scheme() == "redis";
    let host = url.host_str().filter(|host| tcp && !host.is_empty())?;
    Some((host.to_owned(), url.port().unwrap_or(6379)))
}

/// Whether a service's process runs: the way to it first, then it.
async fn answers(service: Service, uri: &http::Uri) -> Result<String, Ill> {
    let host = uri.host().unwrap_or_default();
    let reached = reach::connect(host, uri.port_u16().unwrap_or(80), PATIENCE).await;
    let (_, took) = reached.map_err(|fault| Ill::new(fault.says(), fault.mend()))?;
    let unwell = |error: Error| {
        let said = std::error::Error::source(&error).map(ToString::to_string);
        Ill::new(
            said.unwrap_or_else(|| error.to_string()),
            "it takes connections and does not answer as it should: look at its log",
        )
    };
    alive(&Channel::remote(service, uri.clone()))
        .await
        .map_err(unwell)?;
    Ok(format!(
        "it answers (connected in {:.1} ms)",
        took.as_secs_f64() * 1000.0
    ))
}

/// Whether the service's process runs.
async fn alive(channel: &Channel) -> Result<(), Error> {
    let request = http::Request::get("/live").body(Body::empty());
    let request = request.map_err(Error::internal)?;
    let answer = channel.call_within(PATIENCE, request).await?;
    match answer.status().is_success() {
        true => Ok(()),
        false => Err(Error::unavailable(format!(
            "it answered {}",
            answer.status()
        ))),
    }
}

fn agree(differences: Vec<String>) -> Result<(), Error> {
    if differences.is_empty() {
        return Ok(());
    }
    let mut message = format!("{} differences:", differences.len());
    for difference in differences {
        message.push_str("\n         ");
        message.push_str(&difference);
    }
    Err(Error::conflict("audit", message))
}

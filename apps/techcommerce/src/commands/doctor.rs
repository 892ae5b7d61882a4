//! `techcommerce doctor`: tries everything that the shop depends on, and recomputes its books.

use std::{process::ExitCode, time::Duration};

use techcommerce_auth::Sessions;
use techcommerce_config::Settings;
use techcommerce_contracts::{Body, Channel, Service};
use techcommerce_kernel::{Env, Error};
use techcommerce_store::Db;

use crate::{
    cli::Doctor,
    compose::image_store,
    data_folder::DataFolder,
    ground::{mailer, sessions},
    here::{Here, address},
    say,
    stores::Stores,
    trust::Trust,
};

/// How long a service may take to say that it runs.
const PATIENCE: Duration = Duration::from_secs(5);

/// Tries every dependency; with `--audit` also recomputes the books. Fails if anything is wrong.
pub async fn run(settings: Settings, arguments: Doctor) -> Result<ExitCode, Error> {
    let mut findings = Findings::default();
    let here = Here::for_command(arguments.services, &settings)?;
    findings.examine(&settings, &here, arguments.audit).await;
    if findings.wrong == 0 {
        say("\nAll is well.");
        return Ok(ExitCode::SUCCESS);
    }
    say(format_args!("\n{} of these need mending.", findings.wrong));
    Ok(ExitCode::FAILURE)
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

    async fn examine(&mut self, settings: &Settings, here: &Here, audit: bool) {
        let env = Env::system();
        let folder = self.note(
            &format!("data folder {}", settings.data_dir.display()),
            DataFolder::open(&settings.data_dir),
            "as it says",
        );
        let Some(folder) = folder else { return };
        let stores = self.note(
            "databases can be opened",
            Stores::open(settings, Some(&folder), &here.databases()).await,
            "check database_url or the files in the data folder",
        );
        let Some(stores) = stores else { return };
        let mut reachable = true;
        for (service, db, _) in stores.all() {
            let answer = db.ping().await.map_err(Error::from);
            reachable &= self
                .note(
                    &format!("database of {service} answers ({:?})", db.dialect()),
                    answer,
                    "check that PostgreSQL runs, and host, user and password in database_url",
                )
                .is_some();
        }
        if let Ok(accounts) = stores.get(Service::Auth) {
            self.examine_sessions(settings, accounts, &env).await;
        }
        if stores.get(Service::Images).is_ok() {
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
        self.examine_ways_out(settings, &folder, &env).await;
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
                self.note(
                    what,
                    redis.ping().await,
                    "check that Redis runs, and redis_url",
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
        for service in Service::ALL {
            let at = address(settings, service).as_str();
            let answer = match at.parse() {
                Ok(uri) => alive(&Channel::remote(service, uri)).await,
                Err(error) => Err(Error::internal(error)),
            };
            let variable = service.name().replace('-', "_");
            self.note(
                &format!("{service} answers at {at}"),
                answer,
                &format!(
                    "start it with `techcommerce serve {service}`, or set services.{variable}"
                ),
            );
        }
    }

    async fn examine_ways_out(&mut self, settings: &Settings, folder: &DataFolder, env: &Env) {
        let checked = match mailer(settings, folder.join("mail"), env) {
            Ok(mailer) => mailer.check().await,
            Err(error) => Err(error),
        };
        let way = match settings.smtp_url {
            Some(_) => "the mail server answers",
            None => "mails go into the folder mail",
        };
        self.note(way, checked, "check smtp_url and shop.email_sender");
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

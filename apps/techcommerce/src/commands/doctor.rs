//! `techcommerce doctor`: tries everything that the shop depends on, and recomputes its books.

use std::process::ExitCode;

use techcommerce_auth::Sessions;
use techcommerce_config::Settings;
use techcommerce_kernel::{Env, Error};

use crate::{
    cli::Doctor,
    data_folder::DataFolder,
    ground::{mailer, sessions},
    say,
    stores::Stores,
};

/// Tries every dependency; with `--audit` also recomputes the books. Fails if anything is wrong.
pub async fn run(settings: Settings, arguments: Doctor) -> Result<ExitCode, Error> {
    let mut findings = Findings::default();
    findings.examine(&settings, arguments.audit).await;
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

    async fn examine(&mut self, settings: &Settings, audit: bool) {
        let env = Env::system();
        let folder = self.note(
            &format!("data folder {}", settings.data_dir.display()),
            DataFolder::open(&settings.data_dir),
            "as it says",
        );
        let Some(folder) = folder else { return };
        let stores = self.note(
            "databases can be opened",
            Stores::open(settings, &folder).await,
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
        self.examine_ways_out(settings, &folder, &stores, &env)
            .await;
        if audit && reachable {
            self.audit(&stores).await;
        }
        stores.close().await;
    }

    async fn examine_ways_out(
        &mut self,
        settings: &Settings,
        folder: &DataFolder,
        stores: &Stores,
        env: &Env,
    ) {
        match sessions(settings, stores, env) {
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
        let checked = match mailer(settings, folder, env) {
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
        match techcommerce_product_api::audit::audit(&stores.product_api).await {
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
        match techcommerce_order_api::audit(&stores.order_api).await {
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

//! What the services of a process stand on.

use std::path::PathBuf;

use techcommerce_auth::{RedisSessions, Sessions};
use techcommerce_config::Settings;
use techcommerce_contracts::{Channel, Service};
use techcommerce_jobs::Wake;
use techcommerce_kernel::{Env, Error, Meter};
use techcommerce_mail::{Mailer, Sender, SmtpSettings, Transport};
use techcommerce_otlp::Exporter;
use techcommerce_runtime::Switchboard;
use techcommerce_store::Db;
use techcommerce_telemetry::Telemetry;

use crate::{
    data_folder::DataFolder,
    following::{Following, source},
    here::Here,
    stores::Stores,
    traces, trial,
    trust::Trust,
};

/// Settings, folder, databases, keys and the ways out, opened once.
pub struct Ground {
    pub env: Env,
    pub settings: Settings,
    pub here: Here,
    pub stores: Stores,
    pub telemetry: Telemetry,
    pub trust: Trust,
    pub mailer: Mailer,
    pub wakes: Wakes,
    /// This process's name among all workers.
    pub worker: String,
    /// Looks whether secrets in files changed.
    pub following: Following,
    /// Sends the spans, where traces are on. Finish it last.
    pub exporter: Option<Exporter>,
    folder: Option<DataFolder>,
}

/// What wakes the worker of this process, for each service's queue.
#[derive(Debug, Clone, Default)]
pub struct Wakes {
    pub product_api: Wake,
    pub order_api: Wake,
    pub auth: Wake,
    pub images: Wake,
}

impl Wakes {
    /// That of a service's queue.
    pub fn of(&self, service: Service) -> Option<Wake> {
        let wake = match service {
            Service::ProductApi => &self.product_api,
            Service::OrderApi => &self.order_api,
            Service::Auth => &self.auth,
            Service::Images => &self.images,
            Service::Frontend | Service::Api | Service::Worker => return None,
        };
        Some(wake.clone())
    }
}

impl Ground {
    /// Opens what the services that run here need. Their databases are used when they are ready.
    pub async fn open(
        settings: Settings,
        folder: Option<DataFolder>,
        here: Here,
    ) -> Result<Self, Error> {
        let env = trial::env();
        let trust = Trust::open(&settings, folder.as_ref(), &here, &env)?;
        let stores = Stores::open(&settings, folder.as_ref(), &here.databases()).await?;
        let (telemetry, exporter) = traces::start(&settings.traces, &env, telemetry())?;
        for (service, db, _) in stores.all() {
            let speaker = match here.has(service) {
                true => service,
                false => Service::Worker,
            };
            db.measure(&telemetry, speaker.name());
        }
        // Only jobs send mails.
        let mailer = mailer(&settings, settings.data_dir.join("mail"), &env)?;
        let mailer = match here.has(Service::Worker) {
            true => mailer.measured(&telemetry, Service::Worker.name()),
            false => mailer,
        };
        let following = Following::default();
        following.follow(trust.clone())?;
        stores.follow(&following)?;
        if let Some(exporter) = &exporter {
            following.follow(exporter.headers().clone())?;
        }
        if let Some(server) = mailer.server() {
            following.follow(server.clone())?;
        }
        Ok(Self {
            following,
            telemetry,
            exporter,
            mailer,
            worker: worker_name(&settings, folder.as_ref(), &here, &env)?,
            wakes: Wakes::default(),
            trust,
            env,
            settings,
            here,
            folder,
            stores,
        })
    }

    /// The data folder, where a service that keeps something in it runs here.
    pub fn folder(&self) -> Result<&DataFolder, Error> {
        self.folder
            .as_ref()
            .ok_or_else(|| Error::internal("no service here was said to need the data folder"))
    }

    /// The database of a service.
    pub fn db(&self, service: Service) -> Result<Db, Error> {
        self.stores.get(service).cloned()
    }

    /// Where sessions are kept.
    pub fn sessions(&self) -> Result<Sessions, Error> {
        let sessions = sessions(&self.settings, self.stores.get(Service::Auth)?, &self.env)?;
        Ok(match sessions {
            Sessions::Redis(redis) => {
                self.following.follow(redis.connection().clone())?;
                Sessions::Redis(redis.measured(self.meter(self.speaker(Service::Auth), "redis")))
            }
            sql => sql,
        })
    }

    /// Measures what `service` asks of something outside.
    pub fn meter(&self, service: Service, dependency: &'static str) -> Meter {
        self.telemetry.dependency(service.name(), dependency)
    }

    /// The same for what only jobs ask: nothing is there to be measured where they do not run.
    pub fn job_meter(&self, service: Service, dependency: &'static str) -> Meter {
        match self.here.has(Service::Worker) {
            true => self.meter(service, dependency),
            false => Meter::default(),
        }
    }

    /// The way from one service to another, measured where it leads over the network.
    pub fn way(&self, switchboard: &Switchboard, from: Service, to: Service) -> Channel {
        let channel = switchboard.channel(to);
        match switchboard.is_remote(to) {
            true => channel.measured(self.meter(from, to.name())),
            false => channel,
        }
    }

    /// The same for a way that only jobs go.
    pub fn job_way(&self, switchboard: &Switchboard, from: Service, to: Service) -> Channel {
        match self.here.has(Service::Worker) {
            true => self.way(switchboard, from, to),
            false => switchboard.channel(to),
        }
    }

    /// Who speaks for the jobs of `service` in this process: itself if it runs here, else the
    /// worker.
    pub fn speaker(&self, service: Service) -> Service {
        match self.here.has(service) {
            true => service,
            false => Service::Worker,
        }
    }
}

/// What this program was built from.
pub const COMMIT: &str = match option_env!("TECHCOMMERCE_COMMIT") {
    Some(commit) => commit,
    None => "unknown",
};

/// Metrics, with what this program was built from.
pub fn telemetry() -> Telemetry {
    Telemetry::new(env!("CARGO_PKG_VERSION"), COMMIT)
}

/// The services that keep something in the data folder.
pub fn needs_folder(here: &Here) -> bool {
    let keepers = [
        Service::ProductApi,
        Service::Auth,
        Service::Images,
        Service::Worker,
    ];
    here.is_whole() || keepers.into_iter().any(|service| here.has(service))
}

/// Where sessions are kept: in Redis if there is one, else in auth's database.
pub fn sessions(settings: &Settings, accounts: &Db, env: &Env) -> Result<Sessions, Error> {
    Ok(match &settings.redis_url {
        Some(url) => Sessions::Redis(RedisSessions::new(
            source("redis_url", url),
            "techcommerce:",
            env.clone(),
        )?),
        None => Sessions::Sql(accounts.clone()),
    })
}

/// The way mails go: to the mail server if there is one, else into a folder.
pub fn mailer(settings: &Settings, folder: PathBuf, env: &Env) -> Result<Mailer, Error> {
    let wrong =
        |key: &str, error: String| Error::invalid("configuration", format!("{key}: {error}"));
    let sender: Sender = settings
        .shop
        .email_sender
        .parse()
        .map_err(|error| wrong("shop.email_sender", error))?;
    let transport = match &settings.smtp_url {
        None => Transport::Folder(folder),
        Some(url) => Transport::Smtp(source("smtp_url", url).map(move |text| {
            let settings = text.parse::<SmtpSettings>();
            settings.map_err(|error| wrong("smtp_url", error))
        })?),
    };
    Mailer::new(transport, sender, env.clone())
}

/// The worker's name. Whoever serves a whole shop from a data folder takes up at once what the one
/// before it left there; of workers that run apart there may be several, so each has a name of its
/// own unless it was given one.
fn worker_name(
    settings: &Settings,
    folder: Option<&DataFolder>,
    here: &Here,
    env: &Env,
) -> Result<String, Error> {
    let fresh = || format!("worker-{}", env.new_id().simple());
    if !settings.worker.name.is_empty() {
        return Ok(settings.worker.name.clone());
    }
    let (true, Some(folder)) = (here.is_whole(), folder) else {
        return Ok(fresh());
    };
    let path = folder.join("worker-name");
    match std::fs::read_to_string(&path) {
        Ok(name) if !name.trim().is_empty() => Ok(name.trim().to_owned()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => {
            let name = fresh();
            techcommerce_auth::write_secret_file(&path, env, &name)?;
            Ok(name)
        }
    }
}

//! What every command that touches the shop's data stands on.

use techcommerce_auth::{RedisSessions, Sessions, load_or_create_signing_key};
use techcommerce_config::Settings;
use techcommerce_contracts::TokenSigner;
use techcommerce_jobs::Wake;
use techcommerce_kernel::{Env, Error};
use techcommerce_mail::{Mailer, Sender, SmtpSettings, Transport};
use techcommerce_telemetry::Telemetry;

use crate::{data_folder::DataFolder, stores::Stores};

/// Settings, folder, databases, keys and the ways out, opened once.
pub struct Ground {
    pub env: Env,
    pub settings: Settings,
    pub folder: DataFolder,
    pub stores: Stores,
    pub telemetry: Telemetry,
    pub signer: TokenSigner,
    pub sessions: Sessions,
    pub mailer: Mailer,
    pub wakes: Wakes,
    /// This process's name among all workers.
    pub worker: String,
}

/// What wakes the worker of this process, for each service's queue.
#[derive(Debug, Clone, Default)]
pub struct Wakes {
    pub product_api: Wake,
    pub order_api: Wake,
    pub auth: Wake,
}

impl Ground {
    /// Opens everything in the data folder and brings the databases up to date.
    pub async fn open(settings: Settings, folder: DataFolder) -> Result<Self, Error> {
        let env = Env::system();
        let stores = Stores::open(&settings, &folder).await?;
        stores.migrate().await?;
        Ok(Self {
            telemetry: Telemetry::new(
                env!("CARGO_PKG_VERSION"),
                option_env!("TECHCOMMERCE_COMMIT").unwrap_or("unknown"),
            ),
            signer: load_or_create_signing_key(&folder.join("signing.key"), &env)?,
            sessions: sessions(&settings, &stores, &env)?,
            mailer: mailer(&settings, &folder, &env)?,
            wakes: Wakes::default(),
            worker: worker_name(&folder, &env)?,
            env,
            settings,
            folder,
            stores,
        })
    }
}

/// Where sessions are kept: in Redis if there is one, else in auth's database.
pub fn sessions(settings: &Settings, stores: &Stores, env: &Env) -> Result<Sessions, Error> {
    Ok(match &settings.redis_url {
        Some(url) => Sessions::Redis(RedisSessions::new(
            url.expose(),
            "techcommerce:",
            env.clone(),
        )?),
        None => Sessions::Sql(stores.auth.clone()),
    })
}

/// The way mails go: to the mail server if there is one, else into a folder.
pub fn mailer(settings: &Settings, folder: &DataFolder, env: &Env) -> Result<Mailer, Error> {
    let wrong =
        |key: &str, error: String| Error::invalid("configuration", format!("{key}: {error}"));
    let sender: Sender = settings
        .shop
        .email_sender
        .parse()
        .map_err(|error| wrong("shop.email_sender", error))?;
    let transport = match &settings.smtp_url {
        None => Transport::Folder(folder.join("mail")),
        Some(url) => Transport::Smtp(
            url.expose()
                .parse::<SmtpSettings>()
                .map_err(|error| wrong("smtp_url", error))?,
        ),
    };
    Mailer::new(transport, sender, env.clone())
}

/// The worker's name, kept in the data folder: whoever serves from this folder takes up at once
/// what the one before it left, and nobody else's work.
fn worker_name(folder: &DataFolder, env: &Env) -> Result<String, Error> {
    let path = folder.join("worker-name");
    match std::fs::read_to_string(&path) {
        Ok(name) if !name.trim().is_empty() => Ok(name.trim().to_owned()),
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => {
            let name = format!("worker-{}", env.new_id().simple());
            techcommerce_auth::write_secret_file(&path, env, &name)?;
            Ok(name)
        }
    }
}

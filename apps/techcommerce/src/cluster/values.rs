//! What new Secrets hold.

use std::collections::BTreeMap;

use techcommerce_auth::signing_seed_from_text;
use techcommerce_contracts::{Service, TokenSigner, TrustedKeys};
use techcommerce_kernel::{Env, Error};
use url::Url;

use super::wanted::Holds;

/// The keys of a Secret with what they hold.
pub type Data = BTreeMap<String, Vec<u8>>;

/// Who owns the database server that runs in the cluster.
const OWNER: &str = "postgres";

/// Where things are that a Secret names. What is not said is taken from the owner's address of the
/// database, if there is one, else from our own conventions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Addresses {
    /// `host:port` of PostgreSQL.
    pub postgres: Option<String>,
    /// The database's name.
    pub database: Option<String>,
    /// What follows a `?` in the database's address.
    pub parameters: Option<String>,
    /// `host:port` of Redis.
    pub redis: String,
}

impl Addresses {
    /// Takes what was not said from the owner's address of the database: whoever names that server
    /// means it for all.
    ///
    /// # Errors
    /// `secret` (invalid input) if it is no address of PostgreSQL. It is not repeated.
    pub fn follow(&mut self, owner: &str) -> Result<(), Error> {
        let wrong = || {
            Error::invalid(
                "secret",
                "Secret postgres-admin: its key url is no address as \
                 postgres://user:password@host:5432/database. Write it anew, or delete the Secret \
                 to have it made.",
            )
        };
        let url = Url::parse(owner.trim()).map_err(|_| wrong())?;
        let host = url.host_str().filter(|host| !host.is_empty());
        let (Some(host), "postgres" | "postgresql") = (host, url.scheme()) else {
            return Err(wrong());
        };
        let address = format!("{host}:{}", url.port().unwrap_or(5432));
        self.postgres.get_or_insert(address);
        let database = url.path().trim_start_matches('/');
        if !database.is_empty() {
            self.database.get_or_insert_with(|| database.to_owned());
        }
        self.parameters = url.query().map(str::to_owned);
        Ok(())
    }

    fn postgres(&self, user: &str, password: &str) -> String {
        let at = self.postgres.as_deref().unwrap_or("postgres:5432");
        let database = self.database.as_deref().unwrap_or("techcommerce");
        let mut url = format!("postgres://{user}:{password}@{at}/{database}");
        if let Some(parameters) = &self.parameters {
            url.push('?');
            url.push_str(parameters);
        }
        url
    }
}

/// Makes what Secrets hold, at random.
#[derive(Debug, Clone)]
pub struct Values {
    pub env: Env,
    pub addresses: Addresses,
}

impl Values {
    /// What a new Secret holds. The trusted keys follow from the keys and are none of these.
    pub fn of(&self, holds: Holds) -> Data {
        let pairs: Vec<(String, String)> = match holds {
            Holds::PostgresAdmin => {
                let password = self.password();
                vec![
                    pair("url", self.addresses.postgres(OWNER, &password)),
                    pair("username", OWNER),
                    pair("password", password),
                ]
            }
            Holds::Database(service) => {
                let role = service.name().replace('-', "_");
                vec![pair(
                    "url",
                    self.addresses.postgres(&role, &self.password()),
                )]
            }
            Holds::Redis => {
                let password = self.password();
                let url = format!("redis://:{password}@{}", self.addresses.redis);
                vec![pair("url", url), pair("password", password)]
            }
            Holds::Key(service) => {
                let key = techcommerce_auth::new_signing_key(&self.env);
                vec![(format!("{service}.key"), key)]
            }
            Holds::ObjectStore => {
                let access = self.password();
                // Some servers take no access key of more than twenty characters.
                vec![
                    pair("access-key", &access[..20]),
                    pair("secret-key", self.password()),
                ]
            }
            Holds::Admin => {
                vec![pair("password", techcommerce_auth::new_password(&self.env))]
            }
            Holds::TrustedKeys => Vec::new(),
        };
        pairs
            .into_iter()
            .map(|(key, text)| (key, text.into_bytes()))
            .collect()
    }

    /// 192 bits that need no escaping in an address.
    fn password(&self) -> String {
        let bytes = self.env.random_bytes::<24>();
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

fn pair(key: &str, value: impl Into<String>) -> (String, String) {
    (key.to_owned(), value.into())
}

/// The line of the trusted keys that belongs to a service's Secret with its key.
///
/// # Errors
/// `secret` (invalid input) if it holds none. It is not repeated.
pub fn trusted_line(service: Service, data: &Data, env: &Env) -> Result<String, Error> {
    let text = data.get(&format!("{service}.key"));
    let text = text.and_then(|bytes| std::str::from_utf8(bytes).ok());
    let seed = text.and_then(|text| signing_seed_from_text(text).ok());
    let seed = seed.ok_or_else(|| {
        Error::invalid(
            "secret",
            format!(
                "Secret {service}-key: its key {service}.key holds no signing key (32 bytes in \
                 base64). Put the right one back, or delete the Secret to have a new one made."
            ),
        )
    })?;
    let signer = TokenSigner::of_service(service, &seed, env.clone());
    Ok(TrustedKeys::line(service, &signer.public_key()))
}

/// The trusted keys with these lines added, and the services whose line was not there yet; `None`
/// when all were.
pub fn with_lines(old: &str, lines: &[(Service, String)]) -> Option<(String, Vec<Service>)> {
    let known: Vec<&str> = old
        .lines()
        .map(|line| line.split('#').next().unwrap_or_default().trim())
        .collect();
    let missing: Vec<&(Service, String)> = lines
        .iter()
        .filter(|(_, line)| !known.contains(&line.as_str()))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let mut text = old.to_owned();
    if text.is_empty() {
        text.push_str(
            "# Whose signature the services believe: a service and its public key on each line.\n",
        );
    } else if !text.ends_with('\n') {
        text.push('\n');
    }
    for (_, line) in &missing {
        text.push_str(line);
        text.push('\n');
    }
    let services = missing.into_iter().map(|(service, _)| *service).collect();
    Some((text, services))
}

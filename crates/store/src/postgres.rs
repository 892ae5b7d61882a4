//! A PostgreSQL database: its connections, whose address may change while it is in use, and the
//! other ways to it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection, PgConnection, Postgres as Engine,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use techcommerce_follow::{Current, Look};
use techcommerce_kernel::Error;
use tokio::time::Instant;

pub use techcommerce_follow::Source;

use crate::{
    Db, StoreError,
    db::ACQUIRE_TIMEOUT,
    lease::{Lease, Leases},
    turnover::{FRESH, Turnover},
};

/// How long an attempt to read from the replica may take, and how long it is left alone after one
/// that failed.
const REPLICA_TIMEOUT: Duration = Duration::from_secs(1);
const REPLICA_REST: Duration = Duration::from_secs(5);
/// How often a request that was refused a connection looks for one that is free, and every which
/// time it tries to make one.
const GLANCE: Duration = Duration::from_millis(20);
const CONNECT_EVERY: u32 = 15;
/// What a session is told; through a pooler the role's own settings have to say it.
pub(crate) const SESSION: [(&str, &str); 3] = [
    ("statement_timeout", "15s"),
    ("lock_timeout", "10s"),
    ("idle_in_transaction_session_timeout", "30s"),
];

/// A place in the net, in place of another one's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// A name or an address.
    pub host: String,
    /// As the other one's if it is not said.
    pub port: Option<u16>,
}

/// How to reach PostgreSQL.
#[derive(Debug)]
pub struct PostgresOptions {
    /// The address with user, password and database; shown nowhere.
    pub connect: PgConnectOptions,
    /// The service's schema; made by [`Db::migrate`](crate::Db::migrate) if it is not there.
    pub schema: String,
    /// The most connections that this process keeps.
    pub max_connections: u32,
    /// The server itself, if `connect` names a pooler that gives a connection for a transaction
    /// only. Migrations and notifications go there.
    pub direct: Option<Place>,
    /// A server that follows, for reads that may lag.
    pub replica: Option<Place>,
    /// Where the address is read again; `connect` was made from what it holds.
    pub source: Option<Source<String>>,
}

impl PostgresOptions {
    /// One server, whose address stays.
    pub fn new(connect: PgConnectOptions, schema: &str, max_connections: u32) -> Self {
        Self {
            connect,
            schema: schema.to_owned(),
            max_connections,
            direct: None,
            replica: None,
            source: None,
        }
    }
}

/// A PostgreSQL database, confined to one schema. Clones share the connections.
#[derive(Debug, Clone)]
pub struct Postgres(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    pool: Leases<Engine>,
    replica: Option<Leases<Engine>>,
    replica_rests_until: Mutex<Option<Instant>>,
    schema: String,
    direct: Option<Place>,
    address: Current<PgConnectOptions>,
    turnover: Arc<Turnover>,
}

impl Postgres {
    pub(crate) fn open(options: PostgresOptions) -> Self {
        let PostgresOptions {
            connect,
            schema,
            max_connections,
            direct,
            replica: replica_place,
            source,
        } = options;
        let turnover = Arc::new(Turnover::default());
        let pooled = direct.is_some();
        let pool = turnover
            .watch(PgPoolOptions::new(), FRESH)
            .max_connections(max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(session(&connect, &schema, pooled));
        let pool = Leases::new(pool, max_connections, ACQUIRE_TIMEOUT, FRESH);
        let replica = replica_place.as_ref().map(|place| {
            let pool = turnover
                // Tried each time: when it is gone there is somebody else to ask.
                .watch(PgPoolOptions::new(), Duration::ZERO)
                .max_connections(max_connections)
                .acquire_timeout(REPLICA_TIMEOUT)
                .connect_lazy_with(session(&at(connect.clone(), place), &schema, pooled));
            Leases::new(pool, max_connections, REPLICA_TIMEOUT, Duration::ZERO)
        });
        let address = match source {
            None => Current::fixed(connect),
            Some(source) => {
                let renewed = Renewed {
                    pool: pool.clone(),
                    replica: replica.clone().zip(replica_place),
                    schema: schema.clone(),
                    pooled,
                    turnover: Arc::clone(&turnover),
                };
                let renewed = Arc::new(renewed);
                Current::following(connect, source, move |text| {
                    let renewed = Arc::clone(&renewed);
                    async move { renewed.lead_to(&text).await }
                })
            }
        };
        Self(Arc::new(Inner {
            pool,
            replica,
            replica_rests_until: Mutex::default(),
            schema,
            direct,
            address,
            turnover,
        }))
    }

    /// The pool, and the replica's.
    pub(crate) fn pools(&self) -> (&Leases<Engine>, Option<&Leases<Engine>>) {
        (&self.0.pool, self.0.replica.as_ref())
    }

    /// The service's schema.
    pub fn schema(&self) -> &str {
        &self.0.schema
    }

    /// How a connection to the server itself is made, past a pooler.
    pub(crate) fn direct(&self) -> PgConnectOptions {
        let address = PgConnectOptions::clone(&self.0.address.get());
        let address = match &self.0.direct {
            Some(place) => at(address, place),
            None => address,
        };
        session(&address, &self.0.schema, false)
    }

    /// Whether the server answers, asked by a connection of its own.
    pub(crate) async fn knock(&self) -> Result<(), StoreError> {
        let address = PgConnectOptions::clone(&self.0.address.get());
        let mut conn = session(&address, &self.0.schema, self.0.direct.is_some())
            .connect()
            .await?;
        conn.ping().await?;
        Ok(conn.close().await?)
    }

    pub(crate) async fn acquire(&self) -> Result<Lease<Engine>, StoreError> {
        self.patiently(|| self.0.pool.take()).await
    }

    pub(crate) async fn begin(&self) -> Result<Lease<Engine>, StoreError> {
        self.patiently(|| self.0.pool.begin("BEGIN")).await
    }

    /// A connection to the replica, if there is one and it is there; else as [`Self::acquire`].
    pub(crate) async fn acquire_lagging(&self) -> Result<Lease<Engine>, StoreError> {
        let Some(replica) = &self.0.replica else {
            return self.acquire().await;
        };
        let until = *lock(&self.0.replica_rests_until);
        if until.is_some_and(|until| Instant::now() < until) {
            return self.acquire().await;
        }
        match replica.take().await {
            Ok(conn) => Ok(conn),
            Err(error) => {
                tracing::warn!(
                    schema = self.0.schema, %error,
                    "the replica is away; what may lag is read from the primary"
                );
                *lock(&self.0.replica_rests_until) = Some(Instant::now() + REPLICA_REST);
                self.acquire().await
            }
        }
    }

    /// Takes what `take` takes from the pool. Where the server refuses a new connection because
    /// the password was changed a moment before it stands in the file here, the ones that are open
    /// go on working: waits for one of those, or for the new password.
    async fn patiently<T, F>(&self, take: impl Fn() -> F) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, sqlx::Error>>,
    {
        let mut refusal = match take().await.map_err(StoreError::from) {
            Err(error) if error.is_refused() && self.may_change() => error,
            outcome => return outcome,
        };
        self.0.turnover.set_refused(true);
        let end = Instant::now() + ACQUIRE_TIMEOUT;
        let mut turn = 0;
        while Instant::now() < end {
            if turn % CONNECT_EVERY == 0 {
                // Told where it is tried; meanwhile others come free.
                let _ = self.0.address.look_if_nobody_does(Look::Needed).await;
            }
            tokio::time::sleep(GLANCE).await;
            turn += 1;
            if !self.0.pool.has_open() && turn % CONNECT_EVERY != 0 {
                continue;
            }
            match take().await.map_err(StoreError::from) {
                Err(error) if error.is_refused() => refusal = error,
                outcome => return outcome,
            }
        }
        Err(refusal)
    }

    /// Whether a refusal may pass: the address can be read again, and was right once.
    fn may_change(&self) -> bool {
        self.0.address.may_change() && self.0.turnover.has_connected()
    }

    pub(crate) async fn close(&self) {
        if let Some(replica) = &self.0.replica {
            replica.close().await;
        }
        self.0.pool.close().await;
    }
}

impl Db {
    /// Its address, for whoever looks whether there is another one. A new one is tried first, so
    /// that it may be there before the server knows of it; when it works, new connections are made
    /// by it, and old ones are closed as they come back. SQLite has none.
    pub fn address(&self) -> Option<&Current<PgConnectOptions>> {
        match self {
            Self::Postgres(postgres) => Some(&postgres.0.address),
            Self::Sqlite { .. } => None,
        }
    }
}

/// What a new address changes.
struct Renewed {
    pool: Leases<Engine>,
    replica: Option<(Leases<Engine>, Place)>,
    schema: String,
    pooled: bool,
    turnover: Arc<Turnover>,
}

impl Renewed {
    /// Tries the address and lets new connections be made by it.
    async fn lead_to(&self, text: &str) -> Result<PgConnectOptions, Error> {
        let address: PgConnectOptions = text
            .parse()
            .map_err(|_| Error::invalid("configuration", "it is no PostgreSQL address"))?;
        let connect = session(&address, &self.schema, self.pooled);
        let tried = tokio::time::timeout(ACQUIRE_TIMEOUT, connect.connect()).await;
        let tried: PgConnection = tried
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
            .map_err(StoreError::from)?;
        tried.close().await.map_err(StoreError::from)?;
        if let Some((replica, place)) = &self.replica {
            let connect = session(&at(address.clone(), place), &self.schema, self.pooled);
            replica.pool().set_connect_options(connect);
        }
        self.pool.pool().set_connect_options(connect);
        self.turnover.turn_over();
        let replica = self.replica.as_ref().map(|(replica, _)| replica);
        for leases in replica.into_iter().chain([&self.pool]) {
            leases.turn_over();
        }
        Ok(address)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn at(address: PgConnectOptions, place: &Place) -> PgConnectOptions {
    let address = address.host(&place.host);
    match place.port {
        Some(port) => address.port(port),
        None => address,
    }
}

/// What each connection is opened with. A pooler in transaction mode gives the next transaction
/// to another session, and takes no options: the role's own settings hold there.
fn session(address: &PgConnectOptions, schema: &str, pooled: bool) -> PgConnectOptions {
    let name = format!("techcommerce-{}", schema.replace('_', "-"));
    let address = address.clone().application_name(&name);
    match pooled {
        true => address.extra_float_digits(None),
        false => address.options([("search_path", schema)]).options(SESSION),
    }
}

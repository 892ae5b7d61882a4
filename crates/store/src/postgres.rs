//! A PostgreSQL database: its connections, whose address may change while it is in use, and the
//! other ways to it.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{
    ConnectOptions, Connection, PgConnection, Postgres as Engine,
    postgres::{PgConnectOptions, PgPoolOptions},
};
use techcommerce_kernel::Error;
use tokio::time::Instant;

use crate::{
    StoreError,
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
const LOOK: Duration = Duration::from_millis(20);
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

/// Where the address stands, so that it can be read again.
pub struct Source {
    in_force: Mutex<String>,
    read: Box<dyn Fn() -> Result<String, Error> + Send + Sync>,
}

impl Source {
    /// `address` is what `connect` was made from, and `read` says what it is now.
    pub fn new(
        address: impl Into<String>,
        read: impl Fn() -> Result<String, Error> + Send + Sync + 'static,
    ) -> Self {
        Self {
            in_force: Mutex::new(address.into()),
            read: Box::new(read),
        }
    }

    fn in_force(&self) -> std::sync::MutexGuard<'_, String> {
        self.in_force.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Source")
    }
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
    /// Where the address is read again.
    pub source: Option<Source>,
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
    replica_place: Option<Place>,
    source: Option<Source>,
    /// The address in force, as it was read.
    address: Mutex<PgConnectOptions>,
    turnover: Arc<Turnover>,
    /// One looks for a new address at a time.
    looking: tokio::sync::Mutex<()>,
    refusal_told: AtomicBool,
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
        Self(Arc::new(Inner {
            pool,
            replica,
            replica_rests_until: Mutex::default(),
            schema,
            direct,
            replica_place,
            source,
            address: Mutex::new(connect),
            turnover,
            looking: tokio::sync::Mutex::default(),
            refusal_told: AtomicBool::new(false),
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
        let address = self.address().clone();
        let address = match &self.0.direct {
            Some(place) => at(address, place),
            None => address,
        };
        session(&address, &self.0.schema, false)
    }

    /// Whether a session's settings are left to the role, because a pooler is in the way.
    pub(crate) fn is_pooled(&self) -> bool {
        self.0.direct.is_some()
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
            if turn % CONNECT_EVERY == 0
                && let Ok(_only) = self.0.looking.try_lock()
            {
                self.look_now().await.ok();
            }
            tokio::time::sleep(LOOK).await;
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
        self.0.source.is_some() && self.0.turnover.has_connected()
    }

    /// Reads the address again. A new one is tried first, so that it may be there before the
    /// server knows of it; when it works, new connections are made by it, and old ones are closed
    /// as they come back. Gives whether there is a new one in force.
    ///
    /// # Errors
    /// It cannot be read, or does not work (yet); then the old one stays.
    pub(crate) async fn look(&self) -> Result<bool, Error> {
        let _only = self.0.looking.lock().await;
        let outcome = self.look_now().await;
        match &outcome {
            Err(error) if !self.0.refusal_told.swap(true, Ordering::Relaxed) => {
                tracing::warn!(
                    schema = self.0.schema, error = ?error,
                    "the database's new address does not work yet; the old one stays in force"
                );
            }
            Err(_) => {}
            Ok(_) => self.0.refusal_told.store(false, Ordering::Relaxed),
        }
        outcome
    }

    async fn look_now(&self) -> Result<bool, Error> {
        let Some(source) = &self.0.source else {
            return Ok(false);
        };
        let text = (source.read)()?;
        if *source.in_force() == text {
            return Ok(false);
        }
        let address: PgConnectOptions = text
            .parse()
            .map_err(|_| Error::invalid("configuration", "it is no PostgreSQL address"))?;
        let connect = session(&address, &self.0.schema, self.is_pooled());
        let tried = tokio::time::timeout(ACQUIRE_TIMEOUT, connect.connect()).await;
        let tried: PgConnection = tried
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
            .map_err(StoreError::from)?;
        tried.close().await.map_err(StoreError::from)?;
        if let (Some(replica), Some(place)) = (&self.0.replica, &self.0.replica_place) {
            let there = at(address.clone(), place);
            let connect = session(&there, &self.0.schema, self.is_pooled());
            replica.pool().set_connect_options(connect);
        }
        self.0.pool.pool().set_connect_options(connect);
        *self.address() = address;
        *source.in_force() = text;
        self.0.turnover.turn_over();
        for leases in self.0.replica.iter().chain([&self.0.pool]) {
            leases.turn_over();
        }
        tracing::info!(schema = self.0.schema, "the database has a new address now");
        Ok(true)
    }

    pub(crate) async fn close(&self) {
        if let Some(replica) = &self.0.replica {
            replica.close().await;
        }
        self.0.pool.close().await;
    }

    fn address(&self) -> std::sync::MutexGuard<'_, PgConnectOptions> {
        lock(&self.0.address)
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

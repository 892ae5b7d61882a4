//! Opening a database, and taking connections from it.

use std::{path::Path, time::Duration};

use sqlx::{
    Sqlite,
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use techcommerce_kernel::Error;
use tokio::time::timeout;

use crate::{
    Dialect, Postgres, PostgresOptions, StoreError,
    conn::{Conn, Inner},
    lease::Leases,
    room::Turn,
    turnover::FRESH,
};

/// How long a request waits for a connection before it is told that the shop is busy.
pub(crate) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long one that asks whether the database answers waits for a connection that is free: whoever
/// asks has two seconds for all of it.
const FREE_WITHIN: Duration = Duration::from_millis(800);

/// How many read a SQLite file at once.
const READERS: u32 = 4;

/// A service's database. Clones share the same pool.
#[derive(Debug, Clone)]
pub enum Db {
    /// PostgreSQL, confined to one schema.
    Postgres(Postgres),
    /// A SQLite file in WAL mode.
    Sqlite {
        /// The one connection that writes.
        writer: Leases<Sqlite>,
        /// The connections that read.
        readers: Leases<Sqlite>,
    },
}

impl Db {
    /// Opens the SQLite file at `path`, making it if it is not there.
    pub async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        let options = sqlite_options(path);
        let pool = |max| {
            SqlitePoolOptions::new()
                .max_connections(max)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .test_before_acquire(false)
        };
        let writer = pool(1).connect_with(options.clone()).await?;
        let readers =
            pool(READERS).connect_lazy_with(options.read_only(true).create_if_missing(false));
        Ok(Self::Sqlite {
            writer: Leases::new(writer, 1, ACQUIRE_TIMEOUT, FRESH),
            readers: Leases::new(readers, READERS, ACQUIRE_TIMEOUT, FRESH),
        })
    }

    /// The SQLite file at `path`, for reading alone: nothing is made and nothing is changed.
    pub fn look_at_sqlite(path: &Path) -> Self {
        let options = sqlite_options(path)
            .read_only(true)
            .create_if_missing(false);
        let pool = || {
            SqlitePoolOptions::new()
                .max_connections(1)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                .connect_lazy_with(options.clone())
        };
        Self::Sqlite {
            writer: Leases::new(pool(), 1, ACQUIRE_TIMEOUT, FRESH),
            readers: Leases::new(pool(), 1, ACQUIRE_TIMEOUT, FRESH),
        }
    }

    /// Prepares a pool of PostgreSQL connections; connects when first used.
    pub fn open_postgres(options: PostgresOptions) -> Self {
        Self::Postgres(Postgres::open(options))
    }

    /// Which engine it is.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres(_) => Dialect::Postgres,
            Self::Sqlite { .. } => Dialect::Sqlite,
        }
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<Conn, StoreError> {
        Ok(Conn(match self {
            Self::Postgres(postgres) => Inner::Postgres(postgres.acquire().await?),
            Self::Sqlite { readers, .. } => Inner::Sqlite(readers.take().await?),
        }))
    }

    /// A connection for reading what may lag behind what was committed: the replica's if there is
    /// one. Never for what is acted upon.
    pub async fn read_lagging(&self) -> Result<Conn, StoreError> {
        match self {
            Self::Postgres(postgres) => {
                Ok(Conn(Inner::Postgres(postgres.acquire_lagging().await?)))
            }
            Self::Sqlite { .. } => self.read().await,
        }
    }

    /// A connection for one statement that writes and is a transaction by itself;
    /// [`single!`](crate::single) is the usual way.
    pub async fn single(&self) -> Result<Conn, StoreError> {
        Ok(Conn(match self {
            Self::Postgres(postgres) => Inner::Postgres(postgres.acquire().await?),
            Self::Sqlite { writer, .. } => Inner::Sqlite(writer.take().await?),
        }))
    }

    /// A transaction for writing; [`transact!`](crate::transact) is the usual way.
    pub async fn begin(&self) -> Result<Conn, StoreError> {
        Ok(Conn(match self {
            Self::Postgres(postgres) => Inner::Postgres(postgres.begin().await?),
            Self::Sqlite { writer, .. } => Inner::Sqlite(writer.begin("BEGIN IMMEDIATE").await?),
        }))
    }

    /// How long whoever wants a connection now, in this turn, would wait for it: what there is to do
    /// beyond what can be done. Nothing while one is free, or while there is only a crowd that came
    /// this moment.
    pub fn queueing(&self, turn: Turn) -> Duration {
        match self {
            Self::Postgres(postgres) => postgres.pools().0.ahead(turn),
            Self::Sqlite { writer, readers } => writer.ahead(turn).max(readers.ahead(turn)),
        }
    }

    /// Whether the database answers to us.
    ///
    /// # Errors
    /// `unavailable` if it does not; [`busy`](Error::busy) if it does, but all our connections have
    /// been in use for most of a second.
    pub async fn ping(&self) -> Result<(), Error> {
        let mut conn = match timeout(FREE_WITHIN, self.read()).await {
            Ok(conn) => conn?,
            Err(_) => return self.is_busy().await,
        };
        let one: i32 = crate::with!(conn, |c| sqlx::query_scalar("SELECT 1").fetch_one(c).await)?;
        debug_assert_eq!(one, 1);
        Ok(())
    }

    /// No connection is free: because the server is away, or because we need more than there are?
    async fn is_busy(&self) -> Result<(), Error> {
        if let Self::Postgres(postgres) = self {
            postgres.knock().await?;
        }
        let busy = "All connections to the database are in use. Please try again.";
        Err(Error::busy(busy))
    }

    /// Closes all connections after the statements that are running.
    pub async fn close(&self) {
        match self {
            Self::Postgres(postgres) => postgres.close().await,
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }
}

fn sqlite_options(path: &Path) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(ACQUIRE_TIMEOUT)
        // PostgreSQL's byte-wise order by the same name, so that `COLLATE "C"` is one text.
        .collation("C", |a, b| a.cmp(b))
        // A server that runs for months keeps its write-ahead log and caches small.
        .pragma("journal_size_limit", "16777216")
        .pragma("cache_size", "-1024")
        .optimize_on_close(true, None)
}

//! Opening a database, and taking connections from it.

use std::{path::Path, time::Duration};

use sqlx::{
    Executor, Postgres, Sqlite,
    migrate::Migrator,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

use crate::{
    Dialect, StoreError,
    conn::{Conn, Inner},
    lease::Leases,
};

/// How long a request waits for a connection before it is told that the shop is busy.
pub(crate) const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(10);

/// How many read a SQLite file at once.
const READERS: u32 = 4;

/// A service's database. Clones share the same pool.
#[derive(Debug, Clone)]
pub enum Db {
    /// PostgreSQL, confined to one schema by the search path.
    Postgres {
        /// The connections.
        pool: Leases<Postgres>,
        /// The service's schema.
        schema: String,
    },
    /// A SQLite file in WAL mode.
    Sqlite {
        /// The one connection that writes.
        writer: Leases<Sqlite>,
        /// The connections that read.
        readers: Leases<Sqlite>,
    },
}

/// How to reach PostgreSQL.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// The address with user, password and database; shown nowhere.
    pub connect: PgConnectOptions,
    /// The service's schema; made by [`Db::migrate`] if it is not there.
    pub schema: String,
    /// The most connections that this process keeps.
    pub max_connections: u32,
}

impl Db {
    /// Opens the SQLite file at `path`, making it if it is not there.
    pub async fn open_sqlite(path: &Path) -> Result<Self, StoreError> {
        let options = SqliteConnectOptions::new()
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
            .optimize_on_close(true, None);
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
            writer: Leases::new(writer, 1),
            readers: Leases::new(readers, READERS),
        })
    }

    /// Prepares a pool of PostgreSQL connections; connects when first used.
    pub fn open_postgres(options: PostgresOptions) -> Self {
        let connect = options
            .connect
            .options([
                ("search_path", options.schema.as_str()),
                ("statement_timeout", "15s"),
                ("lock_timeout", "10s"),
                ("idle_in_transaction_session_timeout", "30s"),
            ])
            .application_name(&format!(
                "techcommerce-{}",
                options.schema.replace('_', "-")
            ));
        let pool = PgPoolOptions::new()
            .max_connections(options.max_connections)
            .acquire_timeout(ACQUIRE_TIMEOUT)
            .connect_lazy_with(connect);
        Self::Postgres {
            pool: Leases::new(pool, options.max_connections),
            schema: options.schema,
        }
    }

    /// Which engine it is.
    pub fn dialect(&self) -> Dialect {
        match self {
            Self::Postgres { .. } => Dialect::Postgres,
            Self::Sqlite { .. } => Dialect::Sqlite,
        }
    }

    /// Brings the schema up to date. Several processes may try at once; one does it.
    pub async fn migrate(&self, migrator: &Migrator) -> Result<(), StoreError> {
        match self {
            Self::Postgres { pool, schema } => {
                // Two that create the same schema at once collide on its name; the loser's is there.
                let create = format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"");
                let pool = pool.pool();
                let created = pool.execute(sqlx::AssertSqlSafe(create)).await;
                match created.map_err(StoreError::from) {
                    Err(error) if !error.is_unique_violation() => return Err(error),
                    _ => {}
                }
                // On a connection of its own: building an index on a grown table may take longer
                // than a request's statement may, and so may waiting for another process that
                // does it. Closed afterwards, so that its settings, and the migrator's lock if it
                // failed, go with it.
                let mut conn = pool.acquire().await?;
                conn.close_on_drop();
                conn.execute("SET statement_timeout = 0").await?;
                conn.execute("SET lock_timeout = '5min'").await?;
                conn.execute("SET idle_in_transaction_session_timeout = 0")
                    .await?;
                migrator.run(&mut *conn).await?;
                conn.close().await?;
            }
            Self::Sqlite { writer, .. } => migrator.run(writer.pool()).await?,
        }
        Ok(())
    }

    /// A connection for reading.
    pub async fn read(&self) -> Result<Conn, StoreError> {
        Ok(Conn(match self {
            Self::Postgres { pool, .. } => Inner::Postgres(pool.take().await?),
            Self::Sqlite { readers, .. } => Inner::Sqlite(readers.take().await?),
        }))
    }

    /// A connection for one statement that writes and is a transaction by itself;
    /// [`single!`](crate::single) is the usual way.
    pub async fn single(&self) -> Result<Conn, StoreError> {
        Ok(Conn(match self {
            Self::Postgres { pool, .. } => Inner::Postgres(pool.take().await?),
            Self::Sqlite { writer, .. } => Inner::Sqlite(writer.take().await?),
        }))
    }

    /// A transaction for writing; [`transact!`](crate::transact) is the usual way.
    pub async fn begin(&self) -> Result<Conn, StoreError> {
        Ok(Conn(match self {
            Self::Postgres { pool, .. } => Inner::Postgres(pool.begin("BEGIN").await?),
            Self::Sqlite { writer, .. } => Inner::Sqlite(writer.begin("BEGIN IMMEDIATE").await?),
        }))
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let mut conn = self.read().await?;
        let one: i32 = crate::with!(conn, |c| sqlx::query_scalar("SELECT 1").fetch_one(c).await)?;
        debug_assert_eq!(one, 1);
        Ok(())
    }

    /// Closes all connections after the statements that are running.
    pub async fn close(&self) {
        match self {
            Self::Postgres { pool, .. } => pool.close().await,
            Self::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
        }
    }
}

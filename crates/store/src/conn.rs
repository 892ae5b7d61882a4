//! A connection or a running transaction, of either engine.

use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection, Transaction, pool::PoolConnection};

use crate::{Dialect, StoreError};

/// A connection or a running transaction. Use it through [`with!`](crate::with).
#[derive(Debug)]
pub struct Conn(pub(crate) Inner);

#[derive(Debug)]
pub(crate) enum Inner {
    PostgresRead(PoolConnection<Postgres>),
    SqliteRead(PoolConnection<Sqlite>),
    PostgresTx(Transaction<'static, Postgres>),
    SqliteTx(Transaction<'static, Sqlite>),
}

/// The connection of the engine that it is.
#[derive(Debug)]
pub enum Engine<'c> {
    /// PostgreSQL.
    Postgres(&'c mut PgConnection),
    /// SQLite.
    Sqlite(&'c mut SqliteConnection),
}

impl Conn {
    /// The engine's own connection, for [`with!`](crate::with).
    pub fn engine(&mut self) -> Engine<'_> {
        match &mut self.0 {
            Inner::PostgresRead(conn) => Engine::Postgres(conn),
            Inner::SqliteRead(conn) => Engine::Sqlite(conn),
            Inner::PostgresTx(tx) => Engine::Postgres(tx),
            Inner::SqliteTx(tx) => Engine::Sqlite(tx),
        }
    }

    /// Which engine it is.
    pub fn dialect(&self) -> Dialect {
        match &self.0 {
            Inner::PostgresRead(_) | Inner::PostgresTx(_) => Dialect::Postgres,
            Inner::SqliteRead(_) | Inner::SqliteTx(_) => Dialect::Sqlite,
        }
    }

    /// Commits the transaction. On a plain connection there is nothing to do.
    pub async fn commit(self) -> Result<(), StoreError> {
        match self.0 {
            Inner::PostgresTx(tx) => tx.commit().await?,
            Inner::SqliteTx(tx) => tx.commit().await?,
            Inner::PostgresRead(_) | Inner::SqliteRead(_) => {}
        }
        Ok(())
    }

    /// Rolls the transaction back. If even that fails, the connection is closed by the pool,
    /// which has the same effect.
    pub async fn rollback(self) {
        let done = match self.0 {
            Inner::PostgresTx(tx) => tx.rollback().await,
            Inner::SqliteTx(tx) => tx.rollback().await,
            Inner::PostgresRead(_) | Inner::SqliteRead(_) => Ok(()),
        };
        if let Err(error) = done {
            tracing::debug!(%error, "a rollback failed; the connection is given up");
        }
    }
}

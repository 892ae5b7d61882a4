//! A connection or a running transaction, of either engine.

use sqlx::{PgConnection, Postgres, Sqlite, SqliteConnection};

use crate::{Dialect, StoreError, lease::Lease, told::Told};

/// A connection or a running transaction. Use it through [`with!`](crate::with).
#[derive(Debug)]
pub struct Conn(pub(crate) Inner);

#[derive(Debug)]
pub(crate) enum Inner {
    Postgres(Lease<Postgres>),
    Sqlite(Lease<Sqlite>),
}

/// The connection of the engine that it is.
#[derive(Debug)]
pub enum Engine<'c> {
    /// PostgreSQL.
    Postgres(Told<'c, PgConnection>),
    /// SQLite.
    Sqlite(Told<'c, SqliteConnection>),
}

impl Conn {
    /// The engine's own connection, for [`with!`](crate::with).
    pub fn engine(&mut self) -> Engine<'_> {
        match &mut self.0 {
            Inner::Postgres(conn) => Engine::Postgres(conn.told()),
            Inner::Sqlite(conn) => Engine::Sqlite(conn.told()),
        }
    }

    /// The statement that [`Conn::engine`] was for has ended well, for [`with!`](crate::with):
    /// without it, the connection is tested before anybody else is given it.
    pub fn ended(&mut self) {
        match &mut self.0 {
            Inner::Postgres(conn) => conn.ended(),
            Inner::Sqlite(conn) => conn.ended(),
        }
    }

    /// The statement that [`Conn::engine`] was for has failed, for [`with!`](crate::with).
    pub fn failed(&mut self, error: &StoreError) {
        match &mut self.0 {
            Inner::Postgres(conn) => conn.failed(error),
            Inner::Sqlite(conn) => conn.failed(error),
        }
    }

    /// Which engine it is.
    pub fn dialect(&self) -> Dialect {
        match &self.0 {
            Inner::Postgres(_) => Dialect::Postgres,
            Inner::Sqlite(_) => Dialect::Sqlite,
        }
    }

    /// Commits the transaction. On a plain connection there is nothing to do.
    pub async fn commit(self) -> Result<(), StoreError> {
        Ok(self.end("COMMIT").await?)
    }

    /// Rolls the transaction back. If even that fails, the connection is closed, which has the
    /// same effect.
    pub async fn rollback(self) {
        if let Err(error) = self.end("ROLLBACK").await {
            tracing::debug!(%error, "a rollback failed; the connection is given up");
        }
    }

    async fn end(self, statement: &'static str) -> Result<(), sqlx::Error> {
        match self.0 {
            Inner::Postgres(conn) => conn.end(statement).await,
            Inner::Sqlite(conn) => conn.end(statement).await,
        }
    }
}

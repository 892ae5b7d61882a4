//! What can go wrong with a database, and what the caller is told of it.

use std::time::Duration;

use techcommerce_kernel::{Error, Kind};

/// A failure of the database.
#[derive(Debug)]
pub struct StoreError(sqlx::Error);

impl StoreError {
    /// Whether a row with the same key is there already.
    pub fn is_unique_violation(&self) -> bool {
        self.0
            .as_database_error()
            .is_some_and(sqlx::error::DatabaseError::is_unique_violation)
    }

    /// Whether a row is referred to that is not there.
    pub fn is_foreign_key_violation(&self) -> bool {
        self.0
            .as_database_error()
            .is_some_and(sqlx::error::DatabaseError::is_foreign_key_violation)
    }

    /// Whether the transaction lost against another one and may be run again as it is:
    /// PostgreSQL's 40001 (serialisation failure), 40P01 (deadlock) and 55P03 (lock timeout),
    /// SQLite's BUSY (5) and LOCKED (6) with their extended codes.
    pub fn is_contention(&self) -> bool {
        let Some(code) = self.0.as_database_error().and_then(|error| error.code()) else {
            return false;
        };
        match code.parse::<i64>() {
            Ok(sqlite) if code.len() < 5 => matches!(sqlite & 0xff, 5 | 6),
            _ => matches!(code.as_ref(), "40001" | "40P01" | "55P03"),
        }
    }

    /// Whether the server lets nobody in by this name and password, or has no such database:
    /// PostgreSQL's 28000, 28P01 and 3D000. It may pass: somebody changes a password, or makes the
    /// role.
    pub fn is_refused(&self) -> bool {
        let error = self.0.as_database_error();
        let code = error.and_then(sqlx::error::DatabaseError::code);
        code.is_some_and(|code| matches!(code.as_ref(), "28000" | "28P01" | "3D000"))
    }

    /// What answers is not the service's own schema.
    pub(crate) fn astray(schema: &str) -> Self {
        let text = format!(
            "the role does not work in its schema {schema}: `techcommerce migrate` with \
             database_admin_url gives it its settings, or ALTER ROLE … SET search_path = {schema}"
        );
        Self(sqlx::Error::Configuration(text.into()))
    }

    /// Whether the database cannot be reached, has no connection free or is too slow, as opposed
    /// to having refused a statement.
    pub fn is_unreachable(&self) -> bool {
        matches!(
            self.0,
            sqlx::Error::Io(_)
                | sqlx::Error::Tls(_)
                | sqlx::Error::PoolTimedOut
                | sqlx::Error::PoolClosed
                | sqlx::Error::WorkerCrashed
        ) || self.0.as_database_error().is_some_and(|error| {
            // PostgreSQL: connection exceptions, shutting down, starting up, too many connections,
            // a statement that took longer than it may, a transaction that was left alone.
            error.code().is_some_and(|code| {
                code.starts_with("08")
                    || code.starts_with("57P")
                    || matches!(code.as_ref(), "53300" | "57014" | "25P03")
            })
        })
    }
}

impl From<sqlx::Error> for StoreError {
    fn from(error: sqlx::Error) -> Self {
        Self(error)
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::Execute(error) => Self(error),
            error => Self(sqlx::Error::Migrate(Box::new(error))),
        }
    }
}

impl std::fmt::Display for StoreError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        if error.is_contention() {
            Error::new(
                Kind::Unavailable,
                "contention",
                "Too many people changed the same thing at once. Please try again.",
            )
            .retry_after(Duration::from_secs(1))
            .transient()
            .caused_by(error)
        } else if error.is_unreachable() || error.is_refused() {
            Error::unavailable("The shop cannot reach its database right now. Please try again.")
                .caused_by(error)
        } else {
            Error::internal(error)
        }
    }
}

/// What [`transact!`](crate::transact) asks of an error.
pub trait Retry {
    /// Whether the transaction lost against another one and may be run again as it is.
    fn is_contention(&self) -> bool;
}

impl Retry for StoreError {
    fn is_contention(&self) -> bool {
        Self::is_contention(self)
    }
}

impl Retry for Error {
    fn is_contention(&self) -> bool {
        self.code() == "contention"
    }
}

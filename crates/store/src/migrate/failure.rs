//! Why a schema could not be brought up to date.

use std::fmt;

use techcommerce_kernel::{Error, Kind};

use crate::StoreError;

/// Why a schema could not be brought up to date. Migrations are named as `6 locale`.
#[derive(Debug)]
pub enum MigrationError {
    /// The database failed.
    Store(StoreError),
    /// The database refused a migration.
    Refused(String, StoreError),
    /// What was applied under this number was another text.
    Changed(String),
    /// It was begun by a program that could leave it half-way, and did not end.
    HalfDone(i64),
    /// Others held what it needs for as long as it had patience; the last thing that the server
    /// said.
    Busy(String, String),
    /// Its transaction lasts longer than one may beside a shop that sells.
    Slow(String),
    /// The program's own migration makes no sense.
    Malformed(String),
}

impl MigrationError {
    /// Whether the database cannot be reached, or lets nobody in.
    pub fn is_away(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_unreachable() || error.is_refused())
    }
}

impl fmt::Display for MigrationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Store(error) => error.fmt(f),
            Self::Refused(migration, error) => write!(
                f,
                "the migration {migration} was refused, and nothing of it is there: {error}"
            ),
            Self::Changed(migration) => write!(
                f,
                "the migration {migration} was applied with another text than this program has. Run the \
                 program that made the schema, or restore a backup that this one's releases made"
            ),
            Self::HalfDone(version) => write!(
                f,
                "the migration {version} did not end, and what it left behind is not known. Restore the \
                 backup from before"
            ),
            Self::Busy(migration, why) => write!(
                f,
                "the migration {migration} could not have its tables ({why}). End the transaction that \
                 holds them, and run this again; nothing was changed"
            ),
            Self::Slow(migration) => write!(
                f,
                "the migration {migration} would hold its tables for too long, and nothing was changed. \
                 Run `techcommerce migrate --closed` while the shop is closed"
            ),
            Self::Malformed(what) => what.fmt(f),
        }
    }
}

impl std::error::Error for MigrationError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Store(error) | Self::Refused(_, error) => Some(error),
            _ => None,
        }
    }
}

impl From<StoreError> for MigrationError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl From<sqlx::Error> for MigrationError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl From<sqlx::migrate::MigrateError> for MigrationError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        Self::Store(error.into())
    }
}

impl From<MigrationError> for Error {
    fn from(error: MigrationError) -> Self {
        let told = error.to_string();
        match error {
            MigrationError::Store(error) => error.into(),
            // Whoever waits for the schema goes on waiting.
            MigrationError::Busy(..) => Error::new(Kind::Unavailable, "migration_busy", told),
            MigrationError::Slow(_) => Error::conflict("migration_slow", told),
            MigrationError::Changed(_) => Error::conflict("migration_changed", told),
            MigrationError::HalfDone(_) => Error::conflict("migration_half_done", told),
            MigrationError::Refused(..) => Error::conflict("migration_refused", told),
            MigrationError::Malformed(_) => Error::new(Kind::Internal, "migration", told),
        }
    }
}

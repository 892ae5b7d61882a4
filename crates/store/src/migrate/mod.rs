//! Bringing a schema up to date beside a shop that goes on selling, and saying beforehand what
//! that would do.

mod beside;
mod effect;
mod failure;
mod pace;
mod plan;
mod postgres;
mod script;
mod sqlite;
mod statements;

pub use effect::{Effect, Lock, effects};
pub use failure::MigrationError;
pub use pace::{Pace, Told};
pub use plan::{Ahead, Pending, Plan, Touched, Trouble};
pub(crate) use script::needs;
pub use script::{Class, Manner, Script, Version};

use sqlx::migrate::{AppliedMigration, Migrator};

use crate::Db;

/// Where the migrations that were applied are written down.
pub(crate) const TABLE: &str = "_sqlx_migrations";

impl Db {
    /// Brings the schema up to date, at the pace of a shop that goes on meanwhile. Several
    /// processes may try at once; one does it, and the others wait for it.
    ///
    /// # Errors
    /// [`MigrationError`]; nothing of the migration that failed is there then, but for indexes
    /// made and rows changed beside the shop, with which the next attempt goes on.
    pub async fn migrate(&self, migrator: &Migrator) -> Result<(), MigrationError> {
        self.migrate_at(migrator, &Pace::default()).await
    }

    /// The same, at this pace.
    ///
    /// # Errors
    /// As [`Self::migrate`].
    pub async fn migrate_at(&self, migrator: &Migrator, pace: &Pace) -> Result<(), MigrationError> {
        let scripts = scripts(migrator)?;
        match self {
            Self::Postgres(postgres) => postgres::migrate(postgres, &scripts, pace).await,
            Self::Sqlite { writer, .. } => sqlite::migrate(writer, &scripts, pace).await,
        }
    }
}

/// What the program knows, in the order in which it is applied.
fn scripts(migrator: &Migrator) -> Result<Vec<Script<'_>>, MigrationError> {
    migrator
        .iter()
        .filter(|migration| migration.migration_type.is_up_migration())
        .map(|migration| Script::of(migration).map_err(MigrationError::Malformed))
        .collect()
}

/// Those that are not applied yet.
///
/// # Errors
/// One that is applied was another.
fn missing<'s, 'a>(
    scripts: &'s [Script<'a>],
    applied: &[AppliedMigration],
) -> Result<Vec<&'s Script<'a>>, MigrationError> {
    let mut missing = Vec::new();
    for script in scripts {
        match applied.iter().find(|one| one.version == script.version) {
            None => missing.push(script),
            Some(one) if *one.checksum != *script.checksum => {
                return Err(MigrationError::Changed(script.title()));
            }
            Some(_) => {}
        }
    }
    Ok(missing)
}

//! The queue's tables among a service's own.

use std::borrow::Cow;

use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

/// Versions from here on are ours; services number theirs 1, 2, 3, …
const FIRST_VERSION: i64 = 900_000;

const TABLES: &[(&str, &str)] = &[("jobs", include_str!("../migrations/jobs.sql"))];

/// A service's migrations with the queue's tables added: one text for all services, and one
/// record of what was applied.
///
/// ```ignore
/// pub static MIGRATOR: LazyLock<Migrator> =
///     LazyLock::new(|| techcommerce_jobs::with_tables(sqlx::migrate!("./migrations")));
/// ```
///
/// `&MIGRATOR` then serves wherever a `&Migrator` is wanted. The queue's migrations and the
/// service's know nothing of each other, so the order in which they run does not matter, and a
/// service may add its number 7 after the queue's tables are there.
pub fn with_tables(own: Migrator) -> Migrator {
    let ours = TABLES
        .iter()
        .zip(FIRST_VERSION..)
        .map(|((name, sql), version)| {
            let name = Cow::Borrowed(*name);
            Migration::new(
                version,
                name,
                MigrationType::Simple,
                sql.into_sql_str(),
                false,
            )
        });
    let migrations = own.migrations.iter().cloned().chain(ours).collect();
    Migrator {
        migrations: Cow::Owned(migrations),
        // While a new version comes in, or after it was taken back, the one before starts beside
        // its migrations. What both know is still compared.
        ignore_missing: true,
        ..own
    }
}

//! Tables that several services have alike, each in its own database.

use std::borrow::Cow;

use sqlx::{
    SqlSafeStr,
    migrate::{Migration, MigrationType, Migrator},
};

/// A service's migrations with shared tables added, numbered from `first` on: one text for all
/// services, and one record of what was applied.
///
/// The added migrations and the service's own know nothing of each other, so the order in which
/// they run does not matter, and a service may add its number 7 after they are there.
pub fn with_tables(own: Migrator, first: i64, tables: &[(&'static str, &'static str)]) -> Migrator {
    let added = tables.iter().zip(first..).map(|((name, sql), version)| {
        let name = Cow::Borrowed(*name);
        Migration::new(
            version,
            name,
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    let migrations = own.migrations.iter().cloned().chain(added).collect();
    Migrator {
        migrations: Cow::Owned(migrations),
        // While a new version comes in, or after it was taken back, the one before starts beside
        // its migrations. What both know is still compared.
        ignore_missing: true,
        ..own
    }
}

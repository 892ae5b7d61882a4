//! The queue's tables among a service's own.

use sqlx::migrate::Migrator;

/// Versions from here on are the queue's; services number theirs 1, 2, 3, …
const FIRST_VERSION: i64 = 900_000;

const TABLES: &[(&str, &str)] = &[
    ("jobs", include_str!("../migrations/jobs.sql")),
    ("findings", include_str!("../migrations/findings.sql")),
    ("due_set_at", include_str!("../migrations/due_set_at.sql")),
];

/// A service's migrations with the queue's tables added.
///
/// ```ignore
/// pub static MIGRATOR: LazyLock<Migrator> =
///     LazyLock::new(|| techcommerce_jobs::with_tables(sqlx::migrate!("./migrations")));
/// ```
///
/// `&MIGRATOR` then serves wherever a `&Migrator` is wanted.
pub fn with_tables(own: Migrator) -> Migrator {
    techcommerce_store::with_tables(own, FIRST_VERSION, TABLES)
}

//! Bringing a schema up to date, and saying how far it is.

use std::fmt;

use sqlx::{AssertSqlSafe, ConnectOptions, Connection, Executor, PgConnection, migrate::Migrator};

use crate::{Db, Postgres, StoreError, with};

/// Migrations of tables that several services have are numbered from here on.
const SHARED_FROM: i64 = 900_000;

/// Where a schema is, and what the program still needs of it. More than it needs is fine: a
/// version that is newer than the program only adds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaState {
    /// The last of the service's own migrations that was applied, as `4 staff`; none: nothing yet.
    pub at: Option<String>,
    /// The program's last one.
    pub needed: String,
    /// Those that are missing, in their order.
    pub missing: Vec<String>,
    /// Migrations that the program does not know, of a newer version.
    pub ahead: usize,
}

impl SchemaState {
    /// Whether the program can work with it.
    pub fn is_enough(&self) -> bool {
        self.missing.is_empty()
    }

    fn of(migrator: &Migrator, applied: &[i64]) -> Self {
        let name = |version: i64, description: &str| format!("{version} {description}");
        let mut known: Vec<_> = migrator
            .iter()
            .filter(|migration| migration.migration_type.is_up_migration())
            .map(|migration| {
                (
                    migration.version,
                    name(migration.version, &migration.description),
                )
            })
            .collect();
        // The service's own come last: they tell where it is.
        known.sort_unstable_by_key(|(version, _)| (*version < SHARED_FROM, *version));
        let has = |version: &i64| applied.contains(version);
        let unknown = |version: &&i64| known.iter().all(|(known, _)| known != *version);
        Self {
            at: known
                .iter()
                .rev()
                .find(|(version, _)| has(version))
                .map(|(_, name)| name.clone()),
            needed: known
                .last()
                .map(|(_, name)| name.clone())
                .unwrap_or_default(),
            ahead: applied.iter().filter(unknown).count(),
            missing: known
                .iter()
                .filter(|(version, _)| !has(version))
                .map(|(_, name)| name.clone())
                .collect(),
        }
    }
}

impl fmt::Display for SchemaState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = self.at.as_deref().unwrap_or("nothing");
        write!(f, "at {at}, needed is {}", self.needed)?;
        if !self.missing.is_empty() {
            write!(f, ", missing: {}", self.missing.join(", "))?;
        }
        Ok(())
    }
}

impl Db {
    /// Brings the schema up to date. Several processes may try at once; one does it, and the
    /// others wait for it.
    pub async fn migrate(&self, migrator: &Migrator) -> Result<(), StoreError> {
        match self {
            Self::Postgres(postgres) => postgres.migrate(migrator).await,
            Self::Sqlite { writer, .. } => Ok(migrator.run(writer.pool()).await?),
        }
    }

    /// How far the schema is for a program with these migrations.
    ///
    /// # Errors
    /// The database cannot be asked, or what answers is not the service's schema.
    pub async fn schema_state(&self, migrator: &Migrator) -> Result<SchemaState, StoreError> {
        const APPLIED: &str = "SELECT version FROM _sqlx_migrations WHERE success ORDER BY version";
        let mut conn = self.read().await?;
        let there: bool = match self {
            Self::Postgres(postgres) => {
                let sql =
                    "SELECT to_regclass($1) IS NOT NULL, current_schema() IS NOT DISTINCT FROM $2";
                let table = format!("\"{}\"._sqlx_migrations", postgres.schema());
                let (there, own): (bool, bool) = with!(conn, |c| sqlx::query_as(sql)
                    .bind(&table)
                    .bind(postgres.schema())
                    .fetch_one(c)
                    .await)?;
                if there && !own {
                    return Err(StoreError::astray(postgres.schema()));
                }
                there
            }
            Self::Sqlite { .. } => {
                let sql = "SELECT COUNT(*) > 0 FROM sqlite_master WHERE name = '_sqlx_migrations'";
                with!(conn, |c| sqlx::query_scalar(sql).fetch_one(c).await)?
            }
        };
        let applied: Vec<i64> = match there {
            true => with!(conn, |c| sqlx::query_scalar(APPLIED).fetch_all(c).await)?,
            false => Vec::new(),
        };
        Ok(SchemaState::of(migrator, &applied))
    }
}

impl Postgres {
    async fn migrate(&self, migrator: &Migrator) -> Result<(), StoreError> {
        // On a connection of its own, to the server itself: building an index on a grown table may
        // take longer than a request's statement may, and so may waiting for another process that
        // does it; and the migrator's lock belongs to the session. Closed afterwards, so that its
        // settings, and the lock if it failed, go with it.
        let direct = self.direct();
        let mut conn: PgConnection = direct.connect().await?;
        conn.execute("SET statement_timeout = 0").await?;
        conn.execute("SET lock_timeout = '5min'").await?;
        conn.execute("SET idle_in_transaction_session_timeout = 0")
            .await?;
        // Asked first, because a role that may not make schemas may not say IF NOT EXISTS either.
        let exists: bool = sqlx::query_scalar("SELECT to_regnamespace($1) IS NOT NULL")
            .bind(format!("\"{}\"", self.schema()))
            .fetch_one(&mut conn)
            .await?;
        if !exists {
            // Two that create the same schema at once collide on its name; the loser's is there.
            let create = format!("CREATE SCHEMA IF NOT EXISTS \"{}\"", self.schema());
            let created = conn.execute(AssertSqlSafe(create)).await;
            match created.map_err(StoreError::from) {
                Err(error) if !error.is_unique_violation() => return Err(error),
                _ => {}
            }
        }
        migrator.run(&mut conn).await?;
        conn.close().await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::borrow::Cow;

    use sqlx::{
        SqlSafeStr,
        migrate::{Migration, MigrationType},
    };

    use super::*;

    #[test]
    fn what_is_missing_is_named_and_more_is_enough() {
        let migration = |version, name: &'static str| {
            let sql = "SELECT 1".into_sql_str();
            Migration::new(
                version,
                Cow::Borrowed(name),
                MigrationType::Simple,
                sql,
                false,
            )
        };
        let migrator =
            Migrator::with_migrations(vec![migration(1, "carts"), migration(2, "orders")]);
        let empty = SchemaState::of(&migrator, &[]);
        assert_eq!(
            empty.to_string(),
            "at nothing, needed is 2 orders, missing: 1 carts, 2 orders"
        );
        let behind = SchemaState::of(&migrator, &[1]);
        assert!(!behind.is_enough());
        assert_eq!(
            behind.to_string(),
            "at 1 carts, needed is 2 orders, missing: 2 orders"
        );
        let ahead = SchemaState::of(&migrator, &[1, 2, 3]);
        assert!(ahead.is_enough());
        assert_eq!(ahead.ahead, 1);
    }
}

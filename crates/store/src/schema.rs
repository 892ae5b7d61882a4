//! How far a schema is.

use std::fmt;

use sqlx::migrate::Migrator;

use crate::{
    Conn, Db, StoreError,
    migrate::{Version, needs},
    with,
};

/// Migrations of tables that several services have are numbered from here on.
pub(crate) const SHARED_FROM: i64 = 900_000;

/// Where a schema is, and what the program still needs of it. More than it needs is fine: a
/// version that is newer than the program only adds, until it says that it takes away.
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
    /// The oldest program that works with it, if this one is older.
    pub too_new: Option<Version>,
}

impl SchemaState {
    /// Whether the program can work with it.
    pub fn is_enough(&self) -> bool {
        self.missing.is_empty() && self.too_new.is_none()
    }

    fn of(migrator: &Migrator, applied: &[(i64, String)], own: Version) -> Self {
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
        let has = |version: &i64| applied.iter().any(|(there, _)| there == version);
        let is_known = |version: i64| known.iter().any(|(known, _)| *known == version);
        let needed = applied.iter().filter_map(|(_, said)| needs(said)).max();
        Self {
            too_new: needed.filter(|needed| *needed > own),
            at: known
                .iter()
                .rev()
                .find(|(version, _)| has(version))
                .map(|(_, name)| name.clone()),
            needed: known
                .last()
                .map(|(_, name)| name.clone())
                .unwrap_or_default(),
            ahead: applied
                .iter()
                .filter(|(version, _)| !is_known(*version))
                .count(),
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
        if let Some(version) = self.too_new {
            write!(
                f,
                ", and a newer version took away what this program needs: it takes {version} or later"
            )?;
        }
        Ok(())
    }
}

impl Db {
    /// How far the schema is for a program with these migrations.
    ///
    /// # Errors
    /// The database cannot be asked, or what answers is not the service's schema.
    pub async fn schema_state(&self, migrator: &Migrator) -> Result<SchemaState, StoreError> {
        let mut conn = self.read().await?;
        let applied = match self.is_begun(&mut conn).await? {
            true => with!(conn, |c| sqlx::query_as(APPLIED).fetch_all(c).await)?,
            false => Vec::new(),
        };
        Ok(SchemaState::of(migrator, &applied, Version::own()))
    }

    /// Whether anything was ever applied to it.
    pub(crate) async fn is_begun(&self, conn: &mut Conn) -> Result<bool, StoreError> {
        match self {
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
                Ok(there)
            }
            Self::Sqlite { .. } => {
                let sql = "SELECT COUNT(*) > 0 FROM sqlite_master WHERE name = '_sqlx_migrations'";
                with!(conn, |c| sqlx::query_scalar(sql).fetch_one(c).await)
            }
        }
    }
}

const APPLIED: &str =
    "SELECT version, description FROM _sqlx_migrations WHERE success ORDER BY version";

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
        let own = Version::read("0.2.0").unwrap();
        let of = |applied: &[(i64, &str)]| {
            let applied: Vec<_> = applied
                .iter()
                .map(|(at, said)| (*at, (*said).to_owned()))
                .collect();
            SchemaState::of(&migrator, &applied, own)
        };
        let empty = of(&[]);
        assert_eq!(
            empty.to_string(),
            "at nothing, needed is 2 orders, missing: 1 carts, 2 orders"
        );
        let behind = of(&[(1, "carts")]);
        assert!(!behind.is_enough());
        assert_eq!(
            behind.to_string(),
            "at 1 carts, needed is 2 orders, missing: 2 orders"
        );
        let ahead = of(&[(1, "carts"), (2, "orders"), (3, "names")]);
        assert!(ahead.is_enough());
        assert_eq!(ahead.ahead, 1);
        for (after, enough) in [("0.1.9", true), ("0.2.0", true), ("0.3.0", false)] {
            let said = format!("old names [contract after {after}]");
            let state = of(&[(1, "carts"), (2, "orders"), (3, &said)]);
            assert_eq!(state.is_enough(), enough, "{state}");
        }
        let state = of(&[(1, "carts"), (2, "orders"), (3, "x [contract after 0.3.0]")]);
        assert!(
            state.to_string().contains("it takes 0.3.0 or later"),
            "{state}"
        );
    }
}

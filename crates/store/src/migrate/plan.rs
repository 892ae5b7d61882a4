//! What a migration would do, without doing any of it.

use sqlx::migrate::Migrator;

use super::{
    Class, Effect, Lock, Manner, MigrationError, Script, Version, effects, needs, scripts,
};
use crate::{Conn, Db, Dialect, StoreError, schema::SHARED_FROM, with};

/// What would happen to a schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The last of the service's own migrations that is there, as `4 staff`; none: nothing yet.
    pub at: Option<String>,
    /// The program's last one.
    pub needed: String,
    /// What would be applied, in this order.
    pub pending: Vec<Pending>,
    /// What is there and the program does not know: of a newer version.
    pub ahead: Vec<Ahead>,
    /// Why nothing would be applied.
    pub troubles: Vec<Trouble>,
    /// The oldest program that works with the schema as it will be; none: every one.
    pub oldest_program: Option<Version>,
}

/// A migration that would be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    /// As `6 locale`.
    pub name: String,
    /// Whether the version before can work beside it.
    pub class: Class,
    /// How it is carried out.
    pub manner: Manner,
    /// What it does to tables that are there.
    pub touches: Vec<Touched>,
}

/// What a statement does to a table, and how large that is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Touched {
    /// What it does.
    pub effect: Effect,
    /// About so many rows.
    pub rows: Option<i64>,
    /// With its indexes.
    pub bytes: Option<i64>,
}

/// A migration of a newer version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ahead {
    /// As `7 names`.
    pub name: String,
    /// The oldest program that works after it, if it takes something away.
    pub after: Option<Version>,
    /// Whether this program works beside it.
    pub is_fine: bool,
}

/// Why nothing would be applied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trouble {
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub mend: String,
}

impl Plan {
    /// Whether there is nothing to do and nothing wrong.
    pub fn is_current(&self) -> bool {
        self.pending.is_empty() && self.troubles.is_empty()
    }

    /// For a database that is not there yet.
    ///
    /// # Errors
    /// The program's own migrations make no sense.
    pub fn of_nothing(migrator: &Migrator, dialect: Dialect) -> Result<Self, MigrationError> {
        let scripts = scripts(migrator)?;
        Ok(Self::of(&scripts, &[], &[], dialect))
    }

    fn of(scripts: &[Script<'_>], applied: &[Applied], sizes: &[Size], dialect: Dialect) -> Self {
        let applied_as =
            |script: &Script<'_>| applied.iter().find(|one| one.version == script.version);
        let mut own: Vec<_> = scripts.iter().collect();
        // The service's own come last: they tell where it is.
        own.sort_unstable_by_key(|script| (script.version < SHARED_FROM, script.version));
        let at = own.iter().rev().find(|script| applied_as(script).is_some());
        let mut troubles = Vec::new();
        let mut pending: Vec<Pending> = Vec::new();
        for script in scripts {
            match applied_as(script) {
                None => pending.push(Pending::of(script, dialect, sizes)),
                Some(one) if !one.success => troubles.push(Trouble {
                    what: format!("the migration {} was begun and did not end", script.title()),
                    mend: "restore the backup from before it; what it left behind is not known"
                        .to_owned(),
                }),
                Some(one) if one.checksum != script.checksum => troubles.push(Trouble {
                    what: format!(
                        "the migration {} was applied with another text than this program has",
                        script.title()
                    ),
                    mend:
                        "run the program that made the schema, as one built from another branch; \
                           or restore a backup that a release made"
                            .to_owned(),
                }),
                Some(_) => {}
            }
        }
        let ahead = applied
            .iter()
            .filter(|one| scripts.iter().all(|script| script.version != one.version));
        let ahead: Vec<_> = ahead.map(Ahead::of).collect();
        if let Some(after) = ahead
            .iter()
            .filter(|one| !one.is_fine)
            .filter_map(|one| one.after)
            .max()
        {
            troubles.push(Trouble {
                what: format!(
                    "a newer version took away what this program ({}) needs",
                    Version::own()
                ),
                mend: format!(
                    "run {after} or later; to go back further, restore a backup from before"
                ),
            });
        }
        let after_pending = pending.iter().filter_map(|one| one.class.after());
        let after_applied = applied.iter().filter_map(|one| needs(&one.description));
        Self {
            at: at.map(|script| script.title()),
            needed: own.last().map(|script| script.title()).unwrap_or_default(),
            oldest_program: after_pending.chain(after_applied).max(),
            pending,
            ahead,
            troubles,
        }
    }
}

impl Pending {
    fn of(script: &Script<'_>, dialect: Dialect, sizes: &[Size]) -> Self {
        let concurrently = script.manner == Manner::Concurrently;
        let mut touches = Vec::new();
        for statement in &script.statements {
            for mut effect in effects(statement, concurrently) {
                let size = sizes.iter().find(|size| size.table == effect.table);
                let is_there = size.is_some() || effect.table.is_empty();
                // What is made on the way is used by nobody yet.
                if !is_there && !effect.makes {
                    let is_said = |one: &Touched| one.effect.what == effect.what;
                    if touches.iter().any(is_said) {
                        continue;
                    }
                    effect.lock = Lock::None;
                }
                if dialect == Dialect::Sqlite && effect.lock > Lock::None {
                    effect.lock = Lock::File;
                }
                touches.push(Touched {
                    effect,
                    rows: size.map(|size| size.rows),
                    bytes: size.and_then(|size| size.bytes),
                });
            }
        }
        Self {
            name: script.title(),
            class: script.class.clone(),
            manner: script.manner,
            touches,
        }
    }
}

impl Ahead {
    fn of(applied: &Applied) -> Self {
        let after = needs(&applied.description);
        let name = match applied.description.split_once(" [") {
            Some((name, _)) => name,
            None => &applied.description,
        };
        Self {
            name: format!("{} {name}", applied.version),
            after,
            is_fine: after.is_none_or(|after| after <= Version::own()),
        }
    }
}

#[derive(Debug, Clone, sqlx::FromRow)]
struct Applied {
    version: i64,
    description: String,
    success: bool,
    checksum: Vec<u8>,
}

/// A table that is there.
#[derive(Debug, Clone, sqlx::FromRow)]
struct Size {
    table: String,
    rows: i64,
    bytes: Option<i64>,
}

impl Db {
    /// What [`Db::migrate`] would do. Nothing is changed.
    ///
    /// # Errors
    /// The database cannot be asked, or the program's own migrations make no sense.
    pub async fn plan(&self, migrator: &Migrator) -> Result<Plan, MigrationError> {
        let scripts = scripts(migrator)?;
        let mut conn = self.read().await?;
        if !self.is_begun(&mut conn).await? {
            return Plan::of_nothing(migrator, self.dialect());
        }
        const APPLIED: &str = "SELECT version, description, success, checksum FROM _sqlx_migrations
            ORDER BY version";
        let applied: Vec<Applied> = with!(conn, |c| sqlx::query_as(APPLIED).fetch_all(c).await)?;
        let sizes = match self {
            Self::Postgres(postgres) => of_postgres(&mut conn, postgres.schema()).await?,
            Self::Sqlite { .. } => of_sqlite(&mut conn).await?,
        };
        Ok(Plan::of(&scripts, &applied, &sizes, self.dialect()))
    }
}

/// What the server estimates; counting would read all of it.
async fn of_postgres(conn: &mut Conn, schema: &str) -> Result<Vec<Size>, StoreError> {
    const SIZES: &str = "SELECT CAST(c.relname AS text) AS table,
            GREATEST(CAST(c.reltuples AS bigint), COALESCE(s.n_live_tup, 0), 0) AS rows,
            pg_total_relation_size(c.oid) AS bytes
        FROM pg_class c
        JOIN pg_namespace n ON n.oid = c.relnamespace
        LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid
        WHERE n.nspname = $1 AND c.relkind IN ('r', 'p')";
    with!(conn, |c| sqlx::query_as(SIZES)
        .bind(schema)
        .fetch_all(c)
        .await)
}

async fn of_sqlite(conn: &mut Conn) -> Result<Vec<Size>, StoreError> {
    const TABLES: &str = "SELECT name FROM sqlite_master WHERE type = 'table'";
    let tables: Vec<String> = with!(conn, |c| sqlx::query_scalar(TABLES).fetch_all(c).await)?;
    let mut sizes = Vec::with_capacity(tables.len());
    for table in tables {
        let name = table.replace('"', "\"\"");
        let count = format!("SELECT COUNT(*) FROM \"{name}\"");
        let rows: i64 = with!(conn, |c| sqlx::query_scalar(sqlx::AssertSqlSafe(
            count.as_str()
        ))
        .fetch_one(c)
        .await)?;
        let sum = "SELECT CAST(SUM(pgsize) AS INTEGER) FROM dbstat WHERE name = $1";
        let bytes: Option<i64> = with!(conn, |c| sqlx::query_scalar(sum)
            .bind(&table)
            .fetch_one(c)
            .await)
        // How SQLite was built decides whether it can say.
        .unwrap_or_default();
        sizes.push(Size { table, rows, bytes });
    }
    Ok(sizes)
}

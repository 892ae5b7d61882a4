//! PostgreSQL: one migration after another, each so that nobody waits for it.

use std::{borrow::Cow, time::Duration};

use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection, error::DatabaseError, migrate::Migrate,
};
use tokio::time::{Instant, sleep};

use super::{
    Manner, MigrationError, Pace, Script, TABLE, Told,
    beside::{Session, connect},
    missing,
    script::index,
};
use crate::{Postgres, StoreError};

/// Whoever holds this lock, with the schema's name beside it, brings the schema up to date.
const LOCK: i32 = 0x7465_636d;
/// How often one looks whether the other is through.
const LOOK: Duration = Duration::from_millis(100);
/// How long an index that is made beside the shop waits for transactions that began before it.
const INDEX_WAIT: Duration = Duration::from_secs(10 * 60);
/// No statement ends by its time here. If this machine is gone, the server finds out within a
/// minute, also with an answer on its way, and with the session goes its lock.
const SETTINGS: &str = "SET statement_timeout = 0;
    SET idle_in_transaction_session_timeout = 0;
    SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 5;
    SET tcp_user_timeout = '60s'";

pub(super) async fn migrate(
    postgres: &Postgres,
    scripts: &[Script<'_>],
    pace: &Pace,
) -> Result<(), MigrationError> {
    // On a connection of its own, to the server itself: the lock is the session's, and so are the
    // settings. Closed afterwards, so that they go with it.
    let address = postgres.direct();
    let mut conn = connect(&address).await?;
    let session = Session::of(&mut conn, address, pace.longest_pause).await?;
    session
        .while_it_works(apply(&mut conn, postgres.schema(), scripts, pace))
        .await?;
    session.while_it_works(conn.close()).await?;
    Ok(())
}

async fn apply(
    conn: &mut PgConnection,
    schema: &str,
    scripts: &[Script<'_>],
    pace: &Pace,
) -> Result<(), MigrationError> {
    conn.execute(SETTINGS).await?;
    make_schema(conn, schema).await?;
    take_turn(conn, schema, pace).await?;
    conn.ensure_migrations_table(TABLE).await?;
    if let Some(version) = conn.dirty_version(TABLE).await? {
        return Err(MigrationError::HalfDone(version));
    }
    let applied = conn.list_applied_migrations(TABLE).await?;
    // Nobody serves from a schema that has nothing.
    let alone = applied.is_empty();
    let unhurried = Pace {
        lock_wait: Duration::from_secs(60),
        transaction: None,
        ..pace.clone()
    };
    let pace = if alone { &unhurried } else { pace };
    for script in missing(scripts, &applied)? {
        let mut work = Work {
            conn: &mut *conn,
            script,
            schema,
            pace,
            alone,
            rows: 0,
            batches: 0,
        };
        work.apply().await?;
    }
    Ok(())
}

async fn make_schema(conn: &mut PgConnection, schema: &str) -> Result<(), MigrationError> {
    // Asked first, because a role that may not make schemas may not say IF NOT EXISTS either.
    let exists: bool = sqlx::query_scalar("SELECT to_regnamespace($1) IS NOT NULL")
        .bind(format!("\"{schema}\""))
        .fetch_one(&mut *conn)
        .await?;
    if exists {
        return Ok(());
    }
    // Two that create the same schema at once collide on its name; the loser's is there.
    let create = format!("CREATE SCHEMA IF NOT EXISTS \"{schema}\"");
    let created = conn.execute(AssertSqlSafe(create)).await;
    match created.map_err(StoreError::from) {
        Err(error) if !error.is_unique_violation() => Err(error.into()),
        _ => Ok(()),
    }
}

/// Takes the lock under which a schema is changed. It is asked for again and again and never waited
/// for: a statement that waits is one that an index made beside it would wait for in turn.
async fn take_turn(
    conn: &mut PgConnection,
    schema: &str,
    pace: &Pace,
) -> Result<(), MigrationError> {
    let begun = Instant::now();
    let mut told = false;
    loop {
        let taken: bool = sqlx::query_scalar("SELECT pg_try_advisory_lock($1, hashtext($2))")
            .bind(LOCK)
            .bind(schema)
            .fetch_one(&mut *conn)
            .await?;
        if taken {
            return Ok(());
        }
        if begun.elapsed() > pace.patience {
            let why = "another process has been at it all the while".to_owned();
            return Err(MigrationError::Busy("of this schema".to_owned(), why));
        }
        if !std::mem::replace(&mut told, true) {
            pace.tell(&Told::Waits);
        }
        sleep(LOOK).await;
    }
}

/// Why an attempt ended without success.
enum Stop {
    /// Somebody holds what it needs.
    Kept(String),
    /// It took longer than it may.
    Slow,
    Failed(sqlx::Error),
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(DatabaseError::code);
        match code.map(Cow::into_owned).as_deref() {
            // Lock timeout, deadlock, serialisation failure.
            Some("55P03" | "40P01" | "40001") => Self::Kept(error.to_string()),
            // Statement timeout.
            Some("57014") => Self::Slow,
            _ => Self::Failed(error),
        }
    }
}

struct Work<'w, 's> {
    conn: &'w mut PgConnection,
    script: &'w Script<'s>,
    schema: &'w str,
    pace: &'w Pace,
    /// Nobody else uses the schema.
    alone: bool,
    rows: u64,
    batches: u64,
}

impl Work<'_, '_> {
    async fn apply(&mut self) -> Result<(), MigrationError> {
        let title = self.script.title();
        self.pace.tell(&Told::Begins(&title));
        let begun = Instant::now();
        let (mut attempts, mut slow) = (0, 0);
        loop {
            let before = self.batches;
            let stop = match self.attempt().await {
                Ok(()) => break,
                Err(stop) => stop,
            };
            if let Stop::Failed(error) = stop {
                let error = StoreError::from(error);
                return Err(match error.is_unreachable() {
                    true => error.into(),
                    false => MigrationError::Refused(title, error),
                });
            }
            // Nothing is held while it pauses. (Outside a transaction it is a warning.)
            self.conn.execute("ROLLBACK").await?;
            if self.batches > before {
                (attempts, slow) = (0, 0);
            }
            let why = match stop {
                Stop::Kept(why) if begun.elapsed() > self.pace.patience => {
                    return Err(MigrationError::Busy(title, why));
                }
                Stop::Kept(why) => match self.oldest().await? {
                    Some(oldest) => format!("{why}; {oldest}"),
                    None => why,
                },
                Stop::Slow | Stop::Failed(_) => {
                    slow += 1;
                    if slow >= self.pace.too_long {
                        return Err(MigrationError::Slow(title));
                    }
                    "it took too long".to_owned()
                }
            };
            let pause = self.pace.pause(attempts);
            attempts += 1;
            self.pace.tell(&Told::Again {
                migration: &title,
                why: &why,
                pause,
            });
            sleep(pause).await;
        }
        if self.batches > 0 {
            self.pace.tell(&Told::Batches {
                migration: &title,
                rows: self.rows,
                batches: self.batches,
            });
        }
        Ok(())
    }

    async fn attempt(&mut self) -> Result<(), Stop> {
        let begun = Instant::now();
        match self.script.manner {
            Manner::Transaction => return self.transaction(begun).await,
            // What nobody looks at needs no care.
            Manner::Concurrently if self.alone => return self.transaction(begun).await,
            Manner::Concurrently => {
                self.set("statement_timeout", Duration::ZERO).await?;
                self.set("lock_timeout", INDEX_WAIT).await?;
                for statement in &self.script.statements {
                    self.index(statement).await?;
                }
            }
            Manner::Batches => {
                let limit = self.pace.transaction.unwrap_or_default();
                self.set("statement_timeout", limit).await?;
                self.set("lock_timeout", self.pace.lock_wait).await?;
                for statement in &self.script.statements {
                    self.batches(statement).await?;
                }
            }
        }
        self.record(begun).await
    }

    /// All of it, within the time that a transaction may last.
    async fn transaction(&mut self, begun: Instant) -> Result<(), Stop> {
        self.set("lock_timeout", self.pace.lock_wait).await?;
        // If this process stops in the middle, nobody waits for it for long.
        let limit = self.pace.transaction.unwrap_or_default();
        self.set("idle_in_transaction_session_timeout", limit)
            .await?;
        self.conn.execute("BEGIN").await?;
        for statement in &self.script.statements {
            if let Some(limit) = self.pace.transaction {
                let left = limit.saturating_sub(begun.elapsed());
                if left < Duration::from_millis(1) {
                    return Err(Stop::Slow);
                }
                self.set("statement_timeout", left).await?;
            } else {
                self.set("statement_timeout", Duration::ZERO).await?;
            }
            self.run(statement).await?;
        }
        self.record(begun).await?;
        self.conn.execute("COMMIT").await?;
        Ok(())
    }

    /// An index, beside those who use the table. An attempt that failed leaves one that is not
    /// valid: it slows down who writes and serves nobody.
    async fn index(&mut self, statement: &str) -> Result<(), Stop> {
        const VALID: &str = "SELECT i.indisvalid FROM pg_index i
            JOIN pg_class c ON c.oid = i.indexrelid
            JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname = $1 AND c.relname = $2";
        let Some(index) = index(statement) else {
            return Ok(());
        };
        let valid: Option<bool> = sqlx::query_scalar(VALID)
            .bind(self.schema)
            .bind(index.name.to_lowercase())
            .fetch_optional(&mut *self.conn)
            .await?;
        match valid {
            Some(true) => return Ok(()),
            Some(false) => {
                let drop = format!("DROP INDEX CONCURRENTLY {}", index.name);
                self.run(&drop).await?;
            }
            None => {}
        }
        self.run(&index.concurrently).await?;
        Ok(())
    }

    async fn batches(&mut self, statement: &str) -> Result<(), Stop> {
        loop {
            match self.run(statement).await? {
                0 => return Ok(()),
                rows => self.rows += rows,
            }
            self.batches += 1;
            if !self.alone {
                sleep(self.pace.batch_pause).await;
            }
        }
    }

    async fn run(&mut self, statement: &str) -> Result<u64, sqlx::Error> {
        let done = self.conn.execute(AssertSqlSafe(statement)).await?;
        Ok(done.rows_affected())
    }

    /// Of the session; zero is without end. In a transaction that is rolled back, it goes as well.
    async fn set(&mut self, setting: &str, to: Duration) -> Result<(), sqlx::Error> {
        let sql = format!("SET {setting} = '{}ms'", to.as_millis());
        self.conn.execute(AssertSqlSafe(sql)).await.map(drop)
    }

    async fn record(&mut self, begun: Instant) -> Result<(), Stop> {
        let sql = format!(
            "INSERT INTO {TABLE} (version, description, success, checksum, execution_time)
             VALUES ($1, $2, true, $3, $4)"
        );
        sqlx::query(AssertSqlSafe(sql))
            .bind(self.script.version)
            .bind(self.script.description())
            .bind(self.script.checksum)
            .bind(i64::try_from(begun.elapsed().as_nanos()).unwrap_or(i64::MAX))
            .execute(&mut *self.conn)
            .await?;
        Ok(())
    }

    /// Who is most likely to hold it.
    async fn oldest(&mut self) -> Result<Option<String>, sqlx::Error> {
        const OLDEST: &str = "SELECT pid, COALESCE(application_name, ''),
                CAST(EXTRACT(EPOCH FROM clock_timestamp() - xact_start) AS bigint)
            FROM pg_stat_activity
            WHERE datname = current_database() AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
            ORDER BY xact_start LIMIT 1";
        let oldest: Option<(i32, String, i64)> = sqlx::query_as(OLDEST)
            .fetch_optional(&mut *self.conn)
            .await?;
        Ok(oldest.map(|(pid, name, seconds)| {
            format!("the oldest transaction is {seconds} s old: server process {pid}, {name}")
        }))
    }
}

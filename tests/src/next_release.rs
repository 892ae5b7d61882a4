//! The next release's migrations, run as its `techcommerce migrate` runs them: by the same code,
//! with some more files. And who waits for whom meanwhile.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr};
use techcommerce_store::{Db, PostgresOptions};
use techcommerce_testkit::PostgresDatabase;
use tokio::task::JoinHandle;
use tokio::time::{Instant, interval};

/// How often one looks who holds what.
const LOOK: Duration = Duration::from_millis(10);
/// Carts of people who never came back, so that there is something to fill and to index.
const CARTS: i64 = 30_000;

/// What the busiest tables get: columns with and without a default, tables that refer to them,
/// indexes made beside those who write, and rows filled in batches.
const MIGRATIONS: [(&str, &[(&str, &str)]); 4] = [
    (
        "order_api",
        &[
            (
                "columns",
                "ALTER TABLE orders ADD COLUMN later bigint NOT NULL DEFAULT 7;
                 ALTER TABLE orders ADD COLUMN later_key text;
                 ALTER TABLE order_lines ADD COLUMN later bigint;
                 ALTER TABLE payments_ledger ADD COLUMN later bigint;
                 ALTER TABLE carts ADD COLUMN later text;
                 ALTER TABLE jobs ADD COLUMN later bigint NOT NULL DEFAULT 0;",
            ),
            (
                "table",
                "CREATE TABLE of_a_later_release (
                     id uuid PRIMARY KEY, order_id uuid NOT NULL REFERENCES orders (id));",
            ),
            (
                "indexes",
                "-- run: concurrently\n\nCREATE INDEX orders_later ON orders (later, id);
                 CREATE INDEX carts_later ON carts (later, key);
                 CREATE INDEX jobs_later ON jobs (later) WHERE finished_at IS NULL;",
            ),
            (
                "fill",
                "-- run: batches\n\nUPDATE orders SET later_key = email_key WHERE id IN
                     (SELECT id FROM orders WHERE later_key IS NULL ORDER BY id LIMIT 500);
                 UPDATE carts SET later = key WHERE key IN
                     (SELECT key FROM carts WHERE later IS NULL ORDER BY key LIMIT 2000);",
            ),
        ],
    ),
    (
        "product_api",
        &[
            (
                "columns",
                "ALTER TABLE stock_levels ADD COLUMN later bigint NOT NULL DEFAULT 7;
                 ALTER TABLE stock_movements ADD COLUMN later text;
                 ALTER TABLE reservations ADD COLUMN later bigint;
                 ALTER TABLE variants ADD COLUMN later bigint NOT NULL DEFAULT 7;
                 CREATE TABLE of_a_later_release (
                     id uuid PRIMARY KEY, variant_id uuid NOT NULL REFERENCES variants (id));",
            ),
            (
                "indexes",
                "-- run: concurrently\n\nCREATE INDEX stock_later ON stock_levels (later);
                 CREATE INDEX movements_later ON stock_movements (later);",
            ),
        ],
    ),
    (
        "auth",
        &[(
            "columns",
            "ALTER TABLE accounts ADD COLUMN later bigint NOT NULL DEFAULT 7;
             ALTER TABLE jobs ADD COLUMN later bigint;",
        )],
    ),
    (
        "images",
        &[(
            "columns",
            "ALTER TABLE images ADD COLUMN later bigint NOT NULL DEFAULT 7;",
        )],
    ),
];

/// Migrations that nobody knows but the next release.
fn migrator(migrations: &'static [(&'static str, &'static str)]) -> Migrator {
    let all = migrations.iter().zip(9001..).map(|((name, sql), version)| {
        let name = Cow::Borrowed(*name);
        Migration::new(
            version,
            name,
            MigrationType::Simple,
            sql.into_sql_str(),
            false,
        )
    });
    let mut migrator = Migrator::with_migrations(all.collect());
    migrator.set_ignore_missing(true);
    migrator
}

/// Gives the tables something to fill.
pub async fn prepare(url: &str) -> Result<()> {
    let mut database = PgConnection::connect(url).await?;
    let carts = format!(
        "INSERT INTO order_api.carts (key, created_at, updated_at)
         SELECT md5(CAST(n AS text)), at, at FROM generate_series(1, {CARTS}) AS n,
             (SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS bigint) AS at) AS now"
    );
    database.execute(AssertSqlSafe(carts)).await?;
    Ok(())
}

/// Runs them; the longest that anybody waited for a lock, and that one was held that others wait for.
pub async fn migrate(url: &str) -> Result<Locks> {
    let watch = Watch::start(url).await?;
    for (schema, migrations) in MIGRATIONS {
        let db = Db::open_postgres(PostgresOptions::new(url.parse()?, schema, 2));
        db.migrate(&migrator(migrations))
            .await
            .with_context(|| schema.to_owned())?;
        db.close().await;
    }
    watch.end().await
}

/// The longest of each.
#[derive(Debug, Default, Clone, Copy)]
pub struct Locks {
    /// A lock that keeps those who write, or everybody, from a table.
    pub held: Duration,
    /// Somebody waited for whatever lock.
    pub waited: Duration,
}

/// Looks all the while who holds what, and who waits.
struct Watch {
    over: Arc<AtomicBool>,
    task: JoinHandle<Result<Locks>>,
}

impl Watch {
    async fn start(url: &str) -> Result<Self> {
        let mut database = PgConnection::connect(url).await?;
        let over = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&over);
        let task = tokio::spawn(async move {
            let (mut held, mut waited) = (Seen::default(), Seen::default());
            let mut pace = interval(LOOK);
            while !end.load(Ordering::SeqCst) {
                pace.tick().await;
                held.see(&mut database, HELD).await?;
                waited.see(&mut database, WAITED).await?;
            }
            Ok(Locks {
                held: held.longest,
                waited: waited.longest,
            })
        });
        Ok(Self { over, task })
    }

    async fn end(self) -> Result<Locks> {
        self.over.store(true, Ordering::SeqCst);
        self.task.await?
    }
}

const HELD: &str = "SELECT pid, CAST(relation AS bigint), mode FROM pg_locks
    WHERE granted AND relation IS NOT NULL AND pid <> pg_backend_pid()
    AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND mode IN ('ShareLock', 'ShareRowExclusiveLock', 'ExclusiveLock', 'AccessExclusiveLock')
    AND relation IN (SELECT oid FROM pg_class WHERE relkind = 'r')";
/// Whoever makes an index waits for old transactions, and nobody for it; a migration that asks for
/// its turn again and again does not wait at all.
const WAITED: &str = "SELECT a.pid, CAST(0 AS bigint), a.query FROM pg_stat_activity a
    WHERE a.datname = current_database() AND a.wait_event_type = 'Lock'
    AND a.query NOT LIKE 'CREATE INDEX CONCURRENTLY%'";

/// What was seen at the last look, and since when.
#[derive(Default)]
struct Seen {
    since: HashMap<(i32, i64, String), Instant>,
    longest: Duration,
}

impl Seen {
    async fn see(&mut self, database: &mut PgConnection, sql: &'static str) -> Result<()> {
        let now: Vec<(i32, i64, String)> = sqlx::query_as(sql).fetch_all(database).await?;
        let at = Instant::now();
        self.since.retain(|key, _| now.contains(key));
        for key in now {
            let since = *self.since.entry(key).or_insert(at);
            self.longest = self.longest.max(at - since);
        }
        Ok(())
    }
}

/// Somebody who takes a whole table for more than a second is seen, and so is who waits for that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_of_two_seconds_is_seen() -> Result<()> {
    let database = PostgresDatabase::empty().await;
    let mut one = PgConnection::connect(database.url()).await?;
    one.execute("CREATE TABLE busy (id bigint)").await?;
    let watch = Watch::start(database.url()).await?;
    let mut holder = PgConnection::connect(database.url()).await?;
    holder
        .execute("BEGIN; LOCK TABLE busy IN ACCESS EXCLUSIVE MODE")
        .await?;
    let waits = tokio::spawn(async move { one.execute("INSERT INTO busy VALUES (1)").await });
    holder.execute("SELECT pg_sleep(2)").await?;
    holder.execute("COMMIT").await?;
    waits.await??;
    let locks = watch.end().await?;
    ensure!(locks.held > Duration::from_millis(1_500), "{locks:?}");
    ensure!(locks.waited > Duration::from_millis(1_500), "{locks:?}");
    Ok(())
}

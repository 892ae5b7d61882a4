//! Migrations beside those who use the tables: nobody waits for them for long.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "these are tests"
)]

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use techcommerce_store::{
    Class, Conn, Db, Dialect, Lock, MigrationError, MigrationTold, Pace, Version, execute, with,
};
use techcommerce_testkit::{TestDb, on_both_engines};
use tokio::task::JoinHandle;
use tokio::time::Instant;

/// What the issue allows.
const LONGEST: Duration = Duration::from_secs(1);
const ROWS: i64 = 2_500;

const BUSY: (i64, &str, &str) = (
    1,
    "busy",
    "CREATE TABLE busy (id bigint PRIMARY KEY, n bigint NOT NULL, half bigint);
     INSERT INTO busy (id, n) WITH RECURSIVE ids (id) AS
         (SELECT 1 UNION ALL SELECT id + 1 FROM ids WHERE id < 2500) SELECT id, 0 FROM ids;",
);

fn migrator(more: &[(i64, &'static str, &'static str)]) -> Migrator {
    let all = [BUSY].iter().chain(more).map(|(version, name, sql)| {
        let sql = sql.into_sql_str();
        Migration::new(
            *version,
            Cow::Borrowed(*name),
            MigrationType::Simple,
            sql,
            false,
        )
    });
    let mut migrator = Migrator::with_migrations(all.collect());
    migrator.set_ignore_missing(true);
    migrator
}

async fn busy(dialect: Dialect) -> TestDb {
    TestDb::new(dialect, &migrator(&[])).await
}

/// A pace whose pauses are short, and how often it gave way.
fn pace() -> (Pace, Arc<AtomicUsize>) {
    let gave_way = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&gave_way);
    let pace = Pace {
        first_pause: Duration::from_millis(50),
        longest_pause: Duration::from_millis(200),
        too_long: 2,
        ..Pace::default()
    };
    let pace = pace.telling(move |told| {
        if matches!(told, MigrationTold::Again { .. }) {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (pace, gave_way)
}

/// Somebody who writes to the table all the while, and notes the longest that it took.
struct Writer {
    over: Arc<AtomicBool>,
    task: JoinHandle<(Duration, usize)>,
}

impl Writer {
    fn start(db: Db) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let end = Arc::clone(&over);
        let task = tokio::spawn(async move {
            let (mut longest, mut writes) = (Duration::ZERO, 0);
            while !end.load(Ordering::SeqCst) {
                let begin = Instant::now();
                run(&db, "UPDATE busy SET n = n + 1 WHERE id = 1").await;
                longest = longest.max(begin.elapsed());
                writes += 1;
            }
            (longest, writes)
        });
        Self { over, task }
    }

    async fn longest(self) -> Duration {
        self.over.store(true, Ordering::SeqCst);
        let (longest, writes) = self.task.await.unwrap();
        println!(
            "{writes} writes, the longest took {} ms",
            longest.as_millis()
        );
        assert!(writes > 10, "nobody wrote");
        longest
    }
}

async fn until(count: &AtomicUsize, least: usize) {
    let end = Instant::now() + Duration::from_secs(30);
    while count.load(Ordering::SeqCst) < least {
        assert!(Instant::now() < end, "it did not give way {least} times");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// A transaction that has read the table and does not end.
async fn holder(db: &Db) -> Conn {
    let mut conn = db.begin().await.unwrap();
    let sql = "SELECT COUNT(*) FROM busy";
    let rows: i64 = with!(conn, |c| sqlx::query_scalar(sql).fetch_one(c).await).unwrap();
    assert_eq!(rows, ROWS);
    conn
}

async fn run(db: &Db, sql: &'static str) {
    let mut conn = db.single().await.unwrap();
    execute!(conn, sqlx::query(sql)).unwrap();
}

async fn number(db: &Db, sql: &'static str) -> i64 {
    let mut conn = db.read().await.unwrap();
    with!(conn, |c| sqlx::query_scalar(sql).fetch_one(c).await).unwrap()
}

const LATER: (i64, &str, &str) = (2, "later", "ALTER TABLE busy ADD COLUMN later bigint;");
const HAS_LATER: &str = "SELECT COUNT(*) FROM information_schema.columns
    WHERE table_name = 'busy' AND column_name = 'later'";

/// A long transaction holds the table. Whoever wants it whole comes again and again, and those who
/// only write never wait for long.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_table_that_is_held_is_asked_for_again() {
    let db = busy(Dialect::Postgres).await;
    let held = holder(&db).await;
    let writer = Writer::start(db.db());
    let (pace, gave_way) = pace();
    let migrating = {
        let db = db.db();
        tokio::spawn(async move { db.migrate_at(&migrator(&[LATER]), &pace).await })
    };
    until(&gave_way, 4).await;
    assert_eq!(number(&db, HAS_LATER).await, 0);
    held.rollback().await;
    migrating.await.unwrap().unwrap();
    assert!(writer.longest().await < LONGEST);
    assert_eq!(number(&db, HAS_LATER).await, 1);
}

/// One who is never let in says who holds the table, and leaves nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn patience_ends() {
    let db = busy(Dialect::Postgres).await;
    let held = holder(&db).await;
    let (pace, _) = pace();
    let pace = Pace {
        patience: Duration::from_millis(400),
        ..pace
    };
    let failed = db.migrate_at(&migrator(&[LATER]), &pace).await.unwrap_err();
    assert!(matches!(failed, MigrationError::Busy(..)), "{failed}");
    assert!(failed.to_string().contains("2 later"), "{failed}");
    assert_eq!(number(&db, HAS_LATER).await, 0);
    held.rollback().await;
}

/// A migration that would hold the table for two seconds is given up before anybody waits for one;
/// where the shop is closed it may, and then the same writer does wait, so that it would be noticed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_holds_its_table_for_long_is_given_up() {
    const LONG: (i64, &str, &str) = (
        2,
        "long",
        "ALTER TABLE busy ADD COLUMN later bigint; SELECT pg_sleep(2);",
    );
    let db = busy(Dialect::Postgres).await;
    let writer = Writer::start(db.db());
    let (careful, gave_way) = pace();
    let failed = db
        .migrate_at(&migrator(&[LONG]), &careful)
        .await
        .unwrap_err();
    assert!(matches!(failed, MigrationError::Slow(_)), "{failed}");
    assert!(failed.to_string().contains("--closed"), "{failed}");
    assert_eq!(gave_way.load(Ordering::SeqCst), 1);
    assert!(writer.longest().await < LONGEST);
    assert_eq!(number(&db, HAS_LATER).await, 0);

    let writer = Writer::start(db.db());
    let closed = Pace::closed();
    db.migrate_at(&migrator(&[LONG]), &closed).await.unwrap();
    assert!(writer.longest().await > LONGEST);
    assert_eq!(number(&db, HAS_LATER).await, 1);
}

/// An index is made while everybody writes, beside a transaction that is older, by one of two that
/// try; and one that an attempt left half made is made anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_is_made_beside_those_who_write() {
    const INDEX: (i64, &str, &str) = (
        2,
        "half index",
        "-- run: concurrently\n\nCREATE UNIQUE INDEX busy_half ON busy (half) WHERE half IS NOT NULL;",
    );
    const VALID: &str = "SELECT COUNT(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
        WHERE c.relname = 'busy_half' AND i.indisvalid";
    const ANY: &str = "SELECT COUNT(*) FROM pg_class WHERE relname = 'busy_half'";
    let db = busy(Dialect::Postgres).await;
    run(&db, "UPDATE busy SET half = 7 WHERE id IN (2, 3)").await;
    let failed = db.migrate(&migrator(&[INDEX])).await.unwrap_err();
    assert!(matches!(failed, MigrationError::Refused(..)), "{failed}");
    assert_eq!((number(&db, ANY).await, number(&db, VALID).await), (1, 0));

    run(&db, "UPDATE busy SET half = NULL").await;
    let held = holder(&db).await;
    let writer = Writer::start(db.db());
    let both = [db.db(), db.db()]
        .map(|db| tokio::spawn(async move { db.migrate(&migrator(&[INDEX])).await }));
    // It waits for the older transaction; nobody waits for it.
    let waits = "SELECT COUNT(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'
        AND query LIKE '%INDEX CONCURRENTLY busy_half%' AND datname = current_database()
        AND pid <> pg_backend_pid()";
    let end = Instant::now() + Duration::from_secs(30);
    while number(&db, waits).await == 0 {
        assert!(Instant::now() < end, "nobody makes the index");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    held.rollback().await;
    for one in both {
        one.await.unwrap().unwrap();
    }
    assert!(writer.longest().await < LONGEST);
    assert_eq!(number(&db, VALID).await, 1);
}

const FILLED: (i64, &str, &str) = (
    3,
    "fill",
    "-- run: batches\n\nUPDATE busy SET half = n WHERE id IN
         (SELECT id FROM busy WHERE half IS NULL ORDER BY id LIMIT 1000);",
);

on_both_engines! { migrator(&[]);
    async fn many_rows_are_changed_a_few_at_a_time(db: TestDb) {
        let batches = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&batches);
        let pace = Pace::default().telling(move |told| {
            if let MigrationTold::Batches { rows, batches, .. } = told {
                assert_eq!(*rows, 2_500);
                counted.store(usize::try_from(*batches).unwrap(), Ordering::SeqCst);
            }
        });
        db.migrate_at(&migrator(&[FILLED]), &pace).await.unwrap();
        assert_eq!(batches.load(Ordering::SeqCst), 3);
        assert_eq!(number(&db, "SELECT COUNT(*) FROM busy WHERE half IS NULL").await, 0);
        // It is done, and not done again.
        db.migrate(&migrator(&[FILLED])).await.unwrap();
    }

    /// Of two processes one does it, and both find it done.
    async fn two_at_once_do_it_once(db: TestDb) {
        let (one, other) = (migrator(&[LATER, FILLED]), migrator(&[LATER, FILLED]));
        let (one, other) = tokio::join!(db.migrate(&one), db.migrate(&other));
        one.unwrap();
        other.unwrap();
        assert_eq!(number(&db, "SELECT COUNT(*) FROM _sqlx_migrations").await, 3);
    }

    /// Nothing of a migration that fails in its middle is there.
    async fn what_fails_leaves_nothing(db: TestDb) {
        let wrong = (2, "wrong", "ALTER TABLE busy ADD COLUMN later bigint; DROP TABLE not_there;");
        let failed = db.migrate(&migrator(&[wrong])).await.unwrap_err();
        assert!(matches!(failed, MigrationError::Refused(..)), "{failed}");
        db.migrate(&migrator(&[LATER])).await.unwrap();
    }

    async fn a_plan_says_what_would_be_done_and_does_nothing(db: TestDb) {
        let current = db.plan(&migrator(&[])).await.unwrap();
        assert!(current.is_current(), "{current:?}");
        assert_eq!(current.at.as_deref(), Some("1 busy"));
        let names = (
            4,
            "names",
            "-- The halves go.\n-- class: contract after 0.0.9\n\n\
             CREATE TABLE fresh (id bigint); CREATE INDEX fresh_id ON fresh (id);\
             ALTER TABLE busy DROP COLUMN half;",
        );
        for _ in 0..2 {
            let plan = db.plan(&migrator(&[LATER, FILLED, names])).await.unwrap();
            assert_eq!(plan.needed, "4 names");
            let pending: Vec<_> = plan.pending.iter().map(|one| (one.name.as_str(), one.class.name())).collect();
            assert_eq!(pending, [("2 later", "expand"), ("3 fill", "expand"), ("4 names", "contract")]);
            let after = Version::read("0.0.9").unwrap();
            assert_eq!(plan.pending[2].class, Class::Contract { after });
            assert_eq!(plan.oldest_program, Some(after));
            let later = &plan.pending[0].touches[0];
            assert_eq!(later.effect.table, "busy");
            let lock = match db.dialect() {
                Dialect::Postgres => Lock::AccessExclusive,
                Dialect::Sqlite => Lock::File,
            };
            assert_eq!(later.effect.lock, lock);
            assert!(later.rows.is_some());
            assert!(later.bytes.is_some_and(|bytes| bytes > 10_000), "{later:?}");
            // Nobody uses what is made on the way.
            assert!(plan.pending[2].touches[..2].iter().all(|one| one.effect.lock == Lock::None));
            assert!(plan.troubles.is_empty());
        }
    }

    async fn a_plan_says_what_is_wrong(db: TestDb) {
        let other = (1, "busy", "CREATE TABLE other (id bigint);");
        let changed = Migrator::with_migrations(vec![Migration::new(
            other.0, Cow::Borrowed(other.1), MigrationType::Simple, other.2.into_sql_str(), false,
        )]);
        let plan = db.plan(&changed).await.unwrap();
        assert!(plan.troubles[0].what.contains("1 busy was applied with another text"), "{plan:?}");
        let failed = db.migrate(&changed).await.unwrap_err();
        assert!(matches!(failed, MigrationError::Changed(_)), "{failed}");

        // A newer version was here: once it only added, once it took something away.
        for (version, sql, is_fine) in [
            (7, "-- class: contract after 0.0.1\n\nALTER TABLE busy ADD COLUMN later bigint;", true),
            (8, "-- class: contract after 900.0.0\n\nALTER TABLE busy DROP COLUMN half;", false),
        ] {
            db.migrate(&migrator(&[(version, "of later", sql)])).await.unwrap();
            let plan = db.plan(&migrator(&[])).await.unwrap();
            let newest = plan.ahead.last().unwrap();
            assert_eq!((newest.name.as_str(), newest.is_fine), (format!("{version} of later").as_str(), is_fine));
            assert_eq!(plan.is_current(), is_fine);
            let state = db.schema_state(&migrator(&[])).await.unwrap();
            assert_eq!(state.is_enough(), is_fine, "{state}");
        }

        run(&db, "UPDATE _sqlx_migrations SET success = false WHERE version = 1").await;
        let plan = db.plan(&migrator(&[])).await.unwrap();
        assert!(plan.troubles[0].what.contains("did not end"), "{plan:?}");
        let failed = db.migrate(&migrator(&[])).await.unwrap_err();
        assert!(matches!(failed, MigrationError::HalfDone(1)), "{failed}");
    }
}

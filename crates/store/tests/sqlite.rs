//! Transactions on SQLite: many writers at once, none lost. PostgreSQL is covered by the services'
//! own tests, which run on both engines.

#![allow(clippy::unwrap_used, clippy::panic)]

use techcommerce_kernel::Error;
use techcommerce_store::{Db, execute, transact, with};

async fn open() -> (Db, std::path::PathBuf) {
    let path = std::env::temp_dir().join(format!("techcommerce-store-{}.db", std::process::id()));
    let _ = std::fs::remove_file(&path);
    let db = Db::open_sqlite(&path).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    execute!(
        tx,
        sqlx::query("CREATE TABLE counter (id bigint PRIMARY KEY, n bigint NOT NULL)")
    )
    .unwrap();
    execute!(tx, sqlx::query("INSERT INTO counter VALUES (1, 0)")).unwrap();
    tx.commit().await.unwrap();
    (db, path)
}

async fn add_one(db: &Db) -> Result<i64, Error> {
    transact!(db, |tx| -> Result<i64, Error> {
        let n: i64 = with!(tx, |c| {
            sqlx::query_scalar("SELECT n FROM counter WHERE id = $1")
                .bind(1_i64)
                .fetch_one(c)
                .await
        })?;
        execute!(tx, sqlx::query("UPDATE counter SET n = $1").bind(n + 1))?;
        if n == i64::MAX {
            return Err(Error::conflict("full", "The counter is full."));
        }
        Ok(n + 1)
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_writers_lose_nothing() {
    let (db, path) = open().await;
    let tasks: Vec<_> = (0..50)
        .map(|_| {
            let db = db.clone();
            tokio::spawn(async move { add_one(&db).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let mut conn = db.read().await.unwrap();
    let n: i64 = with!(conn, |c| sqlx::query_scalar("SELECT n FROM counter")
        .fetch_one(c)
        .await)
    .unwrap();
    assert_eq!(n, 50);
    drop(conn);

    let failed = transact!(db, |tx| -> Result<(), Error> {
        execute!(tx, sqlx::query("UPDATE counter SET n = 99"))?;
        Err(Error::conflict("no", "No."))
    });
    assert_eq!(failed.unwrap_err().code(), "no");
    assert_eq!(add_one(&db).await.unwrap(), 51, "an error rolls back");

    let mut tx = db.begin().await.unwrap();
    execute!(tx, sqlx::query("UPDATE counter SET n = 99")).unwrap();
    drop(tx);
    assert_eq!(
        add_one(&db).await.unwrap(),
        52,
        "so does giving up in the middle"
    );

    let twice = transact!(db, |tx| -> Result<u64, techcommerce_store::StoreError> {
        execute!(tx, sqlx::query("INSERT INTO counter VALUES (1, 0)"))
    });
    assert!(twice.unwrap_err().is_unique_violation());
    db.close().await;
    let _ = std::fs::remove_file(path);
}

/// The value of a series that begins like this.
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find(|line| line.starts_with(series));
    let line = line.unwrap_or_else(|| panic!("{series} is not in\n{text}"));
    line.rsplit_once(' ').unwrap().1.parse().unwrap()
}

#[tokio::test]
async fn connections_waits_and_statements_are_measured() {
    let name = format!("techcommerce-measured-{}.db", std::process::id());
    let path = std::env::temp_dir().join(name);
    let _ = std::fs::remove_file(&path);
    let db = Db::open_sqlite(&path).await.unwrap();
    let telemetry = techcommerce_telemetry::Telemetry::new("0", "0");
    db.measure(&telemetry, "order-api");
    // Once more changes nothing.
    db.measure(&telemetry, "auth");
    let text = telemetry.encode();
    let labels = r#"{service="order-api",pool="writer"}"#;
    assert_eq!(
        value(&text, &format!("techcommerce_db_connections_max{labels}")),
        1.0
    );
    assert_eq!(
        value(
            &text,
            &format!("techcommerce_db_wait_timeouts_total{labels}")
        ),
        0.0
    );

    let mut conn = db.single().await.unwrap();
    let text = telemetry.encode();
    let state = |state: &str| {
        format!(
            r#"techcommerce_db_connections{{service="order-api",pool="writer",state="{state}"}}"#
        )
    };
    assert_eq!(value(&text, &state("used")), 1.0);
    let ask = "CREATE TABLE things (id bigint PRIMARY KEY)";
    execute!(conn, sqlx::query(ask)).unwrap();
    let put = "INSERT INTO things VALUES (1)";
    execute!(conn, sqlx::query(put)).unwrap();
    // A key that is there already is no failure of the database; a table that is not, is.
    execute!(conn, sqlx::query(put)).unwrap_err();
    execute!(conn, sqlx::query("INSERT INTO nothing VALUES (1)")).unwrap_err();
    drop(conn);
    let text = telemetry.encode();
    assert_eq!(value(&text, &state("used")), 0.0);
    let asked = |outcome: &str| {
        let name = "techcommerce_db_query_duration_seconds_count";
        value(
            &text,
            &format!(r#"{name}{{service="order-api",outcome="{outcome}"}}"#),
        )
    };
    assert_eq!((asked("ok"), asked("error")), (3.0, 1.0));
    assert_eq!(
        value(
            &text,
            &format!("techcommerce_db_wait_seconds_count{labels}")
        ),
        1.0
    );

    // What begins and ends a transaction is a statement too, and the slow one.
    let tx = db.begin().await.unwrap();
    tx.commit().await.unwrap();
    let name = r#"techcommerce_db_query_duration_seconds_count{service="order-api",outcome="ok"}"#;
    assert_eq!(value(&telemetry.encode(), name), 5.0);

    drop(db);
    assert_eq!(
        value(&telemetry.encode(), &state("idle")),
        0.0,
        "it is gone"
    );
    let _ = std::fs::remove_file(&path);
}

//! Transactions on SQLite: many writers at once, none lost. PostgreSQL is covered by the services'
//! own tests, which run on both engines.

#![allow(clippy::unwrap_used)]

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

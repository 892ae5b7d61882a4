//! SQLite: one process writes at a time, so a migration has the file to itself.

use sqlx::{
    AssertSqlSafe, Executor, Sqlite, SqliteConnection,
    migrate::{AppliedMigration, Migrate},
};
use tokio::time::{Instant, sleep};

use super::{Manner, MigrationError, Pace, Script, TABLE, Told, missing};
use crate::{StoreError, lease::Leases};

pub(super) async fn migrate(
    writer: &Leases<Sqlite>,
    scripts: &[Script<'_>],
    pace: &Pace,
) -> Result<(), MigrationError> {
    // Through the lease: where the one writing connection has been used before, it is at hand there.
    let mut lease = writer.take().await?;
    let done = on(lease.connection(), scripts, pace).await;
    if done.is_ok() {
        lease.ended();
    }
    done
}

async fn on(
    conn: &mut SqliteConnection,
    scripts: &[Script<'_>],
    pace: &Pace,
) -> Result<(), MigrationError> {
    let applied = applied(conn).await?;
    for script in missing(scripts, &applied)? {
        let title = script.title();
        pace.tell(&Told::Begins(&title));
        let begun = Instant::now();
        let mut attempts = 0;
        while let Err(error) = apply(conn, script, pace).await {
            let error = StoreError::from(error);
            // What is open is given up; where nothing is, there is nothing to give up.
            conn.execute("ROLLBACK").await.ok();
            if !error.is_contention() {
                return Err(MigrationError::Refused(title, error));
            }
            let why = error.to_string();
            if begun.elapsed() > pace.patience {
                return Err(MigrationError::Busy(title, why));
            }
            let pause = pace.pause(attempts);
            attempts += 1;
            pace.tell(&Told::Again {
                migration: &title,
                why: &why,
                pause,
            });
            sleep(pause).await;
        }
    }
    Ok(())
}

async fn applied(conn: &mut SqliteConnection) -> Result<Vec<AppliedMigration>, MigrationError> {
    conn.ensure_migrations_table(TABLE).await?;
    if let Some(version) = conn.dirty_version(TABLE).await? {
        return Err(MigrationError::HalfDone(version));
    }
    Ok(conn.list_applied_migrations(TABLE).await?)
}

async fn apply(
    conn: &mut SqliteConnection,
    script: &Script<'_>,
    pace: &Pace,
) -> Result<(), sqlx::Error> {
    let begun = Instant::now();
    if script.manner == Manner::Batches {
        let (mut rows, mut batches) = (0, 0);
        for statement in &script.statements {
            loop {
                let done = conn.execute(AssertSqlSafe(*statement)).await?;
                if done.rows_affected() == 0 {
                    break;
                }
                rows += done.rows_affected();
                batches += 1;
            }
        }
        let migration = &script.title();
        pace.tell(&Told::Batches {
            migration,
            rows,
            batches,
        });
    }
    conn.execute("BEGIN IMMEDIATE").await?;
    // Another process may have been quicker.
    let sql = format!("SELECT COUNT(*) FROM {TABLE} WHERE version = $1");
    let there: i64 = sqlx::query_scalar(AssertSqlSafe(sql))
        .bind(script.version)
        .fetch_one(&mut *conn)
        .await?;
    if there > 0 {
        conn.execute("ROLLBACK").await?;
        return Ok(());
    }
    if script.manner != Manner::Batches {
        for statement in &script.statements {
            conn.execute(AssertSqlSafe(*statement)).await?;
        }
    }
    let sql = format!(
        "INSERT INTO {TABLE} (version, description, success, checksum, execution_time)
         VALUES ($1, $2, true, $3, $4)"
    );
    sqlx::query(AssertSqlSafe(sql))
        .bind(script.version)
        .bind(script.description())
        .bind(script.checksum)
        .bind(i64::try_from(begun.elapsed().as_nanos()).unwrap_or(i64::MAX))
        .execute(&mut *conn)
        .await?;
    conn.execute("COMMIT").await.map(drop)
}

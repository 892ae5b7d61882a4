//! What is looked at again and again while a shop is at work.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use sqlx::{AssertSqlSafe, PgPool};

use crate::shop::Shop;

/// The numbers of one moment, by their names.
pub type Sample = BTreeMap<String, f64>;

/// Looks at a shop of one process on PostgreSQL.
pub struct Eye {
    pool: PgPool,
    process: u32,
    tables: Vec<String>,
}

impl Eye {
    pub async fn open(shop: &Shop) -> Result<Self> {
        let url = shop.setup.database_url().context("PostgreSQL")?;
        let pool = PgPool::connect(url).await?;
        let tables = sqlx::query_scalar(
            "SELECT table_schema || '.' || table_name FROM information_schema.tables
             WHERE table_schema NOT IN ('pg_catalog', 'information_schema', 'public')
             AND table_type = 'BASE TABLE' AND table_name <> '_sqlx_migrations' ORDER BY 1",
        )
        .fetch_all(&pool)
        .await?;
        let process = shop.processes.id("shop").context("a process")?;
        Ok(Self {
            pool,
            process,
            tables,
        })
    }

    /// The tables of all services, with their schemas.
    pub fn tables(&self) -> &[String] {
        &self.tables
    }

    /// The way to its database.
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// How it is now.
    pub async fn look(&self) -> Result<Sample> {
        let mut sample = Sample::new();
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process))?;
        let number = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name));
            let number = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
            number.with_context(|| name.to_owned())
        };
        sample.insert("memory, MB".to_owned(), number("VmRSS:")? / 1024.0);
        sample.insert("threads".to_owned(), number("Threads:")?);
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.process))?.count();
        sample.insert("file descriptors".to_owned(), open as f64);
        let connections: i64 = sqlx::query_scalar(
            "SELECT COUNT(*) FROM pg_stat_activity
             WHERE datname = current_database() AND pid <> pg_backend_pid()",
        )
        .fetch_one(&self.pool)
        .await?;
        // Of the shop: ours are one pool.
        let ours = f64::from(self.pool.size().saturating_sub(1));
        sample.insert(
            "connections to PostgreSQL".to_owned(),
            connections as f64 - ours,
        );
        let mut waiting = 0;
        for table in self.tables.iter().filter(|table| table.ends_with(".jobs")) {
            let late =
                format!("SELECT COUNT(*) FROM {table} WHERE state = 'ready' AND due_at <= $1");
            let count: i64 = sqlx::query_scalar(AssertSqlSafe(late))
                .bind(micros()?)
                .fetch_one(&self.pool)
                .await?;
            waiting += count;
        }
        sample.insert("jobs that wait".to_owned(), waiting as f64);
        for table in &self.tables {
            let count = format!("SELECT COUNT(*), pg_total_relation_size('{table}') FROM {table}");
            let (rows, bytes): (i64, i64) = sqlx::query_as(AssertSqlSafe(count))
                .fetch_one(&self.pool)
                .await?;
            sample.insert(rows_of(table), rows as f64);
            sample.insert(bytes_of(table), bytes as f64);
        }
        Ok(sample)
    }
}

pub fn rows_of(table: &str) -> String {
    format!("{table}, rows")
}

pub fn bytes_of(table: &str) -> String {
    format!("{table}, bytes")
}

/// Now, in microseconds since 1970.
pub fn micros() -> Result<i64> {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(i64::try_from(since.as_micros())?)
}

//! How many rows each table has: what a backup was, and what came back of it.

use std::collections::BTreeMap;

use sqlx::AssertSqlSafe;

use crate::{Db, Dialect, StoreError, with};

impl Db {
    /// The tables of the schema, the migrator's own among them, and how many rows each has.
    ///
    /// # Errors
    /// The database cannot be asked.
    pub async fn row_counts(&self) -> Result<BTreeMap<String, i64>, StoreError> {
        let sql = match self.dialect() {
            Dialect::Postgres => {
                "SELECT CAST(tablename AS text) FROM pg_tables WHERE schemaname = current_schema()"
            }
            Dialect::Sqlite => {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"
            }
        };
        let mut conn = self.read().await?;
        let tables: Vec<String> = with!(conn, |c| sqlx::query_scalar(sql).fetch_all(c).await)?;
        let mut counts = BTreeMap::new();
        for table in tables {
            // Our own tables: no name of theirs has to be escaped.
            let sql = format!("SELECT COUNT(*) FROM \"{table}\"");
            let count: i64 = with!(conn, |c| sqlx::query_scalar(AssertSqlSafe(sql.as_str()))
                .fetch_one(c)
                .await)?;
            counts.insert(table, count);
        }
        Ok(counts)
    }
}

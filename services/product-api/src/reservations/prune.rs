//! Forgetting reservations that came to nothing.

use techcommerce_kernel::Timestamp;
use techcommerce_store::{Conn, StoreError, execute};

/// Takes away reservations that expired or were released, whose deadline was before `before`, at
/// most `limit`; gives how many went. Claimed ones stay: what they took may come back.
pub async fn prune(tx: &mut Conn, before: Timestamp, limit: i64) -> Result<u64, StoreError> {
    // The same rows each time: nothing else moves a reservation out of these states that is so old,
    // and if a checkout does, its foreign keys refuse the last statement and the job comes again.
    const OLD: &str = "(SELECT id FROM reservations WHERE state IN ('expired', 'released')
         AND deadline < $1 ORDER BY id LIMIT $2)";
    for table in ["reservation_lines", "restocks"] {
        let sql = format!("DELETE FROM {table} WHERE reservation_id IN {OLD}");
        execute!(
            tx,
            sqlx::query(sqlx::AssertSqlSafe(sql.as_str()))
                .bind(before.as_micros())
                .bind(limit)
        )?;
    }
    let sql = format!("DELETE FROM reservations WHERE id IN {OLD}");
    execute!(
        tx,
        sqlx::query(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(before.as_micros())
            .bind(limit)
    )
}

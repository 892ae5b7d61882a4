//! Order numbers for people.
//!
//! A process takes a block of numbers at a time, so that orders do not wait for each other at one
//! row. Numbers therefore have gaps, and with several processes they do not follow the order in
//! which orders were placed.

use techcommerce_kernel::Error;
use techcommerce_store::{Db, single, with};
use tokio::sync::Mutex;

/// How many numbers a process takes at a time.
const BLOCK: i64 = 10;

/// Gives out order numbers.
#[derive(Debug, Default)]
pub struct Numbers {
    /// What is left of the block.
    left: Mutex<std::ops::Range<i64>>,
}

impl Numbers {
    /// A number that no other order has or will have.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn next(&self, db: &Db) -> Result<i64, Error> {
        const TAKE: &str =
            "UPDATE counters SET value = value + $1 WHERE name = 'order_number' RETURNING value";
        let mut left = self.left.lock().await;
        if let Some(number) = left.next() {
            return Ok(number);
        }
        let end: i64 = single!(db, |conn| -> Result<i64, Error> {
            Ok(with!(conn, |c| sqlx::query_scalar(TAKE)
                .bind(BLOCK)
                .fetch_one(c)
                .await)?)
        })?;
        *left = end - BLOCK + 1..end + 1;
        left.next()
            .ok_or_else(|| Error::internal("a block of numbers is empty"))
    }
}

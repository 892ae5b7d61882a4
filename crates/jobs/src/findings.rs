//! What checks that come round with the clock found last. One worker runs a check; all of them
//! can tell what it found.

use techcommerce_kernel::{Error, Timestamp};
use techcommerce_store::{execute, single, with};

use crate::Queue;

/// What a check found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    /// How much is wrong.
    pub found: i64,
    /// When it was looked at.
    pub checked_at: Timestamp,
}

impl Queue {
    /// Keeps what the check `name` found now.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn keep_finding(&self, name: &str, found: i64) -> Result<(), Error> {
        const KEEP: &str = "INSERT INTO job_findings (name, found, checked_at) VALUES ($1, $2, $3) \
             ON CONFLICT (name) DO UPDATE SET found = excluded.found, checked_at = excluded.checked_at";
        let now = self.env.now().as_micros();
        single!(self.db, |conn| -> Result<(), Error> {
            execute!(conn, sqlx::query(KEEP).bind(name).bind(found).bind(now))?;
            Ok(())
        })
    }

    /// What the check `name` found last, if it ever ran.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn finding(&self, name: &str) -> Result<Option<Finding>, Error> {
        const FIND: &str = "SELECT found, checked_at FROM job_findings WHERE name = $1";
        let mut conn = self.db.read().await?;
        let row: Option<(i64, i64)> = with!(conn, |c| sqlx::query_as(FIND)
            .bind(name)
            .fetch_optional(c)
            .await)?;
        Ok(row.map(|(found, at)| Finding {
            found,
            checked_at: Timestamp::from_micros(at),
        }))
    }
}

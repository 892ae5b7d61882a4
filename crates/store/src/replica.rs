//! How far a replica is behind.
//!
//! Clocks of two servers are not compared, and a primary at rest does not make its replica look
//! old: the primary's position is kept each time that somebody looks, and the replica is behind by
//! the age of the first position that it has not reached.

use std::{collections::VecDeque, time::Duration};

use techcommerce_kernel::Timestamp;

use crate::{Db, Engine, StoreError};

/// Beyond so many looks nobody needs to know it more exactly.
const KEPT: usize = 1000;

/// The positions of the primary that the replica has not reached.
#[derive(Debug, Default)]
pub struct ReplicaLag {
    ahead: VecDeque<(Timestamp, i64)>,
}

impl ReplicaLag {
    /// The primary was at `position` at this time.
    fn primary(&mut self, at: Timestamp, position: i64) {
        if self.ahead.len() >= KEPT {
            // The first one tells the lag; one in the middle only how it shrinks.
            self.ahead.remove(KEPT / 2);
        }
        self.ahead.push_back((at, position));
    }

    /// The replica is at `position`.
    fn replica(&mut self, position: i64) {
        while self
            .ahead
            .front()
            .is_some_and(|(_, ahead)| *ahead <= position)
        {
            self.ahead.pop_front();
        }
    }

    /// How far it is behind at this time.
    fn at(&self, now: Timestamp) -> Duration {
        let first = self.ahead.front();
        first.map_or(Duration::ZERO, |(at, _)| now.since(*at))
    }
}

impl Db {
    /// Whether reads that may lag go to a replica.
    pub fn has_replica(&self) -> bool {
        match self {
            Self::Postgres(postgres) => postgres.pools().1.is_some(),
            Self::Sqlite { .. } => false,
        }
    }

    /// How far the replica is behind, if there is one; one that does not answer falls behind.
    /// `lag` is what was seen at former looks.
    ///
    /// # Errors
    /// The primary does not say where it is.
    pub async fn replica_lag(
        &self,
        lag: &mut ReplicaLag,
        now: Timestamp,
    ) -> Result<Option<Duration>, StoreError> {
        const PRIMARY: &str = "SELECT CAST(pg_current_wal_lsn() - '0/0'::pg_lsn AS bigint)";
        // A server that was promoted has no place where it replays.
        const REPLICA: &str = "SELECT CAST(COALESCE(pg_last_wal_replay_lsn(), pg_current_wal_lsn()) \
             - '0/0'::pg_lsn AS bigint)";
        let Self::Postgres(postgres) = self else {
            return Ok(None);
        };
        let (_, Some(replica)) = postgres.pools() else {
            return Ok(None);
        };
        let mut conn = self.read().await?;
        let position = position(&mut conn, PRIMARY).await?;
        drop(conn);
        lag.primary(now, position);
        match replica.take().await {
            Ok(lease) => {
                let mut conn = crate::Conn(crate::conn::Inner::Postgres(lease));
                if let Ok(position) = self::position(&mut conn, REPLICA).await {
                    lag.replica(position);
                }
            }
            Err(error) => tracing::debug!(%error, "the replica does not say where it is"),
        }
        Ok(Some(lag.at(now)))
    }
}

async fn position(conn: &mut crate::Conn, ask: &'static str) -> Result<i64, StoreError> {
    let position = match conn.engine() {
        Engine::Postgres(c) => sqlx::query_scalar(ask).fetch_one(c).await,
        Engine::Sqlite(_) => Ok(0),
    };
    let position = position.map_err(StoreError::from);
    match &position {
        Ok(_) => conn.ended(),
        Err(error) => conn.failed(error),
    }
    position
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * 1_000_000)
    }

    #[test]
    fn it_is_behind_by_the_age_of_what_it_has_not_reached() {
        let mut lag = ReplicaLag::default();
        assert_eq!(lag.at(at(0)), Duration::ZERO);
        lag.primary(at(10), 100);
        lag.replica(100);
        assert_eq!(lag.at(at(10)), Duration::ZERO);
        // The primary rests: nothing is behind, however long ago the last change was.
        lag.primary(at(1000), 100);
        lag.replica(100);
        assert_eq!(lag.at(at(1000)), Duration::ZERO);
        // It changes, and the replica stands still or is away.
        lag.primary(at(1010), 200);
        lag.primary(at(1020), 300);
        assert_eq!(lag.at(at(1020)), Duration::from_secs(10));
        lag.replica(250);
        assert_eq!(lag.at(at(1030)), Duration::from_secs(10));
    }

    #[test]
    fn what_is_kept_is_bounded_and_its_beginning_stays() {
        let mut lag = ReplicaLag::default();
        for second in 0..5_000 {
            lag.primary(at(second), second + 1);
        }
        assert!(lag.ahead.len() <= KEPT);
        assert_eq!(lag.at(at(5_000)), Duration::from_secs(5_000));
        lag.replica(5_000);
        assert_eq!(lag.at(at(5_000)), Duration::ZERO);
    }
}

//! The service's jobs: what comes round with the clock.

use std::time::Duration;

use async_trait::async_trait;
use techcommerce_jobs::{Handler, Job, JobSet, Outcome, Queue, Schedule};
use techcommerce_kernel::{Env, Error};
use techcommerce_store::{Db, transact};

use crate::{changes, reservations};

const EXPIRE: &str = "reservations.expire";
const PRUNE: &str = "product.prune";

/// How many rows one transaction takes away, so that nobody waits long for the database.
const BATCH: i64 = 1_000;

/// For how long reservations are kept that came to nothing.
const RESERVATIONS_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// For how long the change feed is kept: a replica that was away longer loads everything anew.
const FEED_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// The handlers and schedules.
pub fn set(db: &Db, env: &Env, queue: Queue) -> JobSet {
    JobSet::new("product-api", queue)
        .handler(Expire {
            db: db.clone(),
            env: env.clone(),
        })
        .schedule(Schedule::new(EXPIRE, Duration::from_secs(30), EXPIRE))
        .handler(Prune {
            db: db.clone(),
            env: env.clone(),
        })
        .schedule(Schedule::new(PRUNE, Duration::from_secs(24 * 3600), PRUNE))
        .build()
}

/// Takes back stock whose deadline has passed. Whoever needs such stock earlier does it too.
struct Expire {
    db: Db,
    env: Env,
}

#[async_trait]
impl Handler for Expire {
    fn kind(&self) -> &'static str {
        EXPIRE
    }

    async fn run(&self, _job: &Job) -> Result<Outcome, Error> {
        let expired = reservations::expire_all(&self.db, &self.env).await?;
        if expired.count > 0 {
            tracing::info!(count = expired.count, "reservations ran out");
        }
        Ok(Outcome::Done)
    }
}

/// Takes away what nobody asks for any more.
struct Prune {
    db: Db,
    env: Env,
}

#[async_trait]
impl Handler for Prune {
    fn kind(&self) -> &'static str {
        PRUNE
    }

    async fn run(&self, _job: &Job) -> Result<Outcome, Error> {
        let full = |gone: u64| gone >= BATCH.unsigned_abs();
        let feed = self.env.now() - FEED_KEPT;
        while full(transact!(self.db, |tx| -> Result<u64, Error> {
            Ok(changes::prune(tx, feed, BATCH).await?)
        })?) {}
        let old = self.env.now() - RESERVATIONS_KEPT;
        while full(transact!(self.db, |tx| -> Result<u64, Error> {
            Ok(reservations::prune(tx, old, BATCH).await?)
        })?) {}
        Ok(Outcome::Done)
    }
}

//! The service's jobs: what comes round with the clock.

use std::time::Duration;

use async_trait::async_trait;
use techcommerce_jobs::{Handler, Job, JobSet, Outcome, Queue, Schedule};
use techcommerce_kernel::{Env, Error};
use techcommerce_store::{Db, transact};
use techcommerce_telemetry::Counter;

use crate::{
    Deps, changes,
    import::{kept, runs},
    metrics,
    pictures::{self, FetchPictures, Fetcher},
    reservations,
};

const EXPIRE: &str = "reservations.expire";
const PRUNE: &str = "product.prune";

/// How many rows one transaction takes away, so that nobody waits long for the database.
const BATCH: i64 = 1_000;

/// For how long reservations are kept that came to nothing.
const RESERVATIONS_KEPT: Duration = Duration::from_secs(30 * 24 * 3600);

/// For how long the change feed is kept: a replica that was away longer loads everything anew.
const FEED_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// For how long imports and what became of their pictures are remembered, and for how long their
/// files are kept.
const RUNS_KEPT: Duration = Duration::from_secs(90 * 24 * 3600);
const FILES_KEPT: Duration = Duration::from_secs(24 * 3600);

/// The handlers and schedules.
pub fn set(deps: &Deps, queue: Queue) -> JobSet {
    let Deps { db, env, .. } = deps;
    let pictures = FetchPictures {
        db: db.clone(),
        env: env.clone(),
        deps: deps.pictures.clone(),
        fetcher: Fetcher::new(
            deps.pictures.hosts_allowed.clone(),
            &deps.settings.public_url,
            deps.pictures.meter.clone(),
        ),
        own: deps.settings.public_url.trim_end_matches('/').into(),
        files: metrics::picture_files(&deps.telemetry),
    };
    let check = metrics::Check {
        db: db.clone(),
        queue: queue.clone(),
    };
    let watch = metrics::watch(deps, queue.clone());
    JobSet::new("product-api", queue)
        .handler(techcommerce_once::Prune::new(db.clone(), env.clone()))
        .schedule(techcommerce_once::schedule())
        .handler(Expire {
            db: db.clone(),
            env: env.clone(),
            expired: metrics::expired(&deps.telemetry),
        })
        .schedule(Schedule::new(EXPIRE, Duration::from_secs(30), EXPIRE))
        .handler(Prune {
            db: db.clone(),
            env: env.clone(),
        })
        .schedule(Schedule::new(PRUNE, Duration::from_secs(24 * 3600), PRUNE))
        .handler(pictures)
        .schedule(Schedule::new(
            pictures::KIND,
            Duration::from_secs(30),
            pictures::KIND,
        ))
        .handler(check)
        .schedule(Schedule::new(
            metrics::CHECK,
            deps.settings.ledger_check,
            metrics::CHECK,
        ))
        .watch(watch)
        .build()
}

/// Takes back stock whose deadline has passed. Whoever needs such stock earlier does it too.
struct Expire {
    db: Db,
    env: Env,
    expired: Counter,
}

#[async_trait]
impl Handler for Expire {
    fn kind(&self) -> &'static str {
        EXPIRE
    }

    async fn run(&self, _job: &Job) -> Result<Outcome, Error> {
        let expired = reservations::expire_all(&self.db, &self.env).await?;
        if expired.count > 0 {
            self.expired.inc_by(expired.count);
            tracing::info!(count = expired.count, "reservations ran out");
        }
        Ok(Outcome::Done)
    }
}

/// Takes away what nobody asks for any more, and mends what products are found by.
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
        let files = self.env.now() - FILES_KEPT;
        transact!(self.db, |tx| -> Result<u64, Error> {
            Ok(kept::prune(tx, files, BATCH).await?)
        })?;
        let old = self.env.now() - RUNS_KEPT;
        while full(transact!(self.db, |tx| -> Result<u64, Error> {
            Ok(runs::prune(tx, old, BATCH).await?)
        })?) {}
        while full(transact!(self.db, |tx| -> Result<u64, Error> {
            Ok(pictures::prune(tx, old, BATCH).await?)
        })?) {}
        let mended = crate::catalogue::keys::mend(&self.db).await?;
        if mended > 0 {
            tracing::info!(mended, "products are found by their titles again");
        }
        Ok(Outcome::Done)
    }
}

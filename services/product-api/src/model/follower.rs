//! Keeps the read model up to date with the change feed.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    time::Duration,
};

use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_store::Db;
use techcommerce_telemetry::{Gauge, Histogram, Telemetry};

use super::{Model, Notifier, Snapshot, snapshot::Changes};
use crate::{
    catalogue::read::{self, CategoryRow},
    changes::{self, Entry as FeedEntry, Kind},
};

/// How often the feed is read when nobody in this process says that there is something.
const POLL: Duration = Duration::from_millis(250);
/// In a rush changes come at once all the time. The first is shown at once; those that follow are
/// gathered for this long, and for longer where showing them takes long: following is never to
/// take more than a fifth of a core from those who buy.
const GATHER: Duration = Duration::from_millis(25);
const LONGEST_GATHER: Duration = Duration::from_millis(500);
/// How long to wait after a failure.
const PAUSE: Duration = Duration::from_secs(2);
/// How many changes are read at once.
const BATCH: i64 = 1_000;
/// How many products are read at once when all are.
const PAGE: usize = 500;

const LAG_BUCKETS: &[f64] = &[0.005, 0.025, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0];

/// Reads the feed and gives the model new snapshots.
pub struct Follower {
    db: Db,
    env: Env,
    model: Model,
    notifier: Notifier,
    lag: Histogram,
    behind: Gauge,
    products: Gauge,
    current: Gauge,
}

impl Follower {
    /// Loads all products.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn start(
        db: Db,
        env: Env,
        notifier: Notifier,
        telemetry: &Telemetry,
    ) -> Result<(Model, Self), Error> {
        let snapshot = load(&db).await?;
        let (lag, [behind, products, current]) = Self::describe(telemetry);
        notifier.applied(snapshot.position);
        let model = Model::new(snapshot);
        let follower = Self {
            model: model.clone(),
            lag,
            behind,
            products,
            current,
            db,
            env,
            notifier,
        };
        follower.count();
        follower.is_current();
        Ok((model, follower))
    }

    /// Registers what it tells of itself.
    pub(crate) fn describe(telemetry: &Telemetry) -> (Histogram, [Gauge; 3]) {
        let lag = telemetry.histogram(
            "techcommerce_product_model_lag_seconds",
            "From the writing of a change until the read model shows it",
            LAG_BUCKETS,
        );
        let behind = telemetry.gauge(
            "techcommerce_product_model_changes_behind",
            "Changes in the feed that the read model does not show yet",
        );
        let products = telemetry.gauge(
            "techcommerce_product_model_products",
            "Products in the read model",
        );
        let current = telemetry.gauge(
            "techcommerce_product_model_current_timestamp_seconds",
            "When the read model last found itself level with the change feed, in seconds since 1970",
        );
        (lag, [behind, products, current])
    }

    /// There is nothing in the feed that is not shown.
    fn is_current(&self) {
        self.behind.set(0);
        self.current.set(self.env.now().as_seconds());
    }

    /// Follows the feed until `stop`. Failures pass: the model stays as it is, and it is tried
    /// again.
    pub async fn run(self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut pause = POLL;
        loop {
            tokio::select! {
                () = &mut stop => return,
                () = self.notifier.wait(pause) => {}
            }
            let began = tokio::time::Instant::now();
            pause = match self.catch_up().await {
                Ok(()) => POLL,
                Err(error) => {
                    tracing::warn!(?error, "the read model cannot follow; it shows older data");
                    // Somebody may call `changed` all the time: a broken database gets a rest.
                    tokio::time::sleep(PAUSE).await;
                    PAUSE
                }
            };
            let rest = (began.elapsed() * 4).clamp(GATHER, LONGEST_GATHER);
            tokio::select! {
                () = &mut stop => return,
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    /// Applies all that is in the feed now.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn catch_up(&self) -> Result<(), Error> {
        loop {
            let before = self.model.snapshot();
            let mut conn = self.db.read().await?;
            let feed = changes::after(&mut conn, before.position, BATCH).await?;
            let Some(last) = feed.last() else {
                self.is_current();
                return Ok(());
            };
            let all = feed.len() < usize::try_from(BATCH).unwrap_or(usize::MAX);
            let newest = match all {
                true => last.position,
                false => changes::position(&mut conn).await?,
            };
            self.behind.set(newest - before.position);
            drop(conn);
            let missed = feed
                .first()
                .is_none_or(|first| first.position != before.position + 1);
            let snapshot = if missed {
                tracing::info!("the change feed was cut off; all products are read anew");
                load(&self.db).await?
            } else {
                apply(&self.db, &before, &feed).await?
            };
            let position = snapshot.position;
            self.model.replace(snapshot);
            self.notifier.applied(position);
            self.lag
                .observe(self.env.now().since(last.created_at).as_secs_f64());
            self.count();
            if all {
                self.is_current();
                return Ok(());
            }
        }
    }

    fn count(&self) {
        let products = self.model.snapshot().len();
        self.products
            .set(i64::try_from(products).unwrap_or(i64::MAX));
    }
}

/// All products. The position is read first: what is written meanwhile is in the feed after it
/// and is applied once more, which does no harm.
async fn load(db: &Db) -> Result<Snapshot, Error> {
    let mut conn = db.read().await?;
    let position = changes::position(&mut conn).await?;
    let mut categories = Some(read::categories(&mut conn).await?);
    let mut snapshot = Snapshot::empty()?;
    let mut after = Uuid::nil();
    loop {
        let page = i64::try_from(PAGE).unwrap_or(i64::MAX);
        let ids = read::ids_after(&mut conn, after, page).await?;
        let records = read::products(&mut conn, &ids).await?;
        let full = ids.len() == PAGE;
        after = ids.last().copied().unwrap_or(after);
        let changes = Changes {
            position,
            changed: ids.into_iter().collect(),
            records,
            categories: if full { None } else { categories.take() },
        };
        snapshot = blocking(move || snapshot.with(changes)).await?;
        if !full {
            return Ok(snapshot);
        }
    }
}

async fn apply(db: &Db, before: &Snapshot, feed: &[FeedEntry]) -> Result<Snapshot, Error> {
    let position = feed.last().map_or(before.position, |last| last.position);
    let mut products: BTreeSet<Uuid> = BTreeSet::new();
    let mut changed: HashSet<Uuid> = HashSet::new();
    let mut only_stock = true;
    for change in feed.iter().filter_map(|entry| entry.change) {
        only_stock &= change.kind == Kind::Stock;
        match change.kind {
            Kind::Stock => {
                products.insert(change.entity);
                // A product that is not there yet must not miss in the index.
                if before.get(change.entity).is_none() {
                    changed.insert(change.entity);
                }
            }
            Kind::Product => {
                products.insert(change.entity);
                changed.insert(change.entity);
            }
            Kind::Category => {}
        }
    }
    let mut conn = db.read().await?;
    let categories = match only_stock {
        true => None,
        false => Some(read::categories(&mut conn).await?),
    };
    // Products say the handle of their category, so with another handle they are other products.
    for renamed in renamed(before, categories.as_deref().unwrap_or_default()) {
        for id in read::in_category(&mut conn, renamed).await? {
            products.insert(id);
            changed.insert(id);
        }
    }
    let ids: Vec<Uuid> = products.into_iter().collect();
    let records = read::products(&mut conn, &ids).await?;
    drop(conn);
    let changes = Changes {
        position,
        records,
        changed,
        categories,
    };
    let before = before.clone();
    blocking(move || before.with(changes)).await
}

/// The categories that were shown with another handle.
fn renamed(before: &Snapshot, rows: &[CategoryRow]) -> Vec<Uuid> {
    let known = before.categories();
    let old: HashMap<Uuid, &str> = known.iter().map(|c| (c.id, c.handle.as_str())).collect();
    rows.iter()
        .filter(|row| old.get(&row.id).is_some_and(|handle| *handle != row.handle))
        .map(|row| row.id)
        .collect()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Error> + Send + 'static,
) -> Result<T, Error> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(Error::internal)?
}

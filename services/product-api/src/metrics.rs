//! What this service counts, and how its stock stands.

use async_trait::async_trait;
use techcommerce_jobs::{Handler, Job, Outcome, Queue, Watch};
use techcommerce_kernel::{Env, Error};
use techcommerce_store::{Db, with};
use techcommerce_telemetry::{Counter, Counters, Gauge, Gauges, Label, Telemetry};

use crate::{Deps, model::Follower};

/// Both ledgers; each is told by the service that keeps it.
const LEDGERS: &[&str] = &["stock", "payments"];
const STOCK: &str = "stock";

/// Looks whether the books agree.
pub(crate) const CHECK: &str = "stock.check";

/// Reservations that ran out.
pub(crate) fn expired(telemetry: &Telemetry) -> Counter {
    telemetry.counter(
        "techcommerce_reservations_expired_total",
        "Reservations whose deadline passed and whose stock was taken back",
    )
}

/// Pictures that lie outside, by what became of an attempt to fetch one.
pub(crate) fn picture_files(telemetry: &Telemetry) -> Counters<1> {
    let files = telemetry.counters(
        "techcommerce_picture_files_total",
        "Attempts to fetch a picture from outside: fetched; failed, to be tried again; refused for \
         good",
        [Label::one_of("outcome", &["fetched", "failed", "refused"])],
    );
    files.at_zero()
}

/// Registers what is counted where requests are answered, for the catalogue.
pub fn describe(telemetry: &Telemetry) {
    Follower::describe(telemetry);
    expired(telemetry);
    picture_files(telemetry);
}

/// Registers what is counted where the jobs run, for the catalogue.
pub fn describe_jobs(telemetry: &Telemetry) {
    expired(telemetry);
    picture_files(telemetry);
    Reservations::new(telemetry);
    ledger(telemetry);
}

fn ledger(telemetry: &Telemetry) -> [Gauges<1>; 2] {
    let label = || [Label::one_of("ledger", LEDGERS)];
    [
        telemetry.gauges(
            "techcommerce_ledger_unbalanced",
            "How many numbers of the books did not add up when they were last recomputed",
            label(),
        ),
        telemetry.gauges(
            "techcommerce_ledger_checked_timestamp_seconds",
            "When the books were last recomputed, in seconds since 1970",
            label(),
        ),
    ]
}

/// Recomputes the stock, as `techcommerce doctor --audit` does.
pub(crate) struct Check {
    pub db: Db,
    pub queue: Queue,
}

#[async_trait]
impl Handler for Check {
    fn kind(&self) -> &'static str {
        CHECK
    }

    async fn run(&self, _job: &Job) -> Result<Outcome, Error> {
        let differences = crate::audit::audit(&self.db).await?;
        for difference in differences.iter().take(10) {
            tracing::error!(%difference, "the books of the stock do not agree");
        }
        let found = i64::try_from(differences.len()).unwrap_or(i64::MAX);
        self.queue.keep_finding(STOCK, found).await?;
        Ok(Outcome::Done)
    }
}

struct Reservations {
    states: Gauges<1>,
    oldest: Gauge,
}

impl Reservations {
    fn new(telemetry: &Telemetry) -> Self {
        Self {
            states: telemetry.gauges(
                "techcommerce_reservations",
                "Reservations that hold stock, and those of them whose deadline has passed",
                [Label::one_of("state", &["held", "overdue"])],
            ),
            oldest: telemetry.gauge(
                "techcommerce_reservations_oldest_overdue_seconds",
                "How long ago the deadline of the most overdue reservation passed; 0 if there is none",
            ),
        }
    }
}

struct Standing {
    db: Db,
    env: Env,
    queue: Queue,
    telemetry: Telemetry,
    reservations: Reservations,
}

/// See [`Watch`].
pub(crate) fn watch(
    deps: &Deps,
    queue: Queue,
) -> impl Fn(&Telemetry) -> Box<dyn Watch> + Send + Sync + 'static {
    let (db, env) = (deps.db.clone(), deps.env.clone());
    move |telemetry| {
        Box::new(Standing {
            db: db.clone(),
            env: env.clone(),
            queue: queue.clone(),
            telemetry: telemetry.clone(),
            reservations: Reservations::new(telemetry),
        })
    }
}

#[async_trait]
impl Watch for Standing {
    /// An index has the held ones by their deadlines.
    async fn look(&self) -> Result<(), Error> {
        const HELD: &str = "SELECT COUNT(*), COUNT(CASE WHEN deadline <= $1 THEN 1 END), \
             MIN(deadline) FROM reservations WHERE state = 'held'";
        let now = self.env.now().as_micros();
        let mut conn = self.db.read().await?;
        let (held, overdue, first): (i64, i64, Option<i64>) =
            with!(conn, |c| sqlx::query_as(HELD).bind(now).fetch_one(c).await)?;
        drop(conn);
        self.reservations.states.with(["held"]).set(held);
        self.reservations.states.with(["overdue"]).set(overdue);
        let late = first.map_or(0, |deadline| (now - deadline) / 1_000_000);
        self.reservations.oldest.set(late.max(0));
        if let Some(finding) = self.queue.finding(STOCK).await? {
            let [unbalanced, checked] = ledger(&self.telemetry);
            unbalanced.with([STOCK]).set(finding.found);
            checked.with([STOCK]).set(finding.checked_at.as_seconds());
        }
        Ok(())
    }
}

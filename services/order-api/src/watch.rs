//! How orders, money and backups stand, for the gauges; and the job that looks whether the books
//! agree.

use std::time::Duration;

use async_trait::async_trait;
use techcommerce_jobs::{Handler, Job, Outcome, Queue, Watch};
use techcommerce_kernel::{Env, Error};
use techcommerce_store::{Db, with};
use techcommerce_telemetry::{Gauge, Gauges, Label, Telemetry};

use crate::{app::App, backups, payment::findings};

/// An order whose payment takes longer is not settled.
const SETTLES_WITHIN: Duration = Duration::from_secs(60);

/// Both ledgers; each is told by the service that keeps it.
const LEDGERS: &[&str] = &["stock", "payments"];
const PAYMENTS: &str = "payments";

/// What can be found of payments.
const FINDINGS: &[&str] = &[
    findings::DISPUTE,
    findings::REFUND_FAILED,
    findings::UNKNOWN_PAYMENT,
    findings::CAPTURED,
    findings::REFUNDED,
];

/// Looks whether the books agree.
pub(crate) const CHECK: &str = "payments.check";

/// Recomputes the books, as `techcommerce doctor --audit` does.
pub(crate) struct Check(pub App);

#[async_trait]
impl Handler for Check {
    fn kind(&self) -> &'static str {
        CHECK
    }

    async fn run(&self, _job: &Job) -> Result<Outcome, Error> {
        let audit = crate::audit(&self.0.db).await?;
        let wrong = audit.differences.len();
        for difference in audit.differences.iter().take(10) {
            tracing::error!(difference, "the books of orders and payments do not agree");
        }
        let found = i64::try_from(wrong).unwrap_or(i64::MAX);
        self.0.queue.keep_finding(PAYMENTS, found).await?;
        Ok(Outcome::Done)
    }
}

/// The gauges. Those of which nothing is known yet are not there.
struct Standing {
    db: Db,
    env: Env,
    queue: Queue,
    telemetry: Telemetry,
    unsettled: Gauge,
    oldest: Gauge,
}

/// See [`Watch`].
pub(crate) fn watch(app: &App) -> impl Fn(&Telemetry) -> Box<dyn Watch> + Send + Sync + 'static {
    let app = app.clone();
    move |telemetry| {
        let (unsettled, oldest) = unsettled(telemetry);
        Box::new(Standing {
            db: app.db.clone(),
            env: app.env.clone(),
            queue: app.queue.clone(),
            telemetry: telemetry.clone(),
            unsettled,
            oldest,
        })
    }
}

/// Registers all of them, for the catalogue.
pub(crate) fn describe(telemetry: &Telemetry) {
    unsettled(telemetry);
    ledger(telemetry);
    found(telemetry);
    backup(telemetry);
}

fn unsettled(telemetry: &Telemetry) -> (Gauge, Gauge) {
    (
        telemetry.gauge(
            "techcommerce_orders_unsettled",
            "Orders that were placed more than a minute ago and whose payment is neither made nor \
             failed; invoices wait for people and do not count",
        ),
        telemetry.gauge(
            "techcommerce_orders_oldest_unsettled_seconds",
            "How long ago the oldest of the unsettled orders was placed; 0 if there is none",
        ),
    )
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

fn found(telemetry: &Telemetry) -> Gauges<1> {
    telemetry.gauges(
        "techcommerce_payment_findings_open",
        "What staff have to look at about payments, by kind: disputes, refunds that failed after \
         all, and what the books of the shop and of the payment provider do not agree on",
        [Label::one_of("kind", FINDINGS)],
    )
}

fn backup(telemetry: &Telemetry) -> [Gauges<0>; 3] {
    [
        telemetry.gauges(
            "techcommerce_backup_timestamp_seconds",
            "When the last backup was taken, in seconds since 1970; absent while none is known",
            [],
        ),
        telemetry.gauges(
            "techcommerce_backup_verified_timestamp_seconds",
            "When a backup was last restored and found whole, in seconds since 1970; absent while \
             none was",
            [],
        ),
        telemetry.gauges(
            "techcommerce_backup_size_bytes",
            "How large the last backup is; absent while none is known",
            [],
        ),
    ]
}

#[async_trait]
impl Watch for Standing {
    async fn look(&self) -> Result<(), Error> {
        self.orders().await?;
        if let Some(finding) = self.queue.finding(PAYMENTS).await? {
            let [unbalanced, checked] = ledger(&self.telemetry);
            unbalanced.with([PAYMENTS]).set(finding.found);
            checked
                .with([PAYMENTS])
                .set(finding.checked_at.as_seconds());
        }
        let open = findings::by_kind(&self.db).await?;
        let found = found(&self.telemetry);
        for kind in FINDINGS {
            let count = open.iter().find(|(name, _)| name == kind);
            found.with([kind]).set(count.map_or(0, |(_, count)| *count));
        }
        if let Some(newest) = backups::newest(&self.db).await? {
            let [taken, verified, size] = backup(&self.telemetry);
            taken.with([]).set(newest.last.taken_at.as_seconds());
            size.with([])
                .set(i64::try_from(newest.last.bytes).unwrap_or(i64::MAX));
            if let Some(at) = newest.verified_at {
                verified.with([]).set(at.as_seconds());
            }
        }
        Ok(())
    }
}

impl Standing {
    /// Orders that rest have no job: those that have one are few, and an index knows them.
    async fn orders(&self) -> Result<(), Error> {
        const UNSETTLED: &str = "SELECT COUNT(*), MIN(placed_at) FROM orders \
             WHERE job_id IS NOT NULL AND status = 'placed' \
             AND payment_status IN ('pending', 'authorized') AND placed_at < $1";
        let now = self.env.now();
        let mut conn = self.db.read().await?;
        let (count, oldest): (i64, Option<i64>) = with!(conn, |c| sqlx::query_as(UNSETTLED)
            .bind((now - SETTLES_WITHIN).as_micros())
            .fetch_one(c)
            .await)?;
        self.unsettled.set(count);
        let age = oldest.map_or(0, |at| (now.as_micros() - at) / 1_000_000);
        self.oldest.set(age);
        Ok(())
    }
}

//! Products, prices, stock, reservations, search and import.
//!
//! [`build`] makes the service from what it needs. The public reads from a model in memory
//! ([`model`]) that follows the change feed ([`changes`]); staff and checkouts read and write the
//! database ([`catalogue`], [`stock`], [`reservations`]). The endpoints are one file each.

pub mod audit;
pub mod catalogue;
pub mod changes;
pub mod demo;
mod endpoints;
pub mod export;
pub mod import;
mod jobs;
mod metrics;
pub mod model;
pub mod pictures;
pub mod proof;
pub mod reservations;
pub mod stock;

use std::{path::PathBuf, sync::LazyLock, time::Duration};

use axum::Router;
use sqlx::migrate::Migrator;
use techcommerce_contracts::{Service, TokenVerifier};
use techcommerce_http::{Check, Exposure, Health, Limits, ServiceStack, service_stack};
use techcommerce_jobs::{JobSet, Queue, Wake};
use techcommerce_kernel::{Currency, Env, Error};
use techcommerce_runtime::Task;
use techcommerce_store::Db;
use techcommerce_telemetry::Telemetry;

use crate::{
    model::{Follower, Notifier},
    reservations::Collector,
};

pub use metrics::{describe, describe_jobs};
pub use pictures::{HostsAllowed, PictureDeps};

/// The schema: the catalogue, the stock, the change feed, the job queue's tables, the audit log's
/// and that of answers.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let own = sqlx::migrate!("./migrations");
    let with_queue = techcommerce_jobs::with_tables(own);
    techcommerce_once::with_tables(techcommerce_audit::with_tables(with_queue))
});

/// What the owner decides.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The currency of all prices.
    pub currency: Currency,
    /// The shop's address, as `https://shop.example.com`; pictures in exports begin with it.
    pub public_url: String,
    /// How often it is looked whether the stock's books agree.
    pub ledger_check: Duration,
}

/// What the service needs.
#[derive(Debug, Clone)]
pub struct Deps {
    /// Clock and randomness.
    pub env: Env,
    /// The service's database, migrated with [`MIGRATOR`].
    pub db: Db,
    /// Wakes the worker of this process.
    pub wake: Wake,
    /// Verifies who calls.
    pub verifier: TokenVerifier,
    /// Where metrics go.
    pub telemetry: Telemetry,
    /// What the owner decides.
    pub settings: Settings,
    /// What fetching pictures needs.
    pub pictures: PictureDeps,
    /// A folder of this machine's for files that are being imported; made if it is missing.
    pub spool: PathBuf,
}

/// The service, ready to be served.
pub struct Built {
    /// Its routes, with everything around them.
    pub router: Router,
    /// Its state and checks.
    pub health: Health,
    /// What it does in the background.
    pub tasks: Vec<Task>,
    /// Its jobs and schedules.
    pub jobs: JobSet,
}

/// Makes the service.
///
/// # Errors
/// If the database cannot be read.
pub async fn build(deps: Deps) -> Result<Built, Error> {
    let notifier = Notifier::default();
    let (collector, collecting) =
        Collector::new(deps.db.clone(), deps.env.clone(), notifier.clone());
    let collecting = collecting.counting(metrics::expired(&deps.telemetry));
    let (model, follower) = Follower::start(
        deps.db.clone(),
        deps.env.clone(),
        notifier.clone(),
        &deps.telemetry,
    )
    .await?;
    let db = deps.db.clone();
    // Browsing goes on from memory without it: if it made all replicas unready, nobody could look
    // around any more.
    let check = Check::new("database", move || {
        let db = db.clone();
        async move { db.ping().await }
    });
    let health = Health::new(Service::ProductApi, vec![check.optional()]);
    let jobs = jobs(&deps);
    let app = endpoints::App::new(endpoints::Inner {
        env: deps.env.clone(),
        db: deps.db,
        settings: deps.settings,
        model,
        notifier,
        collector,
        wake: deps.wake,
        spool: deps.spool,
    });
    let router = endpoints::router(app);
    let stack = ServiceStack {
        service: Service::ProductApi,
        env: deps.env,
        telemetry: deps.telemetry,
        verifier: deps.verifier,
        health: health.clone(),
        exposure: Exposure::Internal,
        limits: Limits {
            body_bytes: 4 * 1024 * 1024,
            // Large catalogues take their time; the edge sets the limit of each address.
            timeout: Duration::from_secs(320),
            ..Limits::default()
        },
    };
    let tasks = vec![
        Task::new("reservations", |stop| async move {
            collecting.run(stop.requested()).await;
            Ok(())
        }),
        Task::new("read-model", |stop| async move {
            follower.run(stop.requested()).await;
            Ok(())
        }),
    ];
    Ok(Built {
        router: service_stack(router, stack),
        health,
        tasks,
        jobs,
    })
}

/// The document of the public endpoints by their outer paths.
pub fn openapi() -> utoipa::openapi::OpenApi {
    endpoints::document()
}

/// The service's jobs alone, for a worker that runs apart from it.
pub fn jobs(deps: &Deps) -> JobSet {
    let queue = Queue::new(deps.db.clone(), deps.env.clone(), deps.wake.clone());
    jobs::set(deps, queue)
}

//! Carts, checkout, orders, payments, refunds, shipments.
//!
//! [`build`] makes the service from what it needs. A cart becomes an order in [`checkout`]; from
//! there a job takes the order along its [`path`], a pure state machine, by carrying out the
//! machine's commands and telling it what happened ([`saga`]). The endpoints are one file each.
//! [`audit`] recomputes every balance.

mod app;
mod audit;
pub mod backups;
mod carts;
mod checkout;
mod discounts;
mod endpoints;
mod faults;
mod fresh;
#[doc(hidden)]
pub mod fuzzed;
mod locale;
mod metrics;
mod numbers;
mod orders;
pub mod path;
mod payment;
pub mod pricing;
mod products;
pub mod proof;
mod saga;
mod settings;
#[doc(hidden)]
pub mod simulated;
mod watch;
pub mod webhooks;

#[cfg(test)]
mod tests;

use std::sync::LazyLock;

use axum::{Router, middleware::from_fn};
use sqlx::migrate::Migrator;
use techcommerce_contracts::{Client, Service, TokenVerifier};
use techcommerce_http::{Check, Exposure, Health, Limits, ServiceStack, shedding_service_stack};
use techcommerce_jobs::{JobSet, Queue, Wake};
use techcommerce_kernel::{Currency, Env, Meter};
use techcommerce_mail::Mailer;
use techcommerce_store::Db;
use techcommerce_telemetry::Telemetry;

pub use audit::{Audit, audit};
pub use discounts::{NewDiscount, create as create_discount, seed_demo as seed_demo_discounts};
pub use faults::{Faults, Point};
pub use fresh::is_new;
pub use payment::{Stripe, StripeDeps};
pub use settings::{Settings, Shipping};

/// The schema, with the tables of the queue, of the audit log and of answers.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let own = sqlx::migrate!("./migrations");
    let with_queue = techcommerce_jobs::with_tables(own);
    techcommerce_once::with_tables(techcommerce_audit::with_tables(with_queue))
});

/// What the service needs.
#[derive(Clone)]
pub struct Deps {
    /// Clock and randomness.
    pub env: Env,
    /// The service's database, migrated with [`MIGRATOR`].
    pub db: Db,
    /// The way to product-api, in this service's name.
    pub products: Client,
    /// Verifies who calls.
    pub verifier: TokenVerifier,
    /// Sends mail, when the jobs run here.
    pub mailer: Mailer,
    /// Wakes the worker of this process.
    pub wake: Wake,
    /// Where metrics go.
    pub telemetry: Telemetry,
    /// Measures what payment providers are asked.
    pub provider: Meter,
    /// Stripe, if the owner has an account there.
    pub stripe: Option<Stripe>,
    /// What the owner decides.
    pub settings: Settings,
}

/// The service, ready to be served.
pub struct Built {
    /// Its routes, with everything around them.
    pub router: Router,
    /// Its state and checks.
    pub health: Health,
    /// Its jobs and schedules.
    pub jobs: JobSet,
}

/// Makes the service.
pub fn build(deps: Deps) -> Built {
    build_with(deps, Faults::default())
}

/// The document of the public endpoints by their outer paths.
pub fn openapi() -> utoipa::openapi::OpenApi {
    endpoints::document()
}

/// Registers what is counted where requests are answered, for the catalogue.
pub fn describe(telemetry: &Telemetry, currency: Currency) {
    metrics::Metrics::new(telemetry, currency);
    payment::Attempts::new(telemetry, Meter::default());
    webhooks::describe(telemetry);
}

/// Registers what is counted where the jobs run, for the catalogue.
pub fn describe_jobs(telemetry: &Telemetry, currency: Currency) {
    describe(telemetry, currency);
    watch::describe(telemetry);
}

/// The service's jobs alone, for a worker that runs apart from it.
pub fn jobs(deps: &Deps) -> JobSet {
    jobs_with(deps, Faults::default())
}

/// The same, breaking off where a trial says.
pub fn jobs_with(deps: &Deps, faults: Faults) -> JobSet {
    saga::jobs(&app(deps, faults))
}

/// As [`build`], breaking off where a trial says.
pub fn build_with(deps: Deps, faults: Faults) -> Built {
    let app = app(&deps, faults);
    let health = Health::new(Service::OrderApi, checks(&deps));
    let stack = ServiceStack {
        service: Service::OrderApi,
        env: deps.env,
        telemetry: deps.telemetry,
        verifier: deps.verifier,
        health: health.clone(),
        exposure: Exposure::Internal,
        limits: Limits {
            // An order names its cart and an address; nothing here is long.
            body_bytes: 64 * 1024,
            ..Limits::default()
        },
    };
    let shedding = endpoints::shedding(deps.db, deps.settings.patience);
    let jobs = saga::jobs(&app);
    let router = endpoints::router(app).layer(from_fn(endpoints::in_turn));
    Built {
        router: shedding_service_stack(router, stack, shedding),
        health,
        jobs,
    }
}

fn app(deps: &Deps, faults: Faults) -> app::App {
    let test = payment::TestProvider::new(deps.db.clone(), deps.env.clone());
    let attempts = payment::Attempts::new(&deps.telemetry, deps.provider.clone());
    app::App::new(app::Inner {
        env: deps.env.clone(),
        db: deps.db.clone(),
        settings: deps.settings.clone(),
        products: products::Products::new(deps.products.clone()),
        providers: payment::Providers::new(test, deps.stripe.clone(), attempts),
        mailer: deps.mailer.clone(),
        queue: Queue::new(deps.db.clone(), deps.env.clone(), deps.wake.clone()),
        numbers: numbers::Numbers::default(),
        faults,
        rush: checkout::Rush::default(),
        metrics: metrics::Metrics::new(&deps.telemetry, deps.settings.currency),
        webhooks: webhooks::Webhooks::new(
            &deps.settings.webhooks,
            &deps.settings.public_url,
            &deps.telemetry,
        ),
    })
}

fn checks(deps: &Deps) -> Vec<Check> {
    let db = deps.db.clone();
    vec![Check::new("database", move || {
        let db = db.clone();
        async move { db.ping().await }
    })]
}

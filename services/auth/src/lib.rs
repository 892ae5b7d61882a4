//! Accounts, passwords, sessions, roles and API keys; who is calling.
//!
//! [`build`] makes the service from what it needs. The edge asks `POST /internal/tokens` who holds
//! a credential and gets a token that all services trust for a minute; the other endpoints are
//! one file each in [`endpoints`]. Sessions are kept in the database or in Redis ([`sessions`]).

mod accounts;
mod api_keys;
mod bootstrap;
mod endpoints;
mod jobs;
mod mails;
mod metrics;
mod password;
mod resets;
mod secret_file;
pub mod sessions;
mod throttle;
mod token;

use std::{sync::LazyLock, time::Duration};

use axum::Router;
use sqlx::migrate::Migrator;
use techcommerce_contracts::{Service, TokenSigner, TokenVerifier};
use techcommerce_http::{Check, Exposure, Health, Limits, ServiceStack, service_stack};
use techcommerce_jobs::{JobSet, Queue, Wake};
use techcommerce_kernel::Env;
use techcommerce_mail::Mailer;
use techcommerce_store::Db;
use techcommerce_telemetry::Telemetry;

pub use bootstrap::{FirstAdmin, bootstrap_admin, create_admin};
pub use password::new_password;
pub use secret_file::{
    load_or_create_signing_key, new_signing_key, signing_seed_from_text, write_secret_file,
};
pub use sessions::{RedisSessions, Sessions};
pub use throttle::Quotas;

/// The schema, with the tables of the queue and of the log of changes.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    techcommerce_audit::with_tables(techcommerce_jobs::with_tables(sqlx::migrate!(
        "./migrations"
    )))
});

/// What the owner decides.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The shop's address, as `https://shop.example.com`; links in mails begin with it.
    pub public_url: String,
    /// The shop's name, for mails.
    pub shop_name: String,
    /// After how long without use a session ends.
    pub session_idle: Duration,
    /// How much may be tried.
    pub quotas: Quotas,
}

/// What the service needs.
#[derive(Debug, Clone)]
pub struct Deps {
    /// Clock and randomness.
    pub env: Env,
    /// The service's database, migrated with [`MIGRATOR`].
    pub db: Db,
    /// Where sessions are kept.
    pub sessions: Sessions,
    /// Signs what the other services trust.
    pub signer: TokenSigner,
    /// Verifies who calls.
    pub verifier: TokenVerifier,
    /// Sends mail, when the jobs run here.
    pub mailer: Mailer,
    /// Wakes the worker of this process.
    pub wake: Wake,
    /// Where metrics go.
    pub telemetry: Telemetry,
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
    let queue = Queue::new(deps.db.clone(), deps.env.clone(), deps.wake.clone());
    let jobs = jobs::set(&deps, &queue);
    let health = Health::new(Service::Auth, checks(&deps));
    let stack = ServiceStack {
        service: Service::Auth,
        env: deps.env.clone(),
        telemetry: deps.telemetry.clone(),
        verifier: deps.verifier.clone(),
        health: health.clone(),
        exposure: Exposure::Internal,
        limits: Limits {
            // Passwords and names: nothing here is long.
            body_bytes: 16 * 1024,
            ..Limits::default()
        },
    };
    let router = endpoints::router(endpoints::App::new(deps, queue));
    Built {
        router: service_stack(router, stack),
        health,
        jobs,
    }
}

/// Registers what this service counts, for the catalogue.
pub fn describe(telemetry: &Telemetry) {
    metrics::Metrics::new(telemetry);
}

/// The document of the public endpoints by their outer paths.
pub fn openapi() -> utoipa::openapi::OpenApi {
    endpoints::document()
}

/// The service's jobs alone, for a worker that runs apart from it.
pub fn jobs(deps: &Deps) -> JobSet {
    jobs::set(
        deps,
        &Queue::new(deps.db.clone(), deps.env.clone(), deps.wake.clone()),
    )
}

fn checks(deps: &Deps) -> Vec<Check> {
    let db = deps.db.clone();
    let mut checks = vec![Check::new("database", move || {
        let db = db.clone();
        async move { db.ping().await }
    })];
    if let Sessions::Redis(_) = &deps.sessions {
        let sessions = deps.sessions.clone();
        let redis = Check::new("redis", move || {
            let sessions = sessions.clone();
            async move { sessions.ping().await }
        });
        // Without it nobody signs in, but API keys and the edge's other questions go on.
        checks.push(redis.optional());
    }
    checks
}

#[cfg(test)]
mod tests;

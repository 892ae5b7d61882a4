//! What the services that run in this process are given.
//!
//! Every service is built from its `Deps`, in a file of its own here, and becomes a [`Module`].
//! Ways between services come from the switchboard, so the order here does not matter.

mod api;
mod auth;
pub mod document;
mod frontend;
mod images;
mod order_api;
mod product_api;
mod release;
mod worker;

use std::net::SocketAddr;

use techcommerce_config::Settings;
use techcommerce_contracts::{Service, order_api::PaymentMethod};
use techcommerce_follow::Source;
use techcommerce_http::TrustedProxies;
use techcommerce_jobs::JobSet;
use techcommerce_kernel::{Env, Error, Meter};
use techcommerce_order_api::{Stripe, StripeDeps};
use techcommerce_runtime::{Module, Switchboard};
use techcommerce_store::Db;

use crate::{following::source, ground::Ground};

pub use images::store as image_store;

/// Where each service that runs here is reached.
pub type Listening<'a> = &'a dyn Fn(Service) -> SocketAddr;

/// Builds the services that run in this process.
pub async fn modules(
    ground: &Ground,
    switchboard: &Switchboard,
    listening: Listening<'_>,
) -> Result<Vec<Module>, Error> {
    let here = &ground.here;
    let mut modules = Vec::new();
    let mut sets = Vec::new();
    if here.has(Service::ProductApi) {
        let (module, jobs) = product_api::module(ground, switchboard).await?;
        modules.push(module);
        sets.push(jobs);
    }
    if here.has(Service::OrderApi) {
        let (module, jobs) = order_api::module(ground, switchboard)?;
        modules.push(module);
        sets.push(jobs);
    }
    if here.has(Service::Auth) {
        let (module, jobs) = auth::module(ground)?;
        modules.push(module);
        sets.push(jobs);
    }
    if here.has(Service::Images) {
        let (module, jobs) = images::module(ground)?;
        modules.push(module);
        sets.push(jobs);
    }
    if here.has(Service::Worker) {
        sets.extend(jobs_of_others(ground, switchboard)?);
        modules.push(worker::module(ground, sets)?);
    }
    // The two that outsiders reach tell nobody what they are.
    let mut modules: Vec<Module> = modules
        .into_iter()
        .map(|module| release::told(ground, module))
        .collect();
    if here.has(Service::Api) {
        modules.push(api::module(ground, switchboard, listening)?);
    }
    if here.has(Service::Frontend) {
        modules.push(frontend::module(ground, switchboard, listening).await?);
    }
    Ok(modules)
}

/// The jobs of the services that do not run in this process, for a worker that does.
fn jobs_of_others(ground: &Ground, switchboard: &Switchboard) -> Result<Vec<JobSet>, Error> {
    let mut sets = Vec::new();
    if !ground.here.has(Service::ProductApi) {
        sets.push(product_api::jobs(ground, switchboard)?);
    }
    if !ground.here.has(Service::OrderApi) {
        sets.push(order_api::jobs(ground, switchboard)?);
    }
    if !ground.here.has(Service::Auth) {
        sets.push(auth::jobs(ground)?);
    }
    if !ground.here.has(Service::Images) {
        sets.push(images::jobs(ground)?);
    }
    Ok(sets)
}

/// What shoppers may pay with; the configuration lets no other names through.
fn payment_methods(settings: &Settings) -> Vec<PaymentMethod> {
    let names = settings.orders.payment_methods.iter();
    names.filter_map(|name| name.parse().ok()).collect()
}

/// The shop's Stripe, if it has a key there.
pub fn stripe(
    settings: &Settings,
    db: Db,
    env: &Env,
    meter: Meter,
) -> Result<Option<Stripe>, Error> {
    let Some(key) = &settings.stripe.secret_key else {
        return Ok(None);
    };
    let secrets = |text: String| {
        let secrets = text.split_whitespace().map(str::to_owned);
        Ok(secrets.collect::<Vec<String>>())
    };
    let webhook_secrets = match &settings.stripe.webhook_secret {
        Some(secret) => source("stripe.webhook_secret", secret).map(secrets)?,
        None => Source::fixed(Vec::new()),
    };
    let deps = StripeDeps {
        api_address: settings.stripe.api_address.clone(),
        secret_key: source("stripe.secret_key", key),
        webhook_secrets,
    };
    let public_url = settings.public_url.as_str().to_owned();
    Stripe::new(deps, db, env.clone(), meter, public_url).map(Some)
}

/// The origins that a browser on this machine may name beside the public address.
fn own_origins(listening: SocketAddr) -> Vec<String> {
    let port = listening.port();
    let mut origins = vec![format!("http://{listening}")];
    if listening.ip().is_loopback() || listening.ip().is_unspecified() {
        origins.push(format!("http://127.0.0.1:{port}"));
        origins.push(format!("http://localhost:{port}"));
    }
    origins
}

fn trusted_proxies(settings: &Settings) -> Result<TrustedProxies, Error> {
    TrustedProxies::parse(settings.trusted_proxies.iter().map(String::as_str))
        .map_err(|error| Error::invalid("configuration", format!("trusted_proxies: {error}")))
}

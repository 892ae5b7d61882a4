//! order-api.

use std::time::Duration;

use techcommerce_contracts::{Client, Service};
use techcommerce_http::outward::guard::HostsAllowed;
use techcommerce_jobs::JobSet;
use techcommerce_kernel::Error;
use techcommerce_order_api::{
    Deps, Settings, Shipping, Stripe, build_with, jobs_with, pricing::Tax, webhooks,
};
use techcommerce_runtime::{Module, Switchboard};

use super::{frontend::contact_address, payment_methods};
use crate::{ground::Ground, trial};

fn deps(ground: &Ground, switchboard: &Switchboard) -> Result<Deps, Error> {
    let speaker = ground.speaker(Service::OrderApi);
    let tokens = ground.trust.tokens(speaker)?;
    Ok(Deps {
        env: ground.env.clone(),
        db: ground.db(Service::OrderApi)?,
        products: Client::new(
            ground.way(switchboard, speaker, Service::ProductApi),
            tokens,
        ),
        mailer: ground.mailer.clone(),
        wake: ground.wakes.order_api.clone(),
        verifier: ground.trust.verifier(),
        telemetry: ground.telemetry.clone(),
        provider: ground.job_meter(speaker, "payment-provider"),
        stripe: stripe(ground, speaker)?,
        settings: Settings {
            webhooks: webhooks(&ground.settings)?,
            ..settings(&ground.settings)
        },
    })
}

pub fn module(ground: &Ground, switchboard: &Switchboard) -> Result<(Module, JobSet), Error> {
    let built = build_with(deps(ground, switchboard)?, trial::faults());
    let module = Module {
        service: Service::OrderApi,
        needs: vec![],
        router: built.router,
        health: built.health,
        tasks: vec![],
    };
    Ok((module, built.jobs))
}

pub fn jobs(ground: &Ground, switchboard: &Switchboard) -> Result<JobSet, Error> {
    Ok(jobs_with(&deps(ground, switchboard)?, trial::faults()))
}

/// Stripe, if the shop is known there. Who answers requests needs it too: its messages come in there.
fn stripe(ground: &Ground, speaker: Service) -> Result<Option<Stripe>, Error> {
    let meter = ground.job_meter(speaker, "payment-provider");
    let db = ground.db(Service::OrderApi)?;
    let stripe = super::stripe(&ground.settings, db, &ground.env, meter)?;
    if let Some(stripe) = &stripe {
        // Only jobs ask Stripe, and only from where they run a key can be tried.
        if ground.here.has(Service::Worker) {
            ground.following.follow(stripe.secret_key().clone())?;
        }
        ground.following.follow(stripe.webhook_secrets().clone())?;
    }
    Ok(stripe)
}

fn settings(settings: &techcommerce_config::Settings) -> Settings {
    let shipping = &settings.shipping;
    let defaults = Settings::default();
    let priced = defaults
        .shipping
        .into_iter()
        .map(|method| match method.id.as_str() {
            "express" => Shipping {
                price: shipping.express_price.into(),
                ..method
            },
            _ => Shipping {
                price: shipping.standard_price.into(),
                free_from: (shipping.free_from > 0).then(|| shipping.free_from.into()),
                ..method
            },
        });
    Settings {
        shop_name: settings.shop.name.clone(),
        public_url: settings.public_url.as_str().to_owned(),
        currency: settings.shop.currency,
        time_zone: settings.shop.time_zone.clone(),
        tax: Tax {
            included: settings.tax.included,
            basis_points: settings.tax.rate_basis_points.into(),
        },
        shipping: priced.collect(),
        payment_methods: payment_methods(settings),
        patience: Duration::from_millis(settings.limits.patience_milliseconds.into()),
        reservation: Duration::from_secs(settings.orders.reservation_seconds.into()),
        customer_pays_within: Duration::from_secs(settings.orders.payment_seconds.into()),
        reconciled: (settings.stripe.reconcile_days > 0)
            .then(|| Duration::from_hours(24 * u64::from(settings.stripe.reconcile_days))),
        ledger_check: Duration::from_secs(settings.worker.ledger_check_seconds.into()),
        ..Settings::default()
    }
}

fn webhooks(settings: &techcommerce_config::Settings) -> Result<webhooks::Settings, Error> {
    const DAY: Duration = Duration::from_hours(24);
    let wrong = |key: &str, error: String| {
        let message = format!("{key}: {error}");
        Error::invalid("configuration", message)
    };
    let chosen = &settings.webhooks;
    let allowed = chosen.hosts_allowed.iter().map(String::as_str);
    let hosts_allowed = HostsAllowed::parse(allowed);
    // Whoever reads the answers to the shop's mails cares.
    let shops = contact_address(&settings.shop.email_sender);
    let shops = shops.and_then(|address| address.parse().ok());
    Ok(webhooks::Settings {
        hosts_allowed: hosts_allowed.map_err(|why| wrong("webhooks.hosts_allowed", why))?,
        disable_after: DAY * chosen.disable_after_days,
        keep: DAY * chosen.keep_days,
        concurrency: chosen.concurrency as usize,
        low_stock: chosen.low_stock.into(),
        notice_to: chosen.notice_to.clone().or(shops),
        ..webhooks::Settings::default()
    })
}

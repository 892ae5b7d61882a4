//! order-api.

use std::time::Duration;

use techcommerce_contracts::{Client, Service};
use techcommerce_jobs::JobSet;
use techcommerce_kernel::Error;
use techcommerce_order_api::{Deps, Settings, Shipping, build, pricing::Tax};
use techcommerce_runtime::{Module, Switchboard};

use super::payment_methods;
use crate::ground::Ground;

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
        settings: settings(&ground.settings),
    })
}

pub fn module(ground: &Ground, switchboard: &Switchboard) -> Result<(Module, JobSet), Error> {
    let built = build(deps(ground, switchboard)?);
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
    Ok(techcommerce_order_api::jobs(&deps(ground, switchboard)?))
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
        reservation: Duration::from_secs(settings.orders.reservation_seconds.into()),
        ledger_check: Duration::from_secs(settings.worker.ledger_check_seconds.into()),
        ..Settings::default()
    }
}

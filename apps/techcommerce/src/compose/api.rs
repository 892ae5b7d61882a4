//! api, the edge.

use techcommerce_api::{Channels, Deps, Settings, SharedLimits, build};
use techcommerce_contracts::Service;
use techcommerce_kernel::Error;
use techcommerce_runtime::{Module, Switchboard};

use super::{Listening, document, own_origins, trusted_proxies};
use crate::{following::source, ground::Ground, here::WITH_DATABASE};

pub fn module(
    ground: &Ground,
    switchboard: &Switchboard,
    listening: Listening<'_>,
) -> Result<Module, Error> {
    let settings = &ground.settings;
    let shared_limits = match &settings.redis_url {
        None => None,
        Some(url) => {
            let limits = SharedLimits::new(source("redis_url", url), "techcommerce:")?;
            ground.following.follow(limits.connection().clone())?;
            Some(limits.measured(ground.meter(Service::Api, "redis")))
        }
    };
    let way = |to| ground.way(switchboard, Service::Api, to);
    let built = build(Deps {
        env: ground.env.clone(),
        channels: Channels {
            auth: way(Service::Auth),
            product_api: way(Service::ProductApi),
            order_api: way(Service::OrderApi),
            images: way(Service::Images),
            worker: way(Service::Worker),
        },
        tokens: ground.trust.tokens(Service::Api)?,
        verifier: ground.trust.verifier(),
        telemetry: ground.telemetry.clone(),
        settings: Settings {
            public_url: settings.public_url.as_str().to_owned(),
            allowed_origins: own_origins(listening(Service::Api)),
            trusted_proxies: trusted_proxies(settings)?,
            requests_per_minute: settings.limits.requests_per_minute,
            login_per_minute: settings.limits.login_per_minute,
            body_bytes: settings.limits.body_bytes,
            concurrency: settings.limits.concurrency as usize,
        },
        shared_limits,
        document: document::whole()?,
    })?;
    Ok(Module {
        service: Service::Api,
        needs: WITH_DATABASE.to_vec(),
        router: built.router,
        health: built.health,
        tasks: vec![],
    })
}

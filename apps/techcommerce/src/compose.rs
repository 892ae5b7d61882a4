//! Which services run in this process, and what each is given.
//!
//! Every service is built from its `Deps` and becomes a [`Module`]. Ways between services come
//! from the switchboard, so the order here does not matter.

use std::{net::SocketAddr, time::Duration};

use techcommerce_config::Settings;
use techcommerce_contracts::{Client, Service, ServiceTokens, order_api::PaymentMethod};
use techcommerce_http::TrustedProxies;
use techcommerce_jobs::JobSet;
use techcommerce_kernel::Error;
use techcommerce_runtime::{Module, Switchboard};
use utoipa::openapi::OpenApi;

use crate::{demo, ground::Ground};

/// All services, ready to be started, and the document of their public interface.
pub struct House {
    pub modules: Vec<Module>,
    pub openapi: OpenApi,
}

/// Builds all seven services for this process. `listening` is where shoppers reach it.
pub async fn house(
    ground: &Ground,
    switchboard: &Switchboard,
    listening: SocketAddr,
) -> Result<House, Error> {
    let product_api = product_api(ground).await?;
    let order_api = order_api(ground, switchboard);
    let auth = techcommerce_auth::build(auth_deps(ground));
    let images = images(ground)?;
    let openapi = techcommerce_api::openapi::merge(
        "TechCommerce",
        env!("CARGO_PKG_VERSION"),
        [
            product_api.openapi,
            order_api.openapi,
            auth.openapi,
            images.openapi,
        ],
    );
    let sets = vec![product_api.jobs, order_api.jobs, auth.jobs, images.jobs];
    let worker = worker(ground, sets);
    let api = api(ground, switchboard, listening, openapi.clone())?;
    let frontend = frontend(ground, switchboard, listening).await?;

    let stores = [
        Service::ProductApi,
        Service::OrderApi,
        Service::Auth,
        Service::Images,
    ];
    let modules = vec![
        Module {
            service: Service::ProductApi,
            needs: vec![],
            router: product_api.router,
            health: product_api.health,
            tasks: product_api.tasks,
        },
        Module {
            service: Service::OrderApi,
            needs: vec![],
            router: order_api.router,
            health: order_api.health,
            tasks: vec![],
        },
        Module {
            service: Service::Auth,
            needs: vec![],
            router: auth.router,
            health: auth.health,
            tasks: vec![],
        },
        Module {
            service: Service::Images,
            needs: vec![],
            router: images.router,
            health: images.health,
            tasks: vec![],
        },
        Module {
            service: Service::Worker,
            needs: stores.to_vec(),
            router: worker.router,
            health: worker.health,
            tasks: worker.tasks,
        },
        Module {
            service: Service::Api,
            needs: stores.to_vec(),
            router: api.router,
            health: api.health,
            tasks: vec![],
        },
        Module {
            service: Service::Frontend,
            needs: vec![Service::Api],
            router: frontend.router,
            health: frontend.health,
            tasks: vec![],
        },
    ];
    Ok(House { modules, openapi })
}

/// What product-api is given; the import command stands on the same.
pub fn product_api_deps(ground: &Ground) -> techcommerce_product_api::Deps {
    techcommerce_product_api::Deps {
        env: ground.env.clone(),
        db: ground.stores.product_api.clone(),
        wake: ground.wakes.product_api.clone(),
        verifier: ground.signer.verifier(),
        telemetry: ground.telemetry.clone(),
        settings: techcommerce_product_api::Settings {
            currency: ground.settings.shop.currency,
            public_url: ground.settings.public_url.as_str().to_owned(),
        },
    }
}

async fn product_api(ground: &Ground) -> Result<techcommerce_product_api::Built, Error> {
    techcommerce_product_api::build(product_api_deps(ground)).await
}

fn order_api(ground: &Ground, switchboard: &Switchboard) -> techcommerce_order_api::Built {
    let tokens = ServiceTokens::local(ground.signer.clone(), Service::OrderApi);
    techcommerce_order_api::build(techcommerce_order_api::Deps {
        env: ground.env.clone(),
        db: ground.stores.order_api.clone(),
        products: Client::new(switchboard.channel(Service::ProductApi), tokens),
        mailer: ground.mailer.clone(),
        wake: ground.wakes.order_api.clone(),
        verifier: ground.signer.verifier(),
        telemetry: ground.telemetry.clone(),
        settings: order_settings(&ground.settings),
    })
}

fn order_settings(settings: &Settings) -> techcommerce_order_api::Settings {
    let shipping = &settings.shipping;
    let defaults = techcommerce_order_api::Settings::default();
    let priced = defaults
        .shipping
        .into_iter()
        .map(|method| match method.id.as_str() {
            "express" => techcommerce_order_api::Shipping {
                price: shipping.express_price.into(),
                ..method
            },
            _ => techcommerce_order_api::Shipping {
                price: shipping.standard_price.into(),
                free_from: (shipping.free_from > 0).then(|| shipping.free_from.into()),
                ..method
            },
        });
    techcommerce_order_api::Settings {
        shop_name: settings.shop.name.clone(),
        public_url: settings.public_url.as_str().to_owned(),
        currency: settings.shop.currency,
        tax: techcommerce_order_api::pricing::Tax {
            included: settings.tax.included,
            basis_points: settings.tax.rate_basis_points.into(),
        },
        shipping: priced.collect(),
        payment_methods: payment_methods(settings),
        reservation: Duration::from_secs(settings.orders.reservation_seconds.into()),
        ..techcommerce_order_api::Settings::default()
    }
}

fn auth_deps(ground: &Ground) -> techcommerce_auth::Deps {
    let settings = &ground.settings;
    techcommerce_auth::Deps {
        env: ground.env.clone(),
        db: ground.stores.auth.clone(),
        sessions: ground.sessions.clone(),
        signer: ground.signer.clone(),
        mailer: ground.mailer.clone(),
        wake: ground.wakes.auth.clone(),
        telemetry: ground.telemetry.clone(),
        settings: techcommerce_auth::Settings {
            public_url: settings.public_url.as_str().to_owned(),
            shop_name: settings.shop.name.clone(),
            session_idle: Duration::from_secs(u64::from(settings.session.idle_days) * 24 * 3600),
            quotas: techcommerce_auth::Quotas::new(settings.limits.login_per_minute),
        },
    }
}

fn worker(ground: &Ground, sets: Vec<JobSet>) -> techcommerce_worker::Built {
    let settings = &ground.settings;
    let grace = Duration::from_secs(settings.shutdown.grace_seconds.into());
    techcommerce_worker::build(techcommerce_worker::Deps {
        env: ground.env.clone(),
        settings: techcommerce_worker::Settings {
            name: ground.worker.clone(),
            poll: Duration::from_millis(settings.worker.poll_milliseconds.into()),
            concurrency: settings.worker.concurrency as usize,
            // What does not end in time is given back, which takes a moment.
            grace: grace.mul_f64(0.75),
            ..techcommerce_worker::Settings::default()
        },
        sets,
        telemetry: ground.telemetry.clone(),
        verifier: ground.signer.verifier(),
    })
}

fn images(ground: &Ground) -> Result<techcommerce_images::Built, Error> {
    let folder = ground.folder.join("images");
    Ok(techcommerce_images::build(techcommerce_images::Deps {
        env: ground.env.clone(),
        db: ground.stores.images.clone(),
        store: techcommerce_images::local_store(&folder)?,
        incoming: ground.folder.join("incoming"),
        builtin: demo::pictures()?,
        telemetry: ground.telemetry.clone(),
        verifier: ground.signer.verifier(),
    }))
}

fn api(
    ground: &Ground,
    switchboard: &Switchboard,
    listening: SocketAddr,
    document: OpenApi,
) -> Result<techcommerce_api::Built, Error> {
    let settings = &ground.settings;
    techcommerce_api::build(techcommerce_api::Deps {
        env: ground.env.clone(),
        channels: techcommerce_api::Channels {
            auth: switchboard.channel(Service::Auth),
            product_api: switchboard.channel(Service::ProductApi),
            order_api: switchboard.channel(Service::OrderApi),
            images: switchboard.channel(Service::Images),
        },
        tokens: ServiceTokens::local(ground.signer.clone(), Service::Api),
        verifier: ground.signer.verifier(),
        telemetry: ground.telemetry.clone(),
        settings: techcommerce_api::Settings {
            public_url: settings.public_url.as_str().to_owned(),
            allowed_origins: own_origins(listening),
            trusted_proxies: trusted_proxies(settings)?,
            requests_per_minute: settings.limits.requests_per_minute,
            login_per_minute: settings.limits.login_per_minute,
            body_bytes: settings.limits.body_bytes,
            concurrency: settings.limits.concurrency as usize,
        },
        document,
    })
}

async fn frontend(
    ground: &Ground,
    switchboard: &Switchboard,
    listening: SocketAddr,
) -> Result<techcommerce_frontend::Built, Error> {
    let settings = &ground.settings;
    let mut shop = techcommerce_frontend::Settings::new(
        &settings.shop.name,
        settings.shop.currency,
        settings.public_url.as_str(),
    );
    shop.tagline = Some(settings.shop.tagline.clone());
    shop.address_lines.clone_from(&settings.shop.address);
    shop.contact_email = contact_address(&settings.shop.email_sender);
    shop.languages.clone_from(&settings.shop.languages);
    shop.prices_include_tax = settings.tax.included;
    // The shop's own country comes first.
    shop.countries
        .retain(|country| *country != settings.shop.country);
    shop.countries.insert(0, settings.shop.country.clone());
    shop.payment_methods = payment_methods(settings);
    shop.allowed_origins = own_origins(listening);
    shop.trusted_proxies = trusted_proxies(settings)?;
    techcommerce_frontend::build(techcommerce_frontend::Deps {
        env: ground.env.clone(),
        settings: shop,
        api: switchboard.channel(Service::Api),
        images: switchboard.channel(Service::Images),
        tokens: ServiceTokens::local(ground.signer.clone(), Service::Frontend),
        verifier: ground.signer.verifier(),
        telemetry: ground.telemetry.clone(),
    })
    .await
}

/// What shoppers may pay with; the configuration lets no other names through.
fn payment_methods(settings: &Settings) -> Vec<PaymentMethod> {
    let names = settings.orders.payment_methods.iter();
    names.filter_map(|name| name.parse().ok()).collect()
}

/// The bare address of `Name <name@example.com>`.
fn contact_address(sender: &str) -> Option<String> {
    let address = sender.rsplit_once('<').map_or(sender, |(_, rest)| rest);
    let address = address.trim_end_matches('>').trim();
    (!address.is_empty()).then(|| address.to_owned())
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

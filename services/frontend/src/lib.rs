//! The shop's pages, rendered on the server.
//!
//! Everything shown comes from the public JSON interface, called in the visitor's name: this
//! service keeps nothing, computes no price and decides no permission. Every page works without
//! JavaScript; a small script of our own only spares reloads.
//!
//! One file a page in [`pages`], each with its view model, handlers and tests. What pages share:
//! [`page`] (header, footer, caching), [`catalogue`] (products as shown), [`forms`], [`failure`]
//! (errors as pages), [`i18n`] and `locales/`. [`admin`] has the pages for staff. `templates/` are compiled in, `static/` as well.

pub mod admin;
pub mod api;
pub mod assets;
pub mod catalogue;
pub mod cookies;
pub mod failure;
pub mod forms;
pub mod i18n;
pub mod money;
pub mod page;
pub mod pages;
pub mod passthrough;
pub mod settings;
pub mod shop;
pub mod visitor;

#[cfg(test)]
mod testing;

use std::time::Duration;

use axum::{
    Router,
    middleware::from_fn_with_state,
    routing::{any, get},
};
use techcommerce_contracts::{Channel, Service, ServiceTokens, TokenVerifier};
use techcommerce_http::{
    Exposure, Health, Limits, OriginCheck, SecurityHeaders, ServiceStack, check_origin, compress,
    security_headers, service_stack,
};
use techcommerce_kernel::{Env, Error};
use techcommerce_telemetry::Telemetry;

pub use settings::Settings;
use shop::Shop;

/// What the storefront needs.
#[derive(Debug, Clone)]
pub struct Deps {
    /// Time and randomness.
    pub env: Env,
    /// This shop.
    pub settings: Settings,
    /// The way to the edge.
    pub api: Channel,
    /// The way to the pictures.
    pub images: Channel,
    /// What the storefront shows to both.
    pub tokens: ServiceTokens,
    /// Verifies the tokens of our services.
    pub verifier: TokenVerifier,
    /// Where requests are counted.
    pub telemetry: Telemetry,
}

/// The storefront, built.
#[derive(Debug)]
pub struct Built {
    /// Everything under `/`.
    pub router: Router,
    /// The service's state; it has no stores of its own to check.
    pub health: Health,
}

/// Builds the storefront.
///
/// # Errors
/// The configuration names a language that is not shipped.
pub async fn build(deps: Deps) -> Result<Built, Error> {
    let Deps {
        env,
        settings,
        api,
        images,
        tokens,
        verifier,
        telemetry,
    } = deps;
    let own = std::iter::once(&settings.public_url).chain(&settings.allowed_origins);
    let origins = OriginCheck::new(own, [cookies::SESSION, cookies::CART]).for_pages();
    let headers = SecurityHeaders::new(&settings.public_url);
    let health = Health::new(Service::Frontend, Vec::new());
    let trusted = settings.trusted_proxies.clone();
    let shop = Shop::new(env.clone(), settings, api, images, tokens)?;

    // What is passed on is checked where it arrives, by the edge.
    let pages = pages::router().merge(admin::router());
    let pages = check_origin(pages.with_state(shop.clone()), origins);
    let passed_on = Router::new()
        .route("/api/{*rest}", any(passthrough::api))
        .route(
            "/images/{id}/{variant}",
            get(passthrough::image).options(passthrough::image_options),
        )
        .with_state(shop.clone());
    let files = Router::new()
        .route("/static/{name}", get(assets::file))
        .route("/favicon.ico", get(assets::favicon))
        .with_state(shop.clone());
    let stack = ServiceStack {
        service: Service::Frontend,
        env,
        telemetry,
        verifier,
        health: health.clone(),
        exposure: Exposure::Edge(trusted),
        limits: Limits {
            body_bytes: 64 * 1024,
            // What is passed on (uploads, imports) is bounded by the edge, route by route; a page
            // by the time that each of its calls may take.
            timeout: Duration::from_secs(320),
            ..Limits::default()
        },
    };
    let router = service_stack(pages.merge(passed_on).merge(files), stack);
    let router = router.layer(from_fn_with_state(shop, failure::explain));
    let router = security_headers(compress(router), headers);
    Ok(Built { router, health })
}

//! The edge: the one way in to the JSON interface.
//!
//! A request is limited by where it comes from, its holder is found out, everything that could
//! speak for somebody else is taken off it, and it is passed on to the service that its path
//! belongs to ([`routes`]), streamed both ways. The services trust only the signed token that it
//! is given here. `/internal` of any service has no way in.
//!
//! The document of the interface and its page are served here too ([`docs`]); [`openapi::merge`]
//! makes the document from those of the services.

mod credentials;
mod docs;
mod headers;
pub mod openapi;
mod proxy;
mod rate_limits;
mod routes;
mod system;

pub use docs::Document;
pub use rate_limits::SharedLimits;
pub use system::openapi as own_openapi;

use std::time::Duration;

use axum::Router;
use techcommerce_contracts::{Channel, Service, ServiceTokens, TokenVerifier};
use techcommerce_http::{
    Exposure, Health, Limits, SecurityHeaders, ServiceStack, TrustedProxies, public_service_stack,
};
use techcommerce_kernel::{Env, Error};
use techcommerce_telemetry::Telemetry;

/// What the owner decides.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The shop's address, as `https://shop.example.com`.
    pub public_url: String,
    /// Further addresses of the shop's own pages.
    pub allowed_origins: Vec<String>,
    /// The proxies whose word on the client's address is believed.
    pub trusted_proxies: TrustedProxies,
    /// Requests a minute of one client address, or of one account or API key.
    pub requests_per_minute: u32,
    /// Requests a minute of one client address that try or change a password.
    pub login_per_minute: u32,
    /// The largest body in bytes, where a path has no limit of its own.
    pub body_bytes: u64,
    /// Requests under way at once.
    pub concurrency: usize,
}

/// The ways to the services.
#[derive(Debug, Clone)]
pub struct Channels {
    /// Accounts and sessions.
    pub auth: Channel,
    /// Products and stock.
    pub product_api: Channel,
    /// Carts and orders.
    pub order_api: Channel,
    /// Pictures.
    pub images: Channel,
    /// Background jobs.
    pub worker: Channel,
}

/// What the edge needs.
#[derive(Clone)]
pub struct Deps {
    /// Clock and randomness.
    pub env: Env,
    /// The ways to the services.
    pub channels: Channels,
    /// The edge's own tokens.
    pub tokens: ServiceTokens,
    /// Verifies the tokens of our services.
    pub verifier: TokenVerifier,
    /// Where requests are counted.
    pub telemetry: Telemetry,
    /// What the owner decides.
    pub settings: Settings,
    /// The document of all services: what [`openapi::merge`] gives.
    pub document: Document,
    /// Where replicas count requests together; without it each counts alone.
    pub shared_limits: Option<SharedLimits>,
}

/// The edge, ready to be served.
#[derive(Debug)]
pub struct Built {
    /// Its routes, with everything around them.
    pub router: Router,
    /// Its state; it has no stores to check.
    pub health: Health,
}

/// Makes the edge.
///
/// # Errors
/// `internal` if the document cannot be shown.
pub fn build(deps: Deps) -> Result<Built, Error> {
    let Deps {
        env,
        channels,
        tokens,
        verifier,
        telemetry,
        settings,
        document,
        shared_limits,
    } = deps;
    let health = Health::new(Service::Api, Vec::new());
    let stack = ServiceStack {
        service: Service::Api,
        env: env.clone(),
        telemetry,
        verifier,
        health: health.clone(),
        exposure: Exposure::Edge(settings.trusted_proxies.clone()),
        limits: Limits {
            concurrency: settings.concurrency,
            // Above the longest of the paths' own: see `routes`.
            timeout: routes::LONGEST + Duration::from_secs(10),
            ..Limits::default()
        },
    };
    let edge = proxy::Edge::new(
        env.clone(),
        tokens,
        channels.clone(),
        &settings,
        shared_limits,
    );
    let router = routes::router(&edge, &document)
        .merge(docs::router(document)?)
        .merge(system::router(&edge, env, channels));
    let headers = SecurityHeaders::new(&settings.public_url);
    Ok(Built {
        router: public_service_stack(router, stack, headers),
        health,
    })
}

#[cfg(test)]
mod tests;

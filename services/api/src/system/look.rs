//! Asks every service how it stands.

use std::time::Duration;

use http::Request;
use http_body_util::{BodyExt, Limited};
use serde_json::Value;
use techcommerce_contracts::{
    Body, Channel, Service,
    system::{DependencyReport, SchemaReport, ServiceReport, ServiceStatus, SystemReport},
};
use techcommerce_kernel::Env;
use tokio::time::Instant;

use crate::Channels;

/// How long an answer may take. A service takes two seconds for its stores, and two for what it
/// adds.
const PATIENCE: Duration = Duration::from_millis(4500);
/// The longest answer.
const MOST: usize = 256 * 1024;

/// What the edge itself was built from.
const COMMIT: Option<&str> = option_env!("TECHCOMMERCE_COMMIT");

/// The ways to all services.
pub struct House {
    env: Env,
    channels: Channels,
}

/// What was found.
pub struct Found {
    pub report: SystemReport,
    /// Whether a list of products can be had: it comes from memory, also without a database.
    pub browsing: bool,
    /// How long the job of a queue that waits longest could have been run, by its service.
    pub oldest: Vec<(String, f64)>,
}

impl House {
    pub fn new(env: Env, channels: Channels) -> Self {
        Self { env, channels }
    }

    /// Asks all at once.
    pub async fn look(&self) -> Found {
        let Channels {
            auth,
            product_api,
            order_api,
            images,
            worker,
        } = &self.channels;
        let (browsing, product_api, order_api, auth, images, worker) = tokio::join!(
            listed(product_api),
            asked(product_api),
            asked(order_api),
            asked(auth),
            asked(images),
            asked(worker),
        );
        let queues = &worker.1["queues"];
        let oldest = queues.as_object().into_iter().flatten();
        let oldest = oldest
            .filter_map(|(name, queue)| Some((name.clone(), queue["oldest_age_seconds"].as_f64()?)))
            .collect();
        let behind = [product_api, order_api, auth, images, worker];
        let services = std::iter::once(own());
        let services = services.chain(behind.into_iter().map(|(report, _)| report));
        Found {
            report: SystemReport {
                checked_at: self.env.now(),
                services: services.collect(),
            },
            browsing,
            oldest,
        }
    }
}

/// The edge, which answers.
fn own() -> ServiceReport {
    ServiceReport {
        service: Service::Api.name().to_owned(),
        status: ServiceStatus::Ready,
        version: Some(env!("CARGO_PKG_VERSION").to_owned()),
        commit: COMMIT.map(str::to_owned),
        latency_ms: Some(0.0),
        dependencies: Vec::new(),
        schema: None,
    }
}

/// What a service says of itself, and its whole document.
async fn asked(channel: &Channel) -> (ServiceReport, Value) {
    let began = Instant::now();
    let answer = get(channel, "/health").await;
    let latency = began.elapsed().as_micros() as f64 / 1000.0;
    let away = answer.is_none();
    let document = answer.map(|(_, document)| document).unwrap_or_default();
    let text = |name: &str| document[name].as_str().map(str::to_owned);
    let status = match document["status"].as_str() {
        _ if away => ServiceStatus::Away,
        Some("ready") => ServiceStatus::Ready,
        _ => ServiceStatus::Unavailable,
    };
    let dependencies = document["dependencies"].as_object().into_iter().flatten();
    let dependencies = dependencies.map(|(name, state)| DependencyReport {
        name: name.clone(),
        up: state["status"] == "up",
        latency_ms: state["latency_ms"].as_f64().unwrap_or_default(),
    });
    let report = ServiceReport {
        service: channel.service().name().to_owned(),
        status,
        version: text("version"),
        commit: text("commit").filter(|commit| commit != "unknown"),
        latency_ms: (!away).then_some(latency),
        dependencies: dependencies.collect(),
        schema: serde_json::from_value::<SchemaReport>(document["schema"].clone()).ok(),
    };
    (report, document)
}

/// Whether products can be looked at.
async fn listed(channel: &Channel) -> bool {
    let answer = get(channel, "/products?limit=1").await;
    answer.is_some_and(|(well, _)| well)
}

/// Whether a service answered well, and what.
async fn get(channel: &Channel, path: &str) -> Option<(bool, Value)> {
    let request = Request::get(path).body(Body::empty()).ok()?;
    let whole = async {
        let answer = channel.call_within(PATIENCE, request).await.ok()?;
        let well = answer.status().is_success();
        let body = Limited::new(answer.into_body(), MOST)
            .collect()
            .await
            .ok()?;
        Some((well, serde_json::from_slice(&body.to_bytes()).ok()?))
    };
    tokio::time::timeout(PATIENCE, whole).await.ok().flatten()
}

//! What only operators see: metrics, and the health of the process and of each service in it.

use std::sync::Arc;

use axum::{
    Router,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use http::{StatusCode, header};
use serde_json::{Map, Value, json};
use techcommerce_http::{Health, Json};
use techcommerce_telemetry::Telemetry;

#[derive(Clone)]
struct Process {
    telemetry: Telemetry,
    services: Arc<Vec<Health>>,
}

/// `/metrics`, the health paths of the whole process, and `/{service}/readyz` and its siblings.
pub(crate) fn router(telemetry: Telemetry, services: Vec<Health>) -> Router {
    let mut router = Router::new()
        .route("/metrics", get(metrics))
        .route("/live", get(alive))
        .route("/healthz", get(alive))
        .route("/readyz", get(readyz))
        .route("/health", get(health))
        .with_state(Process {
            telemetry,
            services: Arc::new(services.clone()),
        });
    for service in services {
        let prefix = format!("/{}", service.service());
        router = router.nest(&prefix, service.router());
    }
    router
}

async fn metrics(State(process): State<Process>) -> Response {
    (
        [(header::CONTENT_TYPE, Telemetry::MEDIA_TYPE)],
        process.telemetry.encode(),
    )
        .into_response()
}

async fn alive() -> Response {
    answer(true, json!({"status": "alive"}))
}

async fn readyz(State(process): State<Process>) -> Response {
    whole(&process, false).await
}

async fn health(State(process): State<Process>) -> Response {
    whole(&process, true).await
}

/// The process is ready when each of its services is.
async fn whole(process: &Process, with_dependencies: bool) -> Response {
    let reports = process
        .services
        .iter()
        .map(|health| health.report(with_dependencies));
    let reports = futures_util::future::join_all(reports).await;
    let ready = reports.iter().all(|report| report.ready);
    let services: Map<String, Value> = process
        .services
        .iter()
        .zip(reports)
        .map(|(health, report)| (health.service().name().to_owned(), report.document))
        .collect();
    let status = if ready { "ready" } else { "unavailable" };
    answer(ready, json!({"status": status, "services": services}))
}

fn answer(ready: bool, document: Value) -> Response {
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (
        status,
        [(header::CACHE_CONTROL, "no-store")],
        Json(document),
    )
        .into_response()
}

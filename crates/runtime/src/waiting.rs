//! What is answered before the services are there: that the process lives, and what it waits for.

use std::{
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::State,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::future::join_all;
use http::{HeaderValue, Request, StatusCode, header};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use serde_json::{Map, Value, json};
use techcommerce_contracts::Service;
use techcommerce_http::Json;
use techcommerce_telemetry::Telemetry;
use tokio::sync::Semaphore;
use tower::ServiceExt;

use crate::Listener;

/// How long a connection may take for its one request, and how many are open at once.
const PATIENCE: Duration = Duration::from_secs(5);
const CONNECTIONS: usize = 256;

/// What the process waits for. Clones share it.
#[derive(Debug, Clone, Default)]
pub struct Waiting(Arc<RwLock<Vec<Value>>>);

impl Waiting {
    /// Says what it waits for now, each as an object.
    pub fn say(&self, waiting_for: Vec<Value>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = waiting_for;
    }

    fn said(&self) -> Vec<Value> {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// Serves the health paths on these listeners until `work` is done: the process lives, and it is
/// not ready. Everything else is told to come back. The listeners stay open for whoever serves
/// next, and nobody who connects meanwhile is lost.
pub async fn serve_while<T>(
    public: &[(Service, Listener)],
    management: &Listener,
    services: &[Service],
    telemetry: &Telemetry,
    waiting: &Waiting,
    work: impl Future<Output = T>,
) -> T {
    let mut doors = vec![(management, inner(services, telemetry, waiting))];
    for (service, listener) in public {
        doors.push((listener, outer(*service, waiting)));
    }
    let served = doors
        .into_iter()
        .map(|(listener, router)| accept(listener, router));
    tokio::select! {
        outcome = work => outcome,
        // They take connections for ever.
        _ = join_all(served) => std::future::pending().await,
    }
}

async fn accept(listener: &Listener, router: Router) {
    let slots = Arc::new(Semaphore::new(CONNECTIONS));
    loop {
        let slot = slots.clone().acquire_owned().await;
        let Ok((stream, _)) = listener.socket.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let router = router.clone();
        let service = service_fn(move |request: Request<Incoming>| {
            let router = router.clone();
            async move { router.oneshot(request.map(Body::new)).await }
        });
        // The next request is for whoever serves then.
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(PATIENCE)
            .keep_alive(false)
            .serve_connection(TokioIo::new(stream), service);
        tokio::spawn(async move {
            let _ = tokio::time::timeout(PATIENCE, connection).await;
            drop(slot);
        });
    }
}

fn outer(service: Service, waiting: &Waiting) -> Router {
    let alive = move || async move {
        let document = json!({"service": service.name(), "status": "alive"});
        (StatusCode::OK, no_store(), Json(document))
    };
    let unready =
        move |State(waiting): State<Waiting>| async move { unready(one(service, &waiting.said())) };
    Router::new()
        .route("/live", get(alive))
        .route("/healthz", get(alive))
        .route("/readyz", get(unready))
        .route("/health", get(unready))
        .fallback(later)
        .with_state(waiting.clone())
}

fn inner(services: &[Service], telemetry: &Telemetry, waiting: &Waiting) -> Router {
    async fn alive() -> Response {
        let document = json!({"status": "alive"});
        (StatusCode::OK, no_store(), Json(document)).into_response()
    }
    let names: Arc<[Service]> = services.into();
    let whole = move |State(waiting): State<Waiting>| async move {
        let said = waiting.said();
        let services: Map<String, Value> = names
            .iter()
            .map(|service| (service.name().to_owned(), one(*service, &said)))
            .collect();
        unready(json!({"status": "unavailable", "services": services}))
    };
    let telemetry = telemetry.clone();
    let metrics = move || async move {
        let media_type = [(header::CONTENT_TYPE, Telemetry::MEDIA_TYPE)];
        (media_type, telemetry.encode()).into_response()
    };
    let mut router = Router::new()
        .route("/live", get(alive))
        .route("/healthz", get(alive))
        .route("/readyz", get(whole.clone()))
        .route("/health", get(whole))
        .route("/metrics", get(metrics))
        .with_state(waiting.clone());
    for service in services {
        let path = format!("/{service}");
        router = router.nest(&path, outer(*service, waiting));
    }
    router
}

fn one(service: Service, waiting_for: &[Value]) -> Value {
    json!({"service": service.name(), "status": "starting", "waiting_for": waiting_for})
}

fn unready(document: Value) -> Response {
    (StatusCode::SERVICE_UNAVAILABLE, no_store(), Json(document)).into_response()
}

fn no_store() -> [(header::HeaderName, HeaderValue); 1] {
    [(header::CACHE_CONTROL, HeaderValue::from_static("no-store"))]
}

async fn later() -> Response {
    let document = json!({
        "type": "urn:techcommerce:problem:starting",
        "title": "Service Unavailable",
        "status": 503,
        "detail": "This service is starting. Please try again.",
        "code": "starting",
    });
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        ),
        (header::RETRY_AFTER, HeaderValue::from_static("2")),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    let body = document.to_string();
    (StatusCode::SERVICE_UNAVAILABLE, headers, body).into_response()
}

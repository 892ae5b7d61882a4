//! Whether a service runs, whether it can serve, and what is the matter if not.
//!
//! [`Health`] is a service's handle to its own state: the starter moves it from starting to ready
//! to draining, probes read it, and it counts the work under way so that a stop can wait for it.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    extract::State as FromState,
    response::{IntoResponse, Response},
    routing::get,
};
use futures_util::future::join_all;
use http::{HeaderValue, StatusCode, header};
use serde_json::{Map, Value, json};
use techcommerce_contracts::Service;
use techcommerce_kernel::{Error, Kind};
use techcommerce_telemetry::Telemetry;
use tokio::time::{Instant, timeout};
use tokio_util::task::TaskTracker;

use crate::Json;

type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// One of a service's own stores, and how to find out whether it answers.
#[derive(Clone)]
pub struct Check {
    name: &'static str,
    timeout: Duration,
    optional: bool,
    run: Arc<dyn Fn() -> BoxFuture<Result<(), Error>> + Send + Sync>,
}

impl Check {
    /// A check that fails when `run` fails or takes longer than two seconds.
    ///
    /// Check only what the service itself stores in, never another service: one outage must not
    /// take all out.
    pub fn new<F, Fut>(name: &'static str, run: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), Error>> + Send + 'static,
    {
        Self {
            name,
            timeout: Duration::from_secs(2),
            optional: false,
            run: Arc::new(move || Box::pin(run())),
        }
    }

    /// Another time limit.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// The service can do much of its work without it: it is told, but makes nothing unready.
    #[must_use]
    pub fn optional(mut self) -> Self {
        self.optional = true;
        self
    }

    async fn outcome(&self) -> Outcome {
        let started = Instant::now();
        let result = match timeout(self.timeout, (self.run)()).await {
            Ok(result) => result,
            Err(_) => Err(Error::unavailable("it did not answer in time")),
        };
        if let Err(error) = &result {
            tracing::warn!(dependency = self.name, error = ?error, "a check failed");
        }
        Outcome {
            name: self.name,
            optional: self.optional,
            latency: started.elapsed(),
            // Anyone may ask; the reason is for the log.
            failed: result.err().map(|error| match error.kind() {
                _ if error.code() == Error::BUSY => BUSY,
                Kind::Unavailable => "unavailable",
                _ => "failed",
            }),
        }
    }
}

impl fmt::Debug for Check {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Check")
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// Of a store that answers, but has no room for us.
const BUSY: &str = "busy";

struct Outcome {
    name: &'static str,
    optional: bool,
    latency: Duration,
    failed: Option<&'static str>,
}

impl Outcome {
    /// Whether the service can serve as far as this is concerned.
    fn is_bearable(&self) -> bool {
        self.optional || self.failed.is_none()
    }
}

/// Where a service is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Not yet able to serve.
    Starting,
    /// Serves.
    Ready,
    /// Finishes what is under way; send it nothing new.
    Draining,
}

impl State {
    const fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Ready => "ready",
            Self::Draining => "draining",
        }
    }
}

/// A service's state, its checks, and the work it has under way. Clones share them.
#[derive(Clone)]
pub struct Health {
    shared: Arc<Shared>,
}

type Extra = Arc<dyn Fn() -> BoxFuture<Map<String, Value>> + Send + Sync>;

struct Shared {
    service: Service,
    checks: Vec<Check>,
    state: AtomicU8,
    work: TaskTracker,
    extras: Mutex<Vec<Extra>>,
    /// Where it is told which dependency answers.
    told: OnceLock<Telemetry>,
}

impl fmt::Debug for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Health")
            .field("service", &self.shared.service)
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

impl Health {
    /// The health of `service`, which is starting, with the checks of its own stores.
    pub fn new(service: Service, checks: Vec<Check>) -> Self {
        Self {
            shared: Arc::new(Shared {
                service,
                checks,
                state: AtomicU8::new(State::Starting as u8),
                work: TaskTracker::new(),
                extras: Mutex::default(),
                told: OnceLock::new(),
            }),
        }
    }

    /// Adds members to the answer of `/health`, as the worker's last heartbeat.
    #[must_use]
    pub fn with_extra<F, Fut>(self, extra: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Map<String, Value>> + Send + 'static,
    {
        let extras = self.shared.extras.lock();
        let mut extras = extras.unwrap_or_else(PoisonError::into_inner);
        extras.push(Arc::new(move || Box::pin(extra())));
        drop(extras);
        self
    }

    /// From now on the metrics tell which dependencies answered the last check.
    pub fn tell(&self, telemetry: &Telemetry) {
        let _ = self.shared.told.set(telemetry.clone());
    }

    /// Whose health it is.
    pub fn service(&self) -> Service {
        self.shared.service
    }

    /// Where the service is in its life.
    pub fn state(&self) -> State {
        match self.shared.state.load(Ordering::Acquire) {
            0 => State::Starting,
            1 => State::Ready,
            _ => State::Draining,
        }
    }

    /// The service is up, unless it drains already.
    pub fn set_ready(&self) {
        let _ = self.shared.state.compare_exchange(
            State::Starting as u8,
            State::Ready as u8,
            Ordering::AcqRel,
            Ordering::Acquire,
        );
    }

    /// The service takes nothing new.
    pub fn set_draining(&self) {
        self.shared
            .state
            .store(State::Draining as u8, Ordering::Release);
    }

    /// The work that runs to its end even if nobody waits for it. A stop waits for it.
    pub fn work(&self) -> &TaskTracker {
        &self.shared.work
    }

    /// Whether the service can serve now: it is ready and all its checks pass.
    pub async fn is_ready(&self) -> bool {
        self.state() == State::Ready && self.outcomes().await.iter().all(Outcome::is_bearable)
    }

    /// `/live`, `/healthz`, `/readyz` and `/health`.
    pub fn router(&self) -> Router {
        Router::new()
            .route("/live", get(alive))
            .route("/healthz", get(alive))
            .route("/readyz", get(readyz))
            .route("/health", get(health))
            .with_state(self.clone())
    }

    /// What `/readyz` says, or, with each dependency and what the service adds, `/health`.
    pub async fn report(&self, with_dependencies: bool) -> Report {
        let outcomes = self.outcomes().await;
        let failed: Vec<&str> = outcomes
            .iter()
            .filter(|outcome| outcome.failed.is_some())
            .map(|outcome| outcome.name)
            .collect();
        // Read after the checks: a stop that came meanwhile must show.
        let state = self.state();
        let ready = state == State::Ready && outcomes.iter().all(Outcome::is_bearable);
        let status = match state {
            State::Ready if !ready => "unavailable",
            state => state.name(),
        };
        let mut document = Map::new();
        document.insert("service".into(), self.service().name().into());
        document.insert("status".into(), status.into());
        if !failed.is_empty() {
            document.insert("failed".into(), failed.into());
        }
        if with_dependencies {
            document.insert("dependencies".into(), dependencies(&outcomes));
            document.extend(self.extra().await);
        }
        Report {
            ready,
            document: document.into(),
        }
    }

    async fn outcomes(&self) -> Vec<Outcome> {
        let outcomes = join_all(self.shared.checks.iter().map(Check::outcome)).await;
        if let Some(telemetry) = self.shared.told.get() {
            for (dependency, up) in dependencies_up(&outcomes) {
                let gauge = telemetry.dependency_up(self.service().name(), dependency);
                gauge.set(i64::from(up));
            }
        }
        outcomes
    }

    async fn extra(&self) -> Map<String, Value> {
        let extras = self.shared.extras.lock();
        let extras = extras.unwrap_or_else(PoisonError::into_inner).clone();
        // What a service adds must not make its health hang.
        let bounded = extras
            .iter()
            .map(|extra| timeout(Duration::from_secs(2), extra()));
        let mut members = Map::new();
        for extra in join_all(bounded).await {
            match extra {
                Ok(more) => members.extend(more),
                Err(_) => {
                    tracing::warn!("what the service adds to /health did not come in time");
                }
            }
        }
        members
    }
}

/// Whether each dependency is there, by its name in the metrics. What is no dependency (the worker's
/// own heartbeat) is left out; of several databases all have to be there.
fn dependencies_up(outcomes: &[Outcome]) -> Vec<(&'static str, bool)> {
    let mut all: Vec<(&'static str, bool)> = Vec::new();
    for outcome in outcomes {
        let dependency = match outcome.name {
            "redis" => "redis",
            "object_store" => "object-store",
            name if name.ends_with("database") => "database",
            _ => continue,
        };
        // What has no room for us is there: that is told of the room, and to look for an outage
        // would be in vain.
        let up = outcome.failed.is_none_or(|why| why == BUSY);
        match all.iter_mut().find(|(known, _)| *known == dependency) {
            Some((_, known)) => *known &= up,
            None => all.push((dependency, up)),
        }
    }
    all
}

fn dependencies(outcomes: &[Outcome]) -> Value {
    let members = outcomes.iter().map(|outcome| {
        let state = json!({
            "status": outcome.failed.unwrap_or("up"),
            "latency_ms": outcome.latency.as_micros() as f64 / 1000.0,
        });
        (outcome.name.to_owned(), state)
    });
    Value::Object(members.collect())
}

/// What a service says of its health.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Whether it can serve.
    pub ready: bool,
    /// The JSON document, an object.
    pub document: Value,
}

/// The process runs; no dependency is asked.
async fn alive(FromState(health): FromState<Health>) -> Response {
    answer(
        StatusCode::OK,
        json!({"service": health.service().name(), "status": "alive"}),
    )
}

/// The service can serve: it is ready and its own stores answer.
async fn readyz(FromState(health): FromState<Health>) -> Response {
    answer_with(health.report(false).await)
}

/// As `/readyz`, with the state and latency of each dependency and what the service adds.
async fn health(FromState(health): FromState<Health>) -> Response {
    answer_with(health.report(true).await)
}

fn answer_with(report: Report) -> Response {
    let status = if report.ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    answer(status, report.document)
}

fn answer(status: StatusCode, document: Value) -> Response {
    let mut response = (status, Json(document)).into_response();
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

#[cfg(test)]
#[path = "health_tests.rs"]
mod tests;

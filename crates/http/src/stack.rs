//! What stands around every service's router.
//!
//! From the outside in: request id and trace, metrics and one log line, early refusal when too
//! much is under way, who calls, run-to-completion, the time limit, and the net that turns panics
//! and bare errors into problem documents.

use std::{panic::AssertUnwindSafe, sync::Arc, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::{DefaultBodyLimit, Request, State},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use futures_util::FutureExt;
use http::Method;
use techcommerce_contracts::{Service, TokenVerifier, context::RequestContext};
use techcommerce_kernel::{Env, Error};
use techcommerce_telemetry::{HttpRecorder, Telemetry};
use tokio::{sync::Semaphore, time::timeout};
use tracing::Instrument;

use crate::{
    ApiError, Health,
    error::with_document,
    identity::identify,
    observe::{Observed, context_of, tell_request_id},
    pace::PacedBody,
};

/// Who can reach the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// Only our own services: a token that is not valid is a 401.
    Internal,
    /// Anyone: all identity tokens but a service's own are taken away from the request.
    Edge,
}

/// How much a service takes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest body in bytes, where a handler reads it whole (a route may set its own with
    /// [`axum::extract::DefaultBodyLimit`]).
    pub body_bytes: usize,
    /// Requests under way at once; one more is refused with 503 and `Retry-After`.
    pub concurrency: usize,
    /// How long a body may pause on its way in before it is given up, so that a client that sends
    /// nothing holds no place.
    pub body_pause: Duration,
    /// The fewest bytes a second that a body has to bring on average, once half a minute was
    /// waited for it: a trickle without pauses holds no place either.
    pub body_pace: u32,
    /// Until the head of the answer must be there; then 503. Changing work goes on behind it.
    pub timeout: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes: 1024 * 1024,
            concurrency: 512,
            body_pause: Duration::from_secs(15),
            body_pace: 8 * 1024,
            timeout: Duration::from_secs(30),
        }
    }
}

/// What [`service_stack`] needs.
#[derive(Debug, Clone)]
pub struct ServiceStack {
    /// Names the service in logs and metrics.
    pub service: Service,
    /// For the ids of requests and spans.
    pub env: Env,
    /// Where requests are counted.
    pub telemetry: Telemetry,
    /// Verifies who calls.
    pub verifier: TokenVerifier,
    /// The service's state; it counts the work under way.
    pub health: Health,
    /// Who can reach the service.
    pub exposure: Exposure,
    /// How much the service takes on.
    pub limits: Limits,
}

/// Wraps a service's router in all that must not be forgotten, and adds the health paths.
///
/// Routes added to the result afterwards are outside of it. The health paths are outside as well:
/// a service that is busy is alive.
pub fn service_stack(router: Router, stack: ServiceStack) -> Router {
    let health = stack.health.router();
    let body_limit = DefaultBodyLimit::max(stack.limits.body_bytes);
    let shared = Arc::new(Shared {
        recorder: HttpRecorder::new(&stack.telemetry, stack.service.name()),
        permits: Arc::new(Semaphore::new(stack.limits.concurrency)),
        stack,
    });
    let service = router
        .layer(body_limit)
        .layer(middleware::from_fn_with_state(shared, around));
    // In this order, because a router that is merged brings its answer to unknown paths along.
    health.merge(service)
}

struct Shared {
    stack: ServiceStack,
    recorder: HttpRecorder,
    permits: Arc<Semaphore>,
}

async fn around(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let context = context_of(request.headers(), &shared.stack.env);
    let span = tracing::info_span!(
        "request",
        service = shared.stack.service.name(),
        request_id = &*context.request_id,
        trace_id = context.trace.trace_id_hex(),
    );
    let observed = Observed::start(&shared.recorder, &request);
    let work = context.clone().scope(serve(shared, request, next));
    async move {
        let mut response = work.await;
        tell_request_id(&context, response.headers_mut());
        observed.finish(&mut response);
        response
    }
    .instrument(span)
    .await
}

async fn serve(shared: Arc<Shared>, mut request: Request, next: Next) -> Response {
    let stack = &shared.stack;
    let Ok(permit) = shared.permits.clone().try_acquire_owned() else {
        let error = Error::unavailable("Too much is under way here; please try again.");
        return ApiError(error).into_response();
    };
    if let Err(error) = identify(&mut request, &stack.verifier, stack.exposure) {
        return ApiError(error).into_response();
    }
    let changes = !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    );
    let (pause, pace) = (stack.limits.body_pause, stack.limits.body_pace);
    let request = request.map(|body| Body::new(PacedBody::new(body, pause, pace)));
    let work = async move {
        let _permit = permit;
        caught(next.run(request)).await
    };
    let answer = if changes {
        run_to_completion(stack, work).await
    } else {
        timeout(stack.limits.timeout, work)
            .await
            .unwrap_or_else(|_| too_slow())
    };
    with_document(answer)
}

/// A client that hangs up must not leave half of a change behind, so the work is a task of its
/// own; this future only waits for it.
async fn run_to_completion(
    stack: &ServiceStack,
    work: impl Future<Output = Response> + Send + 'static,
) -> Response {
    let work = work.in_current_span();
    let task = match RequestContext::current() {
        Some(context) => stack.health.work().spawn(context.scope(work)),
        None => stack.health.work().spawn(work),
    };
    match timeout(stack.limits.timeout, task).await {
        Ok(Ok(response)) => response,
        // Panics are caught within; what is left is a runtime that shuts down.
        Ok(Err(_)) => ApiError(Error::unavailable("The service is stopping.")).into_response(),
        Err(_) => too_slow(),
    }
}

/// A panic in a handler is one failed request, not more. The panic hook has logged it.
async fn caught(answer: impl Future<Output = Response>) -> Response {
    AssertUnwindSafe(answer)
        .catch_unwind()
        .await
        .unwrap_or_else(|_| ApiError(Error::internal("a handler panicked")).into_response())
}

fn too_slow() -> Response {
    let error = Error::new(
        techcommerce_kernel::Kind::Unavailable,
        "timeout",
        "It took too long. What you sent may still be carried out; repeat it with the same Idempotency-Key.",
    )
    .retry_after(Duration::from_secs(5));
    ApiError(error).into_response()
}

#[cfg(test)]
#[path = "stack_tests.rs"]
mod tests;

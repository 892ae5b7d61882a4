//! What stands around every service's router.
//!
//! From the outside in: request id and trace, metrics and one log line, early refusal when too
//! much is under way, who calls, the body's arrival, run-to-completion, the time limit, and the net
//! that turns panics and bare errors into problem documents.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use axum::{
    Router,
    body::{Body, HttpBody},
    extract::{DefaultBodyLimit, Request},
    response::{IntoResponse, Response},
    routing::Route,
};
use futures_util::FutureExt;
use http::{HeaderValue, Method, header};
use techcommerce_contracts::{Service, TokenVerifier, context::RequestContext};
use techcommerce_kernel::{Env, Error, Kind, limiter::client_network};
use techcommerce_telemetry::{HttpRecorder, LogScope, Telemetry};
use tokio::time::timeout;
use tower::Layer;

use crate::{
    ApiError, ClientAddress, Health, SecurityHeaders, Shedding, TrustedProxies,
    arrival::Arrivals,
    edge::compression::{Accepted, compressed},
    error::with_document,
    identity::{identify, is_from_service},
    observe::{Begun, Observed, begin, tell_request_id},
    pace::PacedBody,
};

/// Who can reach the service.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Exposure {
    /// Only our own services: a token that is not valid is a 401.
    Internal,
    /// Anyone: all identity tokens but a service's own are taken away from the request, and where
    /// it came from is what these proxies say.
    Edge(TrustedProxies),
}

/// How much a service takes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Largest body in bytes, where a handler reads it whole (a route may set its own with
    /// [`axum::extract::DefaultBodyLimit`]).
    pub body_bytes: usize,
    /// Requests under way at once; one more is refused with 503 and `Retry-After`. At an edge a
    /// request whose body is small is under way when that is there; of those with larger ones, half
    /// as many have a body that is still on its way, and one client an eighth.
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
    wrap(router, stack, None, None)
}

/// As [`service_stack`], for a service that refuses what would wait for too long.
pub fn shedding_service_stack(router: Router, stack: ServiceStack, shedding: Shedding) -> Router {
    wrap(router, stack, None, Some(shedding))
}

/// As [`service_stack`], for a service that outsiders reach: around all of it, answers are
/// compressed ([`compress`](crate::compress)) and get the headers that a careful site sends
/// ([`security_headers`](crate::security_headers)).
pub fn public_service_stack(
    router: Router,
    stack: ServiceStack,
    headers: SecurityHeaders,
) -> Router {
    wrap(router, stack, Some(headers), None)
}

fn wrap(
    router: Router,
    stack: ServiceStack,
    public: Option<SecurityHeaders>,
    shedding: Option<Shedding>,
) -> Router {
    let health = stack.health.router();
    let body_limit = DefaultBodyLimit::max(stack.limits.body_bytes);
    let shared = Arc::new(Shared {
        recorder: HttpRecorder::new(&stack.telemetry, stack.service.name()),
        under_way: AtomicUsize::new(0),
        arrivals: Arrivals::new(stack.limits.concurrency),
        body_limit,
        public,
        shedding,
        stack,
    });
    let health = match &shared.public {
        Some(headers) => crate::security_headers(crate::compress(health), headers.clone()),
        None => health,
    };
    // In this order, because a router that is merged brings its answer to unknown paths along.
    health.merge(router.layer(Around(shared)))
}

struct Shared {
    stack: ServiceStack,
    recorder: HttpRecorder,
    under_way: AtomicUsize,
    arrivals: Arrivals,
    body_limit: DefaultBodyLimit,
    public: Option<SecurityHeaders>,
    shedding: Option<Shedding>,
}

/// All of the stack in one layer: the framework copies a route with each of its layers for every
/// request, and puts the future of each into a box.
#[derive(Clone)]
struct Around(Arc<Shared>);

impl Layer<Route> for Around {
    type Service = Surrounded;

    fn layer(&self, route: Route) -> Surrounded {
        Surrounded {
            shared: Arc::clone(&self.0),
            route: Arc::new(self.0.body_limit.layer(route)),
        }
    }
}

type Limited = <DefaultBodyLimit as Layer<Route>>::Service;

/// A route with the stack around it.
#[derive(Clone)]
struct Surrounded {
    shared: Arc<Shared>,
    route: Arc<Limited>,
}

impl tower::Service<Request> for Surrounded {
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Routes are always ready.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let shared = Arc::clone(&self.shared);
        let route = Limited::clone(&self.route);
        Box::pin(around(shared, request, route).map(Ok))
    }
}

async fn around(shared: Arc<Shared>, mut request: Request, route: Limited) -> Response {
    let admitted = admit(&shared, &mut request);
    let Begun {
        context,
        of_caller,
        span,
    } = begin(&request, &shared.stack);
    let active = span.active();
    let observed = Observed::start(&shared.recorder, &request, span);
    let accepted = shared
        .public
        .as_ref()
        .and_then(|_| Accepted::of(request.headers()));
    let scope = LogScope {
        service: shared.stack.service.name(),
        request_id: Arc::clone(&context.request_id),
        trace_id: context.trace.trace_id,
        span: active,
    };
    let log_scope = scope.clone();
    let changes = !matches!(
        *request.method(),
        Method::GET | Method::HEAD | Method::OPTIONS | Method::TRACE
    );
    let request = paced(request, &shared.stack.limits);
    let request_id = Arc::clone(&context.request_id);
    let public = Arc::clone(&shared);
    // One future, and those in it made where they are waited for: what is kept under a name or
    // captured has its place twice, and all of it is moved for each request.
    let answer = async move {
        let stack = &shared.stack;
        let answer = match admitted {
            Err(error) => refused(error),
            // On the heap: what only reads would carry its place along.
            Ok(place) if changes => Box::pin(change(&shared, scope, place, route, request)).await,
            Ok(place) => timeout(stack.limits.timeout, carried_out(place, route, request))
                .await
                .unwrap_or_else(|_| too_slow()),
        };
        let mut response = with_document(answer);
        if !of_caller {
            tell_request_id(&request_id, response.headers_mut());
        }
        observed.finish(&mut response);
        response
    };
    let response = log_scope.around(context.scope(answer)).await;
    let Some(headers) = &public.public else {
        return response;
    };
    let mut response = compressed(accepted, response).await;
    headers.add_to(response.headers_mut());
    response
}

/// What is refused before its work begins. A body that was packed is told what is taken (RFC 9110,
/// 15.5.16): as it is.
fn refused(error: Error) -> Response {
    let packed = error.kind() == Kind::UnsupportedMedia;
    let mut response = ApiError(error).into_response();
    if packed {
        let identity = HeaderValue::from_static("identity");
        let headers = response.headers_mut();
        headers.insert(header::ACCEPT_ENCODING, identity);
    }
    response
}

/// Nothing here unpacks bodies: a small one that unpacks to a large one does no harm, and whoever
/// packs one is told so instead of being misread.
fn as_it_is(request: &Request) -> Result<(), Error> {
    let encodings = request.headers().get_all(header::CONTENT_ENCODING);
    let identity = |value: &HeaderValue| value.as_bytes().eq_ignore_ascii_case(b"identity");
    match encodings.iter().all(identity) {
        true => Ok(()),
        false => Err(Error::new(
            Kind::UnsupportedMedia,
            "unsupported_media_type",
            "Send the body as it is, without `Content-Encoding`.",
        )),
    }
}

/// Whether there is room for the request, and who calls: found out first, because whom we believe
/// the trace follows from it.
fn admit(shared: &Arc<Shared>, request: &mut Request) -> Result<Place, Error> {
    let place = Place::take(shared)?;
    as_it_is(request)?;
    identify(request, &shared.stack.verifier, &shared.stack.exposure)?;
    if let Some(shedding) = &shared.shedding
        && !is_from_service(request)
    {
        shedding.check(request)?;
    }
    Ok(place)
}

/// One of the places for requests under way, until it is dropped. (A semaphore takes a lock when
/// a place is given back, though nobody ever waits for one here.)
struct Place(Arc<Shared>);

impl Place {
    fn take(shared: &Arc<Shared>) -> Result<Self, Error> {
        let before = shared.under_way.fetch_add(1, Ordering::Relaxed);
        // Dropped, and so given back, where there was none.
        let place = Self(Arc::clone(shared));
        if before < shared.stack.limits.concurrency {
            return Ok(place);
        }
        let busy = "Too much is under way here; please try again.";
        Err(Error::unavailable(busy))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.under_way.fetch_sub(1, Ordering::Relaxed);
    }
}

/// The request, with a body that has to keep coming.
fn paced(request: Request, limits: &Limits) -> Request {
    request.map(|body| match body.is_end_stream() {
        true => body,
        false => Body::new(PacedBody::new(body, limits.body_pause, limits.body_pace)),
    })
}

/// What changes something, once its body is there.
async fn change(
    shared: &Arc<Shared>,
    scope: LogScope,
    place: Place,
    route: Limited,
    request: Request,
) -> Response {
    match arrived(shared, place, request).await {
        Ok((place, request)) => {
            let work = carried_out(place, route, request);
            run_to_completion(&shared.stack, scope, Box::pin(work)).await
        }
        Err(error) => refused(error),
    }
}

/// A stranger's request with its body: a small one is there, a large one is one of those that may
/// come. What our own services send they have waited for.
async fn arrived(
    shared: &Arc<Shared>,
    place: Place,
    request: Request,
) -> Result<(Place, Request), Error> {
    let Exposure::Edge(trusted) = &shared.stack.exposure else {
        return Ok((place, request));
    };
    if request.body().is_end_stream() || is_from_service(&request) {
        return Ok((place, request));
    }
    let client = ClientAddress::of(request.extensions(), request.headers(), trusted);
    let client = client.map(|ClientAddress(address)| client_network(address));
    let (head, body) = request.into_parts();
    if !Arrivals::is_small(&body) {
        let body = shared.arrivals.let_in(client, body)?;
        return Ok((place, Request::from_parts(head, body)));
    }
    drop(place);
    let body = shared.arrivals.wait(client, body).await?;
    Ok((Place::take(shared)?, Request::from_parts(head, body)))
}

/// A client that hangs up must not leave half of a change behind, so the work is a task of its
/// own; this future only waits for it.
async fn run_to_completion(
    stack: &ServiceStack,
    scope: LogScope,
    work: impl Future<Output = Response> + Send + 'static,
) -> Response {
    let work = scope.around(work);
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
async fn carried_out(_place: Place, mut route: Limited, request: Request) -> Response {
    let answer = AssertUnwindSafe(tower::Service::call(&mut route, request)).catch_unwind();
    match answer.await {
        Ok(Ok(answer)) => answer,
        Ok(Err(never)) => match never {},
        Err(_) => ApiError(Error::internal("a handler panicked")).into_response(),
    }
}

fn too_slow() -> Response {
    let error = Error::new(
        Kind::Unavailable,
        "timeout",
        "It took too long. What you sent may still be carried out; repeat it with the same Idempotency-Key.",
    )
    .retry_after(Duration::from_secs(5));
    ApiError(error).into_response()
}

#[cfg(test)]
#[path = "stack_tests.rs"]
mod tests;

#[cfg(test)]
#[path = "traced_tests.rs"]
mod traced_tests;

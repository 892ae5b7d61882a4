//! What is seen of a request from outside: its ids, its place in the metrics, its log line.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request};
use http::{HeaderMap, HeaderValue, Method};
use techcommerce_contracts::context::{self, RequestContext, TraceParent};
use techcommerce_kernel::Uuid;
use techcommerce_telemetry::{
    ActiveSpan, HttpRecorder, Span, SpanKind,
    trace::{Link, Root},
};
use tokio::time::Instant;

use crate::{Exposure, PeerAddress, ServiceStack, error::AnsweredWith, identity::is_from_service};

/// A request's ids and its span, and where they are from.
pub(crate) struct Begun {
    pub(crate) context: RequestContext,
    /// A service in this process works for a request and calls; else it came over the network.
    pub(crate) of_caller: bool,
    pub(crate) span: Span,
}

/// Begins to work for a request: under the ids that came with it where they are sane and from one
/// of us, else under new ones.
///
/// Anyone can send a `traceparent` to an edge. To go on with it would let strangers decide what is
/// kept, and gather the requests of a whole day under one trace; so it is only linked to, unless
/// the operator says that his own proxy vouches for it.
pub(crate) fn begin(request: &Request, stack: &ServiceStack) -> Begun {
    let (env, tracer) = (&stack.env, stack.telemetry.tracer());
    let service = stack.service.name();
    let random_id = || u64::from_be_bytes(env.random_bytes()).max(1);
    if !is_over_network(request)
        && let Some(caller) = RequestContext::current()
    {
        let active = ActiveSpan::current();
        let span = active.map_or_else(Span::default, |active| {
            active.child_of(service, SpanKind::Server, name_of(request))
        });
        let trace = caller.trace.child(span.id().unwrap_or_else(random_id));
        return Begun {
            context: RequestContext { trace, ..caller },
            of_caller: true,
            span,
        };
    }
    let headers = request.headers();
    let request_id = RequestContext::incoming_request_id(headers).unwrap_or_else(|| {
        let mut text = Uuid::encode_buffer();
        Arc::from(&*env.new_id().simple().encode_lower(&mut text))
    });
    let incoming = RequestContext::incoming_trace(headers);
    let believed = stack.exposure == Exposure::Internal
        || is_from_service(request)
        || tracer.continues_outside();
    let span_id = random_id();
    let (trace, parent_id) = match incoming.filter(|_| believed) {
        Some(parent) => (parent.child(span_id), parent.span_id),
        None => {
            let trace_id = u128::from_be_bytes(env.random_bytes()).max(1);
            let flags = u8::from(tracer.samples(trace_id));
            let trace = TraceParent {
                trace_id,
                span_id,
                flags,
            };
            (trace, 0)
        }
    };
    let mut span = tracer.root(|| Root {
        service,
        kind: SpanKind::Server,
        name: name_of(request).into(),
        trace_id: trace.trace_id,
        span_id,
        parent_id,
        sampled: trace.is_sampled(),
        link: incoming.filter(|_| !believed).map(|outside| Link {
            trace_id: outside.trace_id,
            span_id: outside.span_id,
            relation: "asked_from_outside",
        }),
    });
    if span.is_recording() {
        span.set("techcommerce.request_id", request_id.to_string());
    }
    Begun {
        context: RequestContext { request_id, trace },
        of_caller: false,
        span,
    }
}

/// The method and the route's template: never the path, which holds ids.
fn name_of(request: &Request) -> String {
    let method = method_label(request.method());
    match request.extensions().get::<MatchedPath>() {
        Some(path) => format!("{method} {}", path.as_str()),
        None => method.to_owned(),
    }
}

/// Came over a socket, not from a service in this process.
fn is_over_network(request: &Request) -> bool {
    request.extensions().get::<PeerAddress>().is_some()
}

/// Tells the client the request's id, so that it can be quoted.
pub(crate) fn tell_request_id(request_id: &str, headers: &mut HeaderMap) {
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(context::REQUEST_ID, id);
    }
}

/// A request on its way. If it is dropped before its end, the client went away.
pub(crate) struct Observed {
    recorder: HttpRecorder,
    method: &'static str,
    route: Route,
    started: Instant,
    /// Came over a socket, not from a service in this process.
    over_network: bool,
    finished: bool,
    span: Span,
}

/// Which route has answered, for whoever passed the request on to this process's next service:
/// `/api/{*rest}` says little in a log.
#[derive(Clone)]
struct AnsweredAs(MatchedPath);

enum Route {
    Matched(MatchedPath),
    Unmatched,
}

impl Route {
    /// The template. Never the path itself: ids of carts and tokens in it are secrets.
    fn template(&self) -> &str {
        match self {
            Self::Matched(path) => path.as_str(),
            Self::Unmatched => "unmatched",
        }
    }
}

impl Observed {
    pub(crate) fn start(recorder: &HttpRecorder, request: &Request, span: Span) -> Self {
        recorder.active().inc();
        Self {
            recorder: recorder.clone(),
            method: method_label(request.method()),
            route: request
                .extensions()
                .get::<MatchedPath>()
                .map_or(Route::Unmatched, |path| Route::Matched(path.clone())),
            started: Instant::now(),
            over_network: is_over_network(request),
            finished: false,
            span,
        }
    }

    pub(crate) fn finish(mut self, response: &mut axum::response::Response) {
        self.finished = true;
        let code = response
            .extensions()
            .get::<AnsweredWith>()
            .map(|AnsweredWith(code)| Arc::<str>::from(code.as_str()));
        let passes_on = self.route.template().contains("{*");
        let answered = response.extensions().get::<AnsweredAs>();
        let passed_on = answered.filter(|_| passes_on).cloned();
        if let (None, Route::Matched(path), false) = (&passed_on, &self.route, self.over_network) {
            response.extensions_mut().insert(AnsweredAs(path.clone()));
        }
        let route = passed_on.as_ref().map(|AnsweredAs(path)| path.as_str());
        self.end(response.status().as_u16(), code.as_deref(), route);
    }

    /// `passed_on`: which route of the service that it was passed on to has answered.
    fn end(&mut self, status: u16, code: Option<&str>, passed_on: Option<&str>) {
        let taken = self.started.elapsed();
        let route = self.route.template();
        self.recorder.active().dec();
        self.recorder.record(self.method, route, status, taken);
        if self.span.is_recording() {
            self.span.set("http.request.method", self.method);
            self.span.set("http.route", route.to_owned());
            self.span.set("http.response.status_code", status);
            if status >= 500 {
                let code = code.map_or_else(|| status.to_string(), str::to_owned);
                self.span.fail(code);
            }
        }
        let route = self.route.template();
        let route = passed_on.unwrap_or(route);
        let duration_ms = taken.as_micros() as f64 / 1000.0;
        let method = self.method;
        // One line per request of the outside world; the calls between services of one process
        // can be seen with `debug`.
        if self.over_network {
            tracing::info!(target: "access", code, duration_ms, method, route, status, "answered");
        } else {
            tracing::debug!(target: "access", code, duration_ms, method, route, status, "answered");
        }
    }
}

impl Drop for Observed {
    fn drop(&mut self) {
        if !self.finished {
            // As nginx writes it: the client closed the connection.
            self.end(499, None, None);
        }
    }
}

fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}

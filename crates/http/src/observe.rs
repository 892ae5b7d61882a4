//! What is seen of a request from outside: its ids, its place in the metrics, its log line.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request};
use http::{HeaderMap, HeaderValue, Method};
use techcommerce_contracts::context::{self, RequestContext, TraceParent};
use techcommerce_kernel::{Env, Uuid};
use techcommerce_telemetry::HttpRecorder;
use tokio::time::Instant;

use crate::{PeerAddress, error::AnsweredWith};

/// The ids that came with the request where they are sane, else new ones; and whether they are the
/// caller's, because a service in this process works for a request and calls.
pub(crate) fn context_of(request: &Request, env: &Env) -> (RequestContext, bool) {
    let headers = request.headers();
    let span_id = u64::from_be_bytes(env.random_bytes()).max(1);
    if !is_over_network(request)
        && let Some(caller) = RequestContext::current()
    {
        let trace = caller.trace.child(span_id);
        return (RequestContext { trace, ..caller }, true);
    }
    let request_id = RequestContext::incoming_request_id(headers).unwrap_or_else(|| {
        let mut text = Uuid::encode_buffer();
        Arc::from(&*env.new_id().simple().encode_lower(&mut text))
    });
    let trace = match RequestContext::incoming_trace(headers) {
        Some(parent) => parent.child(span_id),
        None => TraceParent {
            trace_id: u128::from_be_bytes(env.random_bytes()).max(1),
            span_id,
            flags: 0,
        },
    };
    (RequestContext { request_id, trace }, false)
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
    pub(crate) fn start(recorder: &HttpRecorder, request: &Request) -> Self {
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
    fn end(&self, status: u16, code: Option<&str>, passed_on: Option<&str>) {
        let taken = self.started.elapsed();
        let route = self.route.template();
        self.recorder.active().dec();
        self.recorder.record(self.method, route, status, taken);
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

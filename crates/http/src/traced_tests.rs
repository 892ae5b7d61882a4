//! The stack's spans: what a request is called, whose trace it is part of, and who may say so.

use std::time::Duration;

use axum::{Router, body::Body, routing::get};
use http::Request;
use techcommerce_contracts::{
    Principal, Service, TokenSigner,
    context::{RequestContext, TraceParent},
    identity::TOKEN_HEADER,
};
use techcommerce_kernel::{Env, Error};
use techcommerce_telemetry::{
    Span, SpanKind, Telemetry,
    trace::{Batch, Finished, Outbox, TraceOptions},
};
use tower::ServiceExt;

use crate::{
    ApiError, Exposure, Health, Limits, PeerAddress, ServiceStack, TrustedProxies, service_stack,
};

const OUTSIDE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

struct App {
    router: Router,
    outbox: Outbox,
    signer: TokenSigner,
}

impl App {
    fn new(exposure: Exposure, sample: f64, continues: bool) -> Self {
        let (env, _) = Env::manual(1);
        let signer = TokenSigner::from_seed(&[7; 32], env.clone());
        let options = TraceOptions {
            sample,
            slow: Duration::from_secs(60),
        };
        let telemetry = Telemetry::new("test", "test").continuing_outside(continues);
        let (telemetry, outbox) = telemetry.traced(options);
        let stack = ServiceStack {
            service: Service::Api,
            verifier: signer.verifier(),
            env,
            telemetry,
            health: Health::new(Service::Api, Vec::new()),
            exposure,
            limits: Limits::default(),
        };
        Self {
            router: service_stack(routes(), stack),
            outbox,
            signer,
        }
    }

    async fn ask(&mut self, request: Request<Body>) -> String {
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let body = axum::body::to_bytes(answer.into_body(), 10_000).await;
        String::from_utf8(body.unwrap().to_vec()).unwrap()
    }

    /// The one batch that a request has given.
    fn batch(&mut self) -> Batch {
        let batch = self.outbox.ready().expect("it is traced");
        assert!(self.outbox.ready().is_none());
        batch
    }
}

fn routes() -> Router {
    Router::new()
        .route("/carts/{id}", get(|| async { "a cart" }))
        .route(
            "/works",
            get(|| async {
                drop(Span::child(SpanKind::Internal, || "step"));
                RequestContext::current().unwrap().trace.to_string()
            }),
        )
        .route(
            "/fails",
            get(|| async { ApiError(Error::unavailable("Not now.")) }),
        )
}

fn from_network(path: &str) -> Request<Body> {
    let mut request = Request::get(path).body(Body::empty()).unwrap();
    let peer = PeerAddress("203.0.113.9:4711".parse().unwrap());
    request.extensions_mut().insert(peer);
    request
}

fn outside() -> TraceParent {
    OUTSIDE.parse().unwrap()
}

fn with_parent(path: &str) -> Request<Body> {
    let mut request = from_network(path);
    let parent = OUTSIDE.parse().unwrap();
    request.headers_mut().insert("traceparent", parent);
    request
}

fn attribute(span: &Finished, name: &str) -> Option<String> {
    let found = span.attributes.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| format!("{value:?}"))
}

#[tokio::test]
async fn a_request_is_named_by_its_route_and_never_by_its_path() {
    let mut app = App::new(Exposure::Internal, 1.0, false);
    app.ask(from_network("/carts/secret-cart?access_token=secret"))
        .await;
    let batch = app.batch();
    let [span] = batch.spans.as_slice() else {
        panic!("{batch:?}");
    };
    assert_eq!(span.name, "GET /carts/{id}");
    assert_eq!((span.service, span.kind), ("api", SpanKind::Server));
    assert!(
        attribute(span, "http.route")
            .unwrap()
            .contains("/carts/{id}")
    );
    assert!(
        attribute(span, "http.response.status_code")
            .unwrap()
            .contains("200")
    );
    assert!(!format!("{batch:?}").contains("secret"));

    let mut odd = from_network("/secret-path");
    *odd.method_mut() = "SECRET".parse().unwrap();
    app.ask(odd).await;
    let batch = app.batch();
    assert_eq!(batch.spans[0].name, "other");
    assert!(!format!("{batch:?}").to_lowercase().contains("secret"));
}

#[tokio::test]
async fn the_context_is_that_of_the_span() {
    let mut app = App::new(Exposure::Internal, 1.0, false);
    let told: TraceParent = app.ask(from_network("/works")).await.parse().unwrap();
    let batch = app.batch();
    let [step, server] = batch.spans.as_slice() else {
        panic!("{batch:?}");
    };
    assert!(told.is_sampled() && batch.sampled);
    assert_eq!(
        (told.trace_id, told.span_id),
        (batch.trace_id, server.span_id)
    );
    assert_eq!(step.parent_id, server.span_id);
    assert_eq!(server.parent_id, 0);
}

#[tokio::test]
async fn what_fails_says_why_by_its_code() {
    let mut app = App::new(Exposure::Internal, 0.0, false);
    app.ask(from_network("/works")).await;
    assert!(app.outbox.ready().is_none());
    let document = app.ask(from_network("/fails")).await;
    let batch = app.batch();
    assert_eq!(batch.spans[0].error.as_deref(), Some("unavailable"));
    let id = format!("\"trace_id\":\"{:032x}\"", batch.trace_id);
    assert!(document.contains(&id), "{document}");
}

#[tokio::test]
async fn one_of_us_is_believed() {
    // A service further in, which strangers cannot reach.
    let mut app = App::new(Exposure::Internal, 0.0, false);
    app.ask(with_parent("/works")).await;
    let batch = app.batch();
    assert_eq!(batch.trace_id, outside().trace_id);
    assert_eq!(batch.spans[1].parent_id, outside().span_id);

    // An edge, asked by a service that shows its token.
    let mut app = App::new(Exposure::Edge(TrustedProxies::default()), 0.0, false);
    let name = Service::Frontend;
    let (token, _) = app.signer.sign(Principal::Service { name }, None).unwrap();
    let mut request = with_parent("/works");
    request
        .headers_mut()
        .insert(TOKEN_HEADER, token.parse().unwrap());
    app.ask(request).await;
    assert_eq!(app.batch().trace_id, outside().trace_id);
}

#[tokio::test]
async fn a_stranger_is_only_linked_to() {
    for forged in [None, Some("forged")] {
        let mut app = App::new(Exposure::Edge(TrustedProxies::default()), 1.0, false);
        let mut request = with_parent("/works");
        if let Some(token) = forged {
            request
                .headers_mut()
                .insert(TOKEN_HEADER, token.parse().unwrap());
        }
        app.ask(request).await;
        let batch = app.batch();
        assert_ne!(batch.trace_id, outside().trace_id);
        let server = &batch.spans[1];
        assert_eq!(server.parent_id, 0);
        assert_eq!(server.links[0].trace_id, outside().trace_id);
        assert_eq!(server.links[0].span_id, outside().span_id);
    }
    // Nor can one have anything kept.
    let mut app = App::new(Exposure::Edge(TrustedProxies::default()), 0.0, false);
    app.ask(with_parent("/works")).await;
    assert!(app.outbox.ready().is_none());
}

#[tokio::test]
async fn a_proxy_may_be_believed() {
    let mut app = App::new(Exposure::Edge(TrustedProxies::default()), 0.0, true);
    app.ask(with_parent("/works")).await;
    assert_eq!(app.batch().trace_id, outside().trace_id);
}

//! The stack from outside: one router with all that can go wrong.

use std::sync::Mutex;

use axum::{
    body::Body,
    routing::{get, post},
};
use http::{HeaderMap, Request};
use http_body_util::BodyExt;
use serde_json::Value;
use techcommerce_contracts::TokenSigner;
use techcommerce_telemetry::LogLayer;
use tokio::sync::{Notify, oneshot};
use tower::ServiceExt;
use tracing::instrument::WithSubscriber;
use tracing_subscriber::layer::SubscriberExt;

use super::*;
use crate::{Caller, Json, PeerAddress};

struct App {
    router: Router,
    telemetry: Telemetry,
    health: Health,
}

fn app(router: Router, limits: Limits) -> App {
    let (env, _) = Env::manual(1);
    let telemetry = Telemetry::new("test", "test");
    let health = Health::new(Service::OrderApi, Vec::new());
    let stack = ServiceStack {
        service: Service::OrderApi,
        verifier: TokenSigner::from_seed(&[7; 32], env.clone()).verifier(),
        env,
        telemetry: telemetry.clone(),
        health: health.clone(),
        exposure: Exposure::Internal,
        limits,
    };
    App {
        router: service_stack(router, stack),
        telemetry,
        health,
    }
}

fn routes() -> Router {
    Router::new()
        .route("/carts/{id}", get(|_: Caller| async { "a cart" }))
        .route(
            "/echo",
            post(|Json(value): Json<Value>| async { Json(value) }),
        )
        .route(
            "/ids",
            get(|| async {
                let context = RequestContext::current().unwrap();
                format!("{} {}", context.request_id, context.trace)
            }),
        )
        .route("/panic", get(panicking).post(panicking))
}

#[allow(clippy::unused_async, reason = "a handler")]
async fn panicking() -> &'static str {
    panic!("planted")
}

impl App {
    async fn send(&self, request: Request<Body>) -> (u16, HeaderMap, String) {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        (head.status.as_u16(), head.headers, text)
    }

    /// The status and code of a problem, which must carry the request's id.
    async fn problem(&self, request: Request<Body>) -> (u16, String) {
        let (status, headers, body) = self.send(request).await;
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(headers["content-type"], "application/problem+json");
        assert_eq!(
            problem["request_id"],
            headers["x-request-id"].to_str().unwrap()
        );
        assert_eq!(problem["status"], status);
        (status, problem["code"].as_str().unwrap().to_owned())
    }
}

fn ask(method: &str, path: &str) -> Request<Body> {
    send_json(method, path, "")
}

fn send_json(method: &str, path: &str, body: &str) -> Request<Body> {
    Request::builder()
        .method(method)
        .uri(path)
        .header("content-type", "application/json")
        .body(Body::from(body.to_owned()))
        .unwrap()
}

#[tokio::test]
async fn whatever_goes_wrong_is_a_problem_document() {
    let limits = Limits {
        body_bytes: 64,
        ..Limits::default()
    };
    let app = app(routes(), limits);
    let long = format!("\"{}\"", "x".repeat(100));
    for (request, expected) in [
        (ask("GET", "/nothing"), (404, "not_found")),
        (ask("DELETE", "/echo"), (405, "method_not_allowed")),
        (send_json("POST", "/echo", &long), (413, "too_large")),
        (send_json("POST", "/echo", "{"), (400, "invalid_json")),
        (ask("GET", "/panic"), (500, "internal")),
        (ask("POST", "/panic"), (500, "internal")),
    ] {
        let name = request.uri().to_string();
        let (status, code) = app.problem(request).await;
        assert_eq!((status, code.as_str()), expected, "{name}");
    }
    let mut forged = ask("GET", "/carts/1");
    forged
        .headers_mut()
        .insert("x-techcommerce-token", "forged".parse().unwrap());
    assert_eq!(app.problem(forged).await.0, 401);
    assert_eq!(app.send(ask("GET", "/carts/1")).await.0, 200);
    let (_, headers, _) = app.send(ask("DELETE", "/echo")).await;
    assert_eq!(headers["allow"], "POST");
}

#[tokio::test]
async fn ids_are_taken_or_made_and_told() {
    let app = app(routes(), Limits::default());
    let mut request = ask("GET", "/ids");
    let headers = request.headers_mut();
    headers.insert("x-request-id", "from-outside-1".parse().unwrap());
    let parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    headers.insert("traceparent", parent.parse().unwrap());
    let (_, headers, body) = app.send(request).await;
    assert_eq!(headers["x-request-id"], "from-outside-1");
    assert!(body.starts_with("from-outside-1 00-4bf92f3577b34da6a3ce929d0e0e4736-"));
    assert!(!body.contains("00f067aa0ba902b7"), "the span is our own");

    let mut evil = ask("GET", "/ids");
    evil.headers_mut()
        .insert("x-request-id", "\"><script>".parse().unwrap());
    let (_, headers, _) = app.send(evil).await;
    let made = headers["x-request-id"].to_str().unwrap().to_owned();
    assert_eq!(made.len(), 32);
    let (_, headers, _) = app.send(ask("GET", "/ids")).await;
    assert_ne!(headers["x-request-id"], made.as_str());
}

#[tokio::test]
async fn metrics_name_routes_never_paths() {
    let app = app(routes(), Limits::default());
    app.send(ask("GET", "/carts/secret-cart?access_token=secret"))
        .await;
    app.send(ask("GET", "/secret-path")).await;
    app.send(ask("SECRET", "/carts/1")).await;
    let text = app.telemetry.encode();
    for labels in [
        r#"method="GET",route="/carts/{id}",status="200""#,
        r#"method="GET",route="unmatched",status="404""#,
        r#"method="other",route="/carts/{id}",status="405""#,
    ] {
        let count = format!(
            "http_server_request_duration_seconds_count{{service=\"order-api\",{labels}}} 1"
        );
        assert!(text.contains(&count), "{count}\nnot in\n{text}");
    }
    assert!(!text.contains("secret") && !text.contains("SECRET"));
    assert!(text.contains("http_server_active_requests{service=\"order-api\"} 0"));
}

#[tokio::test]
async fn one_log_line_names_the_route_and_no_secret() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let layer = LogLayer::json(move |line: &[u8]| sink.lock().unwrap().extend_from_slice(line));
    let info = tracing_subscriber::filter::LevelFilter::INFO;
    let subscriber = tracing_subscriber::registry().with(info).with(layer);
    let app = app(routes(), Limits::default());
    async {
        // From a service in this process: told at `debug` only.
        app.send(ask("GET", "/carts/one")).await;
        let mut request = ask("DELETE", "/carts/secret-cart?access_token=secret");
        let peer = "203.0.113.9:4711".parse().unwrap();
        request.extensions_mut().insert(PeerAddress(peer));
        app.send(request).await;
    }
    .with_subscriber(subscriber)
    .await;
    let text = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
    assert_eq!(text.lines().count(), 1, "{text}");
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["service"], "order-api");
    assert_eq!(line["trace_id"].as_str().unwrap().len(), 32);
    assert_eq!(line["request_id"].as_str().unwrap().len(), 32);
    assert_eq!(line["fields"]["route"], "/carts/{id}");
    assert_eq!(line["fields"]["status"], 405);
    assert_eq!(line["fields"]["code"], "method_not_allowed");
    assert!(!text.contains("secret"), "{text}");
}

#[tokio::test]
async fn a_service_in_this_process_works_for_the_same_request() {
    let inner = app(routes(), Limits::default()).router;
    let calling = get(move || async move {
        let own = RequestContext::current().unwrap();
        let answer = inner.oneshot(ask("GET", "/ids")).await.unwrap();
        assert!(!answer.headers().contains_key("x-request-id"));
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        let inner = String::from_utf8(body.to_vec()).unwrap();
        let (id, trace) = inner.split_once(' ').unwrap();
        assert_eq!(id, &*own.request_id);
        assert!(trace.contains(&own.trace.trace_id_hex()));
        inner
    });
    let app = app(Router::new().route("/calls", calling), Limits::default());
    let (status, headers, body) = app.send(ask("GET", "/calls")).await;
    assert_eq!(status, 200, "{body}");
    assert!(body.starts_with(headers["x-request-id"].to_str().unwrap()));
}

#[tokio::test]
async fn lines_of_a_change_say_whose_they_are() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let layer = LogLayer::json(move |line: &[u8]| sink.lock().unwrap().extend_from_slice(line));
    let subscriber = tracing_subscriber::registry().with(layer);
    let _default = tracing::subscriber::set_default(subscriber);
    let change = post(|| async { tracing::warn!("within") });
    let app = app(Router::new().route("/change", change), Limits::default());
    let (_, headers, _) = app.send(ask("POST", "/change")).await;
    let text = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
    let line = text.lines().find(|line| line.contains("within")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["service"], "order-api");
    assert_eq!(
        line["request_id"],
        headers["x-request-id"].to_str().unwrap()
    );
}

#[tokio::test]
async fn outsiders_get_the_headers_of_a_careful_site() {
    let (env, _) = Env::manual(1);
    let stack = ServiceStack {
        service: Service::Api,
        verifier: TokenSigner::from_seed(&[7; 32], env.clone()).verifier(),
        env,
        telemetry: Telemetry::new("test", "test"),
        health: Health::new(Service::Api, Vec::new()),
        exposure: Exposure::Edge(TrustedProxies::default()),
        limits: Limits::default(),
    };
    let long = get(|| async { "tea ".repeat(1000) });
    let router = Router::new().route("/long", long);
    let router = public_service_stack(router, stack, SecurityHeaders::new("https://shop.test"));
    for (path, status) in [("/long", 200), ("/nothing", 404), ("/live", 200)] {
        let mut request = ask("GET", path);
        request
            .headers_mut()
            .insert("accept-encoding", "gzip".parse().unwrap());
        let answer = router.clone().oneshot(request).await.unwrap();
        assert_eq!(answer.status(), status, "{path}");
        assert_eq!(answer.headers()["x-content-type-options"], "nosniff");
        let packed = answer.headers().contains_key("content-encoding");
        assert!(packed, "{path}");
    }
}

#[tokio::test]
async fn packed_bodies_are_not_taken() {
    let app = app(routes(), Limits::default());
    for (encoding, status) in [("gzip", 415), ("gzip, identity", 415), ("Identity", 200)] {
        let mut request = ask("POST", "/echo");
        let headers = request.headers_mut();
        headers.insert("content-encoding", encoding.parse().unwrap());
        headers.insert("content-type", "application/json".parse().unwrap());
        *request.body_mut() = Body::from("1");
        let (given, headers, _) = app.send(request).await;
        assert_eq!(given, status, "{encoding}");
        let told = headers.get("accept-encoding");
        assert_eq!(told.is_some(), status == 415, "{encoding}");
    }
}

#[tokio::test]
async fn too_much_at_once_is_refused_early() {
    let gate = Arc::new(Notify::new());
    let (entered, mut arrived) = tokio::sync::mpsc::channel(1);
    let wait = {
        let gate = gate.clone();
        move || async move {
            entered.send(()).await.unwrap();
            gate.notified().await;
        }
    };
    let limits = Limits {
        concurrency: 1,
        ..Limits::default()
    };
    let app = app(Router::new().route("/wait", get(wait)), limits);
    app.health.set_ready();
    let first = tokio::spawn(app.router.clone().oneshot(ask("GET", "/wait")));
    arrived.recv().await.unwrap();
    let (status, headers, _) = app.send(ask("GET", "/wait")).await;
    assert_eq!(status, 503);
    assert_eq!(headers["retry-after"], "1");
    assert_eq!(
        app.send(ask("GET", "/readyz")).await.0,
        200,
        "busy is not sick"
    );
    gate.notify_one();
    assert_eq!(first.await.unwrap().unwrap().status(), 200);
    gate.notify_one();
    assert_eq!(app.send(ask("GET", "/wait")).await.0, 200);
}

/// A handler that says when it started and whether it came to its end.
fn slow(done: oneshot::Sender<()>, gate: Arc<Notify>, entered: Arc<Notify>) -> Router {
    let done = Arc::new(Mutex::new(Some(done)));
    let handler = move || async move {
        entered.notify_one();
        gate.notified().await;
        let done = done.lock().unwrap().take();
        let _ = done.unwrap().send(());
    };
    Router::new().route("/slow", get(handler.clone()).post(handler))
}

#[tokio::test]
async fn a_change_runs_to_its_end_when_the_client_hangs_up() {
    for (method, comes_to_its_end) in [("POST", true), ("GET", false)] {
        let (done, ended) = oneshot::channel();
        let (gate, entered) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let app = app(slow(done, gate.clone(), entered.clone()), Limits::default());
        let request = tokio::spawn(app.router.clone().oneshot(ask(method, "/slow")));
        entered.notified().await;
        request.abort();
        assert!(request.await.unwrap_err().is_cancelled());
        assert_eq!(app.health.work().len(), usize::from(comes_to_its_end));
        gate.notify_one();
        drop(app.router);
        assert_eq!(ended.await.is_ok(), comes_to_its_end, "{method}");
        app.health.work().close();
        app.health.work().wait().await;
        let text = app.telemetry.encode();
        let gone = format!("method=\"{method}\",route=\"/slow\",status=\"499\"}} 1");
        assert!(text.contains(&gone), "{text}");
        assert!(text.contains("http_server_active_requests{service=\"order-api\"} 0"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_change_is_answered_and_goes_on() {
    let (done, ended) = oneshot::channel();
    let gate = Arc::new(Notify::new());
    let app = app(slow(done, gate.clone(), Arc::default()), Limits::default());
    let (status, code) = app.problem(ask("POST", "/slow")).await;
    assert_eq!((status, code.as_str()), (503, "timeout"));
    gate.notify_one();
    ended.await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_body_that_does_not_come_is_given_up() {
    let app = app(routes(), Limits::default());
    let never = futures_util::stream::pending::<Result<bytes::Bytes, std::io::Error>>();
    let request = Request::post("/echo")
        .header("content-type", "application/json")
        .body(Body::from_stream(never))
        .unwrap();
    let (status, code) = app.problem(request).await;
    assert_eq!((status, code.as_str()), (400, "body_unread"));
    assert!(app.health.work().is_empty(), "nothing is held for ever");
}

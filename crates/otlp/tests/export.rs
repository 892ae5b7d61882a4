//! The exporter against a collector that takes, waits, refuses or is away.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a panic is how a test fails"
)]

use std::{net::SocketAddr, time::Duration};

use http::{HeaderName, HeaderValue};
use techcommerce_otlp::{Export, Exporter, check};
use techcommerce_telemetry::{
    SpanKind, Telemetry,
    trace::{Link, Root, TraceOptions},
};
use techcommerce_testkit::{Collector, Collects, Env};

fn export(endpoint: &str) -> Export {
    Export {
        endpoint: endpoint.parse().unwrap(),
        headers: vec![(
            HeaderName::from_static("x-key"),
            HeaderValue::from_static("collector-key"),
        )],
        version: "0.1.0",
        instance: "one".to_owned(),
        attributes: vec![
            ("k8s.pod.name".to_owned(), "api-1".to_owned()),
            ("service.name".to_owned(), "ignored".to_owned()),
        ],
    }
}

struct Traced {
    telemetry: Telemetry,
    exporter: Exporter,
}

impl Traced {
    fn to(endpoint: &str) -> Self {
        let options = TraceOptions {
            sample: 1.0,
            slow: Duration::from_secs(1),
        };
        let (telemetry, outbox) = Telemetry::new("0", "0").traced(options);
        let exporter = Exporter::start(export(endpoint), outbox, Env::system()).unwrap();
        Self {
            telemetry,
            exporter,
        }
    }

    /// A trace of one span.
    fn span(&self, number: u64) {
        let trace_id = u128::from(number);
        drop(self.telemetry.tracer().root(|| root(trace_id)));
    }

    fn count(&self, outcome: &str) -> u64 {
        let labels = format!("techcommerce_traces_spans_total{{outcome=\"{outcome}\"}} ");
        let text = self.telemetry.encode();
        let line = text.lines().find_map(|line| line.strip_prefix(&labels));
        line.expect("the counter").parse().unwrap()
    }

    async fn until(&self, outcome: &str, count: u64) {
        let deadline = tokio::time::Instant::now() + Duration::from_secs(30);
        while self.count(outcome) < count {
            assert!(tokio::time::Instant::now() < deadline, "{outcome}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        assert_eq!(self.count(outcome), count, "{outcome}");
    }
}

fn root(trace_id: u128) -> Root {
    Root {
        service: "api",
        kind: SpanKind::Server,
        name: "GET /products".into(),
        trace_id,
        span_id: 7,
        parent_id: 0,
        sampled: true,
        link: None,
    }
}

#[tokio::test]
async fn spans_arrive_as_they_were() {
    let collector = Collector::start().await;
    let traced = Traced::to(&format!("{}/base/", collector.endpoint()));
    let mut span = traced.telemetry.tracer().root(|| Root {
        parent_id: 9,
        link: Some(Link {
            trace_id: 0xabc,
            span_id: 0xdef,
            relation: "enqueued_by",
        }),
        ..root(0x1234)
    });
    span.set("http.response.status_code", 503_u16);
    span.set("made", "write to ann@example.com".to_owned());
    let active = span.active().unwrap();
    drop(active.child_of("order-api", SpanKind::Client, "SELECT orders"));
    span.fail("unavailable");
    drop(span);
    let spans = collector.until(|spans| spans.len() == 2).await;
    let [child, root] = [&spans[1], &spans[0]];
    assert_eq!((root.service.as_str(), root.kind), ("api", 2));
    assert_eq!(root.trace_id, format!("{:032x}", 0x1234));
    assert_eq!(root.span_id, format!("{:016x}", 7));
    assert_eq!(root.parent_id, Some(format!("{:016x}", 9)));
    assert_eq!(root.name, "GET /products");
    assert_eq!(
        root.links,
        [(format!("{:032x}", 0xabc), format!("{:016x}", 0xdef))]
    );
    assert!(root.failed && root.sampled && root.ended >= root.started);
    assert_eq!(root.attributes["error.type"], "unavailable");
    assert_eq!(root.attributes["http.response.status_code"], "503");
    assert!(!root.attributes["made"].contains("ann@"), "{root:?}");
    assert_eq!(root.resource["service.namespace"], "techcommerce");
    assert_eq!(root.resource["service.version"], "0.1.0");
    assert_eq!(root.resource["service.instance.id"], "one");
    assert_eq!(root.resource["k8s.pod.name"], "api-1");
    assert_eq!((child.service.as_str(), child.kind), ("order-api", 3));
    assert_eq!(child.trace_id, root.trace_id);
    assert_eq!(child.parent_id.as_ref(), Some(&root.span_id));
    assert!(!child.failed && child.started >= root.started && child.ended <= root.ended);

    let received = &collector.received()[0];
    assert_eq!(received.path, "/base/v1/traces");
    assert_eq!(received.headers["x-key"], "collector-key");
    assert_eq!(received.headers["content-type"], "application/x-protobuf");
    traced.until("sent", 2).await;
}

#[tokio::test]
async fn what_the_collector_asks_for_again_is_sent_again() {
    let collector = Collector::start().await;
    collector.answers([
        Collects::Status(503, Some(0)),
        Collects::Status(429, Some(0)),
        Collects::AllBut(1),
    ]);
    let traced = Traced::to(&collector.endpoint());
    traced.span(1);
    traced.span(2);
    traced.until("sent", 1).await;
    traced.until("failed", 1).await;
    assert_eq!(collector.received().len(), 3);
}

#[tokio::test]
async fn what_the_collector_refuses_is_not_sent_again() {
    let collector = Collector::start().await;
    collector.answers([Collects::Status(400, None)]);
    let traced = Traced::to(&collector.endpoint());
    traced.span(1);
    traced.until("failed", 1).await;
    traced.span(2);
    traced.until("sent", 1).await;
    assert_eq!(collector.received().len(), 2);
}

#[tokio::test]
async fn a_collector_that_is_away_costs_spans_and_nothing_else() {
    let nobody = Collector::start().await.address();
    let traced = Traced::to(&format!("http://{nobody}"));
    // More than there is room for, while the first of them are tried again and again.
    for number in 0..20_000 {
        traced.span(number);
        if number == 0 {
            tokio::time::sleep(Duration::from_millis(1200)).await;
        }
    }
    let dropped = traced.count("dropped");
    assert!((11_000..20_000).contains(&dropped), "{dropped}");
    let asked = tokio::time::Instant::now();
    traced.exporter.finish(Duration::from_secs(5)).await;
    assert!(
        asked.elapsed() < Duration::from_secs(6),
        "the end has a limit"
    );
}

#[tokio::test]
async fn one_that_comes_back_gets_what_waits_and_the_end_sends_the_rest() {
    let address: SocketAddr = Collector::start().await.address();
    let traced = Traced::to(&format!("http://{address}"));
    traced.span(1);
    tokio::time::sleep(Duration::from_millis(1500)).await;
    let collector = Collector::start_at(address).await;
    collector.until(|spans| spans.len() == 1).await;
    // Not gathered for long at the end.
    traced.span(2);
    traced.span(3);
    traced.exporter.finish(Duration::from_secs(10)).await;
    assert_eq!(collector.spans().len(), 3);
}

#[tokio::test]
async fn one_that_hangs_does_not_hold_up_the_end() {
    let collector = Collector::start().await;
    collector.answers([Collects::Hangs(Duration::from_secs(60))]);
    let traced = Traced::to(&collector.endpoint());
    traced.span(1);
    let asked = tokio::time::Instant::now();
    traced.exporter.finish(Duration::from_millis(500)).await;
    assert!(asked.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn whether_it_takes_spans_can_be_tried() {
    let collector = Collector::start().await;
    collector.answers([Collects::Status(401, None)]);
    let export = export(&collector.endpoint());
    let refused = check(&export, Env::system()).await.unwrap_err();
    let why = std::error::Error::source(&refused).unwrap().to_string();
    assert!(
        why.contains("401") && !why.contains("collector-key"),
        "{why}"
    );
    check(&export, Env::system()).await.unwrap();
    assert_eq!(collector.spans().len(), 0);
    drop(collector);
    assert!(check(&export, Env::system()).await.is_err());
}

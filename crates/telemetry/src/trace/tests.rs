use std::time::Duration;

use tokio::time::advance;

use super::{Batch, Outbox, Root, Span, SpanKind, TraceOptions, Tracer, measured_call, past_span};
use crate::{ActiveSpan, LogScope, Telemetry};
use techcommerce_kernel::Called;

const TRACE: u128 = 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef;

struct Fixture {
    telemetry: Telemetry,
    outbox: Outbox,
}

impl Fixture {
    fn sampling(sample: f64) -> Self {
        let slow = Duration::from_secs(1);
        let (telemetry, outbox) = Telemetry::new("0", "0").traced(TraceOptions { sample, slow });
        Self { telemetry, outbox }
    }

    fn tracer(&self) -> &Tracer {
        self.telemetry.tracer()
    }

    fn root(&self, sampled: bool) -> Span {
        self.tracer().root(|| Root {
            service: "api",
            kind: SpanKind::Server,
            name: "GET /products".into(),
            trace_id: TRACE,
            span_id: 7,
            parent_id: 0,
            sampled,
            link: None,
        })
    }

    /// The names of what came out, batch by batch.
    fn out(&mut self) -> Vec<Vec<String>> {
        let batches = std::iter::from_fn(|| self.outbox.ready());
        let names = |batch: Batch| {
            let spans = batch.spans.into_iter();
            spans.map(|span| span.name.into_owned()).collect()
        };
        batches.map(names).collect()
    }
}

#[tokio::test]
async fn off_is_nothing() {
    let tracer = Tracer::default();
    let root = tracer.root(|| unreachable!("nobody asks what it would be"));
    assert!(!root.is_recording() && root.active().is_none());
    let child = Span::child(SpanKind::Client, || -> &'static str {
        unreachable!("nor what it would be called")
    });
    assert!(!child.is_recording());
    assert!(!tracer.samples(0));
    root.around(async { assert!(ActiveSpan::current().is_none()) })
        .await;
}

#[tokio::test]
async fn spans_are_below_the_one_that_is_active() {
    let mut fixture = Fixture::sampling(1.0);
    let root = fixture.root(true);
    root.around(async {
        let call = Span::child(SpanKind::Client, || "GET order-api");
        call.around(async {
            past_span("inner", Duration::from_millis(1));
            measured_call("redis", Called::Timeout, Duration::from_millis(5));
        })
        .await;
        past_span("beside", Duration::ZERO);
    })
    .await;
    drop(root);
    let batch = fixture.outbox.ready().unwrap();
    assert_eq!(batch.trace_id, TRACE);
    let by_name = |name: &str| batch.spans.iter().find(|span| span.name == name).unwrap();
    let root = by_name("GET /products");
    let call = by_name("GET order-api");
    assert_eq!((root.parent_id, root.span_id), (0, 7));
    assert_eq!(call.parent_id, root.span_id);
    assert_eq!(by_name("inner").parent_id, call.span_id);
    assert_eq!(by_name("redis").parent_id, call.span_id);
    assert_eq!(by_name("redis").error.as_deref(), Some("timeout"));
    assert_eq!(by_name("beside").parent_id, root.span_id);
    let redis = by_name("redis");
    assert!(redis.ended - redis.started >= 5_000_000, "{redis:?}");
    let mut ids: Vec<u64> = batch.spans.iter().map(|span| span.span_id).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), batch.spans.len());
}

#[tokio::test(start_paused = true)]
async fn beyond_the_share_only_what_failed_or_was_slow_is_kept() {
    let mut fixture = Fixture::sampling(0.0);
    let quick = fixture.root(false);
    drop(
        quick
            .active()
            .map(|active| active.child(SpanKind::Client, "child")),
    );
    drop(quick);
    assert!(fixture.out().is_empty(), "an ordinary one is forgotten");

    let mut failed = fixture.root(false);
    drop(
        failed
            .active()
            .map(|active| active.child(SpanKind::Client, "child")),
    );
    failed.fail("internal");
    drop(failed);
    assert_eq!(
        fixture.out(),
        [["child", "GET /products"]],
        "and all below it"
    );

    let root = fixture.root(false);
    let mut child = root.active().unwrap().child(SpanKind::Client, "child");
    child.fail("timeout");
    drop(child);
    drop(root);
    assert_eq!(fixture.out().len(), 1, "a call in it failed");

    let slow = fixture.root(false);
    advance(Duration::from_millis(999)).await;
    drop(slow);
    assert!(fixture.out().is_empty());
    let slow = fixture.root(false);
    advance(Duration::from_millis(1000)).await;
    drop(slow);
    assert_eq!(fixture.out().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_failures_is_kept_by_a_hundred_a_second() {
    let mut fixture = Fixture::sampling(0.0);
    for _ in 0..2 {
        for _ in 0..300 {
            fixture.root(false).fail("internal");
        }
        assert_eq!(fixture.out().len(), 100);
        advance(Duration::from_secs(1)).await;
    }
    for _ in 0..300 {
        fixture.root(true).fail("internal");
    }
    assert_eq!(fixture.out().len(), 300, "the share is not bounded by it");
}

#[tokio::test]
async fn what_ends_behind_its_root_goes_where_the_root_went() {
    let mut fixture = Fixture::sampling(0.0);
    for sampled in [false, true] {
        let root = fixture.root(sampled);
        let late = root.active().unwrap().child(SpanKind::Client, "late");
        drop(root);
        drop(late);
    }
    assert_eq!(fixture.out(), [vec!["GET /products"], vec!["late"]]);
}

#[tokio::test]
async fn a_root_has_so_many_spans_and_says_how_many_it_left_out() {
    let mut fixture = Fixture::sampling(1.0);
    let root = fixture.root(true);
    let active = root.active().unwrap();
    for _ in 0..600 {
        let parent = active.child(SpanKind::Client, "parent");
        // Below one that was left out nothing is left without a parent.
        let below = parent.active();
        drop(below.map(|parent| parent.child(SpanKind::Client, "child")));
    }
    drop(root);
    let batch = fixture.outbox.ready().unwrap();
    assert_eq!(batch.spans.len(), 513);
    let root = batch.spans.last().unwrap();
    assert!(
        root.attributes
            .iter()
            .any(|(name, _)| *name == "techcommerce.spans_left_out")
    );
    let known: Vec<u64> = batch.spans.iter().map(|span| span.span_id).collect();
    assert!(
        batch
            .spans
            .iter()
            .all(|span| span.parent_id == 0 || known.contains(&span.parent_id))
    );
}

#[tokio::test]
async fn what_finds_no_room_is_dropped_and_counted() {
    let mut fixture = Fixture::sampling(1.0);
    for _ in 0..10_000 {
        drop(fixture.root(true));
    }
    let text = fixture.telemetry.encode();
    let dropped = "techcommerce_traces_spans_total{outcome=\"dropped\"} 1808";
    assert!(text.contains(dropped), "{text}");
    assert_eq!(fixture.out().len(), 8192);
    drop(fixture.root(true));
    assert!(fixture.out().is_empty(), "room is free when it is settled");
    fixture.outbox.settled(8192, 0);
    drop(fixture.root(true));
    assert_eq!(fixture.out().len(), 1);
}

#[test]
fn the_share_follows_from_the_id() {
    let fixture = Fixture::sampling(0.25);
    let high = u128::from(u64::MAX) << 64;
    for (low, sampled) in [
        (0, true),
        (u64::MAX / 4, true),
        (u64::MAX / 4 + 2, false),
        (u64::MAX, false),
    ] {
        assert_eq!(fixture.tracer().samples(high | u128::from(low)), sampled);
    }
    assert!(Fixture::sampling(1.0).tracer().samples(u128::MAX));
    assert!(!Fixture::sampling(0.0).tracer().samples(0));
}

#[tokio::test]
async fn log_lines_keep_their_request_below_a_span() {
    let fixture = Fixture::sampling(1.0);
    let root = fixture.root(true);
    let scope = LogScope {
        service: "order-api",
        request_id: "request-1".into(),
        trace_id: TRACE,
        span: root.active(),
    };
    scope
        .around(async {
            let inner = Span::child(SpanKind::Internal, || "inner");
            let id = inner.id();
            inner
                .around(async move {
                    let scope = LogScope::current().unwrap();
                    assert_eq!(&*scope.request_id, "request-1");
                    assert_eq!(scope.service, "order-api");
                    assert_eq!(scope.span.map(|span| span.span_id()), id);
                })
                .await;
        })
        .await;
    // Work for several requests has no request of its own.
    let several = root.active().unwrap();
    several
        .around(async {
            let scope = LogScope::current().unwrap();
            assert_eq!((&*scope.request_id, scope.trace_id), ("", TRACE));
        })
        .await;
}

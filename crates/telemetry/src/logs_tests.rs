//! What lines look like, and what never stands in them.

use std::sync::{Arc, Mutex};

use super::*;
use crate::Redacted;

fn capture(style: Style, act: impl FnOnce()) -> String {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let sink = lines.clone();
    let layer = LogLayer {
        style,
        write: move |line: &[u8]| sink.lock().unwrap().extend_from_slice(line),
    };
    tracing::subscriber::with_default(tracing_subscriber::registry().with(layer), act);
    let bytes = lines.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[test]
fn a_line_is_one_object_with_what_the_spans_say() {
    let text = capture(Style::Json, || {
        let outer = tracing::info_span!(
            "request",
            service = "api",
            request_id = "req-12345678",
            trace_id = "4bf9",
            status = tracing::field::Empty
        );
        outer.record("status", 201_u64);
        let _outer = outer.enter();
        let _inner = tracing::info_span!("request", service = "order-api", attempt = 2).entered();
        tracing::warn!(target: "orders", order = 7, "line one\nline two");
    });
    assert_eq!(text.lines().count(), 1, "{text}");
    let line: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(line["level"], "WARN");
    assert_eq!(line["target"], "orders");
    assert_eq!(line["message"], "line one\nline two");
    assert_eq!(line["service"], "order-api", "the innermost span wins");
    assert_eq!(line["request_id"], "req-12345678");
    assert_eq!(line["trace_id"], "4bf9");
    assert_eq!(
        line["fields"],
        serde_json::json!({"order": 7, "attempt": 2, "status": 201})
    );
    let timestamp = line["timestamp"].as_str().unwrap();
    assert!(timestamp.parse::<techcommerce_kernel::Timestamp>().is_ok());
    assert_eq!(timestamp.len(), "2026-11-21T08:00:00.000Z".len());
}

#[test]
fn no_planted_secret_comes_through() {
    const SECRETS: &[&str] = &["hunter2", "ada@example.org", "4242424242424242", "tok-9"];
    let act = || {
        let _span = tracing::info_span!("sign-in", password = "hunter2").entered();
        let wrapped = Redacted::new("hunter2");
        tracing::info!(key = %wrapped, also = ?wrapped, "wrapped {wrapped}");
        tracing::info!(access_token = "tok-9", card = ?"4242424242424242", "by name");
        tracing::info!(
            reason = "550 <ada@example.org> unknown",
            "to ada@example.org"
        );
        let error = std::io::Error::other("postgres://shop:hunter2@db/shop: refused");
        tracing::error!(error = %error, "GET /orders?access_token=tok-9");
        tracing::error!("Authorization: Bearer tok-9; paid with 4242424242424242");
    };
    for style in [Style::Json, Style::Text { colour: true }] {
        let text = capture(style, act);
        assert_eq!(text.lines().count(), 5, "{text}");
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} in\n{text}");
        }
    }
}

#[test]
fn text_is_for_people() {
    let text = capture(Style::Text { colour: false }, || {
        let _span = tracing::info_span!("r", service = "api", trace_id = "4bf9").entered();
        tracing::info!(route = "/carts/{id}", evil = "a\nb\u{1b}[2J", "answered");
    });
    assert!(text.contains("  INFO api: answered"), "{text}");
    assert!(text.contains("route=/carts/{id}"), "{text}");
    assert!(!text.contains("4bf9") && !text.contains('\u{1b}'), "{text}");
    assert_eq!(text.lines().count(), 1);
}

#[test]
fn formats_and_filters_are_read() {
    assert_eq!("json".parse(), Ok(LogFormat::Json));
    assert!("yaml".parse::<LogFormat>().unwrap_err().contains("auto"));
    assert_eq!(directives("info"), "info");
    assert_eq!(directives("info,sqlx=trace"), "info,sqlx=trace");
    for level in ["debug", "TRACE "] {
        let libraries: EnvFilter = directives(level).parse().unwrap();
        let ours = format!("techcommerce={}", level.trim().to_lowercase());
        let shown = libraries.to_string();
        assert!(shown.contains("info") && shown.contains(&ours), "{shown}");
    }
    assert!(
        init_logs(LogFormat::Json, "=no=")
            .unwrap_err()
            .contains("filter")
    );
}

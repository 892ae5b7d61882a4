//! The four paths in each state.

use axum::body::Body;
use http_body_util::BodyExt;
use tower::ServiceExt;

use super::*;

async fn ask(health: &Health, path: &str) -> (u16, Value) {
    let request = http::Request::get(path).body(Body::empty()).unwrap();
    let response = health.router().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = response.into_body().collect().await.unwrap().to_bytes();
    (status, serde_json::from_slice(&body).unwrap())
}

fn up() -> Check {
    Check::new("database", || async { Ok(()) })
}

#[tokio::test(start_paused = true)]
async fn the_metrics_tell_which_dependencies_answer() {
    let away = || async { Err(Error::unavailable("away")) };
    let checks = vec![
        up(),
        Check::new("order-api database", away),
        Check::new("redis", || async { Ok(()) }),
        Check::new("order-api heartbeat", away),
    ];
    let health = Health::new(Service::Worker, checks);
    let telemetry = techcommerce_telemetry::Telemetry::new("0", "0");
    health.tell(&telemetry);
    health.report(false).await;
    let text = telemetry.encode();
    let series = |dependency: &str, value: i32| {
        let labels = format!(r#"{{service="worker",dependency="{dependency}"}}"#);
        format!("techcommerce_dependency_up{labels} {value}")
    };
    assert!(
        text.contains(&series("database", 0)),
        "one of two is away: {text}"
    );
    assert!(text.contains(&series("redis", 1)), "{text}");
    assert_eq!(
        text.matches("techcommerce_dependency_up{").count(),
        2,
        "{text}"
    );
}

#[tokio::test]
async fn ready_comes_after_starting_and_before_draining() {
    let health = Health::new(Service::OrderApi, vec![up()]);
    for (status, word) in [(503, "starting"), (200, "ready"), (503, "draining")] {
        for path in ["/readyz", "/health"] {
            let (got, document) = ask(&health, path).await;
            assert_eq!((got, &document["status"]), (status, &json!(word)), "{path}");
            assert_eq!(document["service"], "order-api");
        }
        for path in ["/live", "/healthz"] {
            assert_eq!(ask(&health, path).await.0, 200, "{path} while {word}");
        }
        match health.state() {
            State::Starting => health.set_ready(),
            _ => health.set_draining(),
        }
    }
    health.set_ready();
    assert_eq!(health.state(), State::Draining, "there is no way back");
}

#[tokio::test(start_paused = true)]
async fn a_failed_or_silent_store_is_named_but_not_explained() {
    let health = Health::new(
        Service::Auth,
        vec![
            up(),
            Check::new("redis", || async {
                Err(Error::internal("redis://secret@cache"))
            }),
            Check::new("blob", std::future::pending).within(Duration::from_secs(1)),
        ],
    );
    health.set_ready();
    assert!(!health.is_ready().await);
    assert_eq!(ask(&health, "/live").await.0, 200, "no store is asked");

    let (status, document) = ask(&health, "/readyz").await;
    assert_eq!(status, 503);
    assert_eq!(document["failed"], json!(["redis", "blob"]));
    assert!(document.get("dependencies").is_none());

    let (status, document) = ask(&health, "/health").await;
    assert_eq!(status, 503);
    assert_eq!(document["dependencies"]["database"]["status"], "up");
    assert_eq!(document["dependencies"]["redis"]["status"], "failed");
    assert_eq!(document["dependencies"]["blob"]["status"], "unavailable");
    assert_eq!(document["dependencies"]["blob"]["latency_ms"], 1000.0);
    assert!(!document.to_string().contains("secret"));
}

#[tokio::test]
async fn a_store_that_has_no_room_makes_unready_and_is_not_gone() {
    let busy = || async { Err(Error::busy("all in use")) };
    let health = Health::new(Service::Auth, vec![Check::new("database", busy)]);
    health.set_ready();
    let telemetry = techcommerce_telemetry::Telemetry::new("0", "0");
    health.tell(&telemetry);
    assert_eq!(ask(&health, "/readyz").await.0, 503);
    let document = ask(&health, "/health").await.1;
    assert_eq!(document["dependencies"]["database"]["status"], "busy");
    let line = r#"techcommerce_dependency_up{service="auth",dependency="database"} 1"#;
    assert!(telemetry.encode().contains(line), "{}", telemetry.encode());
}

#[tokio::test]
async fn what_can_be_done_without_is_told_and_no_more() {
    let away = || async { Err(Error::unavailable("gone")) };
    let health = Health::new(Service::Auth, vec![Check::new("redis", away).optional()]);
    health.set_ready();
    assert!(health.is_ready().await);
    assert_eq!(ask(&health, "/readyz").await.0, 200);
    let (status, document) = ask(&health, "/health").await;
    assert_eq!((status, &document["status"]), (200, &json!("ready")));
    assert_eq!(document["dependencies"]["redis"]["status"], "unavailable");
}

#[tokio::test(start_paused = true)]
async fn a_service_may_add_what_it_knows() {
    let health = Health::new(Service::Worker, vec![])
        .with_extra(|| async { Map::from_iter([("queue_depth".to_owned(), json!(3))]) });
    health.set_ready();
    assert_eq!(ask(&health, "/health").await.1["queue_depth"], 3);
    assert!(ask(&health, "/readyz").await.1.get("queue_depth").is_none());

    let hangs = Health::new(Service::Worker, vec![]).with_extra(std::future::pending);
    hangs.set_ready();
    assert_eq!(
        ask(&hangs, "/health").await.0,
        200,
        "it is not made to hang"
    );
}

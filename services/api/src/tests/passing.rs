//! What goes through, and how.

use super::*;

#[tokio::test]
async fn a_request_is_passed_on_without_its_outer_prefix() {
    let edge = Edge::new();
    let headers = [
        ("accept", "application/json"),
        ("idempotency-key", "abc"),
        ("connection", "x-private"),
        ("x-private", "1"),
        ("x-forwarded-for", "1.2.3.4"),
        ("x-techcommerce-role", "admin"),
        ("te", "trailers"),
        ("x-request-id", "request-1234"),
    ];
    let answer = edge
        .post("/api/orders?a=1&b=%20", &headers)
        .await
        .expect(200);
    assert_eq!(answer.json["method"], "POST");
    assert_eq!(answer.json["path"], "/orders?a=1&b=%20");
    assert_eq!(answer.json["body"], "{}");
    assert_eq!(answer.json["has_peer"], false);
    let passed = answer.json["headers"].as_object().unwrap();
    let mut names: Vec<&str> = passed.keys().map(String::as_str).collect();
    names.sort_unstable();
    assert_eq!(names, ["accept", "idempotency-key"]);
    assert_eq!(answer.json["request_id"], "request-1234");
    assert_eq!(answer.headers["x-request-id"], "request-1234");
}

#[tokio::test]
async fn answers_are_cleaned_and_secured() {
    let edge = Edge::new();
    let answer = edge.get("/api/products", &[]).await.expect(200);
    for name in ["x-techcommerce-token", "connection", "x-hop"] {
        assert!(!answer.headers.contains_key(name), "{name}");
    }
    assert_eq!(answer.headers["x-kept"], "1");
    let documented = edge.get("/api/products/1", &[]).await.expect(200);
    assert!(!documented.headers.contains_key(header::ALLOW));
    assert_eq!(answer.headers["x-content-type-options"], "nosniff");
    assert!(answer.headers.contains_key("strict-transport-security"));
    let pictures = edge.get("/images/1/w640", &[]).await.expect(200);
    assert_eq!(pictures.json["path"], "/images/1/w640");
    let upload = edge.post("/api/images/upload", &[]).await.expect(200);
    assert_eq!(upload.json["path"], "/images/upload");
}

#[tokio::test]
async fn there_is_no_way_to_what_is_internal() {
    let edge = Edge::new();
    for path in [
        "/internal/tokens",
        "/api/internal/tokens",
        "/api/auth/../internal/tokens",
        "/api/auth/%2e%2e/internal/tokens",
        "/api/auth//internal/tokens",
        "/api/auth/..%2Finternal/tokens",
        "/api/products/%5c..",
        "/products",
        "/api",
        "/api/",
        "/api/unknown",
        "/metrics",
    ] {
        let answer = edge.post(path, &[]).await.expect(404);
        assert_eq!(answer.code(), "not_found", "{path}");
        assert!(answer.json["request_id"].is_string());
    }
}

#[tokio::test]
async fn options_tell_the_methods_and_open_nothing() {
    let edge = Edge::new();
    let ask = async |path: &str| {
        edge.send(
            Method::OPTIONS,
            path,
            &[("origin", "https://evil.test")],
            Body::empty(),
        )
        .await
    };
    let answer = ask("/api/products/1").await.expect(204);
    assert_eq!(answer.headers[header::ALLOW], "GET, HEAD, PATCH, OPTIONS");
    assert!(
        !answer
            .headers
            .contains_key(header::ACCESS_CONTROL_ALLOW_ORIGIN)
    );
    assert_eq!(
        ask("/api/auth/login").await.expect(204).headers[header::ALLOW],
        "POST, OPTIONS"
    );
    for path in ["/api/docs", "/api/openapi.json"] {
        let answer = ask(path).await.expect(204);
        assert_eq!(answer.headers[header::ALLOW], "GET, HEAD, OPTIONS");
    }
    let head = edge
        .send(Method::HEAD, "/api/products/1", &[], Body::empty())
        .await
        .expect(200);
    assert_eq!(head.headers["x-kept"], "1");
}

#[tokio::test]
async fn a_service_that_is_away_is_a_503() {
    let (env, _) = Env::manual(1);
    let signer = TokenSigner::from_seed(&[7; 32], env.clone());
    let nowhere = |service| Channel::remote(service, "http://127.0.0.1:1".parse().unwrap());
    let built = build(Deps {
        channels: Channels {
            auth: nowhere(Service::Auth),
            product_api: nowhere(Service::ProductApi),
            order_api: nowhere(Service::OrderApi),
            images: nowhere(Service::Images),
            worker: nowhere(Service::Worker),
        },
        tokens: ServiceTokens::local(signer.clone(), Service::Api),
        verifier: signer.verifier(),
        telemetry: Telemetry::new("test", "test"),
        settings: Settings {
            public_url: "http://127.0.0.1:3000".to_owned(),
            allowed_origins: Vec::new(),
            trusted_proxies: TrustedProxies::default(),
            requests_per_minute: 10,
            login_per_minute: 10,
            body_bytes: 10,
            concurrency: 10,
        },
        document: document(),
        env,
        shared_limits: None,
    })
    .unwrap();
    let edge = Edge {
        router: built.router,
        signer,
        clock: Env::manual(1).1,
    };
    let answer = edge.get("/api/products", &[]).await.expect(503);
    assert_eq!(answer.code(), "unavailable");
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
    assert!(!answer.text.contains("127.0.0.1"), "{}", answer.text);
}

#[tokio::test]
async fn the_document_and_its_page_are_served() {
    let edge = Edge::new();
    let document = edge.get("/api/openapi.json", &[]).await.expect(200);
    assert_eq!(document.headers[header::CONTENT_TYPE], "application/json");
    assert_eq!(document.json["info"]["title"], "Tidewell");
    let page = edge.get("/api/docs", &[]).await.expect(200);
    assert!(page.text.contains("/api/products/{id}"));
    let policy = page.headers[header::CONTENT_SECURITY_POLICY]
        .to_str()
        .unwrap();
    assert!(policy.contains("style-src 'self'") && !policy.contains("unsafe"));
    edge.get("/api/docs/style.css", &[]).await.expect(200);
    edge.get("/live", &[]).await.expect(200);
}

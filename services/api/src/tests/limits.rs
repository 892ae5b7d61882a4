//! How often, and how much.

use super::*;

#[tokio::test]
async fn an_address_may_ask_so_often() {
    let edge = Edge::with(|settings| settings.requests_per_minute = 3, true);
    for remaining in ["2", "1", "0"] {
        let answer = edge.get("/api/products", &[]).await.expect(200);
        assert_eq!(answer.headers["ratelimit-limit"], "3");
        assert_eq!(answer.headers["ratelimit-remaining"], remaining);
    }
    let refused = edge.get("/api/products", &[]).await.expect(429);
    assert_eq!(refused.code(), "too_many_requests");
    assert_eq!(refused.headers[header::RETRY_AFTER], "20");
    assert_eq!(refused.headers["ratelimit-remaining"], "0");
    assert_eq!(refused.headers["ratelimit-reset"], "20");
    let other = edge.send_from(
        "192.0.2.9",
        Method::GET,
        "/api/products",
        &[],
        Body::empty(),
    );
    other.await.expect(200);
    edge.clock.advance(Duration::from_secs(20));
    edge.get("/api/products", &[]).await.expect(200);
    edge.get("/api/products", &[]).await.expect(429);
}

#[tokio::test]
async fn who_is_signed_in_is_counted_apart_from_the_address() {
    let edge = Edge::with(|settings| settings.requests_per_minute = 3, true);
    let jo = [("authorization", "Bearer good")];
    for _ in 0..3 {
        edge.get("/api/products", &jo).await.expect(200);
    }
    edge.get("/api/products", &jo).await.expect(429);
    edge.get("/api/products", &[("authorization", "Bearer key")])
        .await
        .expect(200);
    // Guessing credentials counts for the address.
    let wrong = [("authorization", "Bearer wrong")];
    for _ in 0..3 {
        edge.get("/api/products", &wrong).await.expect(401);
    }
    edge.get("/api/products", &wrong).await.expect(429);
}

#[tokio::test]
async fn passwords_are_tried_less_often() {
    let edge = Edge::with(|settings| settings.login_per_minute = 2, true);
    for path in ["/api/auth/login", "/api/auth/register"] {
        edge.post(path, &[]).await.expect(200);
    }
    let refused = edge.post("/api/auth/password-reset", &[]).await.expect(429);
    assert_eq!(refused.headers[header::RETRY_AFTER], "30");
    edge.get("/api/auth/me", &[]).await.expect(200);
}

#[tokio::test]
async fn bodies_are_limited_by_what_they_say_and_by_what_comes() {
    let edge = Edge::new();
    let send = async |path: &str, length: usize, tell: bool| {
        let body = Body::from("x".repeat(length));
        let length = length.to_string();
        let headers = [("content-length", length.as_str())];
        edge.send(Method::POST, path, if tell { &headers } else { &[] }, body)
            .await
    };
    send("/api/carts", 1000, true).await.expect(200);
    assert_eq!(
        send("/api/carts", 1001, true).await.expect(413).code(),
        "too_large"
    );
    send("/api/carts", 1001, false).await.expect(413);
    send("/api/images/upload", 5000, true).await.expect(200);
    send("/api/products/import", 5000, false).await.expect(200);
}

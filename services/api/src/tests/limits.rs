//! How often, and how much.

use techcommerce_testkit::TestRedis;

use super::*;

fn shared(redis: &TestRedis) -> SharedLimits {
    SharedLimits::new(redis.url(), "test:").unwrap()
}

/// An edge for this many requests a minute, for each way of counting.
fn edges(requests: u32) -> [Edge; 2] {
    [None, Some(shared(&TestRedis::new()))].map(|shared| {
        Edge::counting(
            |settings| settings.requests_per_minute = requests,
            true,
            shared,
        )
    })
}

/// An edge for three requests a minute, which it counts here with others.
fn replica(redis: &TestRedis) -> Edge {
    Edge::counting(
        |settings| settings.requests_per_minute = 3,
        true,
        Some(shared(redis)),
    )
}

#[tokio::test]
async fn an_address_may_ask_so_often() {
    for edge in edges(3) {
        an_address_may_ask_three_times(&edge).await;
    }
}

async fn an_address_may_ask_three_times(edge: &Edge) {
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

/// One that was a quarter of an hour ahead, as that of a machine before it found its time server.
#[tokio::test]
async fn a_clock_that_is_set_right_shuts_nobody_out() {
    for edge in edges(3) {
        let right = techcommerce_kernel::Clock::now(&edge.clock);
        edge.clock.advance(Duration::from_mins(15));
        for status in [200, 200, 200, 429] {
            edge.get("/api/products", &[]).await.expect(status);
        }
        edge.clock.set(right);
        for status in [200, 200, 200, 429] {
            edge.get("/api/products", &[]).await.expect(status);
        }
    }
}

#[tokio::test]
async fn who_is_signed_in_is_counted_apart_from_the_address() {
    for edge in edges(3) {
        holders_are_counted_apart(&edge).await;
    }
}

async fn holders_are_counted_apart(edge: &Edge) {
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
async fn replicas_count_together() {
    let redis = TestRedis::new();
    let (one, other) = (replica(&redis), replica(&redis));
    for edge in [&one, &other, &one] {
        edge.get("/api/products", &[]).await.expect(200);
    }
    for edge in [&one, &other] {
        edge.get("/api/products", &[]).await.expect(429);
    }
}

#[tokio::test]
async fn without_redis_each_replica_counts_alone() {
    let mut redis = TestRedis::own();
    let edge = replica(&redis);
    edge.get("/api/products", &[]).await.expect(200);
    redis.stop();
    for _ in 0..3 {
        edge.get("/api/products", &[]).await.expect(200);
    }
    edge.get("/api/products", &[]).await.expect(429);
}

#[tokio::test]
async fn redis_is_asked_again_after_the_clock_was_set_right() {
    let redis = TestRedis::own();
    let (one, other) = (replica(&redis), replica(&redis));
    let right = techcommerce_kernel::Clock::now(&one.clock);
    one.clock.advance(Duration::from_mins(15));
    redis.server().freeze().unwrap();
    one.get("/api/products", &[]).await.expect(200);
    redis.server().thaw().unwrap();
    one.clock.set(right);
    for _ in 0..3 {
        one.get("/api/products", &[]).await.expect(200);
    }
    other.get("/api/products", &[]).await.expect(429);
}

#[tokio::test]
async fn without_redis_holders_are_counted_apart_as_well() {
    let mut redis = TestRedis::own();
    let edge = replica(&redis);
    redis.stop();
    holders_are_counted_apart(&edge).await;
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

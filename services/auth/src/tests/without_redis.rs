//! Sessions in Redis, and what is left when it is lost.

use techcommerce_store::Dialect;
use techcommerce_testkit::{TestDb, TestRedis};

use super::*;
use crate::{MIGRATOR, RedisSessions};

fn redis(url: &str) -> impl FnOnce(&Env) -> Sessions {
    move |env| Sessions::Redis(RedisSessions::new(url, "t:", env.clone()).unwrap())
}

#[tokio::test]
async fn sessions_live_in_redis() {
    let db = TestDb::new(Dialect::Sqlite, &MIGRATOR).await;
    let server = TestRedis::new();
    let house = House::with_sessions(db.db(), redis(server.url()));
    let one = house.register("jo@example.com").await;
    let two = house
        .login("jo@example.com", PASSWORD)
        .await
        .expect(200)
        .text("/token");
    let list = house
        .get(By::Holder(&two), "/auth/sessions")
        .await
        .expect(200);
    assert_eq!(list.json["items"].as_array().unwrap().len(), 2);
    house
        .delete(By::Holder(&two), "/auth/sessions")
        .await
        .expect(204);
    house.resolve(&one).await.expect(401);

    let body = json!({"current_password": PASSWORD, "new_password": "dreizehn große Gänse"});
    house
        .post(By::Holder(&two), "/auth/password", body)
        .await
        .expect(200);
    house.resolve(&two).await.expect(401);
}

#[tokio::test]
async fn without_redis_signing_in_is_a_clear_503() {
    let db = TestDb::new(Dialect::Sqlite, &MIGRATOR).await;
    let whole = House::new(db.db());
    let session = whole.register("jo@example.com").await;
    let nowhere = format!("redis://{}/", techcommerce_testkit::free_address());
    let house = House::with_sessions(db.db(), redis(&nowhere));
    let answer = house.login("jo@example.com", PASSWORD).await.expect(503);
    assert_eq!(answer.code(), "unavailable");
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
    assert!(answer.text("/detail").contains("guest"));
    house.resolve(&session).await.expect(503);
    let body = json!({"email": "ann@example.com", "password": PASSWORD});
    house
        .post(By::Guest("192.0.2.1"), "/auth/register", body)
        .await
        .expect(503);
    // No account is left behind that its owner would not know of.
    whole.login("ann@example.com", PASSWORD).await.expect(401);
    house.get(By::Nobody, "/readyz").await.expect(200);
    house.get(By::Nobody, "/live").await.expect(200);
}

//! Who the services are told is calling.

use super::*;

const COOKIE: (&str, &str) = ("cookie", "tc_session=good");
const BAD_COOKIE: (&str, &str) = ("cookie", "tc_session=old");
const BEARER: (&str, &str) = ("authorization", "Bearer good");

fn jo() -> Principal {
    Principal::Account {
        id: JO,
        role: Role::Customer,
        session: JO,
    }
}

#[tokio::test]
async fn a_session_and_a_key_are_found_out() {
    let edge = Edge::new();
    for headers in [[COOKIE], [BEARER]] {
        let answer = edge.get("/api/orders", &headers).await.expect(200);
        assert_eq!(answer.principal(&edge), Some(jo()));
        let passed = &answer.json["headers"];
        assert_eq!(passed.get("cookie").or(passed.get("authorization")), None);
    }
    let key = edge
        .get("/api/orders", &[("authorization", "Bearer key")])
        .await
        .expect(200);
    let expected = Principal::ApiKey {
        id: KEY,
        role: Role::Staff,
    };
    assert_eq!(key.principal(&edge), Some(expected));
}

#[tokio::test]
async fn a_cookie_that_opens_nothing_is_a_guest_and_a_bearer_an_error() {
    let edge = Edge::new();
    let guest = edge.get("/api/products", &[BAD_COOKIE]).await.expect(200);
    assert_eq!(guest.principal(&edge), None);
    for value in ["Bearer old", "Basic abc", "Bearer"] {
        let refused = edge
            .get("/api/products", &[("authorization", value)])
            .await
            .expect(401);
        assert_eq!(refused.code(), "unauthenticated");
        assert_eq!(refused.headers[header::WWW_AUTHENTICATE], "Bearer");
    }
}

/// Whose rights wait for another password is told so, where they are missed.
#[tokio::test]
async fn a_password_that_is_to_be_replaced() {
    let edge = Edge::new();
    let new = [("authorization", "Bearer new")];
    edge.get("/api/products", &new).await.expect(200);
    let refused = edge.get("/api/auth/accounts", &new).await.expect(403);
    assert_eq!(refused.code(), "password_change_required");
    let refused = edge.get("/api/auth/accounts", &[BEARER]).await.expect(403);
    assert_ne!(refused.code(), "password_change_required");
}

#[tokio::test]
async fn nobody_speaks_for_themselves() {
    let edge = Edge::new();
    let admin = Principal::Account {
        id: JO,
        role: Role::Admin,
        session: JO,
    };
    let (real, _) = edge.signer.sign(admin, None).unwrap();
    let (env, _) = Env::manual(2);
    let service = Principal::Service {
        name: Service::Frontend,
    };
    let (forged, _) = TokenSigner::from_seed(&[8; 32], env)
        .sign(service, None)
        .unwrap();
    for token in [real.as_str(), forged.as_str(), "nonsense"] {
        let answer = edge
            .get("/api/orders", &[(TOKEN_HEADER, token)])
            .await
            .expect(200);
        assert_eq!(answer.json["headers"].get(TOKEN_HEADER), None);
    }
    // The storefront's own token says where its visitor is, and does not go further either.
    let tokens = ServiceTokens::local(edge.signer.clone(), Service::Frontend);
    let token = tokens.token_for("198.51.100.7".parse().unwrap()).unwrap();
    let answer = edge
        .get("/api/orders", &[(TOKEN_HEADER, &token)])
        .await
        .expect(200);
    assert_eq!(answer.json["headers"].get(TOKEN_HEADER), None);
}

#[tokio::test]
async fn auth_is_told_where_a_guest_is() {
    let edge = Edge::new();
    let address = async |headers: &[(&str, &str)], peer: &str| {
        let body = Body::from("{}");
        let answer = edge
            .send_from(peer, Method::POST, "/api/auth/login", headers, body)
            .await;
        let answer = answer.expect(200);
        let token = answer.json["headers"][TOKEN_HEADER].as_str().unwrap();
        let claims = edge.signer.verifier().verify(token).unwrap();
        claims.client_address.unwrap().to_string()
    };
    assert_eq!(address(&[], "192.0.2.1").await, "192.0.2.1");
    let forwarded = [("x-forwarded-for", "198.51.100.7")];
    assert_eq!(
        address(&forwarded, "192.0.2.1").await,
        "192.0.2.1",
        "a stranger's word"
    );
    assert_eq!(
        address(&forwarded, "10.0.0.1").await,
        "198.51.100.7",
        "a proxy's word"
    );
    let tokens = ServiceTokens::local(edge.signer.clone(), Service::Frontend);
    let token = tokens.token_for("203.0.113.5".parse().unwrap()).unwrap();
    assert_eq!(
        address(&[(TOKEN_HEADER, &token)], "10.0.0.1").await,
        "203.0.113.5"
    );
}

#[tokio::test]
async fn a_change_with_a_cookie_must_come_from_our_pages() {
    let edge = Edge::new();
    let refused = edge.post("/api/carts", &[COOKIE]).await.expect(403);
    assert_eq!(refused.code(), "cross_origin");
    edge.post("/api/carts", &[COOKIE, ("origin", "https://evil.test")])
        .await
        .expect(403);
    edge.post("/api/carts", &[COOKIE, ("origin", "https://shop.test")])
        .await
        .expect(200);
    edge.post("/api/carts", &[BEARER, ("origin", "https://evil.test")])
        .await
        .expect(200);
    edge.get("/api/carts/1", &[COOKIE, ("origin", "https://evil.test")])
        .await
        .expect(200);
}

#[tokio::test]
async fn while_sessions_cannot_be_looked_up_guests_go_on() {
    let edge = Edge::with(|_| {}, false);
    let answer = edge.get("/api/products", &[COOKIE]).await.expect(200);
    assert_eq!(answer.principal(&edge), None);
    let ours = ("origin", "https://shop.test");
    edge.post("/api/orders", &[COOKIE, ours]).await.expect(200);
    edge.get("/api/products", &[]).await.expect(200);
    // About the account itself the truth is told, and to programs always.
    let answer = edge.get("/api/auth/me", &[COOKIE]).await.expect(503);
    assert!(answer.headers.contains_key(header::RETRY_AFTER));
    edge.get("/api/products", &[BEARER]).await.expect(503);
}

#[tokio::test]
async fn what_depends_on_the_holder_is_kept_by_no_cache() {
    let edge = Edge::new();
    let guest = edge.get("/api/products", &[]).await.expect(200);
    assert_eq!(guest.headers[header::CACHE_CONTROL], "public, max-age=60");
    assert!(
        guest
            .headers
            .get_all(header::VARY)
            .iter()
            .any(|v| v == "authorization, cookie")
    );
    let jo = edge.get("/api/products", &[COOKIE]).await.expect(200);
    assert_eq!(jo.headers[header::CACHE_CONTROL], "private, no-cache");
    let picture = edge.get("/images/1/w640", &[COOKIE]).await.expect(200);
    assert_eq!(picture.headers[header::CACHE_CONTROL], "public, max-age=60");
    assert_eq!(picture.json["headers"].get(TOKEN_HEADER), None);
}

//! Registration, sign-in, sessions, throttling.

use techcommerce_testkit::on_both_engines;

use super::*;
use crate::MIGRATOR;

const GUEST: By<'_> = By::Guest("192.0.2.1");

on_both_engines! { MIGRATOR;
    async fn registering_signs_in(db: TestDb) {
        let house = House::new(db.db());
        let body = json!({"email": " Jo@Example.com ", "password": PASSWORD, "name": " Jo "});
        let made = house.post(GUEST, "/auth/register", body).await.expect(201);
        assert_eq!(made.text("/account/email"), "Jo@Example.com");
        assert_eq!(made.text("/account/name"), "Jo");
        assert_eq!(made.text("/account/role"), "customer");
        assert_eq!(made.headers[header::CACHE_CONTROL], "no-store");
        assert!(!made.headers.contains_key(header::SET_COOKIE), "it was not asked for");
        let token = made.text("/token");
        let me = house.get(By::Holder(&token), "/auth/me").await.expect(200);
        assert_eq!(me.json, made.json["account"]);

        let again = json!({"email": "jo@example.COM", "password": PASSWORD});
        let again = house.post(GUEST, "/auth/register", again).await.expect(409);
        assert_eq!(again.code(), "email_taken");
    }

    async fn bad_registrations_say_where(db: TestDb) {
        let house = House::new(db.db());
        for (body, code, path) in [
            (json!({"email": "nobody", "password": PASSWORD}), "invalid_input", "email"),
            (json!({"email": "jo@example.com", "password": "short"}), "weak_password", "password"),
            (json!({"email": "jo@example.com", "password": "password1234"}), "weak_password", "password"),
            (json!({"email": "jo@example.com", "password": PASSWORD, "name": "x".repeat(201)}), "invalid_input", "name"),
            (json!({"email": "jo@example.com", "password": PASSWORD, "role": "admin"}), "invalid_input", "role"),
        ] {
            let answer = house.post(GUEST, "/auth/register", body).await.expect(400);
            assert_eq!((answer.code(), answer.text("/errors/0/path").as_str()), (code, path));
        }
    }

    async fn wrong_passwords_and_unknown_addresses_look_alike(db: TestDb) {
        let house = House::new(db.db());
        house.register("jo@example.com").await;
        let mut wrong = house.login("jo@example.com", "another password").await.expect(401);
        let mut unknown = house.login("nobody@example.com", PASSWORD).await.expect(401);
        assert_eq!(wrong.code(), "wrong_credentials");
        for answer in [&mut wrong, &mut unknown] {
            for own in ["request_id", "trace_id"] {
                answer.json[own] = Value::Null;
            }
        }
        assert_eq!(wrong.json, unknown.json);
        house.login("JO@example.com", PASSWORD).await.expect(200);
        let metrics = house.metrics();
        assert!(metrics.contains(r#"techcommerce_auth_sign_ins_total{outcome="failed"} 2"#), "{metrics}");
    }

    async fn guessing_is_slowed_down(db: TestDb) {
        let house = House::new(db.db());
        house.register("jo@example.com").await;
        house.register("ann@example.com").await;
        for _ in 0..10 {
            house.login("jo@example.com", "another password").await.expect(401);
        }
        let refused = house.login("jo@example.com", PASSWORD).await.expect(429);
        assert_eq!(refused.code(), "too_many_requests");
        assert_eq!(refused.headers[header::RETRY_AFTER], "60");
        house.login("ann@example.com", PASSWORD).await.expect(200);
        house.clock.advance(Duration::from_secs(60));
        house.login("jo@example.com", PASSWORD).await.expect(200);
    }

    async fn sessions_are_ended_one_by_one(db: TestDb) {
        let house = House::new(db.db());
        let one = house.register("jo@example.com").await;
        house.clock.advance(Duration::from_secs(1));
        let two = house.login("jo@example.com", PASSWORD).await.expect(200).text("/token");
        let stranger = house.register("ann@example.com").await;

        let list = house.get(By::Holder(&one), "/auth/sessions").await.expect(200);
        let items = list.json["items"].as_array().unwrap();
        assert_eq!(items.len(), 2);
        assert_eq!((&items[0]["current"], &items[1]["current"]), (&json!(false), &json!(true)));
        assert_eq!(items[0]["user_agent"], "test browser/1.0");
        let id = list.text("/items/0/id");

        let path = format!("/auth/sessions/{id}");
        let refused = house.delete(By::Holder(&stranger), &path).await.expect(404);
        assert_eq!(refused.code(), "session_not_found");
        house.resolve(&two).await.expect(200);
        house.delete(By::Holder(&one), &path).await.expect(204);
        house.resolve(&two).await.expect(401);
        house.delete(By::Holder(&one), "/auth/sessions/nonsense").await.expect(400);

        let three = house.login("jo@example.com", PASSWORD).await.expect(200).text("/token");
        house.delete(By::Holder(&three), "/auth/sessions").await.expect(204);
        house.resolve(&one).await.expect(401);
        house.resolve(&three).await.expect(200);
    }

    async fn signing_out_ends_the_session(db: TestDb) {
        let house = House::new(db.db());
        let token = house.register("jo@example.com").await;
        let out = house.post(By::Holder(&token), "/auth/logout", json!({})).await.expect(204);
        let cookie = out.headers[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.starts_with("tc_session=;") && cookie.contains("Max-Age=0"), "{cookie}");
        house.resolve(&token).await.expect(401);
        house.post(GUEST, "/auth/logout", json!({})).await.expect(204);
    }

    async fn a_cookie_is_set_when_it_is_asked_for(db: TestDb) {
        let house = House::new(db.db());
        house.register("jo@example.com").await;
        let body = json!({"email": "jo@example.com", "password": PASSWORD});
        let path = "/auth/login?session=cookie";
        let answer = house.post(GUEST, path, body.clone()).await.expect(200);
        let cookie = answer.headers[header::SET_COOKIE].to_str().unwrap();
        assert!(cookie.starts_with(&format!("tc_session={};", answer.text("/token"))));
        for part in ["; HttpOnly", "; SameSite=Lax", "; Secure", "; Path=/"] {
            assert!(cookie.contains(part), "{cookie}");
        }
        house.post(GUEST, "/auth/login?session=tea", body).await.expect(400);
    }

    async fn a_session_slides_and_runs_out(db: TestDb) {
        let house = House::new(db.db());
        let token = house.register("jo@example.com").await;
        for _ in 0..5 {
            house.clock.advance(Duration::from_secs(13 * 24 * 3600));
            house.resolve(&token).await.expect(200);
        }
        house.clock.advance(Duration::from_secs(14 * 24 * 3600));
        house.resolve(&token).await.expect(401);
        house.tick().await;
        let mut conn = house.db.read().await.unwrap();
        let left: i64 = techcommerce_store::with!(conn, |c| {
            sqlx::query_scalar("SELECT COUNT(*) FROM sessions").fetch_one(c).await
        })
        .unwrap();
        assert_eq!(left, 0, "what has run out is swept up");
    }

    async fn who_calls_is_told_to_the_edge_alone(db: TestDb) {
        let house = House::new(db.db());
        let token = house.register("jo@example.com").await;
        let answer = house.resolve(&token).await.expect(200);
        let claims = house.signer.verifier().verify(&answer.text("/token")).unwrap();
        assert_eq!(claims.client_address, Some("192.0.2.1".parse().unwrap()));
        assert_eq!(serde_json::to_value(claims.principal).unwrap(), answer.json["principal"]);

        let body = json!({"credential": token});
        for by in [By::Nobody, By::Holder(&token), By::Service(Service::Frontend)] {
            house.post(by, "/internal/tokens", body.clone()).await.expect(403);
        }
        for nonsense in ["", "tcs_x", &token[1..], &format!("tck_{}", &token[4..])] {
            house.resolve(nonsense).await.expect(401);
        }
        let keys = house.get(By::Nobody, "/internal/keys").await.expect(200);
        assert_eq!(keys.text("/keys/0/crv"), "Ed25519");
    }

    async fn guests_have_no_account(db: TestDb) {
        let house = House::new(db.db());
        for path in ["/auth/me", "/auth/sessions", "/auth/api-keys"] {
            for by in [By::Nobody, GUEST] {
                let answer = house.get(by, path).await.expect(401);
                assert_eq!(answer.code(), "unauthenticated");
            }
        }
        house.get(By::Nobody, "/auth/nothing").await.expect(404);
        house.get(By::Nobody, "/auth/login").await.expect(405);
    }

    async fn two_who_register_at_once_get_one_account(db: TestDb) {
        let house = House::new(db.db());
        let body = json!({"email": "jo@example.com", "password": PASSWORD});
        let (one, two, three) = tokio::join!(
            house.post(GUEST, "/auth/register", body.clone()),
            house.post(GUEST, "/auth/register", body.clone()),
            house.post(GUEST, "/auth/register", body.clone()),
        );
        let mut statuses = [one, two, three].map(|answer| answer.status.as_u16());
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409]);
    }
}

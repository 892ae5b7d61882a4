//! API keys and who may make them.

use techcommerce_testkit::on_both_engines;

use super::*;
use crate::MIGRATOR;

on_both_engines! { MIGRATOR;
    async fn a_key_is_shown_once_and_works_until_it_is_deleted(db: TestDb) {
        let house = House::new(db.db());
        let admin = house.admin("admin@example.com").await;
        let body = json!({"name": " till ", "role": "staff"});
        let made = house.post(By::Holder(&admin), "/auth/api-keys", body).await.expect(201);
        let key = made.text("/token");
        assert_eq!(made.text("/key/name"), "till");
        assert!(key.starts_with(&made.text("/key/prefix")) && key.len() > 40);
        assert_eq!(made.headers[header::CACHE_CONTROL], "no-store");

        let who = house.resolve(&key).await.expect(200);
        assert_eq!(who.json["principal"]["kind"], "api_key");
        assert_eq!(who.json["principal"]["role"], "staff");
        let list = house.get(By::Holder(&admin), "/auth/api-keys").await.expect(200);
        assert!(!list.json.to_string().contains(&key), "never again");
        assert!(list.json["items"][0]["last_used_at"].is_string());

        // A key of staff makes no keys, and a key has no account.
        house.get(By::Holder(&key), "/auth/api-keys").await.expect(403);
        house.get(By::Holder(&key), "/auth/me").await.expect(403);

        let path = format!("/auth/api-keys/{}", made.text("/key/id"));
        house.delete(By::Holder(&admin), &path).await.expect(204);
        house.resolve(&key).await.expect(401);
        let gone = house.delete(By::Holder(&admin), &path).await.expect(404);
        assert_eq!(gone.code(), "api_key_not_found");
        let log = house.get(By::Holder(&admin), "/audit/accounts?object_kind=api_key").await;
        let log = log.expect(200);
        assert_eq!(log.text("/items/0/action"), "api_key.delete");
        assert_eq!(log.text("/items/1/object_title"), "till");
        assert!(!log.json.to_string().contains(&key));
    }

    /// A key that is to end does, and one rests on whoever made it.
    async fn a_key_ends_with_its_time_and_with_its_maker(db: TestDb) {
        let house = House::new(db.db());
        let admin = house.admin("admin@example.com").await;
        let other = house.admin("other@example.com").await;
        let late = house.env.now() - Duration::from_secs(1);
        let body = json!({"name": "late", "role": "staff", "expires_at": late});
        let refused = house.post(By::Holder(&other), "/auth/api-keys", body).await.expect(400);
        assert_eq!(refused.text("/errors/0/path"), "expires_at");
        let soon = house.env.now() + Duration::from_secs(60);
        let body = json!({"name": "brief", "role": "staff", "expires_at": soon});
        let brief = house.post(By::Holder(&other), "/auth/api-keys", body).await.expect(201);
        let body = json!({"name": "erp", "role": "admin"});
        let erp = house.post(By::Holder(&other), "/auth/api-keys", body).await.expect(201);
        let erp = erp.text("/token");
        let body = json!({"name": "made by a key", "role": "staff"});
        let child = house.post(By::Holder(&erp), "/auth/api-keys", body).await.expect(201);
        house.resolve(&brief.text("/token")).await.expect(200);
        house.clock.advance(Duration::from_secs(60));
        house.resolve(&brief.text("/token")).await.expect(401);

        let me = house.get(By::Holder(&other), "/auth/me").await.expect(200).text("/id");
        let path = format!("/auth/accounts/{me}");
        let own = house.patch(By::Holder(&erp), &path, json!({"disabled": true})).await.expect(409);
        assert_eq!(own.code(), "own_account");
        house.patch(By::Holder(&admin), &path, json!({"role": "staff"})).await.expect(200);
        let reduced = house.resolve(&erp).await.expect(200);
        assert_eq!(reduced.json["principal"]["role"], "staff");
        house.patch(By::Holder(&admin), &path, json!({"disabled": true})).await.expect(200);
        for key in [erp.clone(), child.text("/token")] {
            house.resolve(&key).await.expect(401);
        }
        let list = house.get(By::Holder(&admin), "/auth/api-keys").await.expect(200);
        let items = list.json["items"].as_array().unwrap();
        assert!(items.len() == 3 && items.iter().all(|key| key["active"] == false), "{items:?}");
        house.patch(By::Holder(&admin), &path, json!({"disabled": false})).await.expect(200);
        house.resolve(&erp).await.expect(200);
    }

    async fn keys_are_for_admins(db: TestDb) {
        let house = House::new(db.db());
        let customer = house.register("jo@example.com").await;
        let body = json!({"name": "mine", "role": "admin"});
        house.post(By::Holder(&customer), "/auth/api-keys", body.clone()).await.expect(403);
        house.post(By::Guest("192.0.2.1"), "/auth/api-keys", body.clone()).await.expect(401);
        let admin = house.admin("admin@example.com").await;
        let key = house.post(By::Holder(&admin), "/auth/api-keys", body).await.expect(201);
        let key = key.text("/token");
        house.get(By::Holder(&key), "/auth/api-keys").await.expect(200);
        for (body, path) in [
            (json!({"name": "", "role": "staff"}), "name"),
            (json!({"name": "x", "role": "customer"}), "role"),
            (json!({"name": "x", "role": "king"}), "role"),
        ] {
            let refused = house.post(By::Holder(&admin), "/auth/api-keys", body).await.expect(400);
            assert_eq!(refused.text("/errors/0/path"), path);
        }
    }
}

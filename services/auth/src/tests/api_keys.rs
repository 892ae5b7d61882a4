//! API keys and who may make them.

use techcommerce_testkit::on_both_engines;

use super::*;
use crate::MIGRATOR;

async fn admin(house: &House) -> String {
    let sessions = Sessions::Sql(house.db.clone());
    let email = "admin@example.com".parse().unwrap();
    let password = crate::create_admin(&house.db, &house.env, &sessions, &email)
        .await
        .unwrap();
    house
        .login("admin@example.com", &password)
        .await
        .expect(200)
        .text("/token")
}

on_both_engines! { MIGRATOR;
    async fn a_key_is_shown_once_and_works_until_it_is_deleted(db: TestDb) {
        let house = House::new(db.db());
        let admin = admin(&house).await;
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
    }

    async fn keys_are_for_admins(db: TestDb) {
        let house = House::new(db.db());
        let customer = house.register("jo@example.com").await;
        let body = json!({"name": "mine", "role": "admin"});
        house.post(By::Holder(&customer), "/auth/api-keys", body.clone()).await.expect(403);
        house.post(By::Guest("192.0.2.1"), "/auth/api-keys", body.clone()).await.expect(401);
        let admin = admin(&house).await;
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

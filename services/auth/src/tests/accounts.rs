//! What those who run the shop do with accounts.

use techcommerce_testkit::on_both_engines;

use super::*;
use crate::MIGRATOR;

impl House {
    /// Invites somebody, who follows the link; their session's token and their id.
    async fn colleague(&self, admin: &str, email: &str, role: &str) -> (String, String) {
        let body = json!({"email": email, "name": "Grace", "role": role});
        let made = self.post(By::Holder(admin), "/auth/accounts", body).await;
        let id = made.expect(201).text("/id");
        self.work().await;
        let body = json!({"token": self.mailed_token(), "password": PASSWORD});
        let by = By::Guest("192.0.2.1");
        let set = self.post(by, "/auth/password-reset/confirm", body).await;
        set.expect(204);
        let token = self.login(email, PASSWORD).await.expect(200).text("/token");
        (token, id)
    }

    /// The actions that the log holds, the latest first, once there are `count`: failed sign-ins
    /// are written behind the answer.
    async fn logged_all(&self, admin: &str, query: &str, count: usize) -> Vec<String> {
        for _ in 0..1000 {
            let logged = self.logged(admin, query).await;
            if logged.len() >= count {
                return logged;
            }
        }
        panic!("there are not {count} entries");
    }

    /// The actions that the log holds by now, the latest first.
    async fn logged(&self, admin: &str, query: &str) -> Vec<String> {
        let path = format!("/audit/accounts?limit=100&{query}");
        let log = self.get(By::Holder(admin), &path).await.expect(200);
        let items = log.json["items"].as_array().unwrap();
        let actions = items.iter().map(|entry| entry["action"].as_str().unwrap());
        actions.map(str::to_owned).collect()
    }
}

on_both_engines! { MIGRATOR;
    async fn an_invitation(db: TestDb) {
        let house = House::new(db.db());
        let admin = house.admin("admin@example.com").await;
        let body = json!({"email": "grace@example.com", "name": " Grace ", "role": "staff"});
        let made = house.post(By::Holder(&admin), "/auth/accounts", body.clone()).await;
        let made = made.expect(201);
        assert_eq!(made.text("/name"), "Grace");
        assert_eq!((&made.json["invited"], &made.json["disabled"]), (&json!(true), &json!(false)));
        let twice = house.post(By::Holder(&admin), "/auth/accounts", body).await.expect(409);
        assert_eq!((twice.code(), twice.text("/errors/0/path").as_str()), ("email_taken", "email"));
        // No password is right, not even none.
        for guess in ["", "unusable", PASSWORD] {
            house.login("grace@example.com", guess).await.expect(401);
        }
        house.work().await;
        let mail = house.mails().pop().unwrap();
        assert!(mail.contains("the rights of its staff"), "{mail}");

        // Good for days, where a link that was asked for is good for minutes.
        let token = house.mailed_token();
        house.clock.advance(Duration::from_secs(6 * 24 * 3600));
        house.tick().await;
        let confirm = async |token: &str| {
            let body = json!({"token": token, "password": PASSWORD});
            house.post(By::Guest("192.0.2.1"), "/auth/password-reset/confirm", body).await
        };
        confirm(&token).await.expect(204);
        confirm(&token).await.expect(400);
        let grace = house.login("grace@example.com", PASSWORD).await.expect(200).text("/token");
        let path = format!("/auth/accounts/{}", made.text("/id"));
        let shown = house.get(By::Holder(&grace), &path).await.expect(200);
        assert_eq!(shown.json["sessions"], 1);
        let account = &shown.json["account"];
        assert_eq!((&account["invited"], &account["role"]), (&json!(false), &json!("staff")));
        assert!(account["last_sign_in_at"].is_string());
        let mut logged =
            house.logged_all(&grace, &format!("object_id={}", made.text("/id")), 6).await;
        logged.sort_unstable();
        logged.dedup();
        let expected =
            ["account.invite", "account.password", "account.sign_in", "account.sign_in_failed"];
        assert_eq!(logged, expected);

        // Staff look; admins change.
        let found = house.get(By::Holder(&grace), "/auth/accounts?q=grace&role=staff").await;
        assert_eq!(found.expect(200).text("/items/0/email"), "grace@example.com");
        let body = json!({"email": "eve@example.com", "role": "admin"});
        house.post(By::Holder(&grace), "/auth/accounts", body).await.expect(403);
        house.patch(By::Holder(&grace), &path, json!({"role": "admin"})).await.expect(403);
        house.delete(By::Holder(&grace), &format!("{path}/sessions")).await.expect(403);
        let jo = house.register("jo@example.com").await;
        for path in ["/auth/accounts", &path, "/audit/accounts"] {
            house.get(By::Holder(&jo), path).await.expect(403);
            house.get(By::Guest("192.0.2.1"), path).await.expect(401);
        }
    }

    async fn an_account_is_shut_and_opened(db: TestDb) {
        let house = House::new(db.db());
        let admin = house.admin("admin@example.com").await;
        let (grace, id) = house.colleague(&admin, "grace@example.com", "staff").await;
        let path = format!("/auth/accounts/{id}");
        // A link that is under way is shut as well.
        let body = json!({"email": "grace@example.com"});
        house.post(By::Guest("192.0.2.1"), "/auth/password-reset", body.clone()).await.expect(202);
        house.work().await;
        let mailed = house.mails().len();

        let shut = house.patch(By::Holder(&admin), &path, json!({"disabled": true})).await;
        assert_eq!(shut.expect(200).json["disabled"], true);
        house.resolve(&grace).await.expect(401);
        let refused = house.login("grace@example.com", PASSWORD).await.expect(403);
        assert_eq!(refused.code(), "account_disabled");
        let refused = house.login("grace@example.com", "wrong wrong wrong").await.expect(401);
        assert_eq!(refused.code(), "wrong_credentials", "told only to who knows the password");
        house.post(By::Guest("192.0.2.1"), "/auth/password-reset", body).await.expect(202);
        house.work().await;
        assert_eq!(house.mails().len(), mailed, "no mail to a shut account");

        let open = house.patch(By::Holder(&admin), &path, json!({"disabled": false})).await;
        open.expect(200);
        house.resolve(&grace).await.expect(401);
        let again = house.login("grace@example.com", PASSWORD).await.expect(200).text("/token");
        house.resolve(&again).await.expect(200);
        house.delete(By::Holder(&admin), &format!("{path}/sessions")).await.expect(204);
        house.resolve(&again).await.expect(401);
        // Invited, a password, in; shut, two failures, opened, in, out.
        let logged = house.logged_all(&admin, &format!("object_id={id}"), 8).await;
        assert_eq!(logged[0], "account.end_sessions");
        let count = |action| logged.iter().filter(|one| *one == action).count();
        assert_eq!((count("account.update"), count("account.sign_in_failed")), (2, 2));
        let nobody = format!("/auth/accounts/{}", house.env.new_id());
        house.patch(By::Holder(&admin), &nobody, json!({"name": "x"})).await.expect(404);
        house.get(By::Holder(&admin), &nobody).await.expect(404);
        house.delete(By::Holder(&admin), &format!("{nobody}/sessions")).await.expect(404);
    }

    async fn another_role_counts_at_once(db: TestDb) {
        let house = House::new(db.db());
        let admin = house.admin("admin@example.com").await;
        let (grace, id) = house.colleague(&admin, "grace@example.com", "admin").await;
        let path = format!("/auth/accounts/{id}");
        let own = house.patch(By::Holder(&grace), &path, json!({"role": "staff"})).await;
        assert_eq!(own.expect(409).code(), "own_account");
        house.patch(By::Holder(&grace), &path, json!({"name": " G. "})).await.expect(200);
        house.patch(By::Holder(&admin), &path, json!({"role": "customer"})).await.expect(200);
        house.resolve(&grace).await.expect(401);
        let again = house.login("grace@example.com", PASSWORD).await.expect(200);
        assert_eq!(again.text("/account/role"), "customer");
        assert_eq!(again.text("/account/name"), "G.");
        let log = house.get(By::Holder(&admin), "/audit/accounts?action=account.update").await;
        let change = &log.expect(200).json["items"][0]["change"];
        assert_eq!(change["role"], json!({"from": "admin", "to": "customer"}));
        for body in [json!({"role": "king"}), json!({"name": "\u{7}"}), json!({"email": "a@b.c"})] {
            house.patch(By::Holder(&admin), &path, body).await.expect(400);
        }
    }

    /// A password that the shop made gives no more than a customer has.
    async fn a_one_time_password_runs_no_shop(db: TestDb) {
        let house = House::new(db.db());
        let sessions = Sessions::Sql(house.db.clone());
        let email = "admin@example.com".parse().unwrap();
        let made = crate::create_admin(&house.db, &house.env, &sessions, &email).await;
        let once = made.unwrap();
        let session = house.login("admin@example.com", &once).await.expect(200);
        assert_eq!(session.text("/account/role"), "admin");
        let token = session.text("/token");
        let held = house.resolve(&token).await.expect(200);
        assert_eq!(held.json["password_change_required"], true);
        assert_eq!(held.json["principal"]["role"], "customer");
        house.get(By::Holder(&token), "/auth/accounts").await.expect(403);
        house.get(By::Holder(&token), "/auth/me").await.expect(200);
        let body = json!({"current_password": once, "new_password": PASSWORD});
        let changed = house.post(By::Holder(&token), "/auth/password", body).await.expect(200);
        house.get(By::Holder(&changed.text("/token")), "/auth/accounts").await.expect(200);
        // Also an admin who was shut comes back by the command line.
        crate::create_admin(&house.db, &house.env, &sessions, &email).await.unwrap();
        house.resolve(&changed.text("/token")).await.expect(401);
    }

    /// What has run out goes away by itself, hour by hour.
    async fn what_ran_out_is_swept_up(db: TestDb) {
        let house = House::new(db.db());
        house.register("jo@example.com").await;
        let body = json!({"email": "jo@example.com"});
        house.post(By::Guest("192.0.2.1"), "/auth/password-reset", body).await.expect(202);
        house.work().await;
        let count = async || -> Vec<i64> {
            let mut counts = Vec::new();
            for sql in [
                "SELECT COUNT(*) FROM sessions",
                "SELECT COUNT(*) FROM password_resets",
                "SELECT COUNT(*) FROM jobs",
            ] {
                let mut conn = house.db.read().await.unwrap();
                let count: Result<i64, _> = techcommerce_store::with!(conn, |c| {
                    sqlx::query_scalar(sql).fetch_one(c).await
                });
                counts.push(count.unwrap());
            }
            counts
        };
        assert_eq!(count().await[..2], [1, 1]);
        house.clock.advance(Duration::from_secs(15 * 24 * 3600));
        house.tick().await;
        assert_eq!(count().await[..2], [0, 0]);
        // Finished jobs are pruned by the worker as it goes.
        assert!(count().await[2] < 5);
    }
}

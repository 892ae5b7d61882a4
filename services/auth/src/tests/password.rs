//! New passwords: by a mail, and by the old one.

use techcommerce_testkit::on_both_engines;

use super::*;
use crate::MIGRATOR;

const GUEST: By<'_> = By::Guest("192.0.2.1");
const NEW: &str = "dreizehn große Gänse";

async fn ask(house: &House, email: &str) -> Answer {
    house
        .post(GUEST, "/auth/password-reset", json!({"email": email}))
        .await
}

async fn confirm(house: &House, token: &str, password: &str) -> Answer {
    let body = json!({"token": token, "password": password});
    house
        .post(GUEST, "/auth/password-reset/confirm", body)
        .await
}

/// The tokens of all mails so far.
fn tokens(house: &House) -> Vec<String> {
    let token = |mail: &String| {
        let (_, rest) = mail
            .split_once("https://shop.test/reset-password?token=")
            .unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    };
    house.mails().iter().map(token).collect()
}

on_both_engines! { MIGRATOR;
    async fn a_link_is_good_once(db: TestDb) {
        let house = House::new(db.db());
        let session = house.register("jo@example.com").await;
        ask(&house, "Jo@Example.com").await.expect(202);
        ask(&house, "jo@example.com").await.expect(202);
        assert_eq!(house.work().await, 2);
        let tokens = tokens(&house);
        assert_eq!(tokens.len(), 2);

        // A password that is not good enough does not use the link up.
        let weak = confirm(&house, &tokens[0], "short").await.expect(400);
        assert_eq!((weak.code(), weak.text("/errors/0/path").as_str()), ("weak_password", "password"));
        confirm(&house, &tokens[0], NEW).await.expect(204);

        house.resolve(&session).await.expect(401);
        house.login("jo@example.com", PASSWORD).await.expect(401);
        house.login("jo@example.com", NEW).await.expect(200);
        for token in &tokens {
            let again = confirm(&house, token, "vierzehn graue Schwäne").await.expect(400);
            assert_eq!(again.code(), "reset_token_invalid");
        }
    }

    async fn of_two_uses_at_once_one_counts(db: TestDb) {
        let house = House::new(db.db());
        house.register("jo@example.com").await;
        ask(&house, "jo@example.com").await.expect(202);
        house.work().await;
        let token = tokens(&house).pop().unwrap();
        let (one, two) = tokio::join!(
            confirm(&house, &token, NEW),
            confirm(&house, &token, "vierzehn graue Schwäne"),
        );
        let mut statuses = [one.status.as_u16(), two.status.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 400]);
    }

    async fn a_link_is_good_for_half_an_hour(db: TestDb) {
        let house = House::new(db.db());
        house.register("jo@example.com").await;
        ask(&house, "jo@example.com").await.expect(202);
        house.work().await;
        house.clock.advance(Duration::from_secs(30 * 60));
        let token = tokens(&house).pop().unwrap();
        let late = confirm(&house, &token, NEW).await.expect(400);
        assert_eq!(late.code(), "reset_token_invalid");
        house.login("jo@example.com", PASSWORD).await.expect(200);
    }

    async fn the_answer_does_not_tell_who_has_an_account(db: TestDb) {
        let house = House::new(db.db());
        house.register("jo@example.com").await;
        let known = ask(&house, "jo@example.com").await.expect(202);
        let unknown = ask(&house, "nobody@example.com").await.expect(202);
        assert_eq!(known.json, unknown.json);
        assert_eq!(house.work().await, 2, "the same is written for both");
        assert_eq!(house.mails().len(), 1);
        assert!(!house.mails()[0].contains("nobody@example.com"));
        for token in ["", "tcr_x", "tcr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"] {
            assert_eq!(confirm(&house, token, NEW).await.expect(400).code(), "reset_token_invalid");
        }
    }

    async fn mails_are_not_sent_without_end(db: TestDb) {
        let house = House::new(db.db());
        for _ in 0..3 {
            ask(&house, "jo@example.com").await.expect(202);
        }
        let refused = ask(&house, "jo@example.com").await.expect(429);
        assert!(refused.headers.contains_key(header::RETRY_AFTER));
        ask(&house, "ann@example.com").await.expect(202);
    }

    async fn the_old_password_opens_the_way_to_a_new_one(db: TestDb) {
        let house = House::new(db.db());
        let one = house.register("jo@example.com").await;
        let other = house.login("jo@example.com", PASSWORD).await.expect(200).text("/token");
        let change = async |current: &str, new: &str| {
            let body = json!({"current_password": current, "new_password": new});
            house.post(By::Holder(&one), "/auth/password", body).await
        };
        assert_eq!(change("wrong password", NEW).await.expect(401).code(), "wrong_credentials");
        assert_eq!(change(PASSWORD, "short").await.expect(400).code(), "weak_password");
        assert_eq!(change(PASSWORD, PASSWORD).await.expect(400).code(), "weak_password");
        let changed = change(PASSWORD, NEW).await.expect(200);
        for ended in [&one, &other] {
            house.resolve(ended).await.expect(401);
        }
        house.resolve(&changed.text("/token")).await.expect(200);
        house.login("jo@example.com", NEW).await.expect(200);
        house.login("jo@example.com", PASSWORD).await.expect(401);
    }

    async fn a_one_time_password_is_marked_until_it_is_replaced(db: TestDb) {
        let house = House::new(db.db());
        let mut password = String::new();
        let deliver = |_: &_, text: &str| {
            text.clone_into(&mut password);
            Ok(())
        };
        let first = crate::FirstAdmin {
            email: "admin@example.com".parse().unwrap(),
            password: None,
        };
        crate::bootstrap_admin(&house.db, &house.env, first, deliver).await.unwrap();
        let login = house.login("admin@example.com", &password).await.expect(200);
        assert_eq!(login.json["account"]["must_change_password"], true);
        let body = json!({"current_password": password, "new_password": NEW});
        let token = login.text("/token");
        let changed = house.post(By::Holder(&token), "/auth/password", body).await.expect(200);
        assert_eq!(changed.json["account"]["must_change_password"], false);
        assert_eq!(changed.text("/account/role"), "admin");
    }
}

//! Who is told what: reasons and notes are for staff, messages for the customer; and all that
//! staff do is in the audit log.

use http::Method;
use serde_json::{Value, json};
use techcommerce_contracts::Role;
use techcommerce_testkit::on_both_engines;

use super::shop::{GUEST, Shop, person, staff};
use crate::MIGRATOR;

fn path(order: &Value, rest: &str) -> String {
    format!("/orders/{}/{rest}", order["id"].as_str().unwrap())
}

/// As the customer sees it who has its access token.
async fn seen(shop: &Shop, order: &Value, token: &Value) -> Value {
    let id = order["id"].as_str().unwrap();
    let path = format!("/orders/{id}?access_token={}", token.as_str().unwrap());
    let (status, order) = shop.get(GUEST, &path).await;
    assert_eq!(status, 200, "{order}");
    order
}

async fn paid(shop: &Shop, key: &str) -> (Value, Value) {
    let variant = shop.warehouse.stock(5000, 10);
    let cart = shop.cart(&[(variant, 2)]).await;
    let (status, order) = shop.place(&cart, key, None).await;
    assert_eq!(status, 201, "{order}");
    shop.settle().await;
    let token = order["access_token"].clone();
    (shop.order(&order).await, token)
}

on_both_engines! { MIGRATOR;
    async fn customers_are_told_what_is_meant_for_them(db: TestDb) {
        let shop = Shop::new(&db).await;
        let (order, token) = paid(&shop, "k").await;
        let refund = json!({"amount": {"amount": 100, "currency": "EUR"}, "reason": "LOUD customer", "message": "We are\nsorry <b>."});
        assert_eq!(shop.post(&path(&order, "refunds"), refund).await.0, 201);
        assert_eq!(shop.post(&path(&order, "notes"), json!({"text": "Calls\r\ndaily"})).await.0, 201);
        shop.settle().await;
        let cancel = json!({"reason": "FRAUD?", "message": "It cannot be had any more."});
        assert_eq!(shop.post(&path(&order, "cancel"), cancel).await.0, 200);
        shop.settle().await;
        for shown in [seen(&shop, &order, &token).await] {
            let text = shown.to_string();
            for secret in ["LOUD", "Calls", "FRAUD", "account:", "note", "\"staff\""] {
                assert!(!text.contains(secret), "{secret}: {text}");
            }
            assert_eq!(shown["refunds"][0]["message"], "We are\nsorry <b>.");
            let events = shown["events"].as_array().unwrap();
            let cancelled = events.iter().find(|event| event["kind"] == "cancelled").unwrap();
            assert_eq!(cancelled["message"], "It cannot be had any more.");
        }
        let shown = shop.order(&order).await;
        assert_eq!(shown["refunds"][0]["reason"], "LOUD customer");
        let events = shown["events"].as_array().unwrap();
        let note = events.iter().find(|event| event["kind"] == "note").unwrap();
        assert_eq!((&note["note"], &note["message"]), (&json!("Calls\ndaily"), &json!("")));
        assert!(note["actor"].as_str().unwrap().starts_with("account:"));
        let mails = shop.mails().join("\n");
        assert!(mails.contains("It cannot be had any more."), "{mails}");
        assert!(mails.contains("sorry &lt;b&gt;."), "{mails}");
        for secret in ["LOUD", "FRAUD", "Calls"] {
            assert!(!mails.contains(secret), "{secret}");
        }
    }

    async fn notes_and_shipments_are_made_once(db: TestDb) {
        let shop = Shop::new(&db).await;
        let (order, _) = paid(&shop, "k").await;
        let post = async |rest: &str, key: &str, body: Value| {
            let (status, answer) = shop.send(staff(), Method::POST, &path(&order, rest), Some(key), Some(body)).await;
            (status.as_u16(), answer)
        };
        for _ in 0..2 {
            assert_eq!(post("notes", "n", json!({"text": "once"})).await.0, 201);
        }
        assert_eq!(post("notes", "n", json!({"text": "other"})).await.1["code"], "idempotency_key_reused");
        assert_eq!(post("notes", "m", json!({"text": "once"})).await.0, 201);
        let notes = async || {
            let shown = shop.order(&order).await;
            let events = shown["events"].as_array().unwrap().clone();
            events.iter().filter(|event| event["kind"] == "note").count()
        };
        assert_eq!(notes().await, 2);
        for text in ["", " \n ", &"x".repeat(2001), "a\u{1b}b"] {
            let (status, problem) = post("notes", "bad", json!({"text": text})).await;
            assert_eq!((status, &problem["errors"][0]["path"]), (400, &json!("text")));
        }
        let line = order["lines"][0]["id"].clone();
        let one = json!({"lines": [{"line_id": line, "quantity": 1}], "carrier": "Post"});
        for _ in 0..2 {
            let (status, shown) = post("shipments", "s", one.clone()).await;
            assert_eq!(status, 201, "{shown}");
            assert_eq!(shown["fulfillment_status"], "partial");
        }
        let other = json!({"lines": [{"line_id": line, "quantity": 1}], "carrier": "Other"});
        assert_eq!(post("shipments", "s", other).await.1["code"], "idempotency_key_reused");
        // All that is left, twice.
        for _ in 0..2 {
            let (status, shown) = post("shipments", "rest", json!({})).await;
            assert_eq!((status, &shown["status"]), (201, &json!("completed")));
        }
        assert_eq!(shop.order(&order).await["shipments"].as_array().unwrap().len(), 2);
        let actions: Vec<String> = shop.logged().await.into_iter().map(|(action, _)| action).collect();
        assert_eq!(actions, ["order.note", "order.note", "order.ship", "order.ship"]);
    }

    async fn every_change_is_in_the_log(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1000, 10);
        let cart = shop.cart(&[(mug, 1)]).await;
        let (_, order) = shop.place_with(GUEST, &cart, "k", json!({"method": "invoice"})).await;
        shop.settle().await;
        // Refused: nothing is logged.
        assert_eq!(shop.post(&path(&order, "refunds"), json!({"reason": "no"})).await.0, 409);
        assert_eq!(shop.logged().await, []);
        // Twice is once.
        for _ in 0..2 {
            assert_eq!(shop.post(&path(&order, "mark-paid"), json!({})).await.0, 200);
        }
        let back = json!({"amount": {"amount": 10, "currency": "EUR"}, "reason": "scratched"});
        assert_eq!(shop.post(&path(&order, "refunds"), back).await.0, 201);
        for _ in 0..2 {
            assert_eq!(shop.post(&path(&order, "cancel"), json!({"reason": "gone"})).await.0, 200);
        }
        let ran = shop.settle().await;
        shop.assert_balanced(&ran).await;
        let log = shop.logged().await;
        let actions: Vec<&str> = log.iter().map(|(action, _)| action.as_str()).collect();
        assert_eq!(actions, ["order.mark_paid", "order.refund", "order.cancel"]);
        assert_eq!(log[0].1["payment_status"], json!({"from": "pending", "to": "paid"}));
        assert_eq!(log[1].1["amount"], json!({"amount": 10, "currency": "EUR"}));
        assert_eq!(log[1].1["reason"], "scratched");
        assert_eq!(log[2].1["status"], json!({"from": "placed", "to": "cancelled"}));
        let entries = shop.pages("/audit/orders?action=order.cancel").await;
        assert_eq!(entries.len(), 1);
        let entry = &entries[0];
        assert_eq!((&entry["object_kind"], &entry["object_id"]), (&json!("order"), &order["id"]));
        assert_eq!(entry["object_title"], order["number"]);
        for (who, status) in [(GUEST, 401), (person(9, Role::Customer), 403)] {
            for path in ["/audit/orders", "/orders/summary", "/discounts", "/discounts/FIVER"] {
                assert_eq!(shop.get(who.clone(), path).await.0, status, "{path}");
            }
            let note = Some(json!({"text": "x"}));
            assert_eq!(shop.send(who.clone(), Method::POST, &path(&order, "notes"), None, note).await.0, status);
        }
    }

    async fn what_may_be_done_is_told_to_staff(db: TestDb) {
        let shop = Shop::new(&db).await;
        let actions = async |order: &Value| shop.order(order).await["staff"]["actions"].clone();
        let (order, _) = paid(&shop, "k").await;
        assert_eq!(actions(&order).await, json!(["ship", "refund", "cancel"]));
        assert_eq!(order["staff"]["refundable"]["amount"], 10_000);
        assert_eq!(order["staff"]["account_id"], Value::Null);
        assert_eq!(shop.post(&path(&order, "shipments"), json!({})).await.0, 201);
        assert_eq!(actions(&order).await, json!(["refund"]));
        assert_eq!(shop.post(&path(&order, "refunds"), json!({"reason": ""})).await.0, 201);
        assert_eq!(actions(&order).await, json!([]));
        let mug = shop.warehouse.stock(1000, 10);
        let cart = shop.cart(&[(mug, 1)]).await;
        let customer = person(40, Role::Customer);
        let (_, invoice) = shop.place_with(customer, &cart, "i", json!({"method": "invoice"})).await;
        shop.settle().await;
        assert_eq!(actions(&invoice).await, json!(["ship", "mark_paid", "cancel"]));
        let shown = shop.order(&invoice).await;
        assert_eq!(shown["staff"]["account_id"], json!(uuid::Uuid::from_u128(40)));
    }

    async fn idempotency_keys_are_forgotten_after_a_month(db: TestDb) {
        use techcommerce_store::{StoreError, with};
        let shop = Shop::new(&db).await;
        let (_, _) = paid(&shop, "k").await;
        let kept = async || {
            let mut conn = shop.db.read().await.unwrap();
            let count: Result<i64, StoreError> = with!(conn, |c| {
                sqlx::query_scalar("SELECT COUNT(*) FROM idempotency_records").fetch_one(c).await
            });
            count.unwrap()
        };
        for (days, left) in [(29, 1), (2, 0)] {
            shop.clock.advance(std::time::Duration::from_hours(24 * days));
            shop.jobs.tick().await.unwrap();
            shop.settle().await;
            assert_eq!(kept().await, left);
        }
    }
}

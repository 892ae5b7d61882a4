//! What staff are shown about payments and what they do about it; above all refunds that fail after
//! they were made.

use std::time::Duration;

use serde_json::{Value, json};
use techcommerce_testkit::{on_both_engines, stripe::Stripe};

use super::{
    shop::Shop,
    stripe::{deliver, intent, order},
};
use crate::{MIGRATOR, Settings, audit};

const OPEN: &str = "/payments/findings?open=true";
const CLOSED: &str = "/payments/findings?open=false";

/// A paid order of which 25.00 were paid back.
async fn refunded(shop: &Shop, stripe: &Stripe, key: &str) -> Value {
    let bought = order(shop, key, Some("pm_card_visa")).await;
    shop.settle().await;
    let path = format!("/orders/{}/refunds", bought["id"].as_str().unwrap());
    let body = json!({"amount": {"amount": 2500, "currency": "EUR"}, "reason": ""});
    assert_eq!(shop.post(&path, body).await.0, 201);
    shop.settle().await;
    assert_eq!(intent(stripe, &bought).refunded, 2500);
    stripe.messages();
    bought
}

/// The bank sends the last refund back, and the shop is told, twice and the last first.
async fn fails(shop: &Shop, stripe: &Stripe) {
    let refund = stripe.refunds().pop().unwrap();
    stripe.refund_becomes(&refund.id, "failed");
    let messages = stripe.messages();
    for message in messages.iter().rev().chain(&messages) {
        assert_eq!(deliver(shop, stripe, message).await.0, 200);
    }
}

async fn differences(shop: &Shop) -> Vec<String> {
    audit(&shop.db).await.unwrap().differences
}

/// The only open finding.
async fn found(shop: &Shop) -> Value {
    let mut found = shop.pages(OPEN).await;
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

fn path(finding: &Value, action: &str) -> String {
    format!(
        "/payments/findings/{}/{action}",
        finding["id"].as_str().unwrap()
    )
}

/// What the outside can tell of how it ended.
async fn ending(shop: &Shop, stripe: &Stripe, bought: &Value) -> Value {
    let shown = shop.order(bought).await;
    let intent = intent(stripe, bought);
    let refunds = shown["refunds"].as_array().unwrap().iter();
    let refunds: Vec<Value> = refunds
        .map(|it| json!([it["amount"], it["status"]]))
        .collect();
    let open: Vec<Value> = shop.pages(OPEN).await;
    assert_eq!(differences(shop).await, [""; 0]);
    json!([
        shown["payment_status"],
        shown["payment"],
        refunds,
        intent.captured,
        intent.refunded,
        open
    ])
}

on_both_engines! { MIGRATOR;
    async fn a_refund_that_fails_later_is_made_again_once(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = refunded(&shop, &stripe, "k").await;
        fails(&shop, &stripe).await;
        shop.jobs.drain().await.unwrap();
        let shown = shop.order(&bought).await;
        assert_eq!(shown["payment"]["refunded"]["amount"], 0, "{shown}");
        assert_eq!((&shown["refunds"][0]["status"], &shown["payment_status"]), (&json!("failed"), &json!("paid")));
        assert_eq!(shown["staff"]["refundable"]["amount"], 10_000);
        let told = differences(&shop).await;
        assert!(told.len() == 1 && told[0].contains("refund_failed"), "{told:?}");
        let finding = found(&shop).await;
        assert_eq!(finding["kind"], "refund_failed");
        assert_eq!((&finding["amount"]["amount"], &finding["order_number"]), (&json!(2500), &bought["number"]));
        assert_eq!(finding["actions"], json!(["refund_again", "settle"]));
        let summary = shop.get(super::shop::staff(), "/orders/summary").await.1;
        assert_eq!(summary["attention"]["payment_findings"], 1);
        assert_eq!(summary["attention"]["payment_disputed"], 0);
        // Two members of staff at once, and one later.
        let again = path(&finding, "refund-again");
        let (one, two) = tokio::join!(shop.post(&again, json!({})), shop.post(&again, json!({})));
        assert_eq!((one.0.as_u16(), two.0.as_u16()), (200, 200), "{} {}", one.1, two.1);
        assert_eq!(one.1["refund_id"], two.1["refund_id"]);
        assert_eq!(one.1["actions"], json!([]), "on its way");
        let settle = shop.post(&path(&finding, "settle"), json!({"note": "x"})).await;
        assert_eq!((settle.0.as_u16(), &settle.1["code"]), (409, &json!("finding_state")));
        let ran = shop.settle().await;
        shop.assert_balanced(&ran).await;
        assert_eq!(shop.post(&again, json!({})).await.1["refund_id"], one.1["refund_id"]);
        shop.settle().await;
        assert_eq!((stripe.refunds().len(), intent(&stripe, &bought).refunded), (2, 2500));
        assert_eq!(shop.order(&bought).await["payment"]["refunded"]["amount"], 2500);
        assert_eq!(shop.pages(OPEN).await, [Value::Null; 0]);
        assert_eq!(shop.pages(CLOSED).await.len(), 1);
        assert_eq!(stripe.violations(), [""; 0]);
        let logged = shop.logged().await;
        assert_eq!(logged.iter().filter(|(action, _)| action == "order.refund").count(), 2, "{logged:?}");
    }

    async fn one_that_fails_again_is_found_again(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = refunded(&shop, &stripe, "k").await;
        for round in 1..=2 {
            fails(&shop, &stripe).await;
            shop.settle().await;
            let finding = found(&shop).await;
            assert_eq!(shop.post(&path(&finding, "refund-again"), json!({})).await.0, 200);
            let ran = shop.settle().await;
            shop.assert_balanced(&ran).await;
            assert_eq!(intent(&stripe, &bought).refunded, 2500);
            assert_eq!(stripe.refunds().len(), round + 1);
        }
        assert_eq!(shop.pages(CLOSED).await.len(), 2);
        assert_eq!(stripe.violations(), [""; 0]);
    }

    async fn a_message_that_was_lost_is_made_good_by_the_comparison(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = refunded(&shop, &stripe, "k").await;
        stripe.refund_becomes(&stripe.refunds().pop().unwrap().id, "failed");
        stripe.messages();
        for _ in 0..2 {
            shop.clock.advance(Duration::from_mins(61));
            shop.jobs.tick().await.unwrap();
            shop.settle().await;
            assert_eq!(found(&shop).await["kind"], "refund_failed", "and nothing else");
        }
        assert_eq!(shop.order(&bought).await["payment"]["refunded"]["amount"], 0);
    }

    async fn a_message_alone_moves_no_money(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = order(&shop, "k", Some("pm_card_visa")).await;
        shop.settle().await;
        stripe.messages();
        let path = format!("/orders/{}/refunds", bought["id"].as_str().unwrap());
        let body = json!({"amount": {"amount": 2500, "currency": "EUR"}, "reason": ""});
        assert_eq!(shop.post(&path, body).await.0, 201);
        shop.settle().await;
        // Signed, and yet not so.
        let said = stripe.messages().pop().unwrap();
        let mut said: Value = serde_json::from_str(&said).unwrap();
        said["id"] = json!("evt_other");
        said["data"]["object"]["status"] = json!("failed");
        let before = ending(&shop, &stripe, &bought).await;
        assert_eq!(deliver(&shop, &stripe, &said.to_string()).await.0, 200);
        assert_eq!(shop.order(&bought).await["refunds"][0]["status"], "done", "while it is asked for");
        let ran = shop.settle().await;
        shop.assert_balanced(&ran).await;
        assert_eq!(ending(&shop, &stripe, &bought).await, before);
    }

    async fn whoever_dies_after_a_refund_failed_pays_back_once(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let reset = |break_at| {
            let mut plan = shop.plan.lock().unwrap();
            plan.break_at = break_at;
            std::mem::take(&mut plan.passed)
        };
        let run = async |break_at| {
            reset(None);
            let bought = refunded(&shop, &stripe, &format!("{break_at:?}")).await;
            reset(break_at);
            fails(&shop, &stripe).await;
            shop.settle().await;
            let again = path(&found(&shop).await, "refund-again");
            for _ in 0..2 {
                assert_eq!(shop.post(&again, json!({})).await.0, 200);
            }
            shop.settle().await;
            let passed = reset(None);
            (ending(&shop, &stripe, &bought).await, passed)
        };
        let (expected, points) = run(None).await;
        assert!(points.len() >= 6, "{points:?}");
        for (index, point) in points.iter().enumerate() {
            let (ended, _) = run(Some(index)).await;
            assert_eq!(ended, expected, "after breaking off at {point:?}");
        }
        assert_eq!(stripe.violations(), [""; 0]);
    }

    async fn what_staff_settled_stays_so_until_there_is_news(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let compare = async || {
            shop.clock.advance(Duration::from_mins(61));
            shop.jobs.tick().await.unwrap();
            shop.jobs.drain().await.unwrap();
        };
        let bought = order(&shop, "k", Some("pm_card_visa")).await;
        shop.settle().await;
        let id = intent(&stripe, &bought).id;
        stripe.refunds_by_hand(&id, 700);
        compare().await;
        let finding = found(&shop).await;
        assert_eq!((&finding["kind"], &finding["actions"]), (&json!("refunded"), &json!(["settle"])));
        let (status, problem) = shop.post(&path(&finding, "refund-again"), json!({})).await;
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("finding_state")));
        let settle = path(&finding, "settle");
        assert_eq!(shop.post(&settle, json!({"note": " "})).await.0, 400);
        for _ in 0..2 {
            let (status, settled) = shop.post(&settle, json!({"note": "told by phone"})).await;
            assert_eq!(status, 200, "{settled}");
            assert_eq!(settled["note"], "told by phone");
        }
        assert_eq!(shop.post(&settle, json!({"note": "another"})).await.0, 409);
        compare().await;
        assert_eq!(shop.pages(OPEN).await, [Value::Null; 0]);
        assert_eq!(differences(&shop).await, [""; 0]);
        stripe.refunds_by_hand(&id, 100);
        compare().await;
        let finding = found(&shop).await;
        assert_eq!((&finding["settled_by"], &finding["note"]), (&Value::Null, &Value::Null));
        // What is too old to be compared stays until somebody has looked.
        shop.clock.advance(Duration::from_hours(24 * 40));
        compare().await;
        found(&shop).await;
        for gone in ["dispute:dp_404", "refunded"] {
            let (status, problem) = shop.post(&format!("/payments/findings/{gone}/refund-again"), json!({})).await;
            assert_eq!((status.as_u16(), &problem["code"]), (404, &json!("finding_not_found")));
        }
    }

    async fn after_an_old_backup_nothing_is_compared_until_it_is_switched_on_again(db: TestDb) {
        let off = Settings { reconciled: None, ..Settings::default() };
        let (shop, stripe) = Shop::with_stripe_and(&db, off).await;
        let nobody = ("order", "0193d0a0-0000-7000-8000-000000000000");
        let taken = stripe.holds(900, "eur", &[("shop", "http://127.0.0.1:3000"), nobody]);
        stripe.captures(&taken);
        for _ in 0..3 {
            for message in stripe.messages() {
                assert_eq!(deliver(&shop, &stripe, &message).await.0, 200, "of an order that is missing");
            }
            shop.clock.advance(Duration::from_mins(61));
            shop.jobs.tick().await.unwrap();
            shop.jobs.drain().await.unwrap();
        }
        assert_eq!(stripe.refunds(), []);
        // Orders go on all the same.
        let bought = order(&shop, "k", Some("pm_card_visa")).await;
        shop.settle().await;
        assert_eq!(shop.order(&bought).await["payment_status"], "paid");
    }

    async fn what_belongs_to_no_order_is_shown_too(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = order(&shop, "k", Some("pm_card_visa")).await;
        shop.settle().await;
        let shop_name = ("shop", "http://127.0.0.1:3000");
        let nobody = ("order", "0193d0a0-0000-7000-8000-000000000000");
        let taken = stripe.holds(900, "eur", &[shop_name, nobody]);
        stripe.captures(&taken);
        stripe.disputes(&intent(&stripe, &bought).id, 10_000);
        shop.clock.advance(Duration::from_mins(61));
        shop.jobs.tick().await.unwrap();
        shop.jobs.drain().await.unwrap();
        let closed = shop.pages(CLOSED).await;
        assert_eq!(closed.len(), 1);
        assert_eq!((&closed[0]["kind"], &closed[0]["object"]), (&json!("unknown_payment"), &json!(taken)));
        assert_eq!((&closed[0]["order_id"], &closed[0]["actions"]), (&Value::Null, &json!([])));
        let dispute = found(&shop).await;
        assert_eq!(dispute["kind"], "dispute");
        assert!(dispute["due_at"].is_string(), "{dispute}");
        let (status, problem) = shop.post(&path(&dispute, "settle"), json!({"note": "no"})).await;
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("finding_state")));
        assert_eq!(shop.pages("/payments/findings").await.len(), 2);
        let (status, _) = shop.get(None, OPEN).await;
        assert_eq!(status, 401);
        let customer = super::shop::person(1, techcommerce_contracts::Role::Customer);
        assert_eq!(shop.get(customer, OPEN).await.0, 403);
    }
}

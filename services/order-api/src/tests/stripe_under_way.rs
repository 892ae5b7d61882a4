//! What happens while books are compared, and refunds for which Stripe has no money yet.

use std::time::Duration;

use serde_json::{Value, json};
use techcommerce_testkit::{on_both_engines, stripe::Stripe};

use super::{
    shop::Shop,
    stripe::{deliver, intent, order},
    stripe_books::{NOBODY, SHOP, compare},
};
use crate::{MIGRATOR, Settings};

async fn pay_back(shop: &Shop, bought: &Value) {
    let path = format!("/orders/{}/refunds", bought["id"].as_str().unwrap());
    let body = json!({"amount": {"amount": 2500, "currency": "EUR"}, "reason": ""});
    assert_eq!(shop.post(&path, body).await.0, 201);
    shop.jobs.drain().await.unwrap();
}

/// Compares, and does `meanwhile` when the list at `path` was read and not held against ours.
async fn compare_while(
    shop: &Shop,
    stripe: &Stripe,
    path: &'static str,
    meanwhile: impl AsyncFnOnce(),
) {
    let mut held = stripe.hold_back(path);
    tokio::join!(compare(shop), async {
        held.read().await;
        meanwhile().await;
        held.tell();
    });
}

async fn assert_nothing_found(shop: &Shop) {
    assert_eq!(shop.pages("/payments/findings").await, [Value::Null; 0]);
}

on_both_engines! { MIGRATOR;
    async fn a_refund_while_books_are_compared_is_no_finding(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = order(&shop, "k", Some("pm_card_visa")).await;
        shop.settle().await;
        compare_while(&shop, &stripe, "/v1/refunds", async || pay_back(&shop, &bought).await).await;
        assert_eq!(shop.order(&bought).await["payment"]["refunded"]["amount"], 2500);
        assert_nothing_found(&shop).await;
        // Nor one that is made while a second look is taken.
        let mut held = stripe.hold_back("/v1/refunds");
        tokio::join!(compare(&shop), async {
            held.read().await;
            pay_back(&shop, &bought).await;
            let mut again = stripe.hold_back("/v1/refunds");
            held.tell();
            again.read().await;
            pay_back(&shop, &bought).await;
            again.tell();
        });
        assert_eq!(intent(&stripe, &bought).refunded, 7500);
        assert_nothing_found(&shop).await;
        compare(&shop).await;
        assert_nothing_found(&shop).await;
    }

    async fn a_capture_while_books_are_compared_is_no_finding(db: TestDb) {
        // One page is all that is listed.
        let short = Settings { reconciled: Some(Duration::from_hours(6)), ..Settings::default() };
        let (shop, stripe) = Shop::with_stripe_and(&db, short).await;
        shop.clock.advance(Duration::from_mins(1));
        let bought = order(&shop, "k", None).await;
        shop.jobs.drain().await.unwrap();
        shop.clock.advance(Duration::from_mins(6));
        shop.jobs.tick().await.unwrap();
        stripe.messages();
        let mut held = stripe.hold_back("/v1/payment_intents");
        let (ran, ()) = tokio::join!(shop.jobs.drain(), async {
            held.read().await;
            stripe.customer_confirms(&intent(&stripe, &bought).id, true);
            for message in stripe.messages() {
                assert_eq!(deliver(&shop, &stripe, &message).await.0, 200);
            }
            shop.jobs.drain().await.unwrap();
            assert_eq!(shop.order(&bought).await["payment_status"], "paid");
            held.tell();
        });
        ran.unwrap();
        assert_nothing_found(&shop).await;
    }

    async fn what_somebody_pays_back_meanwhile_is_no_finding(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let taken = stripe.holds(900, "eur", &[SHOP, NOBODY]);
        stripe.captures(&taken);
        compare_while(&shop, &stripe, "/v1/refunds", async || stripe.refunds_by_hand(&taken, 900)).await;
        assert_eq!(stripe.refunds().len(), 1);
        assert_nothing_found(&shop).await;
    }

    async fn disputes_do_not_wait_for_payments(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = order(&shop, "k", Some("pm_card_visa")).await;
        shop.settle().await;
        stripe.disputes(&intent(&stripe, &bought).id, 10_000);
        compare_while(&shop, &stripe, "/v1/payment_intents", async || {
            let found = shop.pages("/payments/findings?open=true").await;
            assert_eq!((found.len(), &found[0]["kind"]), (1, &json!("dispute")));
        })
        .await;
    }

    async fn a_refund_waits_for_money_and_not_for_a_day(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = order(&shop, "k", Some("pm_card_visa")).await;
        shop.settle().await;
        stripe.is_without_money(true);
        pay_back(&shop, &bought).await;
        for _ in 0..4 {
            let due = shop.jobs.queue().next_due().await.unwrap().unwrap();
            shop.clock.set(due);
            shop.jobs.drain().await.unwrap();
        }
        assert_eq!(shop.order(&bought).await["refunds"][0]["status"], "pending");
        assert_eq!(stripe.refunds(), []);
        stripe.is_without_money(false);
        let before = shop.env.now();
        let ran = shop.settle().await;
        assert_eq!(shop.order(&bought).await["refunds"][0]["status"], "done");
        assert!(shop.env.now().since(before) < Duration::from_hours(1));
        assert_eq!((stripe.refunds().len(), intent(&stripe, &bought).refunded), (1, 2500));
        shop.assert_balanced(&ran).await;
        assert_eq!(stripe.violations(), [""; 0]);
    }
}

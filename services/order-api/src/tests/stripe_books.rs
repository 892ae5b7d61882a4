//! What Stripe's books and ours do not agree on; disputes; and every point at which a process could
//! die on a card's way.

use std::time::Duration;

use serde_json::{Value, json};
use techcommerce_jobs::Ran;
use techcommerce_testkit::{on_both_engines, stripe::Stripe};

use super::{
    crashes::break_everywhere,
    shop::Shop,
    stripe::{deliver, intent, order},
};
use crate::{MIGRATOR, audit};

/// An hour passes, and the books are compared.
pub(super) async fn compare(shop: &Shop) -> Vec<Ran> {
    shop.clock.advance(Duration::from_mins(61));
    shop.jobs.tick().await.unwrap();
    shop.jobs.drain().await.unwrap()
}

pub(super) async fn differences(shop: &Shop) -> Vec<String> {
    audit(&shop.db).await.unwrap().differences
}

pub(super) const SHOP: (&str, &str) = ("shop", "http://127.0.0.1:3000");
pub(super) const NOBODY: (&str, &str) = ("order", "0193d0a0-0000-7000-8000-000000000000");

fn status(stripe: &Stripe, id: &str) -> (String, i64) {
    let intents = stripe.intents().into_iter();
    let intent = intents.into_iter().find(|intent| intent.id == id).unwrap();
    (intent.status, intent.captured - intent.refunded)
}

on_both_engines! { MIGRATOR;
    async fn what_belongs_to_no_order_is_given_back(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let held = stripe.holds(700, "eur", &[SHOP, NOBODY]);
        let taken = stripe.holds(900, "eur", &[SHOP, NOBODY]);
        stripe.captures(&taken);
        let others = stripe.holds(500, "eur", &[("shop", "https://other.example"), NOBODY]);
        let programs = stripe.holds(500, "eur", &[]);
        for _ in 0..2 {
            compare(&shop).await;
            assert_eq!(status(&stripe, &held), ("canceled".into(), 0));
            assert_eq!(status(&stripe, &taken), ("succeeded".into(), 0));
            for other in [&others, &programs] {
                assert_eq!(status(&stripe, other), ("requires_capture".into(), 0));
            }
        }
        assert_eq!(stripe.refunds().len(), 1, "once");
        assert_eq!(differences(&shop).await, [""; 0], "all of it is mended");
        assert_eq!(stripe.violations(), [""; 0]);
    }

    async fn an_order_whose_message_was_lost_is_found(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        shop.clock.advance(Duration::from_mins(1));
        let bought = order(&shop, "k", None).await;
        shop.jobs.drain().await.unwrap();
        stripe.customer_confirms(&intent(&stripe, &bought).id, true);
        shop.clock.advance(Duration::from_mins(6));
        shop.jobs.tick().await.unwrap();
        let ran = shop.jobs.drain().await.unwrap();
        shop.jobs.drain().await.unwrap();
        let shown = shop.order(&bought).await;
        assert_eq!(shown["payment_status"], "paid", "{shown} {ran:?}");
    }

    async fn a_stripe_that_is_away_for_hours_is_waited_for(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let held = stripe.holds(700, "eur", &[SHOP, NOBODY]);
        stripe.away(true);
        let mut tried = 0;
        for _ in 0..6 * 12 {
            shop.clock.advance(Duration::from_mins(5));
            shop.jobs.tick().await.unwrap();
            tried += shop.jobs.drain().await.unwrap().len();
        }
        assert!(tried > 5, "{tried}");
        let dead = shop.jobs.queue().list_dead(None, 10).await.unwrap();
        assert!(dead.is_empty(), "{dead:?}");
        stripe.away(false);
        // The old one leaves it alone for up to two seconds more, by a clock that nobody injects.
        compare(&shop.another(&db, &stripe).await).await;
        assert_eq!(status(&stripe, &held), ("canceled".into(), 0));
    }

    async fn what_other_hands_did_is_told(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = order(&shop, "k", Some("pm_card_visa")).await;
        let fine = order(&shop, "f", Some("pm_card_visa")).await;
        shop.settle().await;
        compare(&shop).await;
        assert_eq!(differences(&shop).await, [""; 0]);
        stripe.refunds_by_hand(&intent(&stripe, &bought).id, 1234);
        compare(&shop).await;
        let told = differences(&shop).await;
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains("refunded") && told[0].contains("1234"), "{told:?}");
        assert!(told[0].contains(bought["number"].as_str().unwrap()), "{told:?}");
        // A refund of ours that fails days later.
        let path = format!("/orders/{}/refunds", fine["id"].as_str().unwrap());
        let body = json!({"amount": {"amount": 500, "currency": "EUR"}, "reason": ""});
        assert_eq!(shop.post(&path, body).await.0, 201);
        shop.jobs.drain().await.unwrap();
        let refund = stripe.refunds().pop().unwrap();
        stripe.messages();
        stripe.refund_becomes(&refund.id, "failed");
        for message in stripe.messages() {
            assert_eq!(deliver(&shop, &stripe, &message).await.0, 200);
        }
        shop.jobs.drain().await.unwrap();
        let told = differences(&shop).await;
        assert!(told.iter().any(|line| line.contains("refund_failed")), "{told:?}");
    }

    async fn refunds_that_take_their_time_are_waited_for(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = order(&shop, "k", Some("pm_card_visa")).await;
        shop.settle().await;
        stripe.refunds_take_time(true);
        let path = format!("/orders/{}/refunds", bought["id"].as_str().unwrap());
        for outcome in ["failed", "succeeded"] {
            let body = json!({"amount": {"amount": 4000, "currency": "EUR"}, "reason": ""});
            assert_eq!(shop.post(&path, body).await.0, 201);
            shop.jobs.drain().await.unwrap();
            let shown = shop.order(&bought).await;
            let latest = shown["refunds"].as_array().unwrap().last().unwrap().clone();
            assert_eq!(latest["status"], "pending", "{latest}");
            stripe.refund_becomes(&stripe.refunds().pop().unwrap().id, outcome);
            shop.settle().await;
            // The one that failed is for staff to look at, whatever was asked for after it.
            let told = differences(&shop).await;
            assert!(told.len() == 1 && told[0].contains("refund_failed"), "{told:?}");
        }
        let shown = shop.order(&bought).await;
        let statuses: Vec<&Value> = shown["refunds"].as_array().unwrap().iter().map(|r| &r["status"]).collect();
        assert_eq!(statuses, ["failed", "done"]);
        assert_eq!(shown["payment"]["refunded"]["amount"], 4000);
        assert_eq!(intent(&stripe, &bought).refunded, 4000);
    }

    async fn a_dispute_is_recorded_once_until_it_ends(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = order(&shop, "k", Some("pm_card_visa")).await;
        shop.settle().await;
        stripe.messages();
        let dispute = stripe.disputes(&intent(&stripe, &bought).id, 10_000);
        let message = stripe.messages().pop().unwrap();
        for _ in 0..2 {
            assert_eq!(deliver(&shop, &stripe, &message).await.0, 200);
        }
        // The comparison sees it too.
        compare(&shop).await;
        let kinds = async || {
            let shown = shop.order(&bought).await;
            let events = shown["events"].as_array().unwrap().clone();
            let kinds = events.iter().map(|event| event["kind"].as_str().unwrap().to_owned());
            kinds.filter(|kind| kind.starts_with("dispute")).collect::<Vec<_>>()
        };
        assert_eq!(kinds().await, ["disputed"]);
        let list = async || shop.pages("/orders?attention=payment_disputed").await.len();
        assert_eq!(list().await, 1, "staff are shown it");
        stripe.dispute_ends(&dispute, "won");
        compare(&shop).await;
        compare(&shop).await;
        assert_eq!(kinds().await, ["disputed", "dispute_won"]);
        assert_eq!(list().await, 0);
        assert_eq!(differences(&shop).await, [""; 0], "what was captured was captured");
        let id = bought["id"].as_str().unwrap();
        let token = bought["access_token"].as_str().unwrap();
        let (_, shown) = shop.get(None, &format!("/orders/{id}?access_token={token}")).await;
        assert!(!shown.to_string().contains("disputed"), "the customer knows");
    }

    async fn whoever_dies_on_a_cards_way_charges_once(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        for token in ["pm_card_visa", "pm_card_visa_chargeDeclined", "pm_card_threeDSecure2Required"] {
            break_everywhere(&shop, json!({"method": "stripe", "token": token}), None).await;
        }
        break_everywhere(&shop, json!({"method": "stripe"}), None).await;
        assert_books(&stripe);
    }

    async fn whoever_dies_on_a_cards_way_back_pays_back_once(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let refund = json!({
            "amount": {"amount": 2500, "currency": "EUR"}, "reason": "",
            "restock": [{"quantity": 1}],
        });
        let payment = json!({"method": "stripe", "token": "pm_card_visa"});
        break_everywhere(&shop, payment.clone(), Some(("cancel", json!({})))).await;
        break_everywhere(&shop, payment, Some(("refunds", refund))).await;
        assert_books(&stripe);
    }
}

/// No order has two payments, nothing is held any more, and nobody was careless.
fn assert_books(stripe: &Stripe) {
    let intents = stripe.intents();
    let mut orders: Vec<_> = intents
        .iter()
        .map(|intent| intent.metadata.get("order"))
        .collect();
    orders.sort();
    orders.dedup();
    assert_eq!(orders.len(), intents.len(), "one for each order");
    for intent in &intents {
        assert!(
            ["succeeded", "canceled"].contains(&intent.status.as_str()),
            "{intent:?}"
        );
    }
    assert_eq!(stripe.violations(), [""; 0]);
}

//! Money that was taken for no order: it is paid back, or staff are told that it was not.

use std::time::Duration;

use serde_json::{Value, json};
use techcommerce_jobs::Ended;
use techcommerce_testkit::{
    on_both_engines,
    stripe::{Fault, Stripe},
};

use super::{
    shop::Shop,
    stripe::{intent, order},
    stripe_books::{NOBODY, SHOP, compare, differences},
};
use crate::MIGRATOR;

/// Money that was taken for no order.
fn taken(stripe: &Stripe, amount: i64) -> String {
    let id = stripe.holds(amount, "eur", &[SHOP, NOBODY]);
    stripe.captures(&id);
    id
}

/// What is with the shop of it.
fn left(stripe: &Stripe, id: &str) -> i64 {
    let intents = stripe.intents().into_iter();
    let intent = intents.into_iter().find(|intent| intent.id == id).unwrap();
    intent.captured - intent.refunded
}

/// The only finding: whether it is open, and what it says.
async fn found(shop: &Shop) -> (bool, String) {
    let found = shop.pages("/payments/findings").await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["kind"], "unknown_payment");
    let text = found[0]["detail"].as_str().unwrap().to_owned();
    (found[0]["closed_at"].is_null(), text)
}

const PAID_BACK: &str = "taken for no order, and paid back";

on_both_engines! { MIGRATOR;
    async fn what_cannot_be_paid_back_stays_open(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let payment = taken(&stripe, 900);
        let dispute = stripe.disputes(&payment, 900);
        for _ in 0..2 {
            compare(&shop).await;
            let (open, text) = found(&shop).await;
            assert!(open && text.contains("not paid back: charge_disputed"), "{text}");
        }
        assert_eq!(differences(&shop).await.len(), 1);
        stripe.dispute_ends(&dispute, "won");
        compare(&shop).await;
        assert_eq!(found(&shop).await, (false, PAID_BACK.to_owned()));
        assert_eq!(left(&stripe, &payment), 0);
        assert_eq!(stripe.violations(), [""; 0]);
    }

    async fn what_came_back_is_paid_back_by_another_refund(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let payment = taken(&stripe, 900);
        compare(&shop).await;
        stripe.refund_becomes("re_1", "failed");
        stripe.refunds_fail(true);
        for _ in 0..2 {
            compare(&shop).await;
            let (open, text) = found(&shop).await;
            assert!(open && text.contains("the refund failed"), "{text}");
        }
        assert_eq!(left(&stripe, &payment), 900);
        stripe.refunds_fail(false);
        for _ in 0..2 {
            compare(&shop).await;
            assert_eq!(found(&shop).await, (false, PAID_BACK.to_owned()));
        }
        assert_eq!((left(&stripe, &payment), stripe.refunds().len()), (0, 4));
        assert_eq!(stripe.violations(), [""; 0]);
    }

    async fn what_fails_within_the_hour_is_another_refund(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let payments = [taken(&stripe, 900), taken(&stripe, 700)];
        shop.clock.advance(Duration::from_mins(10));
        // The first is paid back at once and fails at once; for the other the job comes again.
        stripe.faults([Fault::None, Fault::Status(429)]);
        shop.jobs.tick().await.unwrap();
        shop.jobs.drain().await.unwrap();
        stripe.refund_becomes("re_1", "failed");
        shop.settle().await;
        for payment in &payments {
            assert_eq!(left(&stripe, payment), 0);
        }
        assert_eq!(stripe.refunds().len(), 3);
    }

    async fn without_money_it_is_paid_back_later(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let payment = taken(&stripe, 900);
        stripe.is_without_money(true);
        compare(&shop).await;
        shop.settle().await;
        let (open, text) = found(&shop).await;
        assert!(open && text.contains("not paid back yet"), "{text}");
        stripe.is_without_money(false);
        compare(&shop).await;
        assert_eq!(found(&shop).await, (false, PAID_BACK.to_owned()));
        assert_eq!(left(&stripe, &payment), 0);
    }

    async fn one_that_fails_leaves_the_others_compared(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let first = taken(&stripe, 900);
        let same_page = taken(&stripe, 800);
        shop.clock.advance(Duration::from_hours(7));
        let later = taken(&stripe, 700);
        let bought = order(&shop, "k", Some("pm_card_visa")).await;
        shop.jobs.drain().await.unwrap();
        stripe.disputes(&intent(&stripe, &bought).id, 10_000);
        stripe.faults([Fault::Status(429)]);
        let ran = compare(&shop).await;
        assert!(ran.iter().any(|ran| matches!(ran.ended, Ended::Failed(_))), "{ran:?}");
        let mut lefts = [&first, &same_page, &later].map(|id| left(&stripe, id));
        lefts.sort_unstable();
        assert!(lefts[..2] == [0, 0] && lefts[2] > 0, "{lefts:?}");
        let open: Vec<Value> = shop.pages("/payments/findings?open=true").await;
        let kinds: Vec<&Value> = open.iter().map(|it| &it["kind"]).collect();
        assert!(kinds.contains(&&json!("dispute")), "{open:?}");
        let ran = shop.settle().await;
        assert!(ran.iter().all(|ran| ran.ended != Ended::Dead), "{ran:?}");
        for id in [&first, &same_page, &later] {
            assert_eq!(left(&stripe, id), 0);
        }
        assert_eq!(shop.pages("/payments/findings?open=true").await.len(), 1, "the dispute");
    }
}

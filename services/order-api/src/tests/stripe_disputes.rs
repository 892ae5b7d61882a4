//! Disputes: what Stripe says of them late, twice or never; and inquiries, which have taken nothing.

use std::time::Duration;

use serde_json::Value;
use techcommerce_store::with;
use techcommerce_testkit::{on_both_engines, stripe::Stripe};

use super::{
    shop::Shop,
    stripe::{deliver, intent, order},
    stripe_books::compare,
};
use crate::MIGRATOR;

const OPEN: &str = "/payments/findings?open=true";
/// Long enough for no comparison to list what is older.
const LATER: Duration = Duration::from_hours(24 * 10);

/// A paid order and its payment.
async fn paid(shop: &Shop, stripe: &Stripe) -> (Value, String) {
    let bought = order(shop, "k", Some("pm_card_visa")).await;
    shop.settle().await;
    stripe.messages();
    let id = intent(stripe, &bought).id;
    (bought, id)
}

/// All that Stripe has said since, delivered.
async fn told(shop: &Shop, stripe: &Stripe) {
    for message in stripe.messages() {
        assert_eq!(deliver(shop, stripe, &message).await.0, 200);
    }
}

/// How many disputes are open, and what the last one found is.
async fn open(shop: &Shop) -> (usize, Value) {
    let all = shop.pages("/payments/findings").await;
    let open = shop.pages(OPEN).await.len();
    (open, all[0]["detail"].clone())
}

/// What the order's timeline says of disputes.
async fn events(shop: &Shop, bought: &Value) -> Vec<String> {
    let shown = shop.order(bought).await;
    let kinds = shown["events"].as_array().unwrap().iter();
    let kinds = kinds.map(|event| event["kind"].as_str().unwrap().to_owned());
    kinds.filter(|kind| kind.starts_with("dispute")).collect()
}

/// What the ledger says of disputes.
async fn entries(shop: &Shop) -> Vec<(String, i64, String)> {
    const ENTRIES: &str = "SELECT entry, amount, currency FROM payments_ledger \
         WHERE entry LIKE 'dispute%' ORDER BY id";
    let mut conn = shop.db.read().await.unwrap();
    let mut read = async || -> Result<_, techcommerce_kernel::Error> {
        Ok(with!(conn, |c| sqlx::query_as(ENTRIES).fetch_all(c).await)?)
    };
    read().await.unwrap()
}

fn entry(name: &str, amount: i64) -> (String, i64, String) {
    (name.to_owned(), amount, "EUR".to_owned())
}

on_both_engines! { MIGRATOR;
    async fn a_late_message_opens_no_dispute_that_is_over(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let (bought, payment) = paid(&shop, &stripe).await;
        let dispute = stripe.disputes(&payment, 10_000);
        told(&shop, &stripe).await;
        stripe.dispute_becomes(&dispute, "under_review");
        let late = stripe.messages();
        stripe.dispute_ends(&dispute, "won");
        told(&shop, &stripe).await;
        assert_eq!(open(&shop).await, (0, "won (fraudulent)".into()));
        for message in &late {
            assert_eq!(deliver(&shop, &stripe, message).await.0, 200);
        }
        assert_eq!(open(&shop).await, (0, "won (fraudulent)".into()));
        shop.clock.advance(LATER);
        compare(&shop).await;
        assert_eq!(open(&shop).await, (0, "won (fraudulent)".into()));
        assert_eq!(events(&shop, &bought).await, ["disputed", "dispute_won"]);
    }

    async fn the_end_of_an_old_dispute_is_asked_for(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let (bought, payment) = paid(&shop, &stripe).await;
        let dispute = stripe.disputes(&payment, 10_000);
        compare(&shop).await;
        shop.clock.advance(LATER);
        compare(&shop).await;
        assert_eq!(open(&shop).await, (1, "needs_response (fraudulent)".into()));
        stripe.dispute_becomes(&dispute, "under_review");
        stripe.messages();
        compare(&shop).await;
        assert_eq!(open(&shop).await, (1, "under_review (fraudulent)".into()));
        stripe.dispute_ends(&dispute, "lost");
        stripe.messages();
        compare(&shop).await;
        assert_eq!(open(&shop).await, (0, "lost (fraudulent)".into()));
        assert_eq!(events(&shop, &bought).await, ["disputed", "dispute_lost"]);
        assert_eq!(stripe.violations(), [""; 0]);
    }

    async fn a_dispute_that_was_said_to_be_over_is_asked_for(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let (_, payment) = paid(&shop, &stripe).await;
        let dispute = stripe.inquires(&payment, 10_000);
        told(&shop, &stripe).await;
        // The bank thinks better of it, and what it said first comes last.
        stripe.dispute_ends(&dispute, "warning_closed");
        let late = stripe.messages();
        shop.clock.advance(LATER);
        stripe.dispute_becomes(&dispute, "needs_response");
        told(&shop, &stripe).await;
        for message in &late {
            assert_eq!(deliver(&shop, &stripe, message).await.0, 200);
        }
        assert_eq!(open(&shop).await, (0, "warning_closed (fraudulent)".into()));
        compare(&shop).await;
        assert_eq!(open(&shop).await, (1, "needs_response (fraudulent)".into()));
        // And the other way round: it is over when the bank takes the money after all.
        stripe.dispute_ends(&dispute, "warning_closed");
        told(&shop, &stripe).await;
        compare(&shop).await;
        assert_eq!(open(&shop).await.0, 0);
        stripe.dispute_becomes(&dispute, "needs_response");
        told(&shop, &stripe).await;
        compare(&shop).await;
        assert_eq!(open(&shop).await, (1, "needs_response (fraudulent)".into()));
    }

    async fn an_inquiry_has_taken_no_money(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let (bought, payment) = paid(&shop, &stripe).await;
        let dispute = stripe.inquires(&payment, 10_000);
        told(&shop, &stripe).await;
        compare(&shop).await;
        assert_eq!(open(&shop).await, (1, "warning_needs_response (fraudulent)".into()));
        assert_eq!(events(&shop, &bought).await, ["disputed"], "staff have to answer");
        assert_eq!(entries(&shop).await, []);
        for over in ["warning_closed", "prevented"] {
            stripe.dispute_ends(&dispute, over);
            told(&shop, &stripe).await;
            compare(&shop).await;
            assert_eq!(open(&shop).await.0, 0);
            assert_eq!(entries(&shop).await, []);
        }
    }

    async fn an_inquiry_that_becomes_a_dispute_is_in_the_ledger_then(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let (bought, payment) = paid(&shop, &stripe).await;
        let dispute = stripe.inquires(&payment, 4000);
        told(&shop, &stripe).await;
        for _ in 0..2 {
            stripe.dispute_becomes(&dispute, "needs_response");
            told(&shop, &stripe).await;
            compare(&shop).await;
            assert_eq!(entries(&shop).await, [entry("disputed", 4000)]);
            assert_eq!(events(&shop, &bought).await, ["disputed", "disputed"]);
        }
        stripe.dispute_ends(&dispute, "lost");
        told(&shop, &stripe).await;
        compare(&shop).await;
        assert_eq!(entries(&shop).await, [entry("disputed", 4000), entry("dispute_lost", 4000)]);
        assert_eq!(events(&shop, &bought).await, ["disputed", "disputed", "dispute_lost"]);
    }

    async fn a_dispute_stands_in_the_ledger_in_its_own_currency(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let (_, payment) = paid(&shop, &stripe).await;
        stripe.disputes(&payment, 10_000);
        let said = stripe.messages().pop().unwrap();
        let said = said.replace("\"currency\":\"eur\"", "\"currency\":\"chf\"");
        assert_eq!(deliver(&shop, &stripe, &said).await.0, 200);
        assert_eq!(entries(&shop).await, [("disputed".to_owned(), 10_000, "CHF".to_owned())]);
    }
}

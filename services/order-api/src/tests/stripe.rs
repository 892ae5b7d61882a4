//! Payments by card, against a Stripe that is strict with us and nasty to us.

use std::time::Duration;

use http::Method;
use serde_json::{Value, json};
use techcommerce_testkit::{
    on_both_engines,
    stripe::{Fault, Intent, Stripe},
};

use super::shop::{GUEST, Shop, staff};
use crate::MIGRATOR;

/// An order of one thing at 50.00, shipped for nothing.
pub(super) async fn order(shop: &Shop, key: &str, token: Option<&str>) -> Value {
    let variant = shop.warehouse.stock(5000, 10);
    let cart = shop.cart(&[(variant, 2)]).await;
    let payment = json!({"method": "stripe", "token": token});
    let (status, order) = shop.place_with(GUEST, &cart, key, payment).await;
    assert_eq!(status, 201, "{order}");
    order
}

/// The only PaymentIntent of an order.
pub(super) fn intent(stripe: &Stripe, order: &Value) -> Intent {
    let mut intents = stripe.of_order(order["id"].as_str().unwrap());
    assert_eq!(intents.len(), 1, "{intents:?}");
    intents.remove(0)
}

/// As the customer sees it.
async fn seen(shop: &Shop, order: &Value) -> Value {
    let (id, token) = (
        order["id"].as_str().unwrap(),
        order["access_token"].as_str().unwrap(),
    );
    let (status, order) = shop
        .get(GUEST, &format!("/orders/{id}?access_token={token}"))
        .await;
    assert_eq!(status, 200, "{order}");
    order
}

/// Hands a message to the shop as Stripe would.
pub(super) async fn deliver(shop: &Shop, stripe: &Stripe, message: &str) -> (u16, Value) {
    let signature = stripe.signature(message);
    send(shop, &signature, message).await
}

async fn send(shop: &Shop, signature: &str, message: &str) -> (u16, Value) {
    let body: Value = serde_json::from_str(message).unwrap();
    assert_eq!(body.to_string(), message, "sent as it was signed");
    let headers = [("stripe-signature", signature)];
    let path = "/payments/stripe/webhook";
    let (status, answer) = shop
        .send_with(GUEST, Method::POST, path, &headers, Some(body))
        .await;
    (status.as_u16(), answer)
}

/// All messages that wait, the latest first and each twice.
async fn deliver_all(shop: &Shop, stripe: &Stripe) {
    let messages = stripe.messages();
    for message in messages.iter().rev().chain(&messages) {
        let (status, answer) = deliver(shop, stripe, message).await;
        assert_eq!(status, 200, "{answer}");
    }
}

/// The customer was charged the total once, and all that was asked was asked with care.
async fn assert_paid(shop: &Shop, stripe: &Stripe, order: &Value) {
    let shown = shop.order(order).await;
    assert_eq!(shown["payment_status"], "paid", "{shown}");
    let intent = intent(stripe, order);
    assert_eq!(json!(intent.captured), shown["total"]["amount"]);
    assert_eq!(intent.refunded, 0);
    assert_eq!(stripe.violations(), [""; 0]);
}

on_both_engines! { MIGRATOR;
    async fn a_card_is_charged_when_the_stock_is_ours(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = order(&shop, "k", Some("pm_card_visa")).await;
        let ran = shop.settle().await;
        assert_paid(&shop, &stripe, &bought).await;
        shop.assert_balanced(&ran).await;
        let intent = intent(&stripe, &bought);
        assert_eq!((intent.amount, intent.currency.as_str()), (10_000, "eur"));
        // What Stripe says afterwards changes nothing.
        let before = shop.order(&bought).await;
        deliver_all(&shop, &stripe).await;
        shop.settle().await;
        assert_eq!(shop.order(&bought).await, before);
    }

    async fn a_declined_card_gives_the_stock_back(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let refused = order(&shop, "k", Some("pm_card_visa_chargeDeclined")).await;
        let ran = shop.settle().await;
        let shown = shop.order(&refused).await;
        assert_eq!((&shown["status"], &shown["payment"]["failure"]), (&json!("cancelled"), &json!("declined")));
        assert_eq!(intent(&stripe, &refused).status, "canceled", "nobody can pay it any more");
        shop.assert_balanced(&ran).await;
        let none = order(&shop, "n", Some("pm_that_is_none")).await;
        let ran = shop.settle().await;
        assert_eq!(shop.order(&none).await["status"], "cancelled");
        shop.assert_balanced(&ran).await;
    }

    async fn the_customer_confirms_in_the_page(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = order(&shop, "k", None).await;
        assert_eq!(bought["payment"]["next_action"], Value::Null, "Stripe is asked a moment later");
        shop.jobs.drain().await.unwrap();
        let shown = seen(&shop, &bought).await;
        let id = intent(&stripe, &bought).id;
        let action = json!({"kind": "stripe", "client_secret": format!("{id}_secret_x")});
        assert_eq!(shown["payment"]["next_action"], action);
        assert_eq!(shown["payment_status"], "pending");
        let shown = shop.order(&bought).await;
        assert_eq!(shown["payment"]["next_action"], Value::Null, "staff do not pay");
        // The first card is declined in the page, the second one is good.
        stripe.customer_confirms(&id, false);
        deliver_all(&shop, &stripe).await;
        shop.jobs.drain().await.unwrap();
        assert_ne!(seen(&shop, &bought).await["payment"]["next_action"], Value::Null);
        stripe.customer_confirms(&id, true);
        deliver_all(&shop, &stripe).await;
        shop.jobs.drain().await.unwrap();
        assert_paid(&shop, &stripe, &bought).await;
        assert_eq!(seen(&shop, &bought).await["payment"]["next_action"], Value::Null);
        let ran = shop.settle().await;
        assert_paid(&shop, &stripe, &bought).await;
        shop.assert_balanced(&ran).await;
    }

    async fn a_bank_that_asks_shows_where(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = order(&shop, "k", Some("pm_card_threeDSecure2Required")).await;
        shop.jobs.drain().await.unwrap();
        let action = seen(&shop, &bought).await["payment"]["next_action"].clone();
        let id = intent(&stripe, &bought).id;
        assert_eq!(action["redirect_url"], json!(format!("https://hooks.stripe.example/{id}")));
        stripe.customer_confirms(&id, true);
        deliver_all(&shop, &stripe).await;
        let ran = shop.settle().await;
        assert_paid(&shop, &stripe, &bought).await;
        shop.assert_balanced(&ran).await;
    }

    async fn who_does_not_confirm_in_time_holds_nothing(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let left = order(&shop, "k", None).await;
        // The messages of this one are all lost.
        let paid = order(&shop, "p", None).await;
        shop.jobs.drain().await.unwrap();
        stripe.customer_confirms(&intent(&stripe, &paid).id, true);
        let ran = shop.settle().await;
        let shown = shop.order(&left).await;
        assert_eq!(shown["status"], "cancelled", "{shown}");
        assert_eq!(intent(&stripe, &left).status, "canceled");
        assert_paid(&shop, &stripe, &paid).await;
        shop.assert_balanced(&ran).await;
    }

    async fn a_message_may_come_before_everything_else(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = order(&shop, "k", Some("pm_card_visa")).await;
        // The reply is lost, and the message is there first.
        stripe.faults([Fault::LoseReply]);
        shop.jobs.drain().await.unwrap();
        deliver_all(&shop, &stripe).await;
        // Two jobs take the same order further.
        let (one, two) = tokio::join!(shop.jobs.drain(), shop.jobs.drain());
        one.unwrap();
        two.unwrap();
        let ran = shop.settle().await;
        assert_paid(&shop, &stripe, &bought).await;
        shop.assert_balanced(&ran).await;
    }

    async fn only_stripe_is_heard(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = order(&shop, "k", None).await;
        shop.jobs.drain().await.unwrap();
        stripe.customer_confirms(&intent(&stripe, &bought).id, true);
        let message = stripe.messages().pop().unwrap();
        let signature = stripe.signature(&message);
        for wrong in ["", "t=1,v1=00", &signature.replace("v1=", "v1=0")] {
            let (status, problem) = send(&shop, wrong, &message).await;
            assert_eq!((status, &problem["code"]), (400, &json!("webhook_signature_invalid")));
        }
        shop.clock.advance(Duration::from_secs(301));
        assert_eq!(send(&shop, &signature, &message).await.0, 400, "too late");
        shop.jobs.drain().await.unwrap();
        assert_eq!(shop.order(&bought).await["payment_status"], "pending");
        assert_eq!(deliver(&shop, &stripe, &message).await.0, 200, "sent again, it is signed anew");
        let strange = r#"{"data":{"object":{"id":"pi_x","metadata":{"order":"0193d0a0-0000-7000-8000-000000000000"},"object":"payment_intent"}},"id":"evt_x","type":"payment_intent.succeeded"}"#;
        assert_eq!(deliver(&shop, &stripe, strange).await.0, 200, "not ours, and no reason to come again");
        shop.jobs.drain().await.unwrap();
        assert_paid(&shop, &stripe, &bought).await;
    }

    async fn whatever_becomes_of_a_call_the_customer_is_charged_once(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let faults = [Fault::BreakOff, Fault::LoseReply, Fault::Status(429), Fault::Status(503), Fault::Spoil, Fault::SpoilAfter];
        for fault in faults {
            // The first call authorises, the second one captures.
            for place in 0..2 {
                let key = format!("{fault:?} {place}");
                let bought = order(&shop, &key, Some("pm_card_visa")).await;
                let good = std::iter::repeat_n(Fault::None, place);
                stripe.faults(good.chain([fault, fault]));
                let ran = shop.settle().await;
                stripe.calm();
                assert_paid(&shop, &stripe, &bought).await;
                shop.assert_balanced(&ran).await;
                let path = format!("/orders/{}/refunds", bought["id"].as_str().unwrap());
                stripe.faults([fault]);
                assert_eq!(shop.post(&path, json!({"reason": "all"})).await.0, 201);
                let ran = shop.settle().await;
                stripe.calm();
                let shown = shop.order(&bought).await;
                assert_eq!(shown["payment_status"], "refunded", "{key}: {shown}");
                assert_eq!(intent(&stripe, &bought).refunded, 10_000, "{key}");
                shop.assert_balanced(&ran).await;
            }
        }
        assert_eq!(stripe.violations(), [""; 0]);
    }

    async fn keys_that_stripe_forgot_make_no_second_payment(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = order(&shop, "k", Some("pm_card_visa")).await;
        stripe.faults([Fault::LoseReply]);
        shop.jobs.drain().await.unwrap();
        shop.clock.advance(Duration::from_hours(26));
        let ran = shop.settle().await;
        assert_paid(&shop, &stripe, &bought).await;
        shop.assert_balanced(&ran).await;
    }

    async fn two_refunds_of_60_on_100_are_one(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let bought = order(&shop, "k", Some("pm_card_visa")).await;
        shop.settle().await;
        let path = format!("/orders/{}/refunds", bought["id"].as_str().unwrap());
        let body = json!({"amount": {"amount": 6000, "currency": "EUR"}, "reason": ""});
        let (one, two) = tokio::join!(shop.post(&path, body.clone()), shop.post(&path, body));
        let mut statuses = [one.0.as_u16(), two.0.as_u16()];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409]);
        let (one, two) = tokio::join!(shop.jobs.drain(), shop.jobs.drain());
        one.unwrap();
        two.unwrap();
        let ran = shop.settle().await;
        assert_eq!(intent(&stripe, &bought).refunded, 6000);
        assert_eq!(stripe.refunds().len(), 1);
        assert_eq!(stripe.violations(), [""; 0]);
        shop.assert_balanced(&ran).await;
    }

    async fn a_cancelled_order_lets_go_of_what_is_held(db: TestDb) {
        let (shop, stripe) = Shop::with_stripe(&db).await;
        let waits = order(&shop, "k", None).await;
        shop.jobs.drain().await.unwrap();
        let id = intent(&stripe, &waits).id;
        // The customer confirms in the moment in which staff cancel.
        stripe.customer_confirms(&id, true);
        let path = format!("/orders/{}/cancel", waits["id"].as_str().unwrap());
        assert_eq!(shop.post(&path, json!({})).await.0, 200);
        // One whose authorisation is lost on the way, and cancelled before it is known.
        let lost = order(&shop, "l", Some("pm_card_visa")).await;
        stripe.faults([Fault::None, Fault::LoseReply]);
        shop.jobs.drain().await.unwrap();
        let path = format!("/orders/{}/cancel", lost["id"].as_str().unwrap());
        assert_eq!(shop.post(&path, json!({})).await.0, 200);
        let ran = shop.settle().await;
        for order in [&waits, &lost] {
            let intent = intent(&stripe, order);
            assert_eq!((intent.status.as_str(), intent.captured), ("canceled", 0));
        }
        // One that nobody was asked for yet.
        let quick = order(&shop, "q", Some("pm_card_visa")).await;
        let path = format!("/orders/{}/cancel", quick["id"].as_str().unwrap());
        assert_eq!(shop.send(staff(), Method::POST, &path, None, Some(json!({}))).await.0, 200);
        shop.settle().await;
        assert_eq!(stripe.of_order(quick["id"].as_str().unwrap()), []);
        shop.assert_balanced(&ran).await;
        assert_eq!(stripe.violations(), [""; 0]);
    }

    async fn what_is_no_card_of_stripes_is_refused(db: TestDb) {
        let (shop, _stripe) = Shop::with_stripe(&db).await;
        let mug = shop.warehouse.stock(5000, 1);
        let cart = shop.cart(&[(mug, 1)]).await;
        for token in ["4242424242424242", "tok_visa", "pm_../../x", "pm_x y"] {
            let payment = json!({"method": "stripe", "token": token});
            let (status, problem) = shop.place_with(GUEST, &cart, "k", payment).await;
            assert_eq!((status.as_u16(), &problem["errors"][0]["path"]), (400, &json!("payment.token")));
            assert!(!problem.to_string().contains(token), "{problem}");
        }
        let other = Shop::new(&db).await;
        let payment = json!({"method": "stripe"});
        assert_eq!(other.place_with(GUEST, &cart, "k", payment).await.0, 400, "there is no Stripe");
    }
}

//! The double is strict: what it is trusted with is tried.

use super::*;
use crate::Client;

async fn ask(stripe: &Stripe, path: &str, key: &str, form: &str) -> (u16, serde_json::Value) {
    let answer = Client::new(stripe.address())
        .with_bearer(SECRET_KEY)
        .request(http::Method::POST, path)
        .header("idempotency-key", key)
        .header("stripe-version", "x")
        .body(
            "application/x-www-form-urlencoded",
            form.as_bytes().to_vec(),
        )
        .send()
        .await
        .unwrap();
    (answer.status, answer.json().unwrap())
}

/// Until a request has come for the fault that was ordered.
async fn begun(stripe: &Stripe) {
    while !lock(&stripe.shared).faults.is_empty() {
        tokio::task::yield_now().await;
    }
}

const FORM: &str = "amount=1000&currency=eur&capture_method=manual&metadata[order]=o";

#[tokio::test]
async fn a_key_is_done_once_and_never_with_another_request() {
    let (env, clock) = crate::env();
    let stripe = Stripe::start_by(env).await;
    let (status, first) = ask(&stripe, "/v1/payment_intents", "k", FORM).await;
    assert_eq!(status, 200, "{first}");
    let again = ask(&stripe, "/v1/payment_intents", "k", FORM).await;
    assert_eq!(again, (200, first));
    assert_eq!(stripe.violations(), [""; 0]);
    let other = FORM.replace("1000", "1001");
    let (status, problem) = ask(&stripe, "/v1/payment_intents", "k", &other).await;
    assert_eq!(
        (status, &problem["error"]["type"]),
        (400, &"idempotency_error".into())
    );
    assert_eq!(stripe.violations().len(), 1);
    clock.advance(Duration::from_hours(25));
    ask(&stripe, "/v1/payment_intents", "k", FORM).await;
    assert_eq!(stripe.intents().len(), 2, "keys are forgotten");
}

#[tokio::test]
async fn the_same_key_at_once_is_refused() {
    let stripe = Stripe::start().await;
    stripe.faults([Fault::Slow(Duration::from_secs(2))]);
    let slow = ask(&stripe, "/v1/payment_intents", "k", FORM);
    let quick = async {
        begun(&stripe).await;
        ask(&stripe, "/v1/payment_intents", "k", FORM).await.0
    };
    let (slow, quick) = tokio::join!(slow, quick);
    assert_eq!((slow.0, quick), (200, 409));
    assert_eq!(stripe.intents().len(), 1);
}

#[tokio::test]
async fn who_leaves_meanwhile_finds_it_done() {
    let stripe = Stripe::start().await;
    stripe.faults([Fault::Slow(Duration::from_millis(50))]);
    let slow = ask(&stripe, "/v1/payment_intents", "k", FORM);
    tokio::select! {
        () = begun(&stripe) => {}
        answer = slow => panic!("{answer:?}"),
    }
    while ask(&stripe, "/v1/payment_intents", "k", FORM).await.0 == 409 {
        tokio::task::yield_now().await;
    }
    assert_eq!(stripe.intents().len(), 1);
}

#[tokio::test]
async fn money_is_taken_once_and_paid_back_once() {
    let stripe = Stripe::start().await;
    let id = stripe.holds(1000, "eur", &[("order", "o")]);
    let capture = format!("/v1/payment_intents/{id}/capture");
    assert_eq!(ask(&stripe, &capture, "a", "").await.0, 200);
    assert_eq!(ask(&stripe, &capture, "b", "").await.0, 400, "twice");
    let refund = format!("payment_intent={id}&amount=600");
    assert_eq!(ask(&stripe, "/v1/refunds", "c", &refund).await.0, 200);
    assert_eq!(
        ask(&stripe, "/v1/refunds", "d", &refund).await.0,
        400,
        "600 of 400"
    );
    assert_eq!(stripe.intents()[0].refunded, 600);
    let cancel = format!("/v1/payment_intents/{id}/cancel");
    assert_eq!(ask(&stripe, &cancel, "e", "").await.0, 400);
}

#[tokio::test]
async fn what_is_spoilt_stays_so_and_what_is_lost_was_done() {
    let stripe = Stripe::start().await;
    stripe.faults([
        Fault::Spoil,
        Fault::None,
        Fault::SpoilAfter,
        Fault::Status(429),
    ]);
    for key in ["a", "a", "b", "c"] {
        let (status, _) = ask(&stripe, "/v1/payment_intents", key, FORM).await;
        assert_eq!(status, if key == "c" { 429 } else { 500 });
    }
    assert_eq!(
        stripe.intents().len(),
        1,
        "only what was spoilt after it was done"
    );
    assert_eq!(ask(&stripe, "/v1/payment_intents", "c", FORM).await.0, 200);
    let declined = format!("{FORM}&confirm=true&payment_method=pm_card_visa_chargeDeclined");
    let (status, problem) = ask(&stripe, "/v1/payment_intents", "d", &declined).await;
    assert_eq!(
        (status, &problem["error"]["code"]),
        (402, &"card_declined".into())
    );
}

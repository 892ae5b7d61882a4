//! The secrets of Stripe change under a running shop.

use std::sync::{Arc, Mutex};

use http::Method;
use serde_json::Value;
use techcommerce_follow::{Look, Source};
use techcommerce_kernel::{Env, Meter};
use techcommerce_testkit::{on_both_engines, stripe};

use super::{
    shop::{GUEST, Shop},
    stripe::{intent, order},
};
use crate::{MIGRATOR, Stripe, StripeDeps};

/// A file that a test writes.
fn file(text: &str) -> (Arc<Mutex<String>>, Source<String>) {
    let held = Arc::new(Mutex::new(text.to_owned()));
    let read = held.clone();
    let source = Source::new("test", text.to_owned(), move || {
        Ok(read.lock().unwrap().clone())
    });
    (held, source)
}

fn words(text: String) -> Result<Vec<String>, techcommerce_kernel::Error> {
    Ok(text.split_whitespace().map(str::to_owned).collect())
}

on_both_engines! { MIGRATOR;
    async fn stripes_secrets_change_without_a_restart(db: TestDb) {
        let (env, clock) = Env::manual(7);
        let double = stripe::Stripe::start_by(env.clone()).await;
        let (key, secret_key) = file(stripe::SECRET_KEY);
        let (hook, secrets) = file("whsec_1");
        let deps = StripeDeps {
            api_address: double.address(),
            secret_key,
            webhook_secrets: secrets.map(words).unwrap(),
        };
        let at = crate::Settings::default().public_url;
        let stripe = Stripe::new(deps, db.db(), env.clone(), Meter::default(), at).unwrap();
        let shop = Shop::with_this_stripe(&db, (env, clock), stripe.clone()).await;
        // The file first, then the server.
        *key.lock().unwrap() = "sk_test_2".to_owned();
        assert!(stripe.secret_key().look(Look::Due).await.is_err(), "it does not work yet");
        let one = order(&shop, "1", Some("pm_card_visa")).await;
        shop.settle().await;
        double.knows("sk_test_2");
        // Whoever is refused looks at once.
        let two = order(&shop, "2", Some("pm_card_visa")).await;
        shop.settle().await;
        for order in [&one, &two] {
            assert_eq!(shop.order(order).await["payment_status"], "paid");
            assert_eq!(intent(&double, order).status, "succeeded");
        }
        let send = async |secret: &str| {
            double.signs_with(secret);
            let body = r#"{"data":{"object":{}},"id":"evt_1","type":"x"}"#;
            let signature = double.signature(body);
            let headers = [("stripe-signature", signature.as_str())];
            let body: Value = serde_json::from_str(body).unwrap();
            let path = "/payments/stripe/webhook";
            let sent = shop.send_with(GUEST, Method::POST, path, &headers, Some(body)).await;
            sent.0.as_u16()
        };
        assert_eq!((send("whsec_1").await, send("whsec_2").await), (200, 400));
        *hook.lock().unwrap() = "whsec_2 whsec_1".to_owned();
        assert!(stripe.webhook_secrets().look(Look::Due).await.unwrap());
        assert_eq!((send("whsec_1").await, send("whsec_2").await), (200, 200));
        *hook.lock().unwrap() = "whsec_2".to_owned();
        assert!(stripe.webhook_secrets().look(Look::Due).await.unwrap());
        assert_eq!((send("whsec_1").await, send("whsec_2").await), (400, 200));
    }
}

use std::time::Duration;

use serde_json::json;
use techcommerce_testkit::on_both_engines;

use super::shop::{GUEST, Shop};
use crate::MIGRATOR;

on_both_engines! { MIGRATOR;
    async fn a_decline_gives_everything_back_and_the_cart_can_be_ordered_again(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1000, 1);
        let cart = shop.cart(&[(mug, 1)]).await;
        let (_, order) = shop.place(&cart, "k", Some("tok_decline")).await;
        let ran = shop.settle().await;
        let seen = shop.order(&order).await;
        assert_eq!(seen["status"], "cancelled");
        assert_eq!(seen["payment_status"], "failed");
        assert_eq!(seen["payment"]["failure"], "declined");
        assert_eq!(shop.warehouse.lock().available(mug), 1);
        shop.assert_balanced(&ran).await;
        let (_, again) = shop.place(&cart, "k", Some("tok_decline")).await;
        assert_eq!(again["id"], order["id"], "the same key is the same order");
        let (status, second) = shop.place(&cart, "another", None).await;
        assert_eq!(status, 201);
        assert_ne!(second["id"], order["id"]);
        shop.settle().await;
        assert_eq!(shop.order(&second).await["payment_status"], "paid");
        assert_eq!(shop.subjects().len(), 4, "two confirmations, one failure, one payment");
    }

    async fn every_token_ends_well_and_charges_once(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1000, 9);
        let tokens = ["tok_success", "tok_timeout", "tok_twice", "tok_lost_reply", "tok_slow_unknown"];
        for token in tokens {
            let cart = shop.cart(&[(mug, 1)]).await;
            let (status, order) = shop.place(&cart, token, Some(token)).await;
            assert_eq!(status, 201, "{order}");
            let ran = shop.settle().await;
            let seen = shop.order(&order).await;
            assert_eq!(seen["payment_status"], "paid", "{token}: {seen}");
            assert_eq!(seen["payment"]["captured"], seen["total"]);
            shop.assert_balanced(&ran).await;
        }
        assert_eq!(shop.warehouse.lock().on_hand[&mug], 4);
    }

    async fn a_doubt_holds_the_stock_beyond_the_deadline(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1000, 1);
        let cart = shop.cart(&[(mug, 1)]).await;
        let (_, order) = shop.place(&cart, "k", Some("tok_slow_unknown")).await;
        shop.jobs.drain().await.unwrap();
        let seen = shop.order(&order).await;
        assert_eq!(seen["payment_status"], "pending");
        shop.clock.advance(Duration::from_hours(2));
        assert_eq!(shop.warehouse.lock().available(mug), 0, "nobody else gets it");
        let other = shop.cart(&[]).await;
        shop.put_line(&other, mug, 1).await;
        assert_eq!(shop.place(&other, "other", None).await.0, 409);
        let ran = shop.settle().await;
        assert_eq!(shop.order(&order).await["payment_status"], "paid");
        shop.assert_balanced(&ran).await;
    }

    async fn a_reservation_that_ran_out_is_taken_again_or_nobody_is_charged(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1000, 1);
        let first = shop.cart(&[(mug, 1)]).await;
        let second = shop.cart(&[(mug, 1)]).await;
        let (_, order) = shop.place(&first, "a", None).await;
        // No worker ran for an hour, and somebody else took the last one.
        shop.clock.advance(Duration::from_hours(1));
        let (status, quick) = shop.place(&second, "b", Some("tok_decline")).await;
        assert_eq!(status, 201);
        let ran = shop.settle().await;
        let seen = shop.order(&order).await;
        assert_eq!(seen["status"], "cancelled", "{seen}");
        assert_eq!(seen["payment"]["failure"], "out_of_stock");
        assert_eq!(seen["payment"]["captured"]["amount"], 0);
        assert_eq!(shop.order(&quick).await["status"], "cancelled");
        shop.assert_balanced(&ran).await;
        let (_, again) = shop.place(&first, "c", None).await;
        shop.clock.advance(Duration::from_hours(1));
        shop.settle().await;
        assert_eq!(shop.order(&again).await["payment_status"], "paid", "taken again");
    }

    async fn an_invoice_waits_for_staff(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1000, 3);
        let cart = shop.cart(&[(mug, 1)]).await;
        let (status, order) = shop.place_with(GUEST, &cart, "k", json!({"method": "invoice"})).await;
        assert_eq!(status, 201);
        shop.settle().await;
        let seen = shop.order(&order).await;
        assert_eq!(seen["payment_status"], "pending");
        assert_eq!(shop.warehouse.lock().on_hand[&mug], 2, "claimed at once");
        let path = format!("/orders/{}", order["id"].as_str().unwrap());
        let (status, paid) = shop.post(&format!("{path}/mark-paid"), json!(null)).await;
        assert_eq!(status, 200, "{paid}");
        assert_eq!(paid["payment_status"], "paid");
        let (status, again) = shop.post(&format!("{path}/mark-paid"), json!(null)).await;
        assert_eq!(status, 200);
        assert_eq!(again["events"], paid["events"], "twice is once");
        let (status, _) = shop.post(&format!("{path}/refunds"), json!({"reason": "gift"})).await;
        assert_eq!(status, 201);
        let ran = shop.settle().await;
        assert_eq!(shop.order(&order).await["payment_status"], "refunded");
        shop.assert_balanced(&ran).await;
    }

    async fn what_costs_nothing_needs_no_payment(db: TestDb) {
        let mut settings = crate::Settings::default();
        settings.shipping[0].price = 0;
        let shop = Shop::with(&db, settings).await;
        let sample = shop.warehouse.stock(0, 3);
        let cart = shop.cart(&[(sample, 1)]).await;
        let (status, order) = shop.place(&cart, "k", Some("tok_decline")).await;
        assert_eq!(status, 201, "{order}");
        let ran = shop.settle().await;
        assert_eq!(shop.order(&order).await["payment_status"], "paid");
        assert_eq!(shop.warehouse.lock().on_hand[&sample], 2);
        shop.assert_balanced(&ran).await;
    }
}

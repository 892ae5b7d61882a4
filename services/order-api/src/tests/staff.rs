use http::Method;
use serde_json::{Value, json};
use techcommerce_contracts::Role;
use techcommerce_testkit::on_both_engines;

use super::shop::{GUEST, Shop, person};
use crate::MIGRATOR;

fn path(order: &Value, rest: &str) -> String {
    format!("/orders/{}/{rest}", order["id"].as_str().unwrap())
}

fn eur(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

on_both_engines! { MIGRATOR;
    async fn a_paid_order_is_cancelled_paid_back_and_restocked(db: TestDb) {
        let shop = Shop::new(&db).await;
        let (variant, order) = shop.paid_order().await;
        let (status, cancelled) = shop.post(&path(&order, "cancel"), json!({"reason": "changed mind"})).await;
        assert_eq!(status, 200, "{cancelled}");
        assert_eq!(cancelled["status"], "cancelled");
        let (status, _) = shop.post(&path(&order, "cancel"), json!({})).await;
        assert_eq!(status, 200, "twice is once");
        let ran = shop.settle().await;
        let seen = shop.order(&order).await;
        assert_eq!(seen["payment_status"], "refunded");
        assert_eq!(seen["refunds"].as_array().unwrap().len(), 1);
        assert_eq!(seen["refunds"][0]["status"], "done");
        assert_eq!(seen["refunds"][0]["reason"], "changed mind");
        assert_eq!(shop.warehouse.lock().on_hand[&variant], 10);
        shop.assert_balanced(&ran).await;
    }

    async fn an_order_that_is_not_paid_yet_is_cancelled_without_a_charge(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1000, 1);
        let cart = shop.cart(&[(mug, 1)]).await;
        let (_, order) = shop.place(&cart, "k", None).await;
        let (status, _) = shop.send(super::shop::staff(), Method::POST, &path(&order, "cancel"), None, None).await;
        assert_eq!(status, 200, "a body is not needed");
        let ran = shop.settle().await;
        let seen = shop.order(&order).await;
        assert_eq!((&seen["status"], &seen["payment_status"]), (&json!("cancelled"), &json!("failed")));
        assert_eq!(seen["payment"]["captured"], eur(0));
        assert_eq!(shop.warehouse.lock().available(mug), 1);
        shop.assert_balanced(&ran).await;
    }

    async fn refunds_stay_within_what_was_captured(db: TestDb) {
        let shop = Shop::new(&db).await;
        let (variant, order) = shop.paid_order().await;
        let refunds = path(&order, "refunds");
        let line = order["lines"][0]["id"].clone();
        let body = json!({"amount": eur(6000), "reason": "broken", "restock": [{"line_id": line, "quantity": 1}]});
        let (status, seen) = shop.post(&refunds, body).await;
        assert_eq!(status, 201, "{seen}");
        assert_eq!(seen["refunds"][0]["status"], "pending");
        let (status, problem) = shop.post(&refunds, json!({"amount": eur(4001), "reason": ""})).await;
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("refund_exceeds_captured")));
        assert_eq!(problem["refundable"], eur(4000));
        shop.settle().await;
        let seen = shop.order(&order).await;
        assert_eq!(seen["payment_status"], "partially_refunded");
        assert_eq!(seen["payment"]["refunded"], eur(6000));
        assert_eq!(shop.warehouse.lock().on_hand[&variant], 9);
        // All that is left, by a key that makes a repeat the same.
        for _ in 0..2 {
            let body = Some(json!({"reason": "the rest"}));
            let (status, _) = shop.send(super::shop::staff(), Method::POST, &refunds, Some("rest"), body).await;
            assert_eq!(status, 201);
        }
        let ran = shop.settle().await;
        let seen = shop.order(&order).await;
        assert_eq!(seen["payment_status"], "refunded");
        assert_eq!(seen["refunds"].as_array().unwrap().len(), 2);
        shop.assert_balanced(&ran).await;
        for (bad, at) in [
            (json!({"amount": eur(0), "reason": ""}), "amount.amount"),
            (json!({"amount": {"amount": 1, "currency": "USD"}, "reason": ""}), "amount.currency"),
            (json!({"reason": "", "restock": [{"line_id": order["id"], "quantity": 1}]}), "restock[0].line_id"),
            (json!({"reason": "", "restock": [{"line_id": line, "quantity": 3}]}), "restock[0].quantity"),
        ] {
            let (status, problem) = shop.post(&refunds, bad).await;
            assert_eq!(status, 400, "{problem}");
            assert_eq!(problem["errors"][0]["path"], at);
        }
    }

    async fn goods_are_shipped_in_part_and_whole(db: TestDb) {
        let shop = Shop::new(&db).await;
        let (_, order) = shop.paid_order().await;
        let line = order["lines"][0]["id"].clone();
        let shipments = path(&order, "shipments");
        let body = json!({"lines": [{"line_id": line, "quantity": 1}], "tracking_number": "T1", "carrier": "Post"});
        let (status, seen) = shop.post(&shipments, body).await;
        assert_eq!(status, 201, "{seen}");
        assert_eq!(seen["fulfillment_status"], "partial");
        assert_eq!(seen["shipments"][0]["tracking_number"], "T1");
        assert_eq!(seen["lines"][0]["shipped"], 1);
        let (status, problem) = shop.post(&path(&order, "cancel"), json!({})).await;
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("order_state")));
        let too_many = json!({"lines": [{"line_id": line, "quantity": 2}]});
        let (status, problem) = shop.post(&shipments, too_many).await;
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("shipment_exceeds_ordered")));
        let (status, seen) = shop.post(&shipments, json!({})).await;
        assert_eq!(status, 201);
        assert_eq!((&seen["fulfillment_status"], &seen["status"]), (&json!("fulfilled"), &json!("completed")));
        let (status, _) = shop.post(&shipments, json!({})).await;
        assert_eq!(status, 409, "nothing is left");
        let ran = shop.settle().await;
        assert_eq!(shop.subjects().len(), 4, "one confirmation, one payment, two shipments");
        shop.assert_balanced(&ran).await;
    }

    async fn only_staff_may(db: TestDb) {
        let shop = Shop::new(&db).await;
        let (_, order) = shop.paid_order().await;
        for action in ["cancel", "refunds", "shipments", "mark-paid"] {
            for (who, status) in [(GUEST, 401), (person(9, Role::Customer), 403)] {
                let body = Some(json!({"reason": ""}));
                let answer = shop.send(who, Method::POST, &path(&order, action), None, body).await;
                assert_eq!(answer.0, status, "{action}");
            }
        }
        let nobody = json!({"id": "018bcfe5-687b-7fff-8000-000000000000"});
        let (status, problem) = shop.post(&path(&nobody, "cancel"), json!({})).await;
        assert_eq!((status.as_u16(), &problem["code"]), (404, &json!("order_not_found")));
        let (status, problem) = shop.post(&path(&order, "mark-paid"), json!({})).await;
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("order_state")));
    }

    async fn an_audit_finds_what_does_not_agree(db: TestDb) {
        use techcommerce_store::{StoreError, execute, transact};
        let shop = Shop::new(&db).await;
        let (_, _) = shop.paid_order().await;
        let run = async |sql: &'static str| {
            transact!(shop.db, |tx| -> Result<(), StoreError> {
                execute!(tx, sqlx::query(sql))?;
                Ok(())
            }).unwrap();
            crate::audit(&shop.db).await.unwrap().differences
        };
        assert_eq!(run("UPDATE orders SET number = number").await, [""; 0]);
        let found = run("UPDATE discounts SET used = 1 WHERE code = 'FIVER'").await;
        assert_eq!(found, ["discount FIVER: 1 uses are counted, 0 orders use it"]);
        run("UPDATE discounts SET used = 0").await;
        let found = run("UPDATE orders SET captured = captured - 1").await;
        assert_eq!(found, ["order 1001: what was captured is 9999, expected 10000"]);
        let found = run("UPDATE test_provider_payments SET captured = 20000").await;
        assert_eq!(found.len(), 2, "{found:?}");
        let found = run("UPDATE order_lines SET tax = tax + 1").await;
        assert_eq!(found.len(), 3, "{found:?}");
    }
}

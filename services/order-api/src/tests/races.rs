use std::sync::Arc;

use http::Method;
use serde_json::{Value, json};
use techcommerce_jobs::{Ended, Ran};
use techcommerce_store::{Db, Dialect, execute, with};
use techcommerce_testkit::on_both_engines;
use tokio::task::{JoinHandle, JoinSet};

use super::{
    shop::{GUEST, Shop, staff},
    warehouse::Moment,
};
use crate::{MIGRATOR, NewDiscount, create_discount, pricing::Reduction};

/// Sends all at once and gives the statuses, sorted.
async fn at_once(
    shop: &Arc<Shop>,
    requests: Vec<(String, Option<&'static str>, Value)>,
) -> Vec<u16> {
    let mut tasks = JoinSet::new();
    for (path, key, body) in requests {
        let shop = shop.clone();
        tasks.spawn(async move {
            let (status, _) = shop
                .send(staff(), Method::POST, &path, key, Some(body))
                .await;
            status.as_u16()
        });
    }
    let mut statuses = tasks.join_all().await;
    statuses.sort_unstable();
    statuses
}

fn worker(shop: &Arc<Shop>) -> JoinHandle<Vec<Ran>> {
    let shop = shop.clone();
    tokio::spawn(async move { shop.jobs.drain().await.unwrap() })
}

async fn write(db: &Db, sql: &'static str) {
    let mut tx = db.begin().await.unwrap();
    execute!(&mut tx, sqlx::query(sql)).unwrap();
    tx.commit().await.unwrap();
}

/// 3.00 off the cart.
async fn put_discount(shop: &Shop, cart: &str) {
    let off = NewDiscount {
        code: "OFF".into(),
        reduction: Reduction::Amount(300),
        min_subtotal: 0,
        usage_limit: None,
        starts_at: None,
        ends_at: None,
    };
    create_discount(&shop.db, &shop.env, &off).await.unwrap();
    let path = format!("/carts/{cart}/discount");
    let body = Some(json!({"code": "off"}));
    let (status, cart) = shop.send(GUEST, Method::PUT, &path, None, body).await;
    assert_eq!(status, 200, "{cart}");
}

/// Whether a transaction on PostgreSQL waits for another's lock on a row. On SQLite who writes
/// waits before the transaction begins.
async fn somebody_waits(db: &Db) -> bool {
    const WAITS: &str = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock')";
    let mut conn = db.read().await.unwrap();
    with!(&mut conn, |c| sqlx::query_scalar(WAITS).fetch_one(c).await).unwrap()
}

on_both_engines! { MIGRATOR;
    async fn the_same_key_twice_at_once_is_one_order(db: TestDb) {
        let shop = Arc::new(Shop::new(&db).await);
        let mug = shop.warehouse.stock(1000, 9);
        let cart = shop.cart(&[(mug, 1)]).await;
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let (shop, cart) = (shop.clone(), cart.clone());
            tasks.spawn(async move { shop.place(&cart, "k", None).await });
        }
        let answers = tasks.join_all().await;
        let id = &answers[0].1["id"];
        for (status, order) in &answers {
            assert_eq!(*status, 201, "{order}");
            assert_eq!(&order["id"], id);
        }
        let ran = shop.settle().await;
        assert_eq!(shop.warehouse.lock().on_hand[&mug], 8);
        shop.assert_balanced(&ran).await;
        let (_, page) = shop.get(staff(), "/orders").await;
        assert_eq!(page["items"].as_array().unwrap().len(), 1);
    }

    /// Three times the same request: the first is overtaken by one that is refused, which gives
    /// back what both held; the third asks for the same anew.
    async fn who_was_overtaken_by_a_refusal_orders_nothing_of_what_was_given_back(db: TestDb) {
        let shop = Arc::new(Shop::new(&db).await);
        let mug = shop.warehouse.stock(1000, 9);
        let cart = shop.cart(&[(mug, 1)]).await;
        put_discount(&shop, &cart).await;
        let place = |shop: &Arc<Shop>| {
            let (shop, cart) = (shop.clone(), cart.clone());
            tokio::spawn(async move { shop.place(&cart, "k", None).await })
        };
        let first = shop.warehouse.gate("reserve", Moment::After);
        let overtaken = place(&shop);
        first.reached.notified().await;
        write(&shop.db, "UPDATE discounts SET active = FALSE").await;
        let (status, problem) = shop.place(&cart, "k", None).await;
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("discount_invalid")));
        write(&shop.db, "UPDATE discounts SET active = TRUE").await;
        let third = shop.warehouse.gate("reserve", Moment::After);
        let anew = place(&shop);
        third.reached.notified().await;
        first.open.notify_one();
        let (status, problem) = overtaken.await.unwrap();
        assert_eq!(status, 503, "{problem}");
        third.open.notify_one();
        let (status, order) = anew.await.unwrap();
        assert_eq!(status, 201, "{order}");
        let (status, again) = shop.place(&cart, "k", None).await;
        assert_eq!((status.as_u16(), &again), (201, &order));
        let ran = shop.settle().await;
        assert_eq!(shop.order(&order).await["payment_status"], "paid");
        assert_eq!(shop.warehouse.lock().on_hand[&mug], 8);
        shop.assert_balanced(&ran).await;
    }

    async fn what_is_held_for_nobody_any_more_is_given_back(db: TestDb) {
        let shop = Arc::new(Shop::new(&db).await);
        let mug = shop.warehouse.stock(1000, 0);
        let cart = shop.cart(&[(mug, 1)]).await;
        let gate = shop.warehouse.gate("reserve", Moment::Before);
        let late = {
            let (shop, cart) = (shop.clone(), cart.clone());
            tokio::spawn(async move { shop.place(&cart, "k", None).await })
        };
        gate.reached.notified().await;
        let (status, problem) = shop.place(&cart, "k", None).await;
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("out_of_stock")));
        shop.warehouse.lock().on_hand.insert(mug, 1);
        gate.open.notify_one();
        let (status, problem) = late.await.unwrap();
        assert_eq!(status, 503, "{problem}");
        assert_eq!(shop.warehouse.reserved(), 0);
        // As it was told to.
        let (status, order) = shop.place(&cart, "k", None).await;
        assert_eq!(status, 201, "{order}");
        let ran = shop.settle().await;
        shop.assert_balanced(&ran).await;
    }

    async fn a_cart_that_is_changed_while_it_is_ordered_loses_nothing(db: TestDb) {
        let shop = Arc::new(Shop::new(&db).await);
        let [mug, lamp] = [1000, 2000].map(|price| shop.warehouse.stock(price, 9));
        let cart = shop.cart(&[(mug, 1)]).await;
        let gate = shop.warehouse.gate("reserve", Moment::After);
        let ordering = {
            let (shop, cart) = (shop.clone(), cart.clone());
            tokio::spawn(async move { shop.place(&cart, "k", None).await })
        };
        gate.reached.notified().await;
        assert_eq!(shop.put_line(&cart, lamp, 2).await.0, 200);
        gate.open.notify_one();
        let (status, problem) = ordering.await.unwrap();
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("cart_changed")));
        assert_eq!(shop.warehouse.reserved(), 0);
        let (status, order) = shop.place(&cart, "k", None).await;
        assert_eq!((status.as_u16(), order["lines"].as_array().unwrap().len()), (201, 2));
        let ran = shop.settle().await;
        shop.assert_balanced(&ran).await;
    }

    async fn lines_put_in_at_once_are_all_there(db: TestDb) {
        let shop = Arc::new(Shop::new(&db).await);
        let cart = shop.cart(&[]).await;
        let mut tasks = JoinSet::new();
        for _ in 0..8 {
            let (shop, cart) = (shop.clone(), cart.clone());
            let variant = shop.warehouse.stock(100, 9);
            tasks.spawn(async move { (variant, shop.put_line(&cart, variant, 2).await) });
        }
        let mut longest = 0;
        for (variant, (status, answer)) in tasks.join_all().await {
            assert_eq!(status, 200, "{answer}");
            let lines = answer["lines"].as_array().unwrap();
            let own = lines.iter().find(|line| line["variant_id"] == variant.to_string());
            assert_eq!(own.unwrap()["quantity"], 2, "who put it in sees it");
            assert!(lines.iter().all(|line| line["problem"].is_null()), "{answer}");
            longest = longest.max(lines.len());
        }
        assert_eq!(longest, 8, "the last one sees all");
        let (_, answer) = shop.get(GUEST, &format!("/carts/{cart}")).await;
        assert_eq!(answer["item_count"], 16);
    }

    /// Of two that come at once, the second may wait for the cart until the first is done with all.
    async fn who_waits_for_the_cart_finds_the_order(db: TestDb) {
        const AWAY: &str = "DELETE FROM idempotency_records";
        const BACK: &str = "INSERT INTO idempotency_records SELECT * FROM kept";
        let shop = Arc::new(Shop::new(&db).await);
        let mug = shop.warehouse.stock(1000, 9);
        let cart = shop.cart(&[(mug, 1)]).await;
        let (_, first) = shop.place(&cart, "k", None).await;
        for sql in ["CREATE TABLE kept AS SELECT * FROM idempotency_records", AWAY] {
            write(&db, sql).await;
        }
        // The second looks for a record before there is one, and gets the cart after.
        let mut tx = db.begin().await.unwrap();
        for sql in ["UPDATE carts SET updated_at = updated_at", BACK] {
            execute!(&mut tx, sqlx::query(sql)).unwrap();
        }
        let second = tokio::spawn({
            let (shop, cart) = (shop.clone(), cart.clone());
            async move { shop.place(&cart, "k", None).await }
        });
        while db.dialect() == Dialect::Postgres && !somebody_waits(&db).await {
            tokio::task::yield_now().await;
        }
        tx.commit().await.unwrap();
        let (status, second) = second.await.unwrap();
        assert_eq!((status.as_u16(), &second["id"]), (201, &first["id"]), "{second}");
    }

    async fn one_cart_makes_one_order(db: TestDb) {
        let shop = Arc::new(Shop::new(&db).await);
        let mug = shop.warehouse.stock(1000, 9);
        let cart = shop.cart(&[(mug, 1)]).await;
        let mut tasks = JoinSet::new();
        for key in ["a", "b", "c", "d", "e", "f"] {
            let (shop, cart) = (shop.clone(), cart.clone());
            tasks.spawn(async move { shop.place(&cart, key, None).await.0.as_u16() });
        }
        let mut statuses = tasks.join_all().await;
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409, 409, 409]);
        let ran = shop.settle().await;
        assert_eq!(shop.warehouse.lock().on_hand[&mug], 8);
        shop.assert_balanced(&ran).await;
    }

    async fn two_refunds_of_sixty_on_a_hundred(db: TestDb) {
        let shop = Arc::new(Shop::new(&db).await);
        let (_, order) = shop.paid_order().await;
        let path = format!("/orders/{}/refunds", order["id"].as_str().unwrap());
        let body = json!({"amount": {"amount": 6000, "currency": "EUR"}, "reason": "late"});
        let requests = vec![(path.clone(), None, body.clone()), (path, None, body)];
        assert_eq!(at_once(&shop, requests).await, [201, 409]);
        let ran = shop.settle().await;
        assert_eq!(shop.order(&order).await["payment"]["refunded"]["amount"], 6000);
        shop.assert_balanced(&ran).await;
    }

    async fn cancelled_twice_at_once_is_paid_back_once(db: TestDb) {
        let shop = Arc::new(Shop::new(&db).await);
        let (variant, order) = shop.paid_order().await;
        let path = format!("/orders/{}/cancel", order["id"].as_str().unwrap());
        let requests = vec![(path, None, json!({})); 4];
        assert_eq!(at_once(&shop, requests).await, [200; 4]);
        let ran = shop.settle().await;
        let seen = shop.order(&order).await;
        assert_eq!(seen["payment"]["refunded"]["amount"], 10_000);
        assert_eq!(seen["refunds"].as_array().unwrap().len(), 1);
        assert_eq!(shop.warehouse.lock().on_hand[&variant], 10);
        shop.assert_balanced(&ran).await;
    }

    async fn marked_paid_twice_at_once_is_one_entry(db: TestDb) {
        let shop = Arc::new(Shop::new(&db).await);
        let mug = shop.warehouse.stock(1000, 9);
        let cart = shop.cart(&[(mug, 1)]).await;
        let (_, order) = shop.place_with(None, &cart, "k", json!({"method": "invoice"})).await;
        shop.settle().await;
        let path = format!("/orders/{}/mark-paid", order["id"].as_str().unwrap());
        assert_eq!(at_once(&shop, vec![(path, None, json!({})); 4]).await, [200; 4]);
        let audit = crate::audit(&shop.db).await.unwrap();
        assert_eq!((audit.entries, audit.differences.len()), (1, 0));
    }

    /// Whoever wins, the goods are back and the money with the customer.
    async fn cancel_against_capture(db: TestDb) {
        let shop = Arc::new(Shop::new(&db).await);
        let mug = shop.warehouse.stock(1000, 9);
        for round in 0..6 {
            let token = ["tok_success", "tok_lost_reply", "tok_slow_unknown"][round % 3];
            let cart = shop.cart(&[(mug, 1)]).await;
            let (_, order) = shop.place(&cart, &round.to_string(), Some(token)).await;
            let path = format!("/orders/{}/cancel", order["id"].as_str().unwrap());
            let worker = {
                let shop = shop.clone();
                tokio::spawn(async move { shop.jobs.drain().await.unwrap() })
            };
            // A different moment of the worker's way in each round.
            for _ in 0..round * 40 {
                tokio::task::yield_now().await;
            }
            let (status, problem) = shop.post(&path, json!({})).await;
            assert_eq!(status, 200, "{problem}");
            worker.await.unwrap();
            let ran = shop.settle().await;
            let seen = shop.order(&order).await;
            assert_eq!(seen["payment"]["captured"], seen["payment"]["refunded"], "{seen}");
            assert_eq!(shop.warehouse.lock().on_hand[&mug], 9, "{seen}");
            shop.assert_balanced(&ran).await;
        }
    }

    /// The claim and the release of a cancelled invoice order reach the warehouse, and are
    /// recorded, in every order.
    async fn cancel_against_claim(db: TestDb) {
        let shop = Arc::new(Shop::new(&db).await);
        let mug = shop.warehouse.stock(1000, 9);
        for claim_arrives in [Moment::After, Moment::Before] {
            for claim_recorded_first in [false, true] {
                let case = format!("{claim_arrives:?} {claim_recorded_first}");
                let cart = shop.cart(&[(mug, 2)]).await;
                let (_, order) = shop.place_with(None, &cart, &case, json!({"method": "invoice"})).await;
                let path = format!("/orders/{}/cancel", order["id"].as_str().unwrap());
                let claim = shop.warehouse.gate("claim", claim_arrives);
                let claiming = worker(&shop);
                claim.reached.notified().await;
                assert_eq!(shop.post(&path, json!({})).await.0, 200);
                let release = shop.warehouse.gate("release", Moment::After);
                let releasing = worker(&shop);
                release.reached.notified().await;
                let mut ran = Vec::new();
                if claim_recorded_first {
                    claim.open.notify_one();
                    ran.extend(claiming.await.unwrap());
                    release.open.notify_one();
                    ran.extend(releasing.await.unwrap());
                } else {
                    release.open.notify_one();
                    ran.extend(releasing.await.unwrap());
                    claim.open.notify_one();
                    ran.extend(claiming.await.unwrap());
                }
                ran.extend(shop.settle().await);
                let seen = shop.order(&order).await;
                assert_eq!(seen["status"], "cancelled", "{case}");
                assert_eq!(shop.warehouse.lock().on_hand[&mug], 9, "{case}: {seen}");
                shop.assert_balanced(&ran).await;
                assert!(ran.iter().all(|ran| ran.ended == Ended::Done), "{case}: {ran:?}");
            }
        }
    }

    /// The release was carried out and its worker died; the claim is what is known.
    async fn cancel_against_claim_and_a_kill(db: TestDb) {
        let shop = Arc::new(Shop::new(&db).await);
        let mug = shop.warehouse.stock(1000, 9);
        let cart = shop.cart(&[(mug, 2)]).await;
        let (_, order) = shop.place_with(None, &cart, "k", json!({"method": "invoice"})).await;
        let path = format!("/orders/{}/cancel", order["id"].as_str().unwrap());
        let claim = shop.warehouse.gate("claim", Moment::After);
        let claiming = worker(&shop);
        claim.reached.notified().await;
        assert_eq!(shop.post(&path, json!({})).await.0, 200);
        let release = shop.warehouse.gate("release", Moment::After);
        let releasing = worker(&shop);
        release.reached.notified().await;
        releasing.abort();
        claim.open.notify_one();
        let mut ran = claiming.await.unwrap();
        ran.extend(shop.settle().await);
        assert_eq!(shop.warehouse.lock().on_hand[&mug], 9);
        shop.assert_balanced(&ran).await;
    }

    /// A worker that was thought dead wakes up: what it does outside is harmless, and it can
    /// write nothing here.
    async fn a_worker_that_lost_its_lease_changes_nothing(db: TestDb) {
        use std::time::Duration;
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1000, 9);
        let cart = shop.cart(&[(mug, 1)]).await;
        let (_, order) = shop.place(&cart, "k", None).await;
        let stale = shop.jobs.claim("stale", 10, Duration::from_secs(1)).await.unwrap();
        assert_eq!(stale.len(), 2, "the way and the confirmation");
        shop.clock.advance(Duration::from_secs(2));
        let mut ran = shop.settle().await;
        assert_eq!(shop.order(&order).await["payment_status"], "paid");
        for job in &stale {
            let again = shop.jobs.run(job).await;
            assert_eq!(again.ended, Ended::Lost);
            ran.push(again);
        }
        assert_eq!(shop.warehouse.lock().on_hand[&mug], 8);
        shop.assert_balanced(&ran).await;
    }
}

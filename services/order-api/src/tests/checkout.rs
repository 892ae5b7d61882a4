use http::Method;
use serde_json::json;
use techcommerce_contracts::Role;
use techcommerce_store::with;
use techcommerce_testkit::on_both_engines;

use super::shop::{GUEST, Shop, person, staff};
use crate::{MIGRATOR, Settings};

on_both_engines! { MIGRATOR;
    async fn a_guest_orders_and_the_worker_takes_the_payment(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1999, 5);
        let cart = shop.cart(&[(mug, 2)]).await;
        let (status, order) = shop.place(&cart, "one", None).await;
        assert_eq!(status, 201, "{order}");
        assert_eq!(order["status"], "placed");
        assert_eq!(order["payment_status"], "pending");
        assert_eq!(order["total"]["amount"], 4488);
        assert_eq!(shop.warehouse.lock().available(mug), 3);
        let ran = shop.settle().await;
        let token = order["access_token"].as_str().unwrap();
        let path = format!("/orders/{}", order["id"].as_str().unwrap());
        let (status, seen) = shop.get(GUEST, &format!("{path}?access_token={token}")).await;
        assert_eq!(status, 200);
        assert_eq!(seen["payment_status"], "paid");
        assert_eq!(seen["payment"]["captured"]["amount"], 4488);
        assert_eq!(seen.get("access_token"), None, "told once");
        let kinds: Vec<_> = seen["events"].as_array().unwrap().iter().map(|e| &e["kind"]).collect();
        assert_eq!(kinds, ["placed", "authorized", "paid"]);
        assert_eq!(shop.warehouse.lock().on_hand[&mug], 3);
        assert_eq!(shop.subjects().len(), 2, "a confirmation, and that it is paid");
        shop.assert_balanced(&ran).await;
        // Nobody else sees it.
        for other in [GUEST, person(9, Role::Customer)] {
            assert_eq!(shop.get(other.clone(), &path).await.0, 404);
            assert_eq!(shop.get(other, &format!("{path}?access_token=x")).await.0, 404);
        }
        assert_eq!(shop.get(staff(), &path).await.0, 200);
    }

    async fn clocks_that_differ_hold_stock_for_as_long_as_was_meant(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1000, 5);
        // The orders' clock is an hour behind product-api's, then an hour ahead of it.
        for (ahead, key) in [(3600, "behind"), (-3600, "ahead")] {
            shop.warehouse.lock().ahead = ahead;
            let cart = shop.cart(&[(mug, 1)]).await;
            let (status, order) = shop.place(&cart, key, None).await;
            assert_eq!(status, 201, "{key}: {order}");
            let inner = shop.warehouse.lock();
            let held = inner.reservations.values().map(|r| r.deadline).max().unwrap();
            assert_eq!(held.since(inner.now()), Settings::default().reservation, "{key}");
            drop(inner);
            shop.warehouse.lock().reservations.clear();
        }
    }

    async fn a_key_is_needed_and_names_one_request(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1000, 5);
        let cart = shop.cart(&[(mug, 1)]).await;
        let body = Shop::order_body(&cart, json!({"method": "test"}));
        let (status, problem) =
            shop.send(GUEST, Method::POST, "/orders", None, Some(body.clone())).await;
        assert_eq!((status.as_u16(), &problem["code"]), (400, &json!("idempotency_key_required")));
        let (status, first) = shop.place(&cart, "k", None).await;
        assert_eq!(status, 201);
        shop.settle().await;
        let (status, again) = shop.place(&cart, "k", None).await;
        assert_eq!(status, 201);
        assert_eq!((&again["id"], &again["access_token"]), (&first["id"], &first["access_token"]));
        let (status, problem) = shop.place(&cart, "k", Some("tok_decline")).await;
        assert_eq!((status.as_u16(), &problem["code"]), (422, &json!("idempotency_key_reused")));
        let (status, problem) = shop.place(&cart, "another", None).await;
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("cart_ordered")));
        let (status, _) = shop.put_line(&cart, mug, 3).await;
        assert_eq!(status, 409, "an ordered cart does not change");
        assert_eq!(shop.warehouse.lock().on_hand[&mug], 4);
    }

    async fn in_a_rush_a_refusal_writes_nothing(db: TestDb) {
        let shop = Shop::new(&db).await;
        let (mug, bowl) = (shop.warehouse.stock(1000, 1), shop.warehouse.stock(350, 9));
        let (first, second) = (shop.cart(&[(mug, 1)]).await, shop.cart(&[(mug, 1)]).await);
        // Whoever may be refused at once is known to the warehouse alone, and asked of it only
        // when somebody was refused before.
        shop.warehouse.lock().refused_at_once.insert(mug);
        assert_eq!(shop.place(&first, "first", None).await.0, 201);
        let (status, problem) = shop.place(&second, "second", None).await;
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("out_of_stock")));
        assert_eq!(shop.warehouse.lock().asked, 2);

        let (status, problem) = shop.place(&second, "second", None).await;
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("out_of_stock")));
        assert_eq!(shop.warehouse.lock().asked, 2, "refused before anything was held");
        let records = "SELECT COUNT(*) FROM idempotency_records WHERE order_id IS NULL";
        let mut conn = db.read().await.unwrap();
        let left: i64 = with!(conn, |c| sqlx::query_scalar(records).fetch_one(c).await).unwrap();
        assert_eq!(left, 0);
        drop(conn);

        // What was ordered is still answered, what else there is can be had.
        assert_eq!(shop.place(&first, "first", None).await.0, 201);
        let other = shop.cart(&[(bowl, 1)]).await;
        assert_eq!(shop.place(&other, "other", None).await.0, 201);
        // A warehouse that cannot say whether it is there is asked to hold it.
        shop.warehouse.lock().away = 1;
        let asked = shop.warehouse.lock().asked;
        assert_eq!(shop.place(&second, "second", None).await.0, 409);
        assert_eq!(shop.warehouse.lock().asked, asked + 1);
        shop.warehouse.lock().refused_at_once.clear();
        *shop.warehouse.lock().on_hand.get_mut(&mug).unwrap() += 1;
        assert_eq!(shop.place(&second, "second", None).await.0, 201);
    }

    async fn the_answer_is_what_is_read_afterwards(db: TestDb) {
        let shop = Shop::new(&db).await;
        let (mug, bowl) = (shop.warehouse.stock(1999, 5), shop.warehouse.stock(350, 9));
        let cart = shop.cart(&[(mug, 2), (bowl, 3)]).await;
        let path = format!("/carts/{cart}/discount");
        let code = Some(json!({"code": "welcome10"}));
        assert_eq!(shop.send(GUEST, Method::PUT, &path, None, code).await.0, 200);
        let mut body = Shop::order_body(&cart, json!({"method": "test", "token": "tok_success"}));
        body["shipping_address"]["name"] = json!("  Ada  Lovelace ");
        let send = async || {
            shop.send(GUEST, Method::POST, "/orders", Some("k"), Some(body.clone())).await
        };
        let (status, written) = send().await;
        assert_eq!(status, 201, "{written}");
        let (_, read) = send().await;
        assert_eq!(written, read);
    }

    async fn what_is_missing_is_named_and_the_key_can_be_tried_again(db: TestDb) {
        let shop = Shop::new(&db).await;
        let (mug, bowl) = (shop.warehouse.stock(1000, 1), shop.warehouse.stock(1000, 9));
        let cart = shop.cart(&[(mug, 2), (bowl, 1)]).await;
        let (status, problem) = shop.place(&cart, "k", None).await;
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("out_of_stock")));
        assert_eq!(problem["lines"][0]["variant_id"], mug.to_string());
        assert_eq!(problem["lines"][0]["available"], 1);
        assert_eq!(shop.warehouse.reserved(), 0);
        shop.put_line(&cart, mug, 1).await;
        let (status, order) = shop.place(&cart, "k", None).await;
        assert_eq!(status, 201, "{order}");
        assert_eq!(order["lines"].as_array().unwrap().len(), 2);
    }

    async fn bad_requests_name_every_place(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1000, 5);
        let cart = shop.cart(&[]).await;
        let (status, problem) = shop.place(&cart, "k", None).await;
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("cart_empty")));
        shop.put_line(&cart, mug, 1).await;
        let mut body = Shop::order_body(&cart, json!({"method": "stripe"}));
        body["shipping_method"] = json!("balloon");
        body["shipping_address"]["country"] = json!("Germany");
        let (status, problem) =
            shop.send(GUEST, Method::POST, "/orders", Some("k"), Some(body)).await;
        assert_eq!(status, 400);
        let paths: Vec<_> =
            problem["errors"].as_array().unwrap().iter().map(|e| e["path"].as_str().unwrap()).collect();
        assert_eq!(paths, ["shipping_address.country", "shipping_method", "payment.method"]);
        let (status, _) = shop.place(&cart, "k", Some("4242")).await;
        assert_eq!(status, 400);
        let (status, problem) = shop.place("nobody's", "k", None).await;
        assert_eq!((status.as_u16(), &problem["code"]), (404, &json!("cart_not_found")));
    }

    /// Whoever breaks off before anything came of it orders what the cart holds when they come
    /// back, which is what they were shown.
    async fn a_cart_that_is_changed_after_it_broke_off_is_ordered_as_it_is(db: TestDb) {
        let shop = Shop::new(&db).await;
        let [mug, lamp] = [1000, 3000].map(|price| shop.warehouse.stock(price, 9));
        for point in 0..2 {
            let (cart, key) = (shop.cart(&[(mug, 1)]).await, format!("k{point}"));
            shop.plan.lock().unwrap().passed.clear();
            shop.plan.lock().unwrap().break_at = Some(point);
            assert_eq!(shop.place(&cart, &key, None).await.0, 503);
            shop.plan.lock().unwrap().break_at = None;
            assert_eq!(shop.put_line(&cart, mug, 0).await.0, 200);
            let (status, problem) = shop.place(&cart, &key, None).await;
            assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("cart_empty")));
            assert_eq!(shop.warehouse.lock().available(mug), 9, "after {point}");
            assert_eq!(shop.put_line(&cart, mug, 2).await.0, 200);
            shop.plan.lock().unwrap().passed.clear();
            shop.plan.lock().unwrap().break_at = Some(point);
            assert_eq!(shop.place(&cart, &key, None).await.0, 503);
            shop.plan.lock().unwrap().break_at = None;
            assert_eq!(shop.put_line(&cart, mug, 0).await.0, 200);
            assert_eq!(shop.put_line(&cart, lamp, 1).await.0, 200);
            let (status, order) = shop.place(&cart, &key, None).await;
            assert_eq!(status, 201, "{order}");
            assert_eq!(order["lines"].as_array().unwrap().len(), 1);
            assert_eq!((&order["lines"][0]["variant_id"], &order["total"]["amount"]), (&json!(lamp), &json!(3000 + 490)));
            assert_eq!(shop.warehouse.lock().available(mug), 9, "after {point}");
            assert_eq!(shop.place(&cart, &key, None).await.1, order);
        }
        let ran = shop.settle().await;
        shop.assert_balanced(&ran).await;
    }

    async fn nobody_orders_at_a_total_that_was_not_expected(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1000, 9);
        let cart = shop.cart(&[(mug, 1)]).await;
        let place = async |expected: i64, currency: &str| {
            let mut body = Shop::order_body(&cart, json!({"method": "test", "token": null}));
            body["expected_total"] = json!({"amount": expected, "currency": currency});
            shop.send(GUEST, Method::POST, "/orders", Some("k"), Some(body)).await
        };
        for (expected, currency) in [(1000, "EUR"), (1490, "USD")] {
            let (status, problem) = place(expected, currency).await;
            assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("total_changed")));
            assert_eq!(problem["total"], json!({"amount": 1490, "currency": "EUR"}));
            assert_eq!(shop.warehouse.reserved(), 0);
        }
        let (status, order) = place(1490, "EUR").await;
        assert_eq!(status, 201, "{order}");
        // It is that order, whatever is expected by now.
        let (status, again) = place(990, "EUR").await;
        assert_eq!((status.as_u16(), again), (201, order));
    }

    async fn a_discount_is_counted_and_given_back(db: TestDb) {
        use crate::{NewDiscount, create_discount, pricing::Reduction};
        let shop = Shop::new(&db).await;
        let once = NewDiscount {
            code: "ONCE".into(),
            reduction: Reduction::Amount(300),
            min_subtotal: 0,
            usage_limit: Some(1),
            starts_at: None,
            ends_at: None,
        };
        create_discount(&shop.db, &shop.env, &once).await.unwrap();
        let mug = shop.warehouse.stock(1000, 9);
        let mut carts = Vec::new();
        for _ in 0..2 {
            let cart = shop.cart(&[(mug, 1)]).await;
            let path = format!("/carts/{cart}/discount");
            let body = Some(json!({"code": "once"}));
            assert_eq!(shop.send(GUEST, Method::PUT, &path, None, body).await.0, 200);
            carts.push(cart);
        }
        let (_, order) = shop.place(&carts[0], "a", None).await;
        assert_eq!(order["discount"]["amount"], 300);
        assert_eq!(order["lines"][0]["discount"]["amount"], 300);
        assert_eq!(order["total"]["amount"], 1000 - 300 + 490);
        let (status, problem) = shop.place(&carts[1], "b", None).await;
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("discount_invalid")));
        shop.settle().await;
        assert_eq!(shop.warehouse.lock().available(mug), 8, "the refused one holds nothing");
        let path = format!("/orders/{}/cancel", order["id"].as_str().unwrap());
        assert_eq!(shop.post(&path, json!({})).await.0, 200);
        let (status, _) = shop.place(&carts[1], "b", None).await;
        assert_eq!(status, 201);
        let ran = shop.settle().await;
        shop.assert_balanced(&ran).await;
    }

    async fn orders_are_listed_for_their_owner_and_for_staff(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1000, 9);
        let (ada, bob) = (person(5, Role::Customer), person(6, Role::Customer));
        for (who, key) in [(&ada, "1"), (&ada, "2"), (&bob, "3")] {
            let cart = shop.cart(&[(mug, 1)]).await;
            let pay = json!({"method": "test"});
            let (status, _) = shop.place_with(who.clone(), &cart, key, pay).await;
            assert_eq!(status, 201);
            shop.clock.advance(std::time::Duration::from_secs(1));
        }
        let numbers = |page: &serde_json::Value| -> Vec<String> {
            let items = page["items"].as_array().unwrap();
            items.iter().map(|o| o["number"].as_str().unwrap().to_owned()).collect()
        };
        let (_, page) = shop.get(ada.clone(), "/orders?email=nobody@example.com").await;
        assert_eq!(numbers(&page), ["1002", "1001"]);
        let (_, page) = shop.get(staff(), "/orders?limit=2").await;
        assert_eq!(numbers(&page), ["1003", "1002"]);
        let next = page["next_cursor"].as_str().unwrap();
        let (_, page) = shop.get(staff(), &format!("/orders?limit=2&cursor={next}")).await;
        assert_eq!(numbers(&page), ["1001"]);
        assert_eq!(page["next_cursor"], json!(null));
        let query = "/orders?number=1003&status=placed&payment_status=pending&fulfillment_status=unfulfilled&email=ADA@example.com";
        let (_, page) = shop.get(staff(), query).await;
        assert_eq!(numbers(&page), ["1003"]);
        assert_eq!(shop.get(GUEST, "/orders").await.0, 401);
        assert_eq!(shop.get(staff(), "/orders?limit=0").await.0, 400);
        assert_eq!(shop.get(staff(), "/orders?cursor=x").await.0, 400);
        assert_eq!(shop.get(staff(), "/orders?status=lost").await.0, 400);
    }

    async fn a_warehouse_that_is_away_for_a_moment_loses_nothing(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1000, 9);
        let cart = shop.cart(&[(mug, 1)]).await;
        shop.warehouse.lock().away = 1;
        let (status, problem) = shop.place(&cart, "k", None).await;
        assert_eq!((status.as_u16(), &problem["code"]), (503, &json!("unavailable")));
        assert_eq!(shop.place(&cart, "k", None).await.0, 201, "the same request again");
        shop.warehouse.lock().away = 5;
        let ran = shop.settle().await;
        shop.assert_balanced(&ran).await;
        assert_eq!(shop.warehouse.lock().on_hand[&mug], 8);
    }
}

//! How staff find orders.

use std::time::Duration;

use serde_json::{Value, json};
use techcommerce_contracts::Role;
use techcommerce_testkit::on_both_engines;

use super::shop::{GUEST, Shop, person};
use crate::MIGRATOR;

/// Five orders of different people, the first paid and shipped, the second paid, the third an
/// invoice, the fourth declined, the fifth cancelled by staff.
async fn five(shop: &Shop) -> Vec<Value> {
    let mug = shop.warehouse.stock(1000, 100);
    let people = [
        ("ada@example.com", "Ada Lovelace", "tok_success"),
        ("grace@example.org", "Grace Brewster Hopper", "tok_success"),
        ("barbara@example.com", "Barbara Österreich-Liskov", ""),
        ("ada@example.com", "Ada Example", "tok_decline"),
        ("karen@example.net", "Karen Spärck", "tok_success"),
    ];
    let mut orders = Vec::new();
    for (index, (email, name, token)) in people.into_iter().enumerate() {
        let cart = shop.cart(&[(mug, 1)]).await;
        let payment = match token {
            "" => json!({"method": "invoice"}),
            token => json!({"method": "test", "token": token}),
        };
        let mut body = Shop::order_body(&cart, payment);
        body["email"] = json!(email);
        body["shipping_address"]["name"] = json!(name);
        let who = (index == 1).then(|| person(40, Role::Customer)).flatten();
        let key = format!("k{index}");
        let post = http::Method::POST;
        let (status, order) = shop
            .send(who, post, "/orders", Some(&key), Some(body))
            .await;
        assert_eq!(status, 201, "{order}");
        shop.settle().await;
        shop.clock.advance(Duration::from_hours(1));
        orders.push(order);
    }
    let path = |index: usize, rest: &str| {
        format!("/orders/{}/{rest}", orders[index]["id"].as_str().unwrap())
    };
    let (status, _) = shop.post(&path(0, "shipments"), json!({})).await;
    assert_eq!(status, 201);
    let (status, _) = shop.post(&path(4, "cancel"), json!({})).await;
    assert_eq!(status, 200);
    shop.settle().await;
    orders
}

/// Which of the orders a list of staff has, the latest first.
async fn found(shop: &Shop, orders: &[Value], query: &str) -> Vec<usize> {
    let items = shop.pages(&format!("/orders?limit=2&{query}")).await;
    let index = |item: &Value| {
        orders
            .iter()
            .position(|order| order["id"] == item["id"])
            .unwrap()
    };
    items.iter().map(index).collect()
}

on_both_engines! { MIGRATOR;
    async fn orders_are_found_by_what_one_remembers(db: TestDb) {
        let shop = Shop::new(&db).await;
        let orders = five(&shop).await;
        let number = orders[2]["number"].as_str().unwrap();
        for (query, expected) in [
            ("q=".to_owned(), vec![4, 3, 2, 1, 0]),
            ("q=ada".to_owned(), vec![3, 0]),
            ("q=Ada%20Love".to_owned(), vec![0]),
            ("q=love%20ADA".to_owned(), vec![0]),
            ("q=hopp".to_owned(), vec![1]),
            ("q=grace@example.org".to_owned(), vec![1]),
            ("q=grace@".to_owned(), vec![1]),
            ("q=%C3%B6sterreich-l".to_owned(), vec![2]),
            ("q=SP%C3%84RCK".to_owned(), vec![4]),
            (format!("q={number}"), vec![2]),
            (format!("q=%23{number}%20barbara"), vec![2]),
            ("q=100".to_owned(), vec![4, 3, 2, 1, 0]),
            ("q=nobody".to_owned(), vec![]),
            ("q=%25".to_owned(), vec![]),
            (format!("q={number}&status=cancelled"), vec![]),
            (format!("number={number}"), vec![2]),
            ("email=ADA@example.com".to_owned(), vec![3, 0]),
        ] {
            assert_eq!(found(&shop, &orders, &query).await, expected, "{query}");
        }
    }

    async fn orders_are_narrowed_down(db: TestDb) {
        let shop = Shop::new(&db).await;
        let orders = five(&shop).await;
        let account = uuid::Uuid::from_u128(40);
        let at = |index: usize| orders[index]["placed_at"].as_str().unwrap();
        for (query, expected) in [
            ("status=placed".to_owned(), vec![2, 1]),
            ("status=completed".to_owned(), vec![0]),
            ("status=cancelled".to_owned(), vec![4, 3]),
            ("payment_status=failed".to_owned(), vec![3]),
            ("payment_status=failed&status=placed".to_owned(), vec![]),
            ("payment_status=refunded".to_owned(), vec![4]),
            ("fulfillment_status=fulfilled".to_owned(), vec![0]),
            ("attention=to_fulfil".to_owned(), vec![2, 1]),
            ("attention=invoices_open".to_owned(), vec![2]),
            ("attention=payment_failed".to_owned(), vec![3]),
            ("attention=payment_pending_long".to_owned(), vec![]),
            (format!("account_id={account}"), vec![1]),
            (format!("from={}", at(2)), vec![4, 3, 2]),
            (format!("to={}", at(2)), vec![1, 0]),
            (format!("from={}&to={}&status=placed", at(1), at(2)), vec![1]),
        ] {
            assert_eq!(found(&shop, &orders, &query).await, expected, "{query}");
        }
        shop.clock.advance(Duration::from_hours(24 * 8));
        assert_eq!(found(&shop, &orders, "attention=payment_failed").await, [0; 0], "no news any more");
    }

    async fn a_payment_that_does_not_come_to_an_end_is_told(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1000, 100);
        let cart = shop.cart(&[(mug, 1)]).await;
        let (_, order) = shop.place(&cart, "k", None).await;
        let orders = [order];
        assert_eq!(found(&shop, &orders, "attention=payment_pending_long").await, [0; 0]);
        shop.clock.advance(Duration::from_mins(31));
        assert_eq!(found(&shop, &orders, "attention=payment_pending_long").await, [0]);
        shop.settle().await;
        assert_eq!(found(&shop, &orders, "attention=payment_pending_long").await, [0; 0]);
    }

    async fn what_only_staff_may_ask_narrows_nobody_elses_list(db: TestDb) {
        let shop = Shop::new(&db).await;
        let orders = five(&shop).await;
        let customer = person(40, Role::Customer);
        for query in ["", "?q=ada", "?account_id=00000000-0000-0000-0000-000000000001", "?email=ada@example.com"] {
            let (status, page) = shop.get(customer.clone(), &format!("/orders{query}")).await;
            assert_eq!(status, 200);
            let items = page["items"].as_array().unwrap();
            assert_eq!(items.len(), 1, "{query}");
            assert_eq!(items[0]["id"], orders[1]["id"]);
            assert_eq!(items[0]["staff"], Value::Null);
        }
        assert_eq!(shop.get(GUEST, "/orders").await.0, 401);
        for (query, path) in [("limit=0", "limit"), ("limit=101", "limit"), ("cursor=x", "cursor"), ("from=yesterday", "from"), ("status=x", "status"), ("attention=x", "attention")] {
            let (status, problem) = shop.get(super::shop::staff(), &format!("/orders?{query}")).await;
            assert_eq!(status, 400, "{query}");
            assert_eq!(problem["errors"][0]["path"], path, "{problem}");
        }
    }
}

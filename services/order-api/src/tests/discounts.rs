//! Staff make discount codes, customers use them.

use http::Method;
use serde_json::{Value, json};
use techcommerce_testkit::on_both_engines;

use super::shop::{GUEST, Shop, staff};
use crate::MIGRATOR;

fn percent(basis_points: i64) -> Value {
    json!({"kind": "percent", "basis_points": basis_points})
}

impl Shop {
    async fn discount(&self, method: Method, code: &str, body: Option<Value>) -> (u16, Value) {
        let path = match code {
            "" => "/discounts".to_owned(),
            code => format!("/discounts/{code}"),
        };
        let (status, answer) = self.send(staff(), method, &path, None, body).await;
        (status.as_u16(), answer)
    }

    /// A cart with one thing of 100.00 and this code, ordered by this person.
    async fn order_with(&self, code: &str, email: &str, key: &str) -> (u16, Value) {
        let thing = self.warehouse.stock(10_000, 5);
        let cart = self.cart(&[(thing, 1)]).await;
        let path = format!("/carts/{cart}/discount");
        let body = Some(json!({ "code": code }));
        let (status, shown) = self.send(GUEST, Method::PUT, &path, None, body).await;
        if status != 200 {
            return (status.as_u16(), shown);
        }
        let mut body = Self::order_body(&cart, json!({"method": "test"}));
        body["email"] = json!(email);
        let (status, order) = self
            .send(GUEST, Method::POST, "/orders", Some(key), Some(body))
            .await;
        (status.as_u16(), order)
    }
}

on_both_engines! { MIGRATOR;
    async fn codes_are_made_changed_and_deleted(db: TestDb) {
        let shop = Shop::new(&db).await;
        let input = json!({"code": " spring-26 ", "value": percent(1500), "usage_limit": 2,
            "minimum": {"amount": 500, "currency": "EUR"}, "ends_at": "2100-01-01T00:00:00Z"});
        let (status, made) = shop.discount(Method::POST, "", Some(input.clone())).await;
        assert_eq!(status, 201, "{made}");
        assert_eq!((&made["code"], &made["state"], &made["used"]), (&json!("SPRING-26"), &json!("active"), &json!(0)));
        let (status, problem) = shop.discount(Method::POST, "", Some(input)).await;
        assert_eq!((status, &problem["code"]), (409, &json!("discount_code_taken")));
        let edit = json!({"usage_limit": null, "minimum": null, "value": {"kind": "amount", "amount": {"amount": 250, "currency": "EUR"}}});
        let (status, shown) = shop.discount(Method::PATCH, "spring-26", Some(edit.clone())).await;
        assert_eq!(status, 200, "{shown}");
        assert_eq!((&shown["usage_limit"], &shown["minimum"]), (&Value::Null, &Value::Null));
        assert_eq!(shown["ends_at"], "2100-01-01T00:00:00Z", "what is not named stays");
        assert_eq!(shop.discount(Method::PATCH, "spring-26", Some(edit)).await.0, 200, "again: no news");
        assert_eq!(shop.discount(Method::GET, "Spring-26", None).await.1, shown);
        let (status, problem) = shop.discount(Method::PATCH, "spring-26", Some(json!({"starts_at": "2100-01-01T00:00:00Z"}))).await;
        assert_eq!((status, &problem["errors"][0]["path"]), (400, &json!("ends_at")));
        assert_eq!(shop.discount(Method::DELETE, "SPRING-26", None).await.0, 204);
        for method in [Method::GET, Method::DELETE] {
            let (status, problem) = shop.discount(method, "SPRING-26", None).await;
            assert_eq!((status, &problem["code"]), (404, &json!("discount_not_found")));
        }
        let (status, problem) = shop.discount(Method::PATCH, "nothing", Some(json!({}))).await;
        assert_eq!((status, &problem["code"]), (404, &json!("discount_not_found")));
        let log = shop.logged().await;
        let actions: Vec<&str> = log.iter().map(|(action, _)| action.as_str()).collect();
        assert_eq!(actions, ["discount.create", "discount.update", "discount.delete"]);
        assert_eq!(log[1].1["usage_limit"], json!({"from": 2, "to": null}));
        assert_eq!(log[1].1["active"], Value::Null, "only what differs");
    }

    async fn codes_are_listed_by_the_alphabet(db: TestDb) {
        let shop = Shop::new(&db).await;
        for code in ["b2", "a-1", "B10", "Ähre"] {
            let input = json!({"code": code, "value": percent(100), "active": code != "B10"});
            let (status, made) = shop.discount(Method::POST, "", Some(input)).await;
            assert_eq!(status, 201, "{made}");
        }
        let codes = async |query: &str| {
            let items = shop.pages(&format!("/discounts?limit=2&{query}")).await;
            items.iter().map(|item| item["code"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(codes("").await, ["A-1", "B10", "B2", "FIVER", "WELCOME10", "ÄHRE"]);
        assert_eq!(codes("q=b").await, ["B10", "B2"]);
        assert_eq!(codes("q=%C3%A4h").await, ["ÄHRE"]);
        assert_eq!(codes("active=false").await, ["B10"]);
        assert_eq!(codes("q=zz").await, [""; 0]);
    }

    async fn a_code_that_orders_name_is_switched_off_instead(db: TestDb) {
        let shop = Shop::new(&db).await;
        let (status, order) = shop.order_with("welcome10", "ada@example.com", "k").await;
        assert_eq!(status, 201, "{order}");
        assert_eq!((&order["discount_code"], &order["discount"]["amount"]), (&json!("WELCOME10"), &json!(1000)));
        let (status, problem) = shop.discount(Method::DELETE, "WELCOME10", None).await;
        assert_eq!((status, &problem["code"]), (409, &json!("discount_in_use")));
        let (_, shown) = shop.discount(Method::PATCH, "WELCOME10", Some(json!({"active": false}))).await;
        assert_eq!((&shown["state"], &shown["used"]), (&json!("inactive"), &json!(1)));
        let (status, problem) = shop.order_with("welcome10", "ada@example.com", "l").await;
        assert_eq!((status, &problem["code"]), (409, &json!("discount_invalid")));
        let ran = shop.settle().await;
        shop.assert_balanced(&ran).await;
    }

    async fn once_per_customer_is_once(db: TestDb) {
        let shop = Shop::new(&db).await;
        let input = json!({"code": "HELLO", "value": percent(2000), "once_per_customer": true});
        assert_eq!(shop.discount(Method::POST, "", Some(input)).await.0, 201);
        let (status, first) = shop.order_with("hello", "Ada@example.com", "a").await;
        assert_eq!(status, 201, "{first}");
        let (status, problem) = shop.order_with("HELLO", "ada@EXAMPLE.com", "b").await;
        assert_eq!((status, &problem["code"]), (409, &json!("discount_invalid")));
        assert_eq!(shop.order_with("HELLO", "grace@example.com", "c").await.0, 201);
        assert_eq!(shop.discount(Method::GET, "HELLO", None).await.1["used"], 2, "a refusal counts nothing");
        // The first order was given up: she may use it again.
        let path = format!("/orders/{}/cancel", first["id"].as_str().unwrap());
        assert_eq!(shop.post(&path, json!({})).await.0, 200);
        shop.settle().await;
        assert_eq!(shop.order_with("HELLO", "ada@example.com", "d").await.0, 201);
        let ran = shop.settle().await;
        shop.assert_balanced(&ran).await;
        assert_eq!(shop.discount(Method::GET, "HELLO", None).await.1["used"], 2);
    }

    async fn many_at_once_use_a_code_no_more_than_they_may(db: TestDb) {
        let shop = Shop::new(&db).await;
        let input = json!({"code": "RUSH", "value": percent(100), "usage_limit": 3, "once_per_customer": true});
        assert_eq!(shop.discount(Method::POST, "", Some(input)).await.0, 201);
        let keys: Vec<(String, String)> = (0..8).map(|n| (format!("p{}@example.com", n / 2), format!("k{n}"))).collect();
        let (a, b, c, d, e, f, g, h) = tokio::join!(
            shop.order_with("RUSH", &keys[0].0, &keys[0].1), shop.order_with("RUSH", &keys[1].0, &keys[1].1),
            shop.order_with("RUSH", &keys[2].0, &keys[2].1), shop.order_with("RUSH", &keys[3].0, &keys[3].1),
            shop.order_with("RUSH", &keys[4].0, &keys[4].1), shop.order_with("RUSH", &keys[5].0, &keys[5].1),
            shop.order_with("RUSH", &keys[6].0, &keys[6].1), shop.order_with("RUSH", &keys[7].0, &keys[7].1),
        );
        let answers = [a, b, c, d, e, f, g, h];
        let placed: Vec<_> = answers.iter().filter(|(status, _)| *status == 201).collect();
        assert_eq!(placed.len(), 3, "{answers:?}");
        let mut emails: Vec<_> = placed.iter().map(|(_, order)| order["email"].to_string()).collect();
        emails.sort();
        emails.dedup();
        assert_eq!(emails.len(), 3, "each customer once");
        assert_eq!(shop.discount(Method::GET, "RUSH", None).await.1["state"], "used_up");
    }
}

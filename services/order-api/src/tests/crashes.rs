//! Every point at which a process could die on an order's way: each in turn breaks off once, and
//! trying again comes to the same end as if nothing had happened.

use serde_json::{Value, json};
use techcommerce_kernel::Uuid;
use techcommerce_testkit::on_both_engines;

use super::shop::Shop;
use crate::MIGRATOR;

/// What the outside can tell of how it ended.
fn ending(shop: &Shop, order: &Value, variant: Uuid) -> Value {
    json!({
        "status": order["status"],
        "payment_status": order["payment_status"],
        "payment": order["payment"],
        "refunds": order["refunds"].as_array().unwrap().iter().map(|r| json!([r["amount"], r["status"]])).collect::<Vec<_>>(),
        "on_hand": shop.warehouse.lock().on_hand[&variant],
        "mails": shop.subjects().len(),
    })
}

/// Orders with `payment`, then does what staff does, and gives how it ended.
async fn run(shop: &Shop, payment: &Value, staff: Option<(&str, &Value)>) -> Value {
    for mail in std::fs::read_dir(shop.mails.path()).unwrap() {
        std::fs::remove_file(mail.unwrap().path()).unwrap();
    }
    let variant = shop.warehouse.stock(5000, 10);
    let cart = shop.cart(&[(variant, 2)]).await;
    // A customer whose request breaks off sends it again.
    let mut order = Value::Null;
    for _ in 0..3 {
        let answer = shop.place_with(None, &cart, &cart, payment.clone()).await;
        if answer.0 == 201 {
            order = answer.1;
            break;
        }
        assert_eq!(answer.0, 503, "{}", answer.1);
    }
    let mut ran = shop.settle().await;
    if let Some((action, body)) = staff {
        let path = format!("/orders/{}/{action}", order["id"].as_str().unwrap());
        let mut body = body.clone();
        if let Some(restock) = body.get_mut("restock") {
            restock[0]["line_id"] = order["lines"][0]["id"].clone();
        }
        let (status, problem) = shop.post(&path, body).await;
        assert!(status.is_success(), "{problem}");
        ran.extend(shop.settle().await);
    }
    shop.assert_balanced(&ran).await;
    let order = shop.order(&order).await;
    ending(shop, &order, variant)
}

pub(super) async fn break_everywhere(shop: &Shop, payment: Value, staff: Option<(&str, Value)>) {
    let staff = staff.as_ref().map(|(action, body)| (*action, body));
    let reset = |break_at| {
        let mut plan = shop.plan.lock().unwrap();
        plan.break_at = break_at;
        std::mem::take(&mut plan.passed)
    };
    reset(None);
    let expected = run(shop, &payment, staff).await;
    let points = reset(None);
    assert!(points.len() > 3, "{points:?}");
    for (index, point) in points.iter().enumerate() {
        reset(Some(index));
        let ended = run(shop, &payment, staff).await;
        assert_eq!(
            ended, expected,
            "after breaking off at {point:?} of {payment}"
        );
    }
    reset(None);
}

on_both_engines! { MIGRATOR;
    async fn on_the_way_to_paid(db: TestDb) {
        let shop = Shop::new(&db).await;
        for token in ["tok_success", "tok_decline", "tok_lost_reply", "tok_twice"] {
            break_everywhere(&shop, json!({"method": "test", "token": token}), None).await;
        }
    }

    async fn while_nobody_knows(db: TestDb) {
        let shop = Shop::new(&db).await;
        for token in ["tok_timeout", "tok_slow_unknown"] {
            break_everywhere(&shop, json!({"method": "test", "token": token}), None).await;
        }
    }

    async fn on_the_way_back(db: TestDb) {
        let shop = Shop::new(&db).await;
        let refund = json!({
            "amount": {"amount": 2500, "currency": "EUR"}, "reason": "",
            "restock": [{"quantity": 1}],
        });
        for token in ["tok_success", "tok_lost_reply"] {
            let payment = json!({"method": "test", "token": token});
            break_everywhere(&shop, payment.clone(), Some(("cancel", json!({})))).await;
            break_everywhere(&shop, payment, Some(("refunds", refund.clone()))).await;
        }
    }

    async fn by_invoice(db: TestDb) {
        let shop = Shop::new(&db).await;
        let payment = json!({"method": "invoice"});
        break_everywhere(&shop, payment.clone(), Some(("mark-paid", json!({})))).await;
        break_everywhere(&shop, payment, Some(("cancel", json!({})))).await;
    }
}

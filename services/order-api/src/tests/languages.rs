//! Customers are written to in their language.

use http::Method;
use serde_json::{Value, json};
use techcommerce_testkit::on_both_engines;

use super::shop::{GUEST, Shop};
use crate::MIGRATOR;

async fn place(shop: &Shop, key: &str, accepts: Option<&str>, locale: Option<&str>) -> Value {
    let mug = shop.warehouse.stock(1000, 10);
    let cart = shop.cart(&[(mug, 1)]).await;
    let mut body = Shop::order_body(&cart, json!({"method": "test"}));
    if let Some(locale) = locale {
        body["locale"] = json!(locale);
    }
    let mut headers = vec![("idempotency-key", key)];
    headers.extend(accepts.map(|accepts| ("accept-language", accepts)));
    let (status, order) = shop
        .send_with(GUEST, Method::POST, "/orders", &headers, Some(body))
        .await;
    assert_eq!(status, 201, "{order}");
    order
}

on_both_engines! { MIGRATOR;
    async fn an_order_keeps_its_buyers_language(db: TestDb) {
        let shop = Shop::new(&db).await;
        for (index, (accepts, locale, expected)) in [
            (None, None, "en"),
            (Some("de-DE, en;q=0.5"), None, "de"),
            (Some("de-DE, en;q=0.5"), Some("en-GB"), "en"),
            (None, Some("de-AT"), "de"),
            (Some("de"), Some("fr"), "en"),
        ].into_iter().enumerate() {
            let order = place(&shop, &format!("k{index}"), accepts, locale).await;
            assert_eq!(order["locale"], expected, "{accepts:?} {locale:?}");
        }
        let cart = shop.cart(&[(shop.warehouse.stock(1000, 10), 1)]).await;
        let mut body = Shop::order_body(&cart, json!({"method": "test"}));
        body["locale"] = json!("x".repeat(36));
        let (status, problem) = shop.send(GUEST, Method::POST, "/orders", Some("long"), Some(body)).await;
        assert_eq!((status.as_u16(), &problem["errors"][0]["path"]), (400, &json!("locale")));
    }

    async fn mails_are_in_the_orders_language(db: TestDb) {
        let shop = Shop::new(&db).await;
        let order = place(&shop, "k", Some("de"), None).await;
        shop.settle().await;
        let id = order["id"].as_str().unwrap();
        let (status, _) = shop.post(&format!("/orders/{id}/cancel"), json!({"message": "Leider."})).await;
        assert_eq!(status, 200);
        shop.settle().await;
        let mails = shop.mails();
        assert_eq!(mails.len(), 4);
        let all = mails.join("\n");
        assert!(all.contains("Hallo Ada Example,"), "{all}");
        assert!(all.contains("14,90 EUR"), "{all}");
        assert!(all.contains("<div lang=\"de\">") || all.contains("<div lang=3D\"de\">"), "{all}");
        assert!(all.contains("Leider."), "{all}");
        assert!(!all.contains("Hello"), "{all}");
    }

    async fn trying_again_in_another_language_is_the_same_order(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1000, 10);
        let cart = shop.cart(&[(mug, 1)]).await;
        let mut ids = Vec::new();
        for locale in ["de", "en"] {
            let mut body = Shop::order_body(&cart, json!({"method": "test"}));
            body["locale"] = json!(locale);
            let (status, order) = shop.send(GUEST, Method::POST, "/orders", Some("k"), Some(body)).await;
            assert_eq!(status, 201, "{order}");
            assert_eq!(order["locale"], "de");
            ids.push(order["id"].clone());
        }
        assert_eq!(ids[0], ids[1]);
    }
}

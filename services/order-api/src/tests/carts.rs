use http::Method;
use serde_json::json;
use techcommerce_kernel::Uuid;
use techcommerce_testkit::on_both_engines;

use super::shop::{GUEST, Shop};
use crate::MIGRATOR;

on_both_engines! { MIGRATOR;
    async fn a_cart_is_priced_by_the_server(db: TestDb) {
        let shop = Shop::new(&db).await;
        let (mug, bowl) = (shop.warehouse.stock(1999, 5), shop.warehouse.stock(350, 1));
        let id = shop.cart(&[(mug, 2), (bowl, 1)]).await;
        let (status, cart) = shop.get(GUEST, &format!("/carts/{id}")).await;
        assert_eq!(status, 200);
        assert_eq!(cart["item_count"], 3);
        assert_eq!(cart["subtotal"], json!({"amount": 4348, "currency": "EUR"}));
        assert_eq!(cart["shipping"]["amount"], 490);
        assert_eq!(cart["total"]["amount"], 4838);
        assert_eq!(cart["lines"][0]["variant_id"], mug.to_string(), "in the order of adding");
        assert_eq!(cart["lines"][0]["problem"], json!(null));
        // More than there is may lie in the cart, and is said.
        let (status, cart) = shop.put_line(&id, bowl, 2).await;
        assert_eq!(status, 200);
        assert_eq!(cart["lines"][1]["problem"], "out_of_stock");
        assert_eq!(cart["lines"][1]["available"], 1);
        let (_, cart) = shop.put_line(&id, bowl, 0).await;
        assert_eq!(cart["lines"].as_array().unwrap().len(), 1);
        // What is gone keeps its place and its name.
        shop.warehouse.lock().quotes.remove(&mug);
        let (_, cart) = shop.get(GUEST, &format!("/carts/{id}")).await;
        assert_eq!(cart["lines"][0]["problem"], "not_for_sale");
        assert_eq!(cart["lines"][0]["title"], "Mug <1>");
    }

    async fn bad_lines_are_refused(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(100, 5);
        let id = shop.cart(&[]).await;
        for quantity in [-1, 10_000] {
            let (status, problem) = shop.put_line(&id, mug, quantity).await;
            assert_eq!(status, 400);
            assert_eq!(problem["errors"][0]["path"], "quantity");
        }
        let (status, problem) = shop.put_line(&id, Uuid::from_u128(1), 1).await;
        assert_eq!((status.as_u16(), &problem["code"]), (404, &json!("variant_not_found")));
        let (status, problem) = shop.put_line("nobody's", mug, 1).await;
        assert_eq!((status.as_u16(), &problem["code"]), (404, &json!("cart_not_found")));
        shop.warehouse.lock().quotes.get_mut(&mug).unwrap().for_sale = false;
        let (status, problem) = shop.put_line(&id, mug, 1).await;
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("not_for_sale")));
    }

    async fn a_code_takes_something_off(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(1995, 5);
        let id = shop.cart(&[(mug, 1)]).await;
        let path = format!("/carts/{id}/discount");
        let put = async |code: &str| {
            shop.send(GUEST, Method::PUT, &path, None, Some(json!({ "code": code }))).await
        };
        let (status, cart) = put(" welcome10 ").await;
        assert_eq!(status, 200);
        assert_eq!(cart["discount_code"], "WELCOME10");
        assert_eq!(cart["discount"]["amount"], 200, "199.5 is rounded up");
        assert_eq!(cart["total"]["amount"], 1995 - 200 + 490);
        let (status, problem) = put("FIVER").await;
        assert_eq!((status.as_u16(), &problem["code"]), (409, &json!("discount_invalid")));
        let (status, _) = put("nonsense").await;
        assert_eq!(status, 409);
        let (status, cart) = shop.send(GUEST, Method::DELETE, &path, None, None).await;
        assert_eq!(status, 200);
        assert_eq!(cart["discount"]["amount"], 0);
    }

    async fn shipping_depends_on_the_goods(db: TestDb) {
        let shop = Shop::new(&db).await;
        let chair = shop.warehouse.stock(6000, 5);
        let id = shop.cart(&[(chair, 1)]).await;
        let (_, list) = shop.get(GUEST, &format!("/shipping-methods?cart_id={id}")).await;
        assert_eq!(list["items"][0]["id"], "standard");
        assert_eq!(list["items"][0]["price"]["amount"], 0);
        assert_eq!(list["items"][1]["price"]["amount"], 1290);
        assert_eq!(list["items"][1]["total"]["amount"], 7290);
        assert_eq!(list["items"][1]["tax"]["amount"], 958 + 206);
        let (_, list) = shop.get(GUEST, "/shipping-methods").await;
        assert_eq!(list["items"][0]["price"]["amount"], 490);
        assert_eq!(list["items"][0]["total"], json!(null));
    }

    async fn a_cart_that_nobody_touches_goes(db: TestDb) {
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(100, 5);
        let id = shop.cart(&[(mug, 1)]).await;
        let path = format!("/carts/{id}");
        shop.jobs.tick().await.unwrap();
        shop.settle().await;
        assert_eq!(shop.get(GUEST, &path).await.0, 200);
        shop.clock.advance(std::time::Duration::from_hours(24 * 31));
        shop.jobs.tick().await.unwrap();
        shop.settle().await;
        assert_eq!(shop.get(GUEST, &path).await.0, 404);
    }

    async fn a_cart_that_is_touched_while_it_is_tidied_away_stays(db: TestDb) {
        use std::time::Duration;
        use techcommerce_store::{StoreError, execute, transact};
        let shop = Shop::new(&db).await;
        let mug = shop.warehouse.stock(100, 5);
        let id = shop.cart(&[(mug, 1)]).await;
        shop.clock.advance(Duration::from_hours(24 * 31));
        let now = shop.env.now();
        let tidying = transact!(shop.db, |tx| -> Result<_, StoreError> {
            const TOUCH: &str = "UPDATE carts SET updated_at = $1";
            execute!(tx, sqlx::query(TOUCH).bind(now.as_micros()))?;
            let db = shop.db.clone();
            let tidying = tokio::spawn(async move { crate::carts::delete_stale(&db, now, 9).await });
            // Long enough that it finds the cart old and waits for us.
            tokio::time::sleep(Duration::from_millis(300)).await;
            Ok(tidying)
        })
        .unwrap();
        assert_eq!(tidying.await.unwrap().unwrap(), 0);
        assert_eq!(shop.get(GUEST, &format!("/carts/{id}")).await.0, 200);
    }

    async fn the_database_tells_the_time(db: TestDb) {
        let shop = Shop::new(&db).await;
        let (status, time) = shop.get(GUEST, "/time").await;
        assert_eq!(status, 200);
        assert!(time["time"].as_str().unwrap().starts_with("20"), "{time}");
    }
}

//! What happens to products and to the stock is told, each once, however often the worker dies.

use std::time::Duration;

use serde_json::json;
use techcommerce_contracts::product_api::WhatChanged::{Archived, Created, Stock, Updated};
use techcommerce_testkit::on_both_engines;
use uuid::Uuid;

use super::{
    receiver::{Heard, Receiver},
    shop::Shop,
    webhooks::{hook, settings, types},
};
use crate::{MIGRATOR, faults::Point};

/// Ten seconds pass, and the worker does what is due.
async fn goes_on(shop: &Shop) {
    shop.clock.advance(Duration::from_secs(10));
    shop.jobs.tick().await.unwrap();
    for _ in 0..3 {
        shop.jobs.drain().await.unwrap();
        // Those who waited for their turn at the receiver.
        shop.clock.advance(Duration::from_secs(1));
    }
}

fn in_order(mut heard: Vec<Heard>) -> Vec<Heard> {
    heard.sort_by_key(|one| {
        (
            one.says("/subject/kind").to_string(),
            one.says("/sequence").as_i64(),
        )
    });
    heard
}

on_both_engines! { MIGRATOR;
    async fn products_and_stock_are_told_as_they_stand(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let (all, some) = (Receiver::start().await, Receiver::start().await);
        hook(&shop, &all.url(), json!([])).await;
        hook(&shop, &some.url(), json!(["stock.out"])).await;
        // Before the feed was read for the first time.
        shop.warehouse.happens(1, Created, 9);
        goes_on(&shop).await;
        let heard = all.take();
        assert_eq!(types(&heard), ["product.created"]);
        let id = Uuid::from_u128(1);
        assert_eq!(heard[0].says("/subject"), json!({"kind": "product", "id": id}));
        assert_eq!(heard[0].says("/data/product/handle"), "mug-1");
        assert_eq!(heard[0].says("/data/product/status"), "active");
        assert_eq!((heard[0].says("/version"), heard[0].says("/sequence")), (json!(1), json!(1)));
        // A rush within ten seconds is one event of each kind.
        for left in (0..9).rev() {
            shop.warehouse.happens(1, Stock, left);
        }
        goes_on(&shop).await;
        let heard = in_order(all.take());
        assert_eq!(types(&heard), ["stock.changed", "stock.out"]);
        let stock = json!({"variant_id": Uuid::from_u128(1001), "product_id": id,
            "product_handle": "mug-1", "sku": "M-1", "on_hand": 1, "reserved": 1, "available": 0});
        assert!(heard.iter().all(|one| one.says("/data/stock") == stock));
        assert_eq!(types(&some.take()), ["stock.out"]);
        // The stock is the same: nobody is told of it.
        shop.warehouse.happens(1, Updated, 0);
        goes_on(&shop).await;
        assert_eq!(types(&all.take()), ["product.updated"]);
        shop.warehouse.happens(1, Stock, 8);
        goes_on(&shop).await;
        shop.warehouse.happens(1, Stock, 3);
        shop.warehouse.happens(1, Archived, 3);
        goes_on(&shop).await;
        let heard = in_order(all.take());
        assert_eq!(types(&heard), ["product.archived", "stock.changed"]);
        assert_eq!(heard[0].says("/data/product/status"), "archived");
        assert_eq!(heard[1].says("/data/stock/available"), 8, "it went off the shelf after this");
        goes_on(&shop).await;
        assert_eq!(types(&all.heard()), [""; 0]);
    }

    async fn who_dies_anywhere_has_told_all_and_nothing_twice(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let receiver = Receiver::start().await;
        hook(&shop, &receiver.url(), json!(["product.created", "product.updated"])).await;
        let mut product = 0;
        for place in [Point::Before("webhook.feed"), Point::Recorded("webhook.feed")] {
            product += 1;
            shop.warehouse.happens(product, Created, 9);
            {
                let mut plan = shop.plan.lock().unwrap();
                plan.passed.clear();
                // Each round passes both points.
                plan.break_at = Some(usize::from(place != Point::Before("webhook.feed")));
            }
            goes_on(&shop).await;
            assert!(shop.plan.lock().unwrap().passed.contains(&place));
            {
                let mut plan = shop.plan.lock().unwrap();
                plan.break_at = None;
            }
            goes_on(&shop).await;
            goes_on(&shop).await;
            let heard = receiver.take();
            assert_eq!(types(&heard), ["product.created"], "{place:?}");
            assert_eq!(heard[0].says("/subject/id"), json!(Uuid::from_u128(product)));
        }
    }

    async fn a_product_api_that_is_away_loses_nothing(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let receiver = Receiver::start().await;
        hook(&shop, &receiver.url(), json!(["product.updated"])).await;
        goes_on(&shop).await;
        shop.warehouse.happens(1, Updated, 9);
        shop.warehouse.lock().away = 4;
        for _ in 0..6 {
            goes_on(&shop).await;
        }
        assert_eq!(types(&receiver.heard()), ["product.updated"]);
        assert_eq!(shop.jobs.queue().stats().await.unwrap().dead, 0, "nobody has to start it again");
    }

    async fn more_than_a_page_is_told_in_one_run(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        let receiver = Receiver::start().await;
        hook(&shop, &receiver.url(), json!(["product.created"])).await;
        for product in 1..=250 {
            shop.warehouse.happens(product, Created, 9);
        }
        shop.clock.advance(Duration::from_secs(10));
        shop.jobs.tick().await.unwrap();
        shop.settle().await;
        assert_eq!(receiver.heard().len(), 250);
    }

    async fn who_begins_to_listen_is_told_of_what_comes(db: TestDb) {
        let shop = Shop::with(&db, settings()).await;
        shop.warehouse.happens(1, Created, 0);
        goes_on(&shop).await;
        let receiver = Receiver::start().await;
        hook(&shop, &receiver.url(), json!([])).await;
        goes_on(&shop).await;
        assert_eq!(types(&receiver.heard()), [""; 0], "that was before");
        // Nothing is known of its stock any more: rather told once too often than never.
        shop.warehouse.happens(1, Stock, -1);
        goes_on(&shop).await;
        assert_eq!(types(&in_order(receiver.take())), ["stock.changed", "stock.out"]);
        // A product-api whose database was restored from before: it goes on from its end.
        shop.warehouse.lock().feed.truncate(1);
        goes_on(&shop).await;
        shop.warehouse.happens(1, Stock, 7);
        goes_on(&shop).await;
        let heard = receiver.take();
        assert_eq!(types(&heard), ["stock.changed"]);
        assert!(heard[0].says("/sequence").as_i64() > Some(2), "later than what was told before");
    }
}

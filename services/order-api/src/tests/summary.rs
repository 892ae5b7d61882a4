//! The dashboard's figures against what a person would count.

use std::{collections::BTreeMap, time::Duration};

use proptest::{
    prelude::{Strategy, any},
    strategy::ValueTree,
    test_runner::TestRunner,
};
use serde_json::{Value, json};
use techcommerce_kernel::{Error, TimeZone, Timestamp, Uuid};
use techcommerce_store::{Db, execute, transact};
use techcommerce_testkit::on_both_engines;

use super::shop::{Shop, staff};
use crate::{MIGRATOR, Settings};

/// An order as the figures see it.
#[derive(Debug, Clone)]
struct Row {
    placed_at: i64,
    total: i64,
    refunded: i64,
    cancelled: bool,
}

/// Writes orders that nobody placed.
async fn write(db: &Db, rows: &[Row]) {
    const ORDER: &str = "INSERT INTO orders (id, number, reservation_id, cart_key, email, email_key, \
         access_token, currency, shipping_method, subtotal, discount, shipping, shipping_tax, tax, \
         tax_included, tax_basis_points, total, path, version, status, payment_status, \
         fulfillment_status, captured, refunded, placed_at, updated_at) VALUES ($1, $2, $1, 'c', 'a@b', \
         'a@b', 't', 'EUR', 'standard', $3, 0, 0, 0, 0, TRUE, 0, $3, '{}', 0, $4, 'paid', \
         'unfulfilled', $3, $5, $6, $6)";
    transact!(db, |tx| -> Result<(), Error> {
        for (row, number) in rows.iter().zip(1_i64..) {
            execute!(
                tx,
                sqlx::query(ORDER)
                    .bind(Uuid::from_u128(u128::try_from(number).unwrap()))
                    .bind(number)
                    .bind(row.total)
                    .bind(if row.cancelled { "cancelled" } else { "placed" })
                    .bind(row.refunded)
                    .bind(row.placed_at)
            )?;
        }
        Ok(())
    })
    .unwrap();
}

fn any_row(now: i64, days: i64) -> impl Strategy<Value = Row> {
    let day = 24 * 3600 * 1_000_000_i64;
    let near_a_midnight = (0..=days + 1, -2 * 3600 * 4..2 * 3600 * 4_i64)
        .prop_map(move |(back, quarter)| (now / day - back) * day + quarter * 250_000);
    let when = proptest::prop_oneof![(now - (days + 2) * day)..=now, near_a_midnight];
    (when, 0..100_000_i64, any::<bool>(), 0..8_u8).prop_map(move |(when, total, back, dice)| Row {
        placed_at: when.min(now),
        total,
        refunded: if back { total / 3 } else { 0 },
        cancelled: dice == 0,
    })
}

fn figures(day: &Value) -> (i64, i64, i64) {
    let amount = |name: &str| day[name]["amount"].as_i64().unwrap();
    (
        day["orders"].as_i64().unwrap(),
        amount("revenue"),
        amount("refunded"),
    )
}

on_both_engines! { MIGRATOR;
    async fn a_day_has_the_orders_that_were_placed_on_it(db: TestDb) {
        // Half an hour of summer time, a zone of quarters, one that changes at midnight, and the usual.
        let zones = ["Australia/Lord_Howe", "Asia/Kathmandu", "America/Santiago", "Europe/Berlin", "UTC"];
        let mut runner = TestRunner::deterministic();
        let rows: Vec<Row> = {
            // Just after the clocks went back in Berlin.
            let now: Timestamp = "2026-10-27T22:30:00Z".parse().unwrap();
            let rows = proptest::collection::vec(any_row(now.as_micros(), 60), 400);
            rows.new_tree(&mut runner).unwrap().current()
        };
        let now: Timestamp = "2026-10-27T22:30:00Z".parse().unwrap();
        write(&db.db(), &rows).await;
        for zone in zones {
            let zone: TimeZone = zone.parse().unwrap();
            let settings = Settings { time_zone: zone.clone(), ..Settings::default() };
            let shop = Shop::with(&db, settings).await;
            shop.clock.set(now);
            for days in [1, 2, 3, 60] {
                let (status, seen) = shop.get(staff(), &format!("/orders/summary?days={days}")).await;
                assert_eq!(status, 200, "{seen}");
                assert_eq!(seen["time_zone"], zone.name());
                let calendar = zone.days_until(now, days);
                let mut expected: BTreeMap<&str, (i64, i64, i64)> = calendar.iter().map(|day| (day.date.as_str(), (0, 0, 0))).collect();
                for row in rows.iter().filter(|row| !row.cancelled) {
                    let day = calendar.iter().rev().find(|day| day.starts.as_micros() <= row.placed_at);
                    if let Some(day) = day {
                        let figures = expected.get_mut(day.date.as_str()).unwrap();
                        *figures = (figures.0 + 1, figures.1 + row.total, figures.2 + row.refunded);
                    }
                }
                let shown = seen["days"].as_array().unwrap();
                let shown: BTreeMap<&str, (i64, i64, i64)> = shown.iter().map(|day| (day["date"].as_str().unwrap(), figures(day))).collect();
                assert_eq!(shown, expected, "{zone} {days}");
                assert_eq!(figures(&seen["today"]), *expected.values().next_back().unwrap());
            }
        }
    }

    async fn the_figures_of_a_small_shop(db: TestDb) {
        let shop = Shop::new(&db).await;
        let (variant, order) = shop.paid_order().await;
        let mug = shop.warehouse.stock(1000, 100);
        let cart = shop.cart(&[(mug, 5)]).await;
        let (_, invoice) = shop.place_with(super::shop::GUEST, &cart, "i", json!({"method": "invoice"})).await;
        let cart = shop.cart(&[(mug, 7)]).await;
        let (status, _) = shop.place(&cart, "d", Some("tok_decline")).await;
        assert_eq!(status, 201);
        shop.settle().await;
        let (_, seen) = shop.get(staff(), "/orders/summary").await;
        assert_eq!(seen["days"].as_array().unwrap().len(), 30);
        let total = |order: &Value| order["total"]["amount"].as_i64().unwrap();
        assert_eq!(figures(&seen["today"]), (2, total(&order) + total(&invoice), 0), "what was declined is no revenue");
        assert_eq!(seen["today"]["units"], 7);
        assert_eq!(seen["attention"], json!({"payment_failed": 1, "payment_pending_long": 0, "to_fulfil": 2, "invoices_open": 1, "payment_disputed": 0, "payment_findings": 0}));
        let best = seen["best_sellers"].as_array().unwrap();
        assert_eq!(best.len(), 2);
        assert_eq!((&best[0]["variant_id"], &best[0]["units"]), (&json!(mug), &json!(5)));
        assert_eq!((&best[1]["variant_id"], &best[1]["revenue"]["amount"]), (&json!(variant), &json!(10_000)));
        // The next day: it was yesterday.
        shop.clock.advance(Duration::from_hours(24));
        let (_, seen) = shop.get(staff(), "/orders/summary?days=2").await;
        assert_eq!(figures(&seen["today"]), (0, 0, 0));
        assert_eq!(seen["days"][0]["orders"], 2);
        for wrong in ["0", "367", "x"] {
            let (status, problem) = shop.get(staff(), &format!("/orders/summary?days={wrong}")).await;
            assert_eq!((status.as_u16(), &problem["errors"][0]["path"]), (400, &json!("days")));
        }
    }
}

//! Reservations on both engines.
#![allow(clippy::unwrap_used, reason = "tests")]

mod common;

use std::time::Duration;

use common::{DENY, Stocked, counted, level, product, request};
use techcommerce_contracts::product_api::{
    InventoryPolicy, LineRequest, Reservation, ReservationState, RestockRequest,
};
use techcommerce_kernel::{Env, Error, ManualClock, Quantity, Uuid};
use techcommerce_product_api::{
    MIGRATOR, audit,
    model::Notifier,
    reservations::{self, Collector, Wanted},
};
use techcommerce_store::{Db, transact};
use techcommerce_testkit::{TestDb, on_both_engines};

struct Shop {
    db: Db,
    env: Env,
    clock: ManualClock,
    collector: Collector,
}

impl Shop {
    fn new(db: &TestDb) -> Self {
        let (env, clock) = Env::manual(7);
        let (collector, task) = Collector::new(db.db(), env.clone(), Notifier::default());
        tokio::spawn(task.run(std::future::pending()));
        Self {
            db: db.db(),
            env,
            clock,
            collector,
        }
    }

    async fn reserve(&self, id: Uuid, lines: &[(Uuid, i64)]) -> Result<Reservation, Error> {
        let deadline = self.env.now() + Duration::from_secs(900);
        let wanted = Wanted::new(&request(id, lines, deadline), self.env.now())?;
        self.collector.reserve(wanted).await
    }

    async fn claim(&self, id: Uuid) -> Result<Reservation, Error> {
        let (answer, _) = transact!(self.db, |tx| -> Result<
            (Result<Reservation, Error>, Option<i64>),
            Error,
        > {
            reservations::claim(
                tx,
                &self.env,
                id,
                &format!("order-{id}"),
                "service:order-api",
            )
            .await
        })?;
        answer
    }

    async fn release(&self, id: Uuid) -> Result<Reservation, Error> {
        transact!(self.db, |tx| -> Result<Reservation, Error> {
            Ok(
                reservations::release(tx, &self.env, id, "service:order-api")
                    .await?
                    .0,
            )
        })
    }

    async fn restock(&self, id: Uuid, order: Uuid, lines: &[(Uuid, i64)]) -> Result<(), Error> {
        let request = RestockRequest {
            id,
            reference: format!("order-{order}"),
            reason: "refunded".to_owned(),
            lines: lines
                .iter()
                .map(|(variant_id, quantity)| LineRequest {
                    variant_id: *variant_id,
                    quantity: Quantity::new(*quantity).unwrap(),
                })
                .collect(),
        };
        transact!(self.db, |tx| -> Result<(), Error> {
            reservations::restock(tx, &self.env, &request, "service:order-api").await?;
            Ok(())
        })
    }

    async fn numbers(&self, variant: Uuid) -> (i64, i64) {
        let level = level(&self.db, variant).await;
        (level.on_hand, level.reserved)
    }

    async fn balanced(&self) {
        assert_eq!(audit::audit(&self.db).await.unwrap(), Vec::new());
    }
}

fn code<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    result.unwrap_err().code().to_owned()
}

on_both_engines! { MIGRATOR;
    async fn all_or_nothing_and_the_same_answer_again(db: TestDb) {
        let shop = Shop::new(&db);
        let v = product(&shop.db, &shop.env, "mug", &[counted(5), counted(1)]).await;
        let id = shop.env.new_id();
        let error = shop.reserve(id, &[(v[0], 2), (v[1], 2)]).await.unwrap_err();
        assert_eq!(error.code(), "out_of_stock");
        let lines = &error.detail().unwrap()["lines"];
        assert_eq!(lines.as_array().unwrap().len(), 1);
        assert_eq!((&lines[0]["requested"], &lines[0]["available"]), (&2.into(), &1.into()));
        assert_eq!(shop.numbers(v[0]).await, (5, 0));

        let first = shop.reserve(id, &[(v[0], 1), (v[1], 1), (v[0], 1)]).await.unwrap();
        assert_eq!(first.state, ReservationState::Held);
        assert_eq!(first.lines.iter().map(|line| line.quantity).sum::<i64>(), 3);
        assert_eq!(first, shop.reserve(id, &[(v[1], 1), (v[0], 2)]).await.unwrap());
        assert_eq!(shop.numbers(v[0]).await, (5, 2));
        assert_eq!(code(shop.reserve(id, &[(v[0], 1)]).await), "reservation_mismatch");
        assert_eq!(code(shop.reserve(shop.env.new_id(), &[(Uuid::nil(), 1)]).await), "not_for_sale");
        shop.balanced().await;
    }

    async fn a_claim_sells_and_a_release_gives_back(db: TestDb) {
        let shop = Shop::new(&db);
        let v = product(&shop.db, &shop.env, "mug", &[counted(5)]).await;
        let (one, two) = (shop.env.new_id(), shop.env.new_id());
        shop.reserve(one, &[(v[0], 2)]).await.unwrap();
        let claimed = shop.claim(one).await.unwrap();
        assert_eq!(claimed.state, ReservationState::Claimed);
        assert_eq!(claimed, shop.claim(one).await.unwrap());
        assert_eq!(claimed, shop.reserve(one, &[(v[0], 2)]).await.unwrap());
        assert_eq!(shop.numbers(v[0]).await, (3, 0));

        shop.reserve(two, &[(v[0], 3)]).await.unwrap();
        shop.release(two).await.unwrap();
        shop.release(two).await.unwrap();
        assert_eq!(shop.numbers(v[0]).await, (3, 0));
        assert_eq!(code(shop.claim(two).await), "reservation_released");
        // Also for a request that was late: a claim that is as late would sell to an order that is over.
        assert_eq!(code(shop.reserve(two, &[(v[0], 3)]).await), "reservation_released");
        assert_eq!(shop.numbers(v[0]).await, (3, 0));
        shop.balanced().await;

        let back = shop.env.new_id();
        shop.restock(back, one, &[(v[0], 1)]).await.unwrap();
        shop.restock(back, one, &[(v[0], 1)]).await.unwrap();
        assert_eq!(shop.numbers(v[0]).await, (4, 0));
        assert_eq!(code(shop.restock(back, one, &[(v[0], 2)]).await), "reservation_mismatch");
        assert_eq!(code(shop.restock(shop.env.new_id(), one, &[(v[0], 2)]).await), "restock_exceeds_sold");
        shop.release(one).await.unwrap();
        assert_eq!(shop.numbers(v[0]).await, (5, 0));
        assert_eq!(code(shop.restock(shop.env.new_id(), one, &[(v[0], 1)]).await), "reservation_not_found");
        assert_eq!(code(shop.claim(Uuid::nil()).await), "reservation_not_found");
        shop.balanced().await;
    }

    async fn what_ran_out_is_taken_again_or_refused(db: TestDb) {
        let shop = Shop::new(&db);
        let v = product(&shop.db, &shop.env, "mug", &[counted(2)]).await;
        let (slow, quick) = (shop.env.new_id(), shop.env.new_id());
        shop.reserve(slow, &[(v[0], 2)]).await.unwrap();
        assert_eq!(code(shop.reserve(quick, &[(v[0], 1)]).await), "out_of_stock");
        shop.clock.advance(Duration::from_secs(901));
        // Nobody has asked for it yet: it still holds.
        assert_eq!(shop.reserve(slow, &[(v[0], 2)]).await.unwrap().state, ReservationState::Held);
        shop.clock.advance(Duration::from_secs(901));
        shop.reserve(quick, &[(v[0], 1)]).await.unwrap();
        assert_eq!(code(shop.reserve(slow, &[(v[0], 2)]).await), "out_of_stock");
        shop.release(quick).await.unwrap();
        assert_eq!(shop.claim(slow).await.unwrap().state, ReservationState::Claimed);
        assert_eq!(shop.numbers(v[0]).await, (0, 0));
        shop.clock.advance(Duration::from_secs(901));
        assert_eq!(reservations::expire_all(&shop.db, &shop.env).await.unwrap().count, 0);
        shop.balanced().await;
    }

    async fn a_claim_that_was_refused_is_refused_for_good(db: TestDb) {
        let shop = Shop::new(&db);
        let v = product(&shop.db, &shop.env, "mug", &[counted(2)]).await;
        let (slow, quick) = (shop.env.new_id(), shop.env.new_id());
        shop.reserve(slow, &[(v[0], 2)]).await.unwrap();
        shop.clock.advance(Duration::from_secs(901));
        shop.reserve(quick, &[(v[0], 1)]).await.unwrap();
        let error = shop.claim(slow).await.unwrap_err();
        assert_eq!(error.code(), "reservation_expired");
        assert_eq!(error.detail().unwrap()["lines"][0]["available"], 1);
        // The order has heard that and is over. The stock comes back, then the same claim once more.
        shop.release(quick).await.unwrap();
        assert_eq!(code(shop.claim(slow).await), "reservation_released");
        assert_eq!(code(shop.reserve(slow, &[(v[0], 2)]).await), "reservation_released");
        assert_eq!(shop.numbers(v[0]).await, (2, 0));

        // The same where it was still held, and staff counted fewer.
        let held = shop.env.new_id();
        shop.reserve(held, &[(v[0], 2)]).await.unwrap();
        common::count(&shop.db, &shop.env, v[0], 1).await;
        assert_eq!(code(shop.claim(held).await), "reservation_expired");
        assert_eq!(shop.numbers(v[0]).await, (1, 0));
        common::count(&shop.db, &shop.env, v[0], 5).await;
        assert_eq!(code(shop.claim(held).await), "reservation_released");
        assert_eq!(shop.numbers(v[0]).await, (5, 0));
        shop.balanced().await;
    }

    async fn another_order_claims_nothing(db: TestDb) {
        let shop = Shop::new(&db);
        let v = product(&shop.db, &shop.env, "mug", &[counted(3)]).await;
        let id = shop.env.new_id();
        shop.reserve(id, &[(v[0], 1)]).await.unwrap();
        shop.claim(id).await.unwrap();
        let other = transact!(shop.db, |tx| -> Result<(), Error> {
            reservations::claim(tx, &shop.env, id, "another", "test").await.map(drop)
        });
        assert_eq!(code(other), "reservation_mismatch");
    }

    async fn what_came_to_nothing_is_forgotten(db: TestDb) {
        let shop = Shop::new(&db);
        let v = product(&shop.db, &shop.env, "mug", &[counted(9)]).await;
        let ids: Vec<Uuid> = (0..4).map(|_| shop.env.new_id()).collect();
        for id in &ids {
            shop.reserve(*id, &[(v[0], 1)]).await.unwrap();
        }
        shop.claim(ids[0]).await.unwrap();
        shop.claim(ids[1]).await.unwrap();
        shop.restock(shop.env.new_id(), ids[1], &[(v[0], 1)]).await.unwrap();
        shop.release(ids[1]).await.unwrap();
        shop.release(ids[2]).await.unwrap();
        shop.clock.advance(Duration::from_secs(10_000));
        let prune = async || transact!(shop.db, |tx| -> Result<u64, Error> {
            Ok(reservations::prune(tx, shop.env.now(), 1).await?)
        }).unwrap();
        assert_eq!((prune().await, prune().await, prune().await), (1, 1, 0));
        let mut conn = shop.db.read().await.unwrap();
        assert_eq!(reservations::stored(&mut conn, &ids).await.unwrap().len(), 2);
        drop(conn);
        shop.balanced().await;
    }

    async fn staff_who_count_fewer_are_right(db: TestDb) {
        let shop = Shop::new(&db);
        let v = product(&shop.db, &shop.env, "mug", &[counted(3)]).await;
        let id = shop.env.new_id();
        shop.reserve(id, &[(v[0], 3)]).await.unwrap();
        common::count(&shop.db, &shop.env, v[0], 1).await;
        assert_eq!(code(shop.claim(id).await), "reservation_expired");
        assert_eq!(shop.numbers(v[0]).await, (1, 0));
        shop.balanced().await;
    }

    async fn what_nobody_counts_never_runs_out(db: TestDb) {
        let shop = Shop::new(&db);
        let stock = [Stocked(None, DENY), Stocked(Some(1), InventoryPolicy::Continue)];
        let v = product(&shop.db, &shop.env, "print", &stock).await;
        let id = shop.env.new_id();
        let held = shop.reserve(id, &[(v[0], 500), (v[1], 3)]).await.unwrap();
        assert!(held.lines.iter().any(|line| line.quote.available.is_none()));
        shop.claim(id).await.unwrap();
        assert_eq!(shop.numbers(v[0]).await, (0, 0));
        assert_eq!(shop.numbers(v[1]).await, (-2, 0));
        shop.restock(shop.env.new_id(), id, &[(v[0], 1), (v[1], 1)]).await.unwrap();
        assert_eq!(shop.numbers(v[0]).await, (0, 0));
        assert_eq!(shop.numbers(v[1]).await, (-1, 0));
        shop.balanced().await;
    }
}

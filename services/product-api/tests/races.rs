//! Many buyers at once, on both engines.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{sync::Arc, time::Duration};

use common::{DENY, Stocked, counted, level, product, request};
use techcommerce_contracts::product_api::{InventoryPolicy, Reservation};
use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_product_api::{
    MIGRATOR, audit,
    model::Notifier,
    reservations::{self, Collector, Wanted},
};
use techcommerce_store::{Db, transact};
use techcommerce_testkit::on_both_engines;
use tokio::task::JoinSet;

/// Several replicas on one database: each has a collector of its own.
fn replicas(db: &Db, env: &Env, count: usize) -> Vec<Collector> {
    (0..count)
        .map(|_| {
            let (collector, task) = Collector::new(db.clone(), env.clone(), Notifier::default());
            tokio::spawn(task.run(std::future::pending()));
            collector
        })
        .collect()
}

fn wanted(env: &Env, lines: &[(Uuid, i64)]) -> Wanted {
    let deadline = env.now() + Duration::from_secs(900);
    Wanted::new(&request(env.new_id(), lines, deadline), env.now()).unwrap()
}

type Outcome = Result<Reservation, Error>;

async fn race(collectors: &[Collector], all: Vec<Wanted>) -> Vec<Outcome> {
    let mut set = JoinSet::new();
    for (index, wanted) in all.into_iter().enumerate() {
        let collector = collectors[index % collectors.len()].clone();
        set.spawn(async move { collector.reserve(wanted).await });
    }
    set.join_all().await
}

fn won(outcomes: &[Outcome]) -> usize {
    for error in outcomes.iter().filter_map(|outcome| outcome.as_ref().err()) {
        assert_eq!(error.code(), "out_of_stock", "{error:?}");
    }
    outcomes.iter().filter(|outcome| outcome.is_ok()).count()
}

on_both_engines! { MIGRATOR;
    async fn fifty_units_for_two_hundred_buyers(db: TestDb) {
        let (env, _clock) = Env::manual(1);
        let v = product(&db, &env, "mug", &[counted(50)]).await;
        let all = (0..200).map(|_| wanted(&env, &[(v[0], 1)])).collect();
        let outcomes = race(&replicas(&db, &env, 3), all).await;
        assert_eq!(won(&outcomes), 50);
        let after = level(&db, v[0]).await;
        assert_eq!((after.on_hand, after.reserved), (50, 50));
        assert_eq!(audit::audit(&db).await.unwrap(), Vec::new());
    }

    async fn what_is_sold_out_is_refused_from_memory_until_it_comes_back(db: TestDb) {
        let (env, clock) = Env::manual(6);
        let v = product(&db, &env, "mug", &[counted(3)]).await;
        let notifier = Notifier::default();
        let (collector, task) = Collector::new(db.db(), env.clone(), notifier.clone());
        tokio::spawn(task.run(std::future::pending()));
        let look = || collector.look(&[(v[0], 1)].into());
        assert!(look().is_ok(), "nothing was decided yet");
        let all = (0..5).map(|_| wanted(&env, &[(v[0], 1)])).collect();
        assert_eq!(won(&race(std::slice::from_ref(&collector), all).await), 3);
        assert_eq!(look().unwrap_err().code(), "out_of_stock");
        // Who buys changes the stock too, but brings nothing back.
        notifier.taken(Some(9));
        assert!(look().is_err());
        // What ran out is found by the first who comes a moment later.
        clock.advance(Duration::from_secs(901));
        assert!(look().is_ok());
        let all = (0..5).map(|_| wanted(&env, &[(v[0], 1)])).collect();
        assert_eq!(won(&race(std::slice::from_ref(&collector), all).await), 3);
        assert!(look().is_err());
        notifier.changed(Some(10));
        assert!(look().is_ok(), "somebody gave some back");
    }

    async fn a_flash_sale_in_which_some_never_pay(db: TestDb) {
        // 20 units, 100 buyers who try 20 times each, at two replicas. Every third who gets one
        // never pays for it.
        let (env, clock) = Env::manual(7);
        let v = product(&db, &env, "mug", &[counted(20)]).await;
        let collectors = replicas(&db, &env, 2);
        let (mut sold, mut tries, mut held) = (0, 0, 0_usize);
        let mut buyers: Vec<usize> = (0..100).collect();
        for _round in 0..20 {
            let all: Vec<Wanted> = buyers.iter().map(|_| wanted(&env, &[(v[0], 1)])).collect();
            tries += all.len();
            let ids: Vec<Uuid> = all.iter().map(|wanted| wanted.id).collect();
            let mut set = JoinSet::new();
            for (place, wanted) in all.into_iter().enumerate() {
                let collector = collectors[place % 2].clone();
                set.spawn(async move { (place, collector.reserve(wanted).await) });
            }
            let outcomes = set.join_all().await;
            let mut gone = Vec::new();
            for (place, outcome) in outcomes {
                match outcome {
                    Err(error) => assert_eq!(error.code(), "out_of_stock", "{error:?}"),
                    Ok(_) => {
                        held += 1;
                        gone.push(buyers[place]);
                        if held % 3 != 0 {
                            let claimed = transact!(db, |tx| -> Result<bool, Error> {
                                let claim = reservations::claim(tx, &env, ids[place], "order:1", "test");
                                claim.await.map(|(answer, _)| answer.is_ok())
                            });
                            assert!(claimed.unwrap(), "what is held is sold to who pays in time");
                            sold += 1;
                        }
                    }
                }
            }
            let now = level(&db, v[0]).await;
            assert_eq!(now.on_hand + sold, 20, "not one more, not one less");
            assert!(now.reserved <= now.on_hand);
            buyers.retain(|buyer| !gone.contains(buyer));
            clock.advance(Duration::from_secs(901));
        }
        reservations::expire_all(&db, &env).await.unwrap();
        let after = level(&db, v[0]).await;
        assert_eq!((sold, after.on_hand, after.reserved), (20, 0, 0), "after {tries} tries");
        assert!(held > 20, "some never paid, and theirs were sold again");
        assert_eq!(audit::audit(&db).await.unwrap(), Vec::new());
    }

    async fn two_lines_that_share_a_variant(db: TestDb) {
        let (env, _clock) = Env::manual(2);
        let v = product(&db, &env, "mug", &[counted(10)]).await;
        let all = (0..20).map(|_| wanted(&env, &[(v[0], 1), (v[0], 2)])).collect();
        assert_eq!(won(&race(&replicas(&db, &env, 2), all).await), 3);
        assert_eq!(level(&db, v[0]).await.reserved, 9);
    }

    async fn contested_variants_in_different_orders(db: TestDb) {
        let (env, _clock) = Env::manual(3);
        let v = product(&db, &env, "mug", &[counted(30), counted(30), counted(30), counted(30)]).await;
        let all = (0..120_usize)
            .map(|n| {
                let mut lines: Vec<(Uuid, i64)> = (0..3).map(|i| (v[(n + i) % 4], 1)).collect();
                if n % 2 == 0 {
                    lines.reverse();
                }
                wanted(&env, &lines)
            })
            .collect();
        let outcomes = race(&replicas(&db, &env, 4), all).await;
        let winners = won(&outcomes);
        let mut reserved = 0;
        for variant in &v {
            let level = level(&db, *variant).await;
            assert!(level.reserved <= 30);
            reserved += level.reserved;
        }
        assert_eq!(reserved, 3 * i64::try_from(winners).unwrap());
        assert!(winners >= 30, "{winners}");
        assert_eq!(audit::audit(&db).await.unwrap(), Vec::new());
    }

    async fn the_same_reservation_from_everywhere(db: TestDb) {
        let (env, _clock) = Env::manual(4);
        let v = product(&db, &env, "mug", &[counted(9)]).await;
        let one = wanted(&env, &[(v[0], 2)]);
        let outcomes = race(&replicas(&db, &env, 4), vec![one; 40]).await;
        assert_eq!(won(&outcomes), 40);
        assert!(outcomes.windows(2).all(|two| two[0].as_ref().unwrap() == two[1].as_ref().unwrap()));
        assert_eq!(level(&db, v[0]).await.reserved, 2);
    }

    async fn claims_releases_and_expiry_at_once(db: TestDb) {
        let (env, clock) = Env::manual(5);
        let stock = [counted(40), Stocked(Some(0), InventoryPolicy::Continue), Stocked(None, DENY)];
        let v = Arc::new(product(&db, &env, "mug", &stock).await);
        let collectors = replicas(&db, &env, 2);
        let all: Vec<Wanted> = (0..60).map(|_| wanted(&env, &[(v[2], 1), (v[0], 1), (v[1], 1)])).collect();
        let ids: Vec<Uuid> = all.iter().map(|wanted| wanted.id).collect();
        assert_eq!(won(&race(&collectors, all).await), 40);
        clock.advance(Duration::from_secs(901));
        let mut set = JoinSet::new();
        for (index, id) in ids.into_iter().enumerate() {
            let (db, env) = (db.db(), env.clone());
            set.spawn(async move {
                match index % 4 {
                    0 => drop(reservations::expire_due(&db, &env).await.unwrap()),
                    1 => drop(transact!(db, |tx| -> Result<(), Error> {
                        reservations::release(tx, &env, id, "test").await.map(drop)
                    })),
                    _ => {
                        for _ in 0..2 {
                            drop(transact!(db, |tx| -> Result<(), Error> {
                                reservations::claim(tx, &env, id, "order:1", "test").await.map(drop)
                            }));
                        }
                    }
                }
            });
        }
        set.join_all().await;
        reservations::expire_all(&db, &env).await.unwrap();
        let (tracked, beyond) = (level(&db, v[0]).await, level(&db, v[1]).await);
        assert!(tracked.on_hand >= 0 && tracked.reserved == 0 && beyond.reserved == 0);
        assert_eq!(40 - tracked.on_hand, -beyond.on_hand);
        assert_eq!(audit::audit(&db).await.unwrap(), Vec::new());
    }
}

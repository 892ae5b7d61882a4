//! The models do what the real ones do: the same, in the same order, has the same answers. What the
//! simulation proves of orders would mean nothing if its queue, its stock or its provider were others.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a panic is how a test fails; the environment says how large a test is"
)]

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::LazyLock,
    time::Duration,
};

use products::{counted, line_requests, product, request};
use sqlx::migrate::Migrator;
use techcommerce_contracts::product_api::{Reservation, RestockRequest};
use techcommerce_jobs::{self as jobs, Job, NewJob, Wake, backoff, enqueue};
use techcommerce_kernel::{Currency, Env, Error, Money, Uuid};
use techcommerce_order_api::simulated::{
    Answer, Charge, TestProvider,
    books::{Behaviour, Operation},
};
use techcommerce_product_api::{
    model::Notifier,
    reservations::{self, Collector, Wanted},
    stock::{self, Movement, Reason},
};
use techcommerce_simulation::{
    provider::{Provider, Reply, Request},
    queue::{Claim, Queue, Work},
    warehouse::{Lines, Warehouse},
};
use techcommerce_store::transact;
use techcommerce_testkit::on_both_engines;

#[path = "../../../services/product-api/tests/common/products.rs"]
mod products;

static QUEUE: LazyLock<Migrator> =
    LazyLock::new(|| jobs::with_tables(Migrator::with_migrations(Vec::new())));

/// How many things are done; ten times as many at night.
fn steps() -> u64 {
    match std::env::var_os("TECHCOMMERCE_TEST_NIGHTLY").is_some() {
        true => 6_000,
        false => 600,
    }
}

/// Which of `among` it is.
fn choose(env: &Env, among: u64) -> u64 {
    u64::from_be_bytes(env.random_bytes()) % among
}

on_both_engines! { QUEUE;
    async fn the_queue(db: TestDb) {
        let (env, clock) = techcommerce_testkit::env();
        let db = db.db();
        let real = jobs::Queue::new(db.clone(), env.clone(), Wake::default());
        let mut model = Queue::default();
        let mut claims: Vec<(Job, Claim)> = Vec::new();
        for _ in 0..steps() {
            let now = env.now().as_micros();
            let pick = choose(&env, claims.len().max(1) as u64) as usize;
            let picked = claims.get(pick).cloned();
            let kind = choose(&env, 12);
            let (what, same) = match (kind, picked) {
                (0 | 1, _) => {
                    let due = env.now() + Duration::from_secs(choose(&env, 40));
                    let new = || NewJob::new("test").run_at(due).max_attempts(3);
                    let id = transact!(db, |tx| -> Result<Uuid, Error> {
                        enqueue(tx, &env, new()).await
                    })
                    .unwrap();
                    model.enqueue(id, Work::Mail(id), due.as_micros(), 3);
                    ("enqueue", true)
                }
                (2..=4, _) => {
                    let worker = choose(&env, 2) as usize;
                    let lease = Duration::from_secs(20);
                    let claim = jobs::Claim {
                        worker: ["one", "two"][worker],
                        kinds: &["test"],
                        limit: 2,
                        lease,
                    };
                    let taken = real.claim(claim).await.unwrap();
                    let modelled = model.claim(worker, now, 2, 20_000_000);
                    let known = |job: &Job, claim: &Claim| {
                        job.id == claim.id && job.attempt == claim.attempt
                    };
                    let same = taken.len() == modelled.len()
                        && taken.iter().zip(&modelled).all(|(job, claim)| known(job, claim));
                    claims.extend(taken.into_iter().zip(modelled));
                    ("claim", same)
                }
                (5 | 6, Some((job, claim))) => {
                    let done = real.complete(&job).await.is_ok();
                    ("complete", done == model.complete(&claim).is_ok())
                }
                (7, Some((job, claim))) => {
                    let failed = real.fail(&job, "on purpose", backoff::LONGEST).await;
                    let at = failed.as_ref().ok().copied().flatten();
                    let at = at.map_or(0, |at| at.as_micros());
                    ("fail", failed.is_ok() == model.fail(&claim, at).is_ok())
                }
                (8, Some((job, claim))) => {
                    let time = Duration::from_secs(choose(&env, 10));
                    let postponed = real.postpone(&job, time).await.is_ok();
                    let at = env.now() + time;
                    let modelled = model.postpone(&claim, at.as_micros()).is_ok();
                    ("postpone", postponed == modelled)
                }
                (9, Some((job, claim))) => {
                    let extended = real.extend(&job).await.is_ok();
                    let modelled = model.extend(&claim, now + 20_000_000).is_ok();
                    let guarded = transact!(db, |tx| -> Result<(), Error> { job.guard(tx).await });
                    let guard = model.guard(&claim).is_ok();
                    ("extend, guard", extended == modelled && guarded.is_ok() == guard)
                }
                (10, _) if choose(&env, 4) == 0 => {
                    let worker = choose(&env, 2) as usize;
                    let real = real.worker_started(["one", "two"][worker]).await.unwrap();
                    ("restart", real == model.worker_started(worker, now) as u64)
                }
                _ => {
                    clock.advance(Duration::from_secs(choose(&env, 15)));
                    ("wait", true)
                }
            };
            assert!(same, "{what} is another in the model");
            let stats = real.stats().await.unwrap();
            let open = stats.ready + stats.scheduled + stats.running;
            assert_eq!(open, model.open() as u64, "after {what}");
        }
        assert!(claims.len() > 50, "only {} claims: nothing was tried", claims.len());
        assert_eq!(model.overstepped, None);
    }
}

fn said<T>(outcome: Result<T, Error>) -> Result<(), String> {
    outcome.map(drop).map_err(|error| error.code().to_owned())
}

type Claimed = (Result<Reservation, Error>, Option<i64>);

on_both_engines! { techcommerce_product_api::MIGRATOR;
    async fn stock_and_reservations(db: TestDb) {
        let (env, clock) = techcommerce_testkit::env();
        let db = db.db();
        let counts = [6, 4, 30];
        let variants = product(&db, &env, "mug", &counts.map(counted)).await;
        let (collector, task) = Collector::new(db.clone(), env.clone(), Notifier::default());
        tokio::spawn(task.run(std::future::pending()));
        let mut model = Warehouse::default();
        for (variant, pieces) in variants.iter().zip(counts) {
            model.receive(*variant, pieces);
        }
        let actor = "service:order-api";
        // Ids come again, with other lines too.
        let id = |number: u64| Uuid::from_u128(u128::from(number) + 1);
        let mut outcomes: BTreeMap<(&str, Result<(), String>), u32> = BTreeMap::new();
        for step in 0..steps() {
            let now = env.now().as_micros();
            let (reservation, order) = (id(choose(&env, 12) + 12 * (step / 150)), id(500 + choose(&env, 9)));
            let line = (variants[choose(&env, 3) as usize], 1 + choose(&env, 2) as i64);
            let lines = Lines::from([line]);
            let (what, real, modelled) = match choose(&env, 12) {
                0..=4 => {
                    let deadline = env.now() + Duration::from_secs(60);
                    let asked = request(reservation, &[line], deadline);
                    let wanted = Wanted::new(&asked, env.now()).unwrap();
                    let real = collector.reserve(wanted).await;
                    let modelled =
                        model.reserve(reservation, &lines, deadline.as_micros(), now);
                    ("reserve", said(real), modelled)
                }
                5 | 6 => {
                    let reference = format!("order:{order}");
                    let claimed = transact!(db, |tx| -> Result<Claimed, Error> {
                        reservations::claim(tx, &env, reservation, &reference, actor).await
                    });
                    let real = claimed.and_then(|(answer, _)| answer);
                    ("claim", said(real), model.claim(reservation, order))
                }
                7 => {
                    let real = transact!(db, |tx| -> Result<(), Error> {
                        reservations::release(tx, &env, reservation, actor).await.map(drop)
                    });
                    ("release", said(real), model.release(reservation))
                }
                8 | 9 => {
                    let restock = id(1000 + choose(&env, 40));
                    let request = RestockRequest {
                        id: restock,
                        reference: format!("order:{order}"),
                        reason: "refunded".to_owned(),
                        lines: line_requests(&[line]),
                    };
                    let real = transact!(db, |tx| -> Result<(), Error> {
                        reservations::restock(tx, &env, &request, actor).await.map(drop)
                    });
                    ("restock", said(real), model.restock(restock, order, &lines))
                }
                10 => {
                    let real = reservations::expire_all(&db, &env).await.unwrap();
                    assert_eq!(real.count, model.expire(now) as u64, "expire");
                    continue;
                }
                _ => {
                    clock.advance(Duration::from_secs(choose(&env, 30)));
                    if choose(&env, 4) == 0 {
                        // Goods come in.
                        let movement = Movement {
                            reason: Reason::Set,
                            actor: "test",
                            note: None,
                            reference: None,
                        };
                        transact!(db, |tx| -> Result<(), Error> {
                            stock::add(tx, &env, variants[0], 1, None, movement).await?;
                            Ok(())
                        })
                        .unwrap();
                        model.receive(variants[0], 1);
                    }
                    continue;
                }
            };
            assert_eq!(real, modelled.map_err(str::to_owned), "{what} {reservation} {order} {lines:?}");
            *outcomes.entry((what, real)).or_insert(0) += 1;
            for variant in &variants {
                let mut conn = db.read().await.unwrap();
                let level = stock::level(&mut conn, *variant).await.unwrap().unwrap();
                let modelled = model.levels[variant];
                let real = (level.on_hand, level.reserved);
                assert_eq!(real, (modelled.on_hand, modelled.reserved), "after {what}");
            }
        }
        // Every kind of answer was among them.
        assert!(outcomes.len() >= 10, "{outcomes:?}");
    }
}

on_both_engines! { techcommerce_order_api::MIGRATOR;
    async fn the_providers_keys(db: TestDb) {
        let (env, _) = techcommerce_testkit::env();
        let real = TestProvider::new(db.db(), env.clone());
        let mut model = Provider::default();
        let tokens = [
            "tok_success", "tok_decline", "tok_timeout", "tok_twice", "tok_lost_reply", "tok_slow_unknown",
        ];
        let mut answers = BTreeSet::new();
        for _ in 0..steps() {
            let payment = choose(&env, 60);
            let token = tokens[(payment % 6) as usize];
            let charge = Charge {
                payment: Uuid::from_u128(u128::from(payment)),
                total: Money::new(1000, Currency::EUR),
                token: Some(token.to_owned()),
            };
            let refund = Uuid::from_u128(u128::from(choose(&env, 3)));
            let (operation, amount) = match choose(&env, 8) {
                0..=2 => (Operation::Authorise, 1000),
                3 | 4 => (Operation::Capture, 1000),
                5 => (Operation::Void, 1000),
                _ => (Operation::Refund(refund), 400),
            };
            let request = Request {
                payment: charge.payment,
                order: charge.payment,
                behaviour: Behaviour::of(Some(token)).unwrap(),
                operation,
                key: charge.key(operation),
                amount,
            };
            let (reply, modelled) = match choose(&env, 4) {
                0 => (real.lookup(&charge, operation).await.unwrap(), model.lookup(&request)),
                _ => (
                    real.operate(&charge, operation, amount).await.unwrap(),
                    model.operate(&request),
                ),
            };
            assert_eq!(Reply::Answer(reply.answer, reply.twice), modelled, "{token}: {request:?}");
            answers.insert(format!("{:?}", reply.answer));
        }
        assert_eq!(answers.len(), 4, "{answers:?}: {:?} among them", Answer::NotSeen);
    }
}

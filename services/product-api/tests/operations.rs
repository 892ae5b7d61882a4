//! Random sequences of everything that moves stock, against a model that is easy to believe.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod common;

use std::{collections::BTreeMap, time::Duration};

use common::{DENY, Stocked, counted, level, product, request};
use techcommerce_contracts::product_api::{
    InventoryPolicy, LineRequest, ReservationState, RestockRequest,
};
use techcommerce_kernel::{Env, Error, Quantity, Uuid};
use techcommerce_product_api::{
    MIGRATOR, audit,
    model::Notifier,
    reservations::{self, Collector, Wanted},
};
use techcommerce_store::transact;
use techcommerce_testkit::on_both_engines;

/// What the stock should be.
struct Books {
    variants: Vec<Uuid>,
    kinds: Vec<Stocked>,
    on_hand: Vec<i64>,
    orders: BTreeMap<Uuid, Order>,
}

struct Order {
    state: ReservationState,
    lines: Vec<i64>,
    restocked: Vec<i64>,
    deadline: i64,
}

impl Books {
    fn counts(&self, index: usize) -> bool {
        self.kinds[index].0.is_some()
    }

    fn reserved(&self, index: usize) -> i64 {
        let held = self
            .orders
            .values()
            .filter(|order| order.state == ReservationState::Held);
        if self.counts(index) {
            held.map(|order| order.lines[index]).sum()
        } else {
            0
        }
    }

    fn short(&self, lines: &[i64], left: impl Fn(usize) -> i64) -> bool {
        (0..lines.len()).any(|i| {
            lines[i] > 0 && self.counts(i) && self.kinds[i].1 == DENY && left(i) < lines[i]
        })
    }

    fn take(&mut self, lines: &[i64], sign: i64) {
        for (index, quantity) in lines.iter().enumerate() {
            if self.counts(index) {
                self.on_hand[index] += sign * quantity;
            }
        }
    }

    fn expire(&mut self, now: i64) {
        for order in self.orders.values_mut() {
            if order.state == ReservationState::Held && order.deadline <= now {
                order.state = ReservationState::Expired;
            }
        }
    }
}

struct Dice(Env);

impl Dice {
    fn roll(&self, sides: u32) -> usize {
        (u32::from_be_bytes(self.0.random_bytes()) % sides) as usize
    }
}

fn lines_of(variants: &[Uuid], lines: &[i64]) -> Vec<(Uuid, i64)> {
    variants
        .iter()
        .copied()
        .zip(lines.iter().copied())
        .filter(|(_, count)| *count > 0)
        .collect()
}

async fn sequence(db: &techcommerce_testkit::TestDb, seed: u64) {
    let (env, clock) = Env::manual(seed);
    let dice = Dice(Env::manual(seed + 1_000).0);
    let (collector, task) = Collector::new(db.db(), env.clone(), Notifier::default());
    tokio::spawn(task.run(std::future::pending()));
    let kinds = vec![
        counted(6),
        counted(3),
        Stocked(Some(1), InventoryPolicy::Continue),
        Stocked(None, DENY),
    ];
    let variants = product(db, &env, &format!("mug-{seed}"), &kinds).await;
    let on_hand = kinds.iter().map(|kind| kind.0.unwrap_or(0)).collect();
    let mut books = Books {
        variants,
        kinds,
        on_hand,
        orders: BTreeMap::new(),
    };
    for step in 0..60 {
        let known: Vec<Uuid> = books.orders.keys().copied().collect();
        let some =
            (!known.is_empty()).then(|| known[dice.roll(u32::try_from(known.len()).unwrap())]);
        match (dice.roll(10), some) {
            (0..=3, _) | (_, None) => {
                let lines: Vec<i64> = (0..4).map(|_| [0, 0, 1, 2][dice.roll(4)]).collect();
                if lines.iter().sum::<i64>() == 0 {
                    continue;
                }
                let id = env.new_id();
                let deadline = env.now() + Duration::from_secs(100);
                let asked = request(id, &lines_of(&books.variants, &lines), deadline);
                let wanted = Wanted::new(&asked, env.now()).unwrap();
                let answer = collector.reserve(wanted).await;
                let fits =
                    |books: &Books| !books.short(&lines, |i| books.on_hand[i] - books.reserved(i));
                if !fits(&books) {
                    books.expire(env.now().as_micros());
                }
                assert_eq!(answer.is_ok(), fits(&books), "seed {seed}, step {step}");
                if answer.is_ok() {
                    let order = Order {
                        state: ReservationState::Held,
                        restocked: vec![0; 4],
                        lines,
                        deadline: deadline.as_micros(),
                    };
                    books.orders.insert(id, order);
                }
            }
            (4 | 5, Some(id)) => {
                let outcome = transact!(db, |tx| -> Result<bool, Error> {
                    let claimed =
                        reservations::claim(tx, &env, id, &id.to_string(), "test").await?;
                    Ok(claimed.0.is_ok())
                });
                let order = &books.orders[&id];
                let lines = order.lines.clone();
                let (state, wins) = match order.state {
                    ReservationState::Released => {
                        assert!(outcome.is_err());
                        continue;
                    }
                    ReservationState::Claimed => (ReservationState::Claimed, false),
                    ReservationState::Held => match books.short(&lines, |i| books.on_hand[i]) {
                        true => (ReservationState::Released, false),
                        false => (ReservationState::Claimed, true),
                    },
                    ReservationState::Expired => {
                        match books.short(&lines, |i| books.on_hand[i] - books.reserved(i)) {
                            true => (ReservationState::Released, false),
                            false => (ReservationState::Claimed, true),
                        }
                    }
                };
                assert_eq!(
                    outcome.unwrap(),
                    state == ReservationState::Claimed,
                    "seed {seed}, step {step}"
                );
                books.orders.get_mut(&id).unwrap().state = state;
                if wins {
                    books.take(&lines, -1);
                }
            }
            (6, Some(id)) => {
                transact!(db, |tx| -> Result<(), Error> {
                    reservations::release(tx, &env, id, "test").await.map(drop)
                })
                .unwrap();
                let order = books.orders.get_mut(&id).unwrap();
                let was = std::mem::replace(&mut order.state, ReservationState::Released);
                if was == ReservationState::Claimed {
                    let back: Vec<i64> = order
                        .lines
                        .iter()
                        .zip(&order.restocked)
                        .map(|(l, r)| l - r)
                        .collect();
                    order.restocked = order.lines.clone();
                    books.take(&back, 1);
                }
            }
            (7, Some(id)) => {
                let lines: Vec<i64> = (0..4).map(|_| [0, 1][dice.roll(2)]).collect();
                if lines.iter().sum::<i64>() == 0 {
                    continue;
                }
                let restock = RestockRequest {
                    id: env.new_id(),
                    reference: id.to_string(),
                    reason: "test".to_owned(),
                    lines: lines_of(&books.variants, &lines)
                        .into_iter()
                        .map(|(variant_id, count)| LineRequest {
                            variant_id,
                            quantity: Quantity::new(count).unwrap(),
                        })
                        .collect(),
                };
                let order = &books.orders[&id];
                let fits = order.state == ReservationState::Claimed
                    && (0..4).all(|i| order.restocked[i] + lines[i] <= order.lines[i]);
                for _again in 0..2 {
                    let outcome = transact!(db, |tx| -> Result<(), Error> {
                        reservations::restock(tx, &env, &restock, "test")
                            .await
                            .map(drop)
                    });
                    assert_eq!(outcome.is_ok(), fits, "seed {seed}, step {step}");
                }
                if fits {
                    let order = books.orders.get_mut(&id).unwrap();
                    order
                        .restocked
                        .iter_mut()
                        .zip(&lines)
                        .for_each(|(r, l)| *r += l);
                    books.take(&lines, 1);
                }
            }
            (8, _) => {
                let index = dice.roll(2);
                let count = i64::try_from(dice.roll(7)).unwrap();
                common::count(db, &env, books.variants[index], count).await;
                books.on_hand[index] = count;
            }
            _ => {
                clock.advance(Duration::from_secs(60));
                if dice.roll(2) == 0 {
                    reservations::expire_all(db, &env).await.unwrap();
                    books.expire(env.now().as_micros());
                }
            }
        }
        for (index, variant) in books.variants.iter().enumerate() {
            let level = level(db, *variant).await;
            let expected = (books.on_hand[index], books.reserved(index));
            assert_eq!(
                (level.on_hand, level.reserved),
                expected,
                "seed {seed}, step {step}, variant {index}"
            );
            assert!(books.kinds[index].1 != DENY || level.on_hand >= 0);
        }
    }
    assert_eq!(audit::audit(db).await.unwrap(), Vec::new());
}

on_both_engines! { MIGRATOR;
    async fn the_books_are_right_whatever_happens(db: TestDb) {
        for seed in 0..12 {
            sequence(&db, seed).await;
        }
    }
}

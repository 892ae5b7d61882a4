//! Whatever happens in whatever order: a job is held by one, and finished by who holds it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod common;

use std::{
    collections::{HashMap, HashSet},
    time::Duration,
};

use common::{LEASE, MIGRATOR, Shop};
use proptest::prelude::*;
use techcommerce_jobs::{Job, NewJob, backoff};
use techcommerce_kernel::Uuid;
use techcommerce_testkit::{Dialect, TestDb};

#[derive(Debug, Clone)]
enum Step {
    Enqueue,
    Claim(usize),
    /// On one of the claims that were ever made, stale ones too.
    Complete(usize),
    Fail(usize),
    Postpone(usize),
    Extend(usize),
    Wait(u64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        3 => Just(Step::Enqueue),
        4 => (1..4_usize).prop_map(Step::Claim),
        3 => any::<usize>().prop_map(Step::Complete),
        2 => any::<usize>().prop_map(Step::Fail),
        1 => any::<usize>().prop_map(Step::Postpone),
        1 => any::<usize>().prop_map(Step::Extend),
        3 => (1..100_u64).prop_map(Step::Wait),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..60)
}

/// What the queue ought to know.
#[derive(Default)]
struct Model {
    open: HashSet<Uuid>,
    /// The place in `claims` of the claim that counts.
    holder: HashMap<Uuid, usize>,
    claims: Vec<Job>,
}

impl Model {
    fn pick(&self, choice: usize) -> Option<(usize, Job)> {
        let place = choice.checked_rem(self.claims.len())?;
        Some((place, self.claims[place].clone()))
    }

    fn holds(&self, place: usize) -> bool {
        self.holder.get(&self.claims[place].id) == Some(&place)
    }
}

async fn play(steps: Vec<Step>) {
    let db = TestDb::new(Dialect::Sqlite, &MIGRATOR).await;
    let shop = Shop::new(&db);
    let queue = &shop.queue;
    let mut model = Model::default();
    for step in steps {
        match step {
            Step::Enqueue => {
                model.open.insert(shop.enqueue(NewJob::new("test")).await);
            }
            Step::Claim(limit) => {
                let jobs = shop.claim("worker", limit).await;
                assert!(jobs.len() <= limit);
                for job in jobs {
                    assert!(model.open.contains(&job.id), "finished or never written");
                    model.holder.insert(job.id, model.claims.len());
                    model.claims.push(job);
                }
            }
            Step::Complete(choice) => {
                let Some((place, job)) = model.pick(choice) else {
                    continue;
                };
                let finished_by_it = !model.open.contains(&job.id) && model.holds(place);
                let done = queue.complete(&job).await;
                assert_eq!(done.is_ok(), model.holds(place), "{done:?}");
                if done.is_ok() && !finished_by_it {
                    assert!(model.open.remove(&job.id));
                }
            }
            Step::Fail(choice) => {
                let Some((place, job)) = model.pick(choice) else {
                    continue;
                };
                let running = model.holds(place) && model.open.contains(&job.id);
                assert_eq!(
                    queue
                        .fail(&job, "on purpose", backoff::LONGEST)
                        .await
                        .is_ok(),
                    running
                );
                if running {
                    model.holder.remove(&job.id);
                    if job.attempt == job.max_attempts {
                        model.open.remove(&job.id);
                    }
                }
            }
            Step::Postpone(choice) => {
                let Some((place, job)) = model.pick(choice) else {
                    continue;
                };
                let running = model.holds(place) && model.open.contains(&job.id);
                assert_eq!(queue.postpone(&job, Duration::ZERO).await.is_ok(), running);
                if running {
                    model.holder.remove(&job.id);
                }
            }
            Step::Extend(choice) => {
                let Some((place, job)) = model.pick(choice) else {
                    continue;
                };
                assert_eq!(queue.extend(&job).await.is_ok(), model.holds(place));
            }
            Step::Wait(seconds) => shop.clock.advance(Duration::from_secs(seconds)),
            Step::Restart => {
                queue.worker_started("worker").await.unwrap();
                let open = model.open.clone();
                model.holder.retain(|id, _| !open.contains(id));
            }
        }
        let stats = queue.stats().await.unwrap();
        let open = stats.ready + stats.scheduled + stats.running;
        assert_eq!(
            open,
            model.open.len() as u64,
            "no job is lost, none comes twice"
        );
    }
    // In the end everything gets done.
    shop.clock.advance(LEASE * 120);
    let left = shop.claim("worker", 1000).await;
    let ids: HashSet<Uuid> = left.iter().map(|job| job.id).collect();
    assert_eq!((left.len(), &ids), (model.open.len(), &model.open));
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, max_shrink_iters: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_job_is_finished_by_who_holds_it(steps in steps()) {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(play(steps));
    }
}

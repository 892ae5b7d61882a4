//! What comes round with the clock.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod common;

use std::{sync::Arc, time::Duration};

use common::{MIGRATOR, Script, Shop};
use techcommerce_jobs::{JobSet, NewJob, Schedule};

const MINUTE: Duration = Duration::from_secs(60);

/// A set as one of several workers would have it.
fn replica(shop: &Shop, script: &Script) -> JobSet {
    JobSet::new("test", shop.queue.clone())
        .handler(script.clone())
        .schedule(Schedule::new("every.minute", MINUTE, "test"))
        .build()
}

fn runs(script: &Script) -> usize {
    script.attempts.lock().unwrap().len()
}

techcommerce_testkit::on_both_engines! { MIGRATOR;
    async fn each_slot_is_run_once_by_all_workers_together(db: TestDb) {
        let shop = Arc::new(Shop::new(&db));
        let script = Script::default();
        let replicas: Vec<JobSet> = (0..4).map(|_| replica(&shop, &script)).collect();
        for slot in 1..=5 {
            let ticks: Vec<_> = replicas
                .iter()
                .cloned()
                .map(|set| tokio::spawn(async move { set.tick().await.unwrap() }))
                .collect();
            for tick in ticks {
                tick.await.unwrap();
            }
            replicas[slot % 4].drain().await.unwrap();
            assert_eq!(runs(&script), slot);
            shop.clock.advance(MINUTE);
        }
        let fresh = replica(&shop, &script);
        shop.clock.advance(MINUTE * 10);
        fresh.tick().await.unwrap();
        fresh.drain().await.unwrap();
        assert_eq!(runs(&script), 6, "slots that passed are not made up for");
    }

    async fn a_clock_behind_the_others_writes_nothing(db: TestDb) {
        let shop = Shop::new(&db);
        let script = Script::default();
        let set = replica(&shop, &script);
        set.tick().await.unwrap();
        set.drain().await.unwrap();
        shop.clock.set(shop.env.now() - MINUTE * 3);
        replica(&shop, &script).tick().await.unwrap();
        shop.clock.advance(MINUTE * 3);
        replica(&shop, &script).tick().await.unwrap();
        set.drain().await.unwrap();
        assert_eq!(runs(&script), 1);
    }

    async fn slow_work_does_not_pile_up(db: TestDb) {
        let shop = Shop::new(&db);
        let set = replica(&shop, &Script::default());
        for _ in 0..5 {
            set.tick().await.unwrap();
            shop.clock.advance(MINUTE);
        }
        let stats = shop.queue.stats().await.unwrap();
        assert_eq!(stats.ready, 2, "one of its own and the one that prunes");
    }

    async fn finished_jobs_go_after_a_week_and_dead_ones_stay(db: TestDb) {
        let shop = Shop::new(&db);
        let set = replica(&shop, &Script::default());
        let key = || NewJob::new("test").unique("key");
        let first = shop.enqueue(key()).await;
        shop.enqueue(NewJob::new("test")).await;
        let claimed = shop.claim("one", 2).await;
        for job in claimed {
            if job.id == first {
                shop.queue.complete(&job).await.unwrap();
            } else {
                shop.queue.bury(&job, "for ever").await.unwrap();
            }
        }
        shop.queue.heartbeat("gone").await.unwrap();
        shop.clock.advance(Duration::from_secs(6 * 24 * 3600));
        set.tick().await.unwrap();
        set.drain().await.unwrap();
        assert_eq!(shop.enqueue(key()).await, first);
        assert!(shop.queue.last_heartbeat().await.unwrap().is_none(), "silent for days");
        shop.clock.advance(Duration::from_secs(2 * 24 * 3600));
        set.tick().await.unwrap();
        set.drain().await.unwrap();
        assert_ne!(shop.enqueue(key()).await, first);
        assert_eq!(shop.queue.list_dead(None, 10).await.unwrap().len(), 1);
    }
}

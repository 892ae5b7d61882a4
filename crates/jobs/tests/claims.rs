//! Who gets which job, and who may still finish it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod common;

use std::{collections::HashSet, time::Duration};

use common::{LEASE, MIGRATOR, Shop};
use techcommerce_jobs::{NewJob, backoff, enqueue};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::transact;

techcommerce_testkit::on_both_engines! { MIGRATOR;
    /// Eight workers race for two hundred jobs; each job goes to one of them.
    async fn every_job_is_claimed_once(db: TestDb) {
        let shop = std::sync::Arc::new(Shop::new(&db));
        let written: HashSet<Uuid> = transact!(shop.db, |tx| -> Result<HashSet<Uuid>, Error> {
            let mut ids = HashSet::new();
            for number in 0..200 {
                ids.insert(enqueue(tx, &shop.env, NewJob::new("test").payload(&number)?).await?);
            }
            Ok(ids)
        })
        .unwrap();
        let workers: Vec<_> = (0..8)
            .map(|worker| {
                let shop = shop.clone();
                tokio::spawn(async move {
                    let mut mine = Vec::new();
                    loop {
                        let jobs = shop.claim(&format!("worker-{worker}"), 7).await;
                        assert!(jobs.len() <= 7);
                        if jobs.is_empty() && shop.queue.stats().await.unwrap().ready == 0 {
                            return mine;
                        }
                        mine.extend(jobs);
                    }
                })
            })
            .collect();
        let mut claimed = Vec::new();
        for worker in workers {
            claimed.extend(worker.await.unwrap());
        }
        assert_eq!(claimed.len(), 200);
        assert_eq!(claimed.iter().map(|job| job.id).collect::<HashSet<_>>(), written);
        let numbers: HashSet<u32> = claimed.iter().map(|job| job.payload().unwrap()).collect();
        assert_eq!(numbers.len(), 200);
    }

    async fn a_lease_that_ran_out_is_another_s_and_the_first_can_do_nothing(db: TestDb) {
        let shop = Shop::new(&db);
        shop.enqueue(NewJob::new("test")).await;
        let slow = shop.claim("slow", 1).await.remove(0);
        assert!(shop.claim("quick", 1).await.is_empty(), "the lease holds");
        shop.clock.advance(LEASE);
        let quick = shop.claim("quick", 1).await.remove(0);
        assert_eq!((quick.id, quick.attempt), (slow.id, 2));

        let lost = |result: Result<(), Error>| assert_eq!(result.unwrap_err().code(), "job_lost");
        lost(shop.queue.complete(&slow).await);
        lost(shop.queue.fail(&slow, "late", backoff::LONGEST).await.map(drop));
        lost(shop.queue.extend(&slow).await);
        lost(shop.queue.release(&slow).await);
        lost(shop.queue.bury(&slow, "late").await);
        let in_transaction = transact!(shop.db, |tx| -> Result<(), Error> {
            slow.guard(tx).await?;
            enqueue(tx, &shop.env, NewJob::new("never")).await?;
            Ok(())
        });
        lost(in_transaction);
        shop.queue.complete(&quick).await.unwrap();
        shop.queue.complete(&quick).await.unwrap();
        let stats = shop.queue.stats().await.unwrap();
        assert_eq!((stats.ready, stats.running, stats.dead), (0, 0, 0));
    }

    async fn an_extended_lease_holds(db: TestDb) {
        let shop = Shop::new(&db);
        shop.enqueue(NewJob::new("test")).await;
        let job = shop.claim("one", 1).await.remove(0);
        shop.clock.advance(LEASE - Duration::from_secs(1));
        shop.queue.extend(&job).await.unwrap();
        shop.clock.advance(LEASE - Duration::from_secs(1));
        assert!(shop.claim("two", 1).await.is_empty());
        shop.queue.complete(&job).await.unwrap();
    }

    async fn a_job_is_there_if_and_only_if_the_transaction_commits(db: TestDb) {
        let shop = Shop::new(&db);
        let rolled_back = transact!(shop.db, |tx| -> Result<(), Error> {
            enqueue(tx, &shop.env, NewJob::new("test")).await?;
            Err(Error::conflict("changed_my_mind", "No."))
        });
        assert!(rolled_back.is_err());
        assert!(shop.claim("one", 1).await.is_empty());
    }

    async fn a_unique_key_makes_one_job(db: TestDb) {
        let shop = Shop::new(&db);
        let job = NewJob::new("test").unique("order:7");
        let first = shop.enqueue(job.clone()).await;
        assert_eq!(shop.enqueue(job.clone()).await, first);
        let claimed = shop.claim("one", 10).await;
        assert_eq!(claimed.len(), 1);
        shop.queue.complete(&claimed[0]).await.unwrap();
        assert_eq!(shop.enqueue(job).await, first, "a finished job keeps its key");
        assert_ne!(shop.enqueue(NewJob::new("test").unique("order:8")).await, first);
    }

    async fn jobs_wait_for_their_time_and_come_in_its_order(db: TestDb) {
        let shop = Shop::new(&db);
        let minute = Duration::from_secs(60);
        let later = shop.enqueue(NewJob::new("test").run_at(shop.env.now() + minute)).await;
        assert!(shop.claim("one", 1).await.is_empty());
        assert_eq!(shop.queue.next_due().await.unwrap(), Some(shop.env.now() + minute));
        shop.clock.advance(minute * 2);
        let newer = shop.enqueue(NewJob::new("test")).await;
        assert_eq!(shop.claim("one", 1).await[0].id, later, "the one due longest goes first");
        assert_eq!(shop.claim("one", 1).await[0].id, newer);
    }

    async fn a_kind_that_nobody_knows_yet_is_left(db: TestDb) {
        let shop = Shop::new(&db);
        shop.enqueue(NewJob::new("from.the.next.version")).await;
        assert!(shop.claim("one", 1).await.is_empty());
        assert_eq!(shop.queue.stats().await.unwrap().ready, 1);
    }

    async fn a_job_that_kills_its_worker_each_time_is_dead_at_last(db: TestDb) {
        let shop = Shop::new(&db);
        let id = shop.enqueue(NewJob::new("test").max_attempts(2)).await;
        for _ in 0..2 {
            assert_eq!(shop.claim("one", 1).await.len(), 1);
            shop.clock.advance(LEASE);
        }
        assert!(shop.claim("one", 1).await.is_empty());
        let dead = shop.queue.list_dead(None, 10).await.unwrap();
        assert_eq!(dead[0].id, id);
        assert!(dead[0].last_error.as_deref().unwrap().contains("vanished"));
    }

    async fn a_worker_that_comes_back_gives_back_what_it_held(db: TestDb) {
        let shop = Shop::new(&db);
        shop.enqueue(NewJob::new("test")).await;
        shop.enqueue(NewJob::new("test")).await;
        let lost = shop.claim("here", 1).await.remove(0);
        let others = shop.claim("there", 1).await.remove(0);
        assert_eq!(shop.queue.worker_started("here").await.unwrap(), 1);
        assert_eq!(shop.claim("here", 10).await[0].id, lost.id);
        assert!(shop.queue.complete(&lost).await.is_err());
        shop.queue.complete(&others).await.unwrap();
        let seen = shop.queue.last_heartbeat().await.unwrap().unwrap();
        assert_eq!((seen.name.as_str(), seen.seen_at), ("here", shop.env.now()));
    }
}

//! What a clock that ran ahead leaves behind.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod common;

use std::time::Duration;

use async_trait::async_trait;
use common::{LEASE, MIGRATOR, Script, Shop, ended, is_failed};
use techcommerce_jobs::{Handler, Job, NewJob, Outcome};
use techcommerce_kernel::Error;

/// Fails once; is not put off for longer than this.
struct Brief(Script);

const LONGEST: Duration = Duration::from_secs(30);
const AHEAD: Duration = Duration::from_secs(900);

#[async_trait]
impl Handler for Brief {
    fn kind(&self) -> &'static str {
        "test"
    }

    fn longest_pause(&self) -> Duration {
        LONGEST
    }

    async fn run(&self, job: &Job) -> Result<Outcome, Error> {
        self.0.run(job).await
    }
}

techcommerce_testkit::on_both_engines! { MIGRATOR;
    async fn what_was_due_at_once_is_due_now(db: TestDb) {
        let shop = Shop::new(&db);
        let set = shop.set(Script::default());
        let before = shop.env.now();
        shop.clock.advance(AHEAD);
        shop.enqueue(NewJob::new("test")).await;
        shop.clock.set(before);
        let later = shop.env.now() + Duration::from_secs(7200);
        shop.enqueue(NewJob::new("test").run_at(later)).await;
        assert!(set.drain().await.unwrap().is_empty(), "nobody looks at it");
        assert_eq!(set.put_clocks_right(LEASE).await.unwrap(), 1);
        assert_eq!(ended(&set.drain().await.unwrap()), ["done"]);
        assert_eq!(set.put_clocks_right(LEASE).await.unwrap(), 0);
        assert_eq!(shop.queue.next_due().await.unwrap(), Some(later), "that is meant");
    }

    async fn a_lease_lasts_no_longer_than_a_lease(db: TestDb) {
        let shop = Shop::new(&db);
        let set = shop.set(Script::default());
        shop.enqueue(NewJob::new("test")).await;
        let before = shop.env.now();
        shop.clock.advance(AHEAD);
        assert_eq!(shop.claim("gone", 1).await.len(), 1);
        shop.clock.set(before);
        assert_eq!(set.put_clocks_right(LEASE).await.unwrap(), 1);
        assert!(shop.claim("next", 1).await.is_empty(), "it may still be at it");
        shop.clock.advance(LEASE);
        assert_eq!(shop.claim("next", 1).await.len(), 1);
        assert_eq!(set.put_clocks_right(LEASE).await.unwrap(), 0, "one that is held well");
    }

    async fn what_is_put_off_for_long_is_put_off_for_less(db: TestDb) {
        let shop = Shop::new(&db);
        let set = shop.set(Brief(Script::new([Err("once"), Ok(Outcome::Done)])));
        shop.enqueue(NewJob::new("test")).await;
        let before = shop.env.now();
        shop.clock.advance(AHEAD);
        assert!(is_failed(&set.drain().await.unwrap()));
        shop.clock.set(before);
        assert!(set.drain().await.unwrap().is_empty());
        assert_eq!(set.put_clocks_right(LEASE).await.unwrap(), 1);
        assert_eq!(ended(&set.drain().await.unwrap()), ["done"]);
    }

    async fn pauses_grow_no_longer_than_the_handler_lets_them(db: TestDb) {
        let shop = Shop::new(&db);
        let set = shop.set(Brief(Script::new(vec![Err("again"); 12])));
        shop.enqueue(NewJob::new("test")).await;
        for _ in 0..12 {
            assert!(is_failed(&set.drain().await.unwrap()));
            let pause = shop.queue.next_due().await.unwrap().unwrap().since(shop.env.now());
            assert!(pause <= LONGEST, "{pause:?}");
            shop.clock.advance(LONGEST);
        }
        assert_eq!(ended(&set.drain().await.unwrap()), ["done"]);
    }
}

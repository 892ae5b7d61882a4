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
use techcommerce_jobs::{Handler, Job, JobSet, NewJob, Outcome, Schedule};
use techcommerce_kernel::{Env, Error, ManualClock};

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

/// Puts its job off while the clock runs ahead; before that is written, the clock is set right.
struct Jumps(Env, ManualClock);

#[async_trait]
impl Handler for Jumps {
    fn kind(&self) -> &'static str {
        "test"
    }

    async fn run(&self, _: &Job) -> Result<Outcome, Error> {
        let before = self.0.now();
        self.1.advance(AHEAD);
        let outcome = Outcome::RetryIn(LONGEST);
        self.1.set(before);
        Ok(outcome)
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

    async fn what_was_to_run_a_little_later_does(db: TestDb) {
        const LITTLE: Duration = Duration::from_micros(1);
        let shop = Shop::new(&db);
        let set = shop.set(Script::default());
        let before = shop.env.now();
        shop.clock.advance(AHEAD);
        shop.enqueue(NewJob::new("test").after(LITTLE)).await;
        shop.clock.set(before);
        assert_eq!(set.put_clocks_right(LEASE).await.unwrap(), 1);
        assert_eq!(shop.queue.next_due().await.unwrap(), Some(before + LITTLE));
        assert_eq!(set.put_clocks_right(LEASE).await.unwrap(), 0);
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

    async fn what_was_put_off_for_a_while_is_put_off_for_that(db: TestDb) {
        const WHILE: Duration = Duration::from_secs(20);
        let shop = Shop::new(&db);
        let before = shop.env.now();
        shop.clock.advance(AHEAD);
        let set = shop.set(Script::new([Ok(Outcome::RetryIn(WHILE))]));
        shop.enqueue(NewJob::new("test")).await;
        assert_eq!(ended(&set.drain().await.unwrap()), ["postponed"]);
        shop.clock.set(before);
        assert_eq!(set.put_clocks_right(LEASE).await.unwrap(), 1);
        assert_eq!(shop.queue.next_due().await.unwrap(), Some(before + WHILE));
    }

    async fn a_pause_is_as_long_as_was_said_however_the_clock_jumps(db: TestDb) {
        let shop = Shop::new(&db);
        let set = shop.set(Jumps(shop.env.clone(), shop.clock.clone()));
        shop.enqueue(NewJob::new("test")).await;
        assert_eq!(ended(&set.drain().await.unwrap()), ["postponed"]);
        set.put_clocks_right(LEASE).await.unwrap();
        assert_eq!(shop.queue.next_due().await.unwrap(), Some(shop.env.now() + LONGEST));
    }

    async fn what_failed_waits_its_pause(db: TestDb) {
        let shop = Shop::new(&db);
        let set = shop.set(Script::new([Err("once"), Ok(Outcome::Done)]));
        shop.enqueue(NewJob::new("test")).await;
        let before = shop.env.now();
        shop.clock.advance(AHEAD);
        assert!(is_failed(&set.drain().await.unwrap()));
        shop.clock.set(before);
        assert_eq!(set.put_clocks_right(LEASE).await.unwrap(), 1);
        let due = shop.queue.next_due().await.unwrap().unwrap();
        assert!(due > before && due <= before + Duration::from_secs(1), "{due}");
        assert_eq!(set.put_clocks_right(LEASE).await.unwrap(), 0, "once is enough");
        shop.clock.set(due);
        assert_eq!(ended(&set.drain().await.unwrap()), ["done"]);
    }

    async fn what_is_tried_again_by_hand_is_tried_now(db: TestDb) {
        let shop = Shop::new(&db);
        let set = shop.set(Script::new([Ok(Outcome::GiveUp("no".to_owned()))]));
        let id = shop.enqueue(NewJob::new("test")).await;
        set.drain().await.unwrap();
        let before = shop.env.now();
        shop.clock.advance(AHEAD);
        shop.queue.retry_dead(id).await.unwrap();
        shop.clock.set(before);
        assert_eq!(set.put_clocks_right(LEASE).await.unwrap(), 1);
        assert_eq!(ended(&set.drain().await.unwrap()), ["done"]);
    }

    async fn clocks_that_hardly_differ_are_left_alone(db: TestDb) {
        let shop = Shop::new(&db);
        let set = shop.set(Script::default());
        let before = shop.env.now();
        shop.clock.advance(Duration::from_millis(900));
        shop.enqueue(NewJob::new("test")).await;
        shop.clock.set(before);
        assert_eq!(set.put_clocks_right(LEASE).await.unwrap(), 0);
    }

    async fn no_pause_after_a_failure_is_cut_short(db: TestDb) {
        const TIMES: u32 = 18;
        let shop = Shop::new(&db);
        let set = shop.set(Script::new(vec![Err("again"); TIMES as usize]));
        shop.enqueue(NewJob::new("test").max_attempts(TIMES + 1)).await;
        for _ in 0..TIMES {
            assert!(is_failed(&set.drain().await.unwrap()));
            assert_eq!(set.put_clocks_right(LEASE).await.unwrap(), 0);
            shop.clock.set(shop.queue.next_due().await.unwrap().unwrap());
        }
        assert_eq!(ended(&set.drain().await.unwrap()), ["done"]);
    }

    async fn what_is_put_off_on_purpose_stays_put_off(db: TestDb) {
        let shop = Shop::new(&db);
        let set = shop.set(Script::new([Err("once"), Ok(Outcome::RetryIn(AHEAD * 100))]));
        shop.enqueue(NewJob::new("test")).await;
        assert!(is_failed(&set.drain().await.unwrap()));
        shop.clock.advance(Duration::from_secs(1));
        set.drain().await.unwrap();
        assert_eq!(set.put_clocks_right(LEASE).await.unwrap(), 0);
        let later = shop.env.now() + AHEAD * 100;
        assert_eq!(shop.queue.next_due().await.unwrap(), Some(later));
    }

    async fn a_schedule_goes_on_at_once(db: TestDb) {
        const EVERY: Duration = Duration::from_secs(30);
        let shop = Shop::new(&db);
        let set = JobSet::new("test", shop.queue.clone())
            .handler(Script::default())
            .schedule(Schedule::new("often", EVERY, "test"))
            .build();
        let before = shop.env.now();
        shop.clock.advance(AHEAD);
        set.tick().await.unwrap();
        set.drain().await.unwrap();
        shop.clock.set(before);
        assert_eq!(set.tick().await.unwrap(), 0, "its slot is said to be taken");
        assert!(set.put_clocks_right(LEASE).await.unwrap() > 0);
        assert!(set.tick().await.unwrap() > 0);
        assert_eq!(set.put_clocks_right(LEASE).await.unwrap(), 0, "what is as it should be");
        assert_eq!(set.tick().await.unwrap(), 0, "once in a slot");
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

//! What becomes of a job when it runs.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

mod common;

use std::time::Duration;

use async_trait::async_trait;
use common::{MIGRATOR, Script, Shop, ended, is_failed};
use techcommerce_contracts::context::{RequestContext, TraceParent};
use techcommerce_jobs::{Ended, Handler, Job, NewJob, Outcome, enqueue};
use techcommerce_kernel::{Env, Error};
use techcommerce_store::{Db, transact};
use techcommerce_telemetry::{Telemetry, trace::TraceOptions};

/// Does what the payload says, badly.
struct Wild;

#[async_trait]
impl Handler for Wild {
    fn kind(&self) -> &'static str {
        "test"
    }

    fn time_limit(&self) -> Duration {
        Duration::from_millis(20)
    }

    async fn run(&self, job: &Job) -> Result<Outcome, Error> {
        match job.payload::<String>()?.as_str() {
            "panic" => panic!("on purpose"),
            "hang" => std::future::pending().await,
            _ => Ok(Outcome::Done),
        }
    }
}

/// Finishes itself and writes the next job, in one transaction.
struct Chain(Db, Env);

#[async_trait]
impl Handler for Chain {
    fn kind(&self) -> &'static str {
        "test"
    }

    async fn run(&self, job: &Job) -> Result<Outcome, Error> {
        let left: u32 = job.payload()?;
        transact!(self.0, |tx| -> Result<(), Error> {
            if left > 0 {
                enqueue(tx, &self.1, NewJob::new("test").payload(&(left - 1))?).await?;
            }
            job.complete_in(tx, &self.1).await
        })?;
        Ok(Outcome::Done)
    }
}

/// Tells the context that it runs in by failing with it.
struct Tell;

#[async_trait]
impl Handler for Tell {
    fn kind(&self) -> &'static str {
        "test"
    }

    async fn run(&self, _job: &Job) -> Result<Outcome, Error> {
        let context = RequestContext::current().ok_or_else(|| Error::internal("no context"))?;
        Ok(Outcome::GiveUp(format!(
            "{} {}",
            context.request_id,
            context.trace.trace_id_hex()
        )))
    }
}

techcommerce_testkit::on_both_engines! { MIGRATOR;
    async fn failures_are_tried_again_with_growing_pauses(db: TestDb) {
        let shop = Shop::new(&db);
        let script = Script::new([Err("one"), Err("two"), Err("three")]);
        let set = shop.set(script.clone());
        shop.enqueue(NewJob::new("test")).await;
        for pause in [1, 2, 4] {
            let before = shop.env.now();
            assert!(is_failed(&set.drain().await.unwrap()));
            assert!(set.drain().await.unwrap().is_empty(), "not at once");
            let next = shop.queue.next_due().await.unwrap().unwrap().since(before);
            assert!(next >= Duration::from_millis(pause * 500), "{next:?}");
            assert!(next <= Duration::from_secs(pause), "{next:?}");
            shop.clock.advance(Duration::from_secs(pause));
        }
        assert_eq!(ended(&set.drain().await.unwrap()), ["done"]);
        assert_eq!(*script.attempts.lock().unwrap(), [1, 2, 3, 4]);
    }

    async fn the_last_failure_is_death_and_staff_can_raise_it(db: TestDb) {
        let shop = Shop::new(&db);
        let set = shop.set(Script::new([Err("one"), Err("two")]));
        let id = shop.enqueue(NewJob::new("test").max_attempts(2).payload(&"what").unwrap()).await;
        set.drain().await.unwrap();
        shop.clock.advance(Duration::from_secs(1));
        assert_eq!(ended(&set.drain().await.unwrap()), ["dead"]);

        let dead = shop.queue.list_dead(None, 10).await.unwrap();
        assert_eq!((dead.len(), dead[0].id, dead[0].attempts), (1, id, 2));
        assert_eq!(dead[0].payload, "what");
        assert!(dead[0].last_error.as_deref().unwrap().contains("two"));
        assert!(shop.queue.list_dead(Some(id), 10).await.unwrap().is_empty());
        assert_eq!(shop.queue.stats().await.unwrap().dead, 1);

        shop.queue.retry_dead(id).await.unwrap();
        assert_eq!(ended(&set.drain().await.unwrap()), ["done"]);
        assert_eq!(shop.queue.retry_dead(id).await.unwrap_err().code(), "job_not_found");
        assert_eq!(shop.queue.stats().await.unwrap().dead, 0);
    }

    async fn any_reason_can_be_kept(db: TestDb) {
        let shop = Shop::new(&db);
        let reason = format!("a\0b{}", "ü".repeat(3000));
        let set = shop.set(Script::new([Ok(Outcome::GiveUp(reason))]));
        shop.enqueue(NewJob::new("test")).await;
        assert_eq!(ended(&set.drain().await.unwrap()), ["dead"]);
        let dead = shop.queue.list_dead(None, 1).await.unwrap();
        assert!(dead[0].last_error.as_deref().unwrap().starts_with("abü"));
    }

    async fn asking_again_later_is_no_failure(db: TestDb) {
        let shop = Shop::new(&db);
        let minute = Duration::from_secs(60);
        let later = Ok(Outcome::RetryIn(minute));
        let script = Script::new([later.clone(), later, Ok(Outcome::GiveUp("no way".into()))]);
        let set = shop.set(script.clone());
        shop.enqueue(NewJob::new("test").max_attempts(1)).await;
        let mut ends = Vec::new();
        for _ in 0..3 {
            ends.extend(ended(&set.drain().await.unwrap()));
            assert!(set.drain().await.unwrap().is_empty());
            shop.clock.advance(minute);
        }
        assert_eq!(ends, ["postponed", "postponed", "dead"]);
        assert_eq!(*script.attempts.lock().unwrap(), [1, 1, 1]);
    }

    async fn a_panic_or_a_hang_is_a_failure_like_any(db: TestDb) {
        let shop = Shop::new(&db);
        let set = shop.set(Wild);
        for what in ["panic", "hang", "else"] {
            shop.enqueue(NewJob::new("test").payload(&what).unwrap().max_attempts(1)).await;
        }
        shop.enqueue(NewJob::new("test").payload(&7).unwrap().max_attempts(1)).await;
        let ran = set.drain().await.unwrap();
        let mut ends = ended(&ran);
        ends.sort_unstable();
        assert_eq!(ends, ["dead", "dead", "dead", "done"]);
        let dead = shop.queue.list_dead(None, 10).await.unwrap();
        let errors: Vec<_> = dead.into_iter().filter_map(|job| job.last_error).collect();
        assert!(errors.iter().any(|error| error.contains("on purpose")), "{errors:?}");
        assert!(errors.iter().any(|error| error.contains("longer than")), "{errors:?}");
    }

    async fn a_job_may_finish_itself_with_its_change(db: TestDb) {
        let shop = Shop::new(&db);
        let set = shop.set(Chain(shop.db.clone(), shop.env.clone()));
        shop.enqueue(NewJob::new("test").payload(&3).unwrap()).await;
        assert_eq!(ended(&set.drain().await.unwrap()), ["done"; 4]);
    }

    async fn the_writer_s_request_is_known_to_the_job(db: TestDb) {
        let shop = Shop::new(&db);
        let set = shop.set(Tell);
        let context = RequestContext {
            request_id: "request-1".into(),
            trace: "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap(),
        };
        context.scope(shop.enqueue(NewJob::new("test"))).await;
        set.drain().await.unwrap();
        let dead = shop.queue.list_dead(None, 1).await.unwrap();
        let told = dead[0].last_error.as_deref();
        assert_eq!(told, Some("request-1 4bf92f3577b34da6a3ce929d0e0e4736"));
    }

    async fn a_job_is_part_of_its_writer_s_trace_if_it_runs_soon(db: TestDb) {
        let options = TraceOptions { sample: 1.0, slow: Duration::from_secs(60) };
        let (telemetry, mut outbox) = Telemetry::new("0", "0").traced(options);
        let shop = Shop::new(&db);
        let set = shop.set(Tell);
        let writer: TraceParent =
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".parse().unwrap();
        for later in [Duration::from_secs(600), Duration::from_secs(601)] {
            let context = RequestContext { request_id: "request-1".into(), trace: writer };
            context.scope(shop.enqueue(NewJob::new("test"))).await;
            shop.clock.advance(later);
            let job = set.claim("one", 1, Duration::from_secs(60)).await.unwrap().remove(0);
            let ran = set.run_traced(&job, telemetry.tracer()).await;
            assert_eq!(ran.ended.label(), "dead");
            let batch = outbox.ready().unwrap();
            let span = batch.spans.last().unwrap();
            assert_eq!((span.name.as_ref(), span.service), ("job test", "worker"));
            assert_eq!(span.error.as_deref(), Some("dead"));
            let link = span.links[0];
            assert_eq!((link.trace_id, link.span_id), (writer.trace_id, writer.span_id));
            let soon = later <= Duration::from_secs(600);
            assert_eq!(batch.trace_id == writer.trace_id, soon);
            assert_eq!(span.parent_id, if soon { writer.span_id } else { 0 });
            // What its statements did is told below it.
            let statement = batch.spans.iter().find(|span| span.name == "UPDATE jobs").unwrap();
            assert_eq!(statement.parent_id, span.span_id);
        }
        // One that nobody asked for, as those of the schedules, has a trace of its own.
        shop.enqueue(NewJob::new("test")).await;
        let job = set.claim("one", 1, Duration::from_secs(60)).await.unwrap().remove(0);
        set.run_traced(&job, telemetry.tracer()).await;
        let batch = outbox.ready().unwrap();
        let span = batch.spans.last().unwrap();
        assert_eq!((batch.trace_id, span.parent_id), (job.id.as_u128(), 0));
        assert!(span.links.is_empty());
    }

    async fn the_age_of_the_queue_is_that_of_the_job_that_waits_longest(db: TestDb) {
        let shop = Shop::new(&db);
        shop.enqueue(NewJob::new("test")).await;
        shop.clock.advance(Duration::from_secs(30));
        shop.enqueue(NewJob::new("test")).await;
        shop.enqueue(NewJob::new("test").run_at(shop.env.now() + Duration::from_secs(1))).await;
        let stats = shop.queue.stats().await.unwrap();
        assert_eq!((stats.ready, stats.scheduled, stats.running), (2, 1, 0));
        assert_eq!(stats.oldest, Duration::from_secs(30));
        assert_eq!(shop.claim("one", 2).await.len(), 2);
        let stats = shop.queue.stats().await.unwrap();
        assert_eq!((stats.ready, stats.running, stats.oldest), (0, 2, Duration::ZERO));
    }
}

/// A job that takes longer than its lease keeps it, until somebody takes it away.
#[tokio::test]
async fn a_long_job_keeps_its_lease() {
    struct Long;
    #[async_trait]
    impl Handler for Long {
        fn kind(&self) -> &'static str {
            "test"
        }
        async fn run(&self, _job: &Job) -> Result<Outcome, Error> {
            tokio::time::sleep(Duration::from_secs(200)).await;
            Ok(Outcome::Done)
        }
    }
    let db =
        techcommerce_testkit::TestDb::new(techcommerce_testkit::Dialect::Sqlite, &MIGRATOR).await;
    let shop = Shop::new(&db);
    let set = shop.set(Long);
    shop.enqueue(NewJob::new("test")).await;
    let lease = Duration::from_millis(30);
    let job = set.claim("one", 1, lease).await.unwrap().remove(0);
    let run = {
        let (set, job) = (set.clone(), job.clone());
        tokio::spawn(async move { set.run(&job).await })
    };
    for _ in 0..5 {
        shop.clock.advance(Duration::from_millis(20));
        while shop.queue.next_due().await.unwrap() != Some(shop.env.now() + lease) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    }
    // Now it is taken away behind its back: the run ends.
    shop.clock.advance(Duration::from_secs(60));
    assert_eq!(shop.queue.worker_started("one").await.unwrap(), 1);
    assert_eq!(shop.claim("two", 1).await.len(), 1);
    assert_eq!(run.await.unwrap().ended, Ended::Lost);
}

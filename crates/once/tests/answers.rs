//! One effect and one answer for each key, on both engines.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::disallowed_methods,
    reason = "a panic is how a test fails; the environment says how large a test is"
)]

use std::{
    collections::BTreeSet,
    sync::{
        Arc, LazyLock,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    routing::post,
};
use http::{Request, StatusCode, header};
use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use techcommerce_contracts::{Principal, Role, Service, TokenSigner, identity::TOKEN_HEADER};
use techcommerce_http::{ApiResult, Exposure, Health, Limits, ServiceStack, service_stack};
use techcommerce_jobs::{JobSet, Queue, Wake};
use techcommerce_kernel::{Env, Error, ManualClock, Uuid};
use techcommerce_once::{Answer, KEEP, Keyed, Prune, schedule, with_tables};
use techcommerce_store::{Db, StoreError, execute, transact, with};
use techcommerce_telemetry::Telemetry;
use techcommerce_testkit::TestDb;
use tower::ServiceExt;

static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    with_tables(techcommerce_jobs::with_tables(Migrator::with_migrations(
        Vec::new(),
    )))
});

#[derive(Clone)]
struct App {
    db: Db,
    env: Env,
    /// The process dies after the commit, before the answer is out.
    dies: Arc<AtomicBool>,
}

struct Shop {
    app: App,
    clock: ManualClock,
    router: Router,
    signer: TokenSigner,
}

/// Adds a row of the job queue, which stands for any effect.
async fn create(State(app): State<App>, Keyed { once, input }: Keyed<Value>) -> ApiResult<Answer> {
    let answer = transact!(app.db, |tx| -> Result<Answer, Error> {
        if let Some(answer) = once.begin(tx, &app.env).await? {
            return Ok(answer);
        }
        if input["refuse"] == true {
            return Err(Error::conflict("refused", "Not now."));
        }
        let id = techcommerce_jobs::enqueue(tx, &app.env, techcommerce_jobs::NewJob::new("effect"))
            .await?;
        let body = json!({ "id": id, "at": app.env.now(), "you": input });
        let answer = Answer::json(StatusCode::CREATED, &body)?
            .header(header::LOCATION, &format!("/things/{id}"))?;
        once.keep(tx, answer).await
    })?;
    if app.dies.swap(false, Ordering::SeqCst) {
        return Err(Error::unavailable("killed").into());
    }
    Ok(answer)
}

/// What was answered: status, headers, body.
type Said = (StatusCode, Vec<(String, String)>, Vec<u8>);

impl Shop {
    fn new(db: &TestDb) -> Self {
        let (env, clock) = techcommerce_testkit::env();
        let app = App {
            db: db.db(),
            env: env.clone(),
            dies: Arc::default(),
        };
        let signer = TokenSigner::from_seed(&[7; 32], env.clone());
        let router = Router::new()
            .route("/things", post(create))
            .route("/others", post(create))
            .with_state(app.clone());
        let stack = ServiceStack {
            service: Service::OrderApi,
            verifier: signer.verifier(),
            env,
            telemetry: Telemetry::new("test", "test"),
            health: Health::new(Service::OrderApi, Vec::new()),
            exposure: Exposure::Internal,
            limits: Limits::default(),
        };
        Self {
            app,
            clock,
            router: service_stack(router, stack),
            signer,
        }
    }

    async fn send(&self, who: Option<u128>, path: &str, key: Option<&str>, body: &Value) -> Said {
        let mut request = Request::post(path).header(header::CONTENT_TYPE, "application/json");
        if let Some(who) = who {
            let principal = Principal::ApiKey {
                id: Uuid::from_u128(who),
                role: Role::Staff,
            };
            let token = self.signer.sign(principal, None).unwrap().0;
            request = request.header(TOKEN_HEADER, token);
        }
        if let Some(key) = key {
            request = request.header("idempotency-key", key);
        }
        let request = request.body(Body::from(body.to_string())).unwrap();
        let (head, body) = self
            .router
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .into_parts();
        let kept = ["content-type", "cache-control", "location"];
        let headers = head.headers.iter();
        let headers = headers.filter(|(name, _)| kept.contains(&name.as_str()));
        let headers =
            headers.map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        let headers = headers.collect();
        (
            head.status,
            headers,
            to_bytes(body, usize::MAX).await.unwrap().to_vec(),
        )
    }

    async fn effects(&self) -> i64 {
        self.count("SELECT COUNT(*) FROM jobs WHERE kind = 'effect'")
            .await
    }

    async fn count(&self, sql: &'static str) -> i64 {
        let mut conn = self.app.db.read().await.unwrap();
        let count: Result<i64, StoreError> =
            with!(conn, |c| sqlx::query_scalar(sql).fetch_one(c).await);
        count.unwrap()
    }
}

fn code(said: &Said) -> String {
    let body: Value = serde_json::from_slice(&said.2).unwrap();
    body["code"].as_str().unwrap_or_default().to_owned()
}

techcommerce_testkit::on_both_engines! { MIGRATOR;
    async fn the_same_again_is_the_same_byte_for_byte(db: TestDb) {
        let shop = Shop::new(&db);
        let body = json!({ "name": "Ü" });
        let first = shop.send(Some(1), "/things", Some("k"), &body).await;
        assert_eq!(first.0, 201);
        assert_eq!(first.1.len(), 3, "{:?}", first.1);
        for _ in 0..4 {
            shop.clock.advance(Duration::from_secs(3600));
            assert_eq!(shop.send(Some(1), "/things", Some("k"), &body).await, first);
        }
        assert_eq!(shop.effects().await, 1);
    }

    async fn a_death_between_effect_and_answer_is_made_good(db: TestDb) {
        let shop = Shop::new(&db);
        let body = json!({});
        shop.app.dies.store(true, Ordering::SeqCst);
        assert_eq!(shop.send(Some(1), "/things", Some("k"), &body).await.0, 503);
        let second = shop.send(Some(1), "/things", Some("k"), &body).await;
        assert_eq!(second.0, 201);
        assert_eq!(shop.send(Some(1), "/things", Some("k"), &body).await, second);
        assert_eq!(shop.effects().await, 1);
    }

    async fn two_at_once_are_one(db: TestDb) {
        let shop = Arc::new(Shop::new(&db));
        for round in 0..10 {
            let key = format!("k{round}");
            let sends = (0..8).map(|_| {
                let (shop, key) = (Arc::clone(&shop), key.clone());
                tokio::spawn(async move {
                    shop.send(Some(1), "/things", Some(&key), &json!({})).await
                })
            });
            let mut answers = BTreeSet::new();
            for send in sends.collect::<Vec<_>>() {
                let said = send.await.unwrap();
                assert_eq!(said.0, 201, "{}", code(&said));
                answers.insert(said.2);
            }
            assert_eq!(answers.len(), 1);
        }
        assert_eq!(shop.effects().await, 10);
    }

    async fn a_key_is_one_persons_for_one_thing(db: TestDb) {
        let shop = Shop::new(&db);
        let body = json!({});
        let first = shop.send(Some(1), "/things", Some("k"), &body).await;
        let other = shop.send(Some(1), "/things", Some("k"), &json!({ "more": 1 })).await;
        assert_eq!((other.0.as_u16(), code(&other).as_str()), (422, "idempotency_key_reused"));
        // Another person, another operation, no key: another effect each.
        assert_ne!(shop.send(Some(2), "/things", Some("k"), &body).await, first);
        assert_ne!(shop.send(Some(1), "/others", Some("k"), &body).await, first);
        assert_ne!(shop.send(Some(1), "/things", None, &body).await, first);
        // Guests cannot be told apart, so one never gets another's answer.
        let guest = shop.send(None, "/things", Some("k"), &body).await;
        assert_ne!(shop.send(None, "/things", Some("k"), &body).await, guest);
        assert_eq!(shop.effects().await, 6);
        for bad in ["", " ", &"x".repeat(256)] {
            let said = shop.send(Some(1), "/things", Some(bad), &body).await;
            assert_eq!((said.0.as_u16(), code(&said).as_str()), (400, "idempotency_key_required"));
        }
    }

    async fn what_is_refused_may_be_tried_again(db: TestDb) {
        let shop = Shop::new(&db);
        let refused = shop.send(Some(1), "/things", Some("k"), &json!({ "refuse": true })).await;
        assert_eq!(refused.0, 409);
        assert_eq!(shop.send(Some(1), "/things", Some("k"), &json!({})).await.0, 201);
        assert_eq!(shop.effects().await, 1);
    }

    async fn answers_are_kept_for_a_day(db: TestDb) {
        let shop = Shop::new(&db);
        let body = json!({});
        let first = shop.send(Some(1), "/things", Some("k"), &body).await;
        let queue = Queue::new(db.db(), shop.app.env.clone(), Wake::default());
        let jobs = JobSet::new("test", queue)
            .handler(Prune::new(db.db(), shop.app.env.clone()))
            .schedule(schedule())
            .build();
        shop.clock.advance(KEEP - Duration::from_secs(1));
        jobs.tick().await.unwrap();
        jobs.drain().await.unwrap();
        assert_eq!(shop.send(Some(1), "/things", Some("k"), &body).await, first);
        shop.clock.advance(Duration::from_secs(3601));
        jobs.tick().await.unwrap();
        jobs.drain().await.unwrap();
        assert_eq!(shop.count("SELECT COUNT(*) FROM idempotency_answers").await, 0);
        assert_ne!(shop.send(Some(1), "/things", Some("k"), &body).await, first);
    }

    async fn a_damaged_answer_is_an_error_and_no_second_effect(db: TestDb) {
        let shop = Shop::new(&db);
        let body = json!({});
        shop.send(Some(1), "/things", Some("k"), &body).await;
        transact!(db.db(), |tx| -> Result<(), Error> {
            execute!(tx, sqlx::query("UPDATE idempotency_answers SET headers = '[[\"a b\",\"c\"]]'"))?;
            Ok(())
        })
        .unwrap();
        assert_eq!(shop.send(Some(1), "/things", Some("k"), &body).await.0, 500);
        assert_eq!(shop.effects().await, 1);
    }

    async fn many_keys_five_times_each(db: TestDb) {
        const AT_ONCE: u64 = 16;
        let keys: u64 = match std::env::var_os("TECHCOMMERCE_TEST_NIGHTLY").is_some() {
            true => 100_000,
            false => 320,
        };
        let shop = Arc::new(Shop::new(&db));
        let senders = (0..AT_ONCE).map(|sender| {
            let shop = Arc::clone(&shop);
            tokio::spawn(async move {
                for number in (sender..keys).step_by(16) {
                    let (key, body) = (format!("key {number}"), json!({ "number": number }));
                    let send = || shop.send(Some(1), "/things", Some(&key), &body);
                    // Twice at once, then again.
                    let (first, second) = tokio::join!(send(), send());
                    assert_eq!(first.0, 201, "{}", code(&first));
                    assert_eq!(second, first);
                    for _ in 0..3 {
                        assert_eq!(send().await, first);
                    }
                }
            })
        });
        for sender in senders.collect::<Vec<_>>() {
            sender.await.unwrap();
        }
        assert_eq!(shop.effects().await, i64::try_from(keys).unwrap());
        let kept = shop.count("SELECT COUNT(*) FROM idempotency_answers").await;
        assert_eq!(kept, i64::try_from(keys).unwrap());
    }
}

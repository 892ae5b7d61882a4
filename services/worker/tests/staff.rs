//! What staff do with the jobs of all services.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a panic is how a test fails"
)]

use std::{sync::LazyLock, time::Duration};

use async_trait::async_trait;
use axum::{Router, body::Body};
use http::{Method, Request, request::Builder};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use sqlx::migrate::Migrator;
use techcommerce_contracts::{
    Principal, Role, TokenSigner, audit::AuditQuery, identity::TOKEN_HEADER,
};
use techcommerce_jobs::{Handler, Job, JobSet, NewJob, Outcome, Queue, Wake, enqueue};
use techcommerce_kernel::{Env, Error, ManualClock, Uuid};
use techcommerce_store::{Db, transact};
use techcommerce_telemetry::Telemetry;
use techcommerce_testkit::TestDb;
use techcommerce_worker::{Deps, Settings, build};
use tower::ServiceExt;

static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    let none = Migrator::with_migrations(Vec::new());
    techcommerce_audit::with_tables(techcommerce_jobs::with_tables(none))
});

/// Gives up at once.
struct Hopeless(&'static str);

#[async_trait]
impl Handler for Hopeless {
    fn kind(&self) -> &'static str {
        self.0
    }

    async fn run(&self, _job: &Job) -> Result<Outcome, Error> {
        Ok(Outcome::GiveUp("nobody answers".to_owned()))
    }
}

struct Shop {
    env: Env,
    clock: ManualClock,
    sets: Vec<JobSet>,
    router: Router,
    signer: TokenSigner,
}

impl Shop {
    fn new(db: &TestDb) -> Self {
        let (env, clock) = Env::manual(3);
        let signer = TokenSigner::from_seed(&[7; 32], env.clone());
        let queue = Queue::new(db.db(), env.clone(), Wake::default());
        let sets = vec![
            JobSet::new("order-api", queue)
                .handler(Hopeless("order.mail"))
                .handler(Hopeless("order.advance"))
                .build(),
        ];
        let built = build(Deps {
            env: env.clone(),
            settings: Settings::default(),
            sets: sets.clone(),
            telemetry: Telemetry::new("test", "test"),
            verifier: signer.verifier(),
        });
        built.health.set_ready();
        Self {
            env,
            clock,
            sets,
            router: built.router,
            signer,
        }
    }

    fn db(&self) -> &Db {
        self.sets[0].queue().db()
    }

    async fn enqueue(&self, kind: &'static str) -> Uuid {
        self.clock.advance(Duration::from_secs(1));
        transact!(self.db(), |tx| -> Result<Uuid, Error> {
            enqueue(tx, &self.env, NewJob::new(kind)).await
        })
        .unwrap()
    }

    async fn send(&self, who: Option<Role>, method: Method, path: &str) -> (u16, Value) {
        let request = Request::builder().method(method).uri(path);
        self.exchange(who, request, Body::empty()).await
    }

    async fn send_json(&self, who: Option<Role>, path: &str, body: &Value) -> (u16, Value) {
        let request = Request::post(path).header("content-type", "application/json");
        self.exchange(who, request, Body::from(body.to_string()))
            .await
    }

    async fn exchange(&self, who: Option<Role>, mut request: Builder, body: Body) -> (u16, Value) {
        if let Some(role) = who {
            let id = Uuid::from_u128(5);
            let account = Principal::Account {
                id,
                role,
                session: id,
            };
            let (token, _) = self.signer.sign(account, None).unwrap();
            request = request.header(TOKEN_HEADER, token);
        }
        let request = request.body(body).unwrap();
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let body = answer.into_body().collect().await.unwrap().to_bytes();
        (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
    }

    async fn list(&self, query: &str) -> Vec<String> {
        let mut ids = Vec::new();
        let mut cursor = String::new();
        loop {
            let path = format!("/jobs?limit=2&{query}{cursor}");
            let (status, page) = self.send(Some(Role::Staff), Method::GET, &path).await;
            assert_eq!(status, 200, "{page}");
            for item in page["items"].as_array().unwrap() {
                ids.push(item["id"].as_str().unwrap().to_owned());
            }
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return ids,
            }
        }
    }
}

fn texts(ids: &[Uuid]) -> Vec<String> {
    ids.iter().map(Uuid::to_string).collect()
}

techcommerce_testkit::on_both_engines! { MIGRATOR;
    async fn jobs_are_listed_by_where_they_stand(db: TestDb) {
        let shop = Shop::new(&db);
        let dead = [shop.enqueue("order.mail").await, shop.enqueue("order.advance").await, shop.enqueue("order.mail").await];
        shop.sets[0].drain().await.unwrap();
        let waiting = [shop.enqueue("order.mail").await, shop.enqueue("order.advance").await];
        let running = shop.sets[0].claim("one", 1, Duration::from_secs(60)).await.unwrap()[0].id;
        assert_eq!(running, waiting[0]);
        assert_eq!(shop.list("").await, texts(&[waiting[1], running, dead[2], dead[1], dead[0]]));
        assert_eq!(shop.list("state=dead").await, texts(&[dead[2], dead[1], dead[0]]));
        assert_eq!(shop.list("state=running").await, texts(&[running]));
        assert_eq!(shop.list("state=waiting").await, texts(&[waiting[1]]));
        assert_eq!(shop.list("kind=order.advance").await, texts(&[waiting[1], dead[1]]));
        assert_eq!(shop.list("service=order-api&state=dead&kind=order.advance").await, texts(&[dead[1]]));
        assert_eq!(shop.list("service=auth").await, [""; 0]);
        let (_, page) = shop.send(Some(Role::Staff), Method::GET, "/jobs?state=dead&limit=1").await;
        let job = &page["items"][0];
        assert_eq!((&job["service"], &job["kind"], &job["state"]), (&json!("order-api"), &json!("order.mail"), &json!("dead")));
        assert_eq!((&job["attempts"], &job["last_error"]), (&json!(1), &json!("nobody answers")));
        let (_, counts) = shop.send(Some(Role::Staff), Method::GET, "/jobs/counts").await;
        assert_eq!(counts, json!({
            "items": [{"service": "order-api", "waiting": 1, "running": 1, "dead": 3, "kinds": [
                {"kind": "order.advance", "waiting": 1, "running": 0, "dead": 1, "oldest_seconds": 0},
                {"kind": "order.mail", "waiting": 0, "running": 1, "dead": 2, "oldest_seconds": 0},
            ]}],
            "dead": 3,
            "workers": [],
        }));
        shop.sets[0].queue().heartbeat("pod-1").await.unwrap();
        shop.clock.advance(Duration::from_secs(90));
        shop.sets[0].queue().heartbeat("pod-2").await.unwrap();
        let (_, counts) = shop.send(Some(Role::Staff), Method::GET, "/jobs/counts").await;
        let names: Vec<_> = counts["workers"].as_array().unwrap().iter().map(|seen| &seen["name"]).collect();
        assert_eq!(names, ["pod-2", "pod-1"]);
        assert_eq!(counts["items"][0]["kinds"][0]["oldest_seconds"], 90);
        shop.clock.advance(Duration::from_secs(24 * 3600 - 60));
        let (_, counts) = shop.send(Some(Role::Staff), Method::GET, "/jobs/counts").await;
        assert_eq!(counts["workers"].as_array().unwrap().len(), 1, "one was not seen for a day");
        for wrong in ["state=x", "limit=0", "cursor=x"] {
            assert_eq!(shop.send(Some(Role::Staff), Method::GET, &format!("/jobs?{wrong}")).await.0, 400, "{wrong}");
        }
    }

    async fn dead_jobs_are_tried_again_or_given_up(db: TestDb) {
        let shop = Shop::new(&db);
        let (first, second) = (shop.enqueue("order.mail").await, shop.enqueue("order.mail").await);
        shop.sets[0].drain().await.unwrap();
        let waits = shop.enqueue("order.mail").await;
        let post = async |id: Uuid| shop.send(Some(Role::Staff), Method::POST, &format!("/jobs/order-api/{id}/retry")).await;
        let delete = async |id: Uuid| shop.send(Some(Role::Staff), Method::DELETE, &format!("/jobs/order-api/{id}")).await;
        for answer in [post(waits).await, delete(waits).await, post(Uuid::nil()).await] {
            assert_eq!((answer.0, &answer.1["code"]), (404, &json!("job_not_found")));
        }
        assert_eq!(post(first).await.0, 204);
        assert_eq!(post(first).await.0, 404, "it is not dead any more");
        assert_eq!(shop.list("state=waiting").await, texts(&[waits, first]));
        shop.clock.advance(Duration::from_secs(1));
        let long = format!("/jobs/order-api/{second}?reason={}", "x".repeat(501));
        let refused = shop.send(Some(Role::Staff), Method::DELETE, &long).await;
        assert_eq!((refused.0, &refused.1["errors"][0]["path"]), (400, &json!("reason")));
        let why = format!("/jobs/order-api/{second}?reason=told%20by%20phone");
        assert_eq!(shop.send(Some(Role::Staff), Method::DELETE, &why).await.0, 204);
        assert_eq!(delete(second).await.0, 404);
        assert_eq!(shop.list("state=dead").await, [""; 0]);
        let nowhere = shop.send(Some(Role::Staff), Method::DELETE, &format!("/jobs/nowhere/{first}")).await;
        assert_eq!(nowhere.0, 404);
        let log = techcommerce_audit::list(shop.db(), &AuditQuery::default()).await.unwrap().items;
        let told: Vec<_> = log.iter().map(|entry| (entry.action.as_str(), entry.object_id.clone(), entry.object_title.as_str())).collect();
        assert_eq!(told, [
            ("job.discard", second.to_string(), "order.mail"),
            ("job.retry", first.to_string(), "order.mail"),
        ]);
        assert_eq!(log[0].change, json!({"service": "order-api", "reason": "told by phone"}));
        assert!(log[0].actor.starts_with("account:"));
    }

    async fn a_job_is_looked_into_without_its_secrets(db: TestDb) {
        let shop = Shop::new(&db);
        let id = transact!(shop.db(), |tx| -> Result<Uuid, Error> {
            let payload = json!({"order": "1042", "token": "tcr_abc", "to": "ada@example.org"});
            enqueue(tx, &shop.env, NewJob::new("order.mail").payload(&payload)?).await
        })
        .unwrap();
        let path = format!("/jobs/order-api/{id}");
        let (status, job) = shop.send(Some(Role::Staff), Method::GET, &path).await;
        assert_eq!(status, 200, "{job}");
        assert_eq!((&job["kind"], &job["state"]), (&json!("order.mail"), &json!("waiting")));
        assert_eq!(job["payload"], json!({"order": "1042", "token": "[redacted]", "to": "[redacted]"}));
        shop.sets[0].drain().await.unwrap();
        let (_, job) = shop.send(Some(Role::Staff), Method::GET, &path).await;
        assert_eq!((&job["state"], &job["last_error"]), (&json!("dead"), &json!("nobody answers")));
        for wrong in ["/jobs/order-api/00000000-0000-0000-0000-000000000000".to_owned(), format!("/jobs/auth/{id}")] {
            let (status, problem) = shop.send(Some(Role::Staff), Method::GET, &wrong).await;
            assert_eq!((status, &problem["code"]), (404, &json!("job_not_found")));
        }
    }

    async fn all_dead_jobs_of_a_kind_are_tried_again(db: TestDb) {
        let shop = Shop::new(&db);
        let mails = [shop.enqueue("order.mail").await, shop.enqueue("order.mail").await];
        let other = shop.enqueue("order.advance").await;
        shop.sets[0].drain().await.unwrap();
        let retry = async |service: &str, kind: &str| {
            shop.send_json(Some(Role::Staff), "/jobs/retry", &json!({"service": service, "kind": kind})).await
        };
        assert_eq!(retry("order-api", "nothing").await, (200, json!({"count": 0})));
        assert_eq!(retry("order-api", "order.mail").await, (200, json!({"count": 2})));
        assert_eq!(retry("nowhere", "order.mail").await.0, 404);
        assert_eq!(shop.list("state=waiting").await, texts(&[mails[1], mails[0]]));
        assert_eq!(shop.list("state=dead").await, texts(&[other]));
        let log = techcommerce_audit::list(shop.db(), &AuditQuery::default()).await.unwrap().items;
        assert_eq!(log.len(), 1, "what changed nothing is not written down");
        assert_eq!((log[0].action.as_str(), log[0].object_title.as_str()), ("job.retry_kind", "order.mail"));
        assert_eq!(log[0].change, json!({"service": "order-api", "count": 2}));
        let body = json!({"service": "order-api", "kind": "order.advance"});
        assert_eq!(shop.send_json(None, "/jobs/retry", &body).await.0, 401);
        assert_eq!(shop.send_json(Some(Role::Customer), "/jobs/retry", &body).await.0, 403);
    }

    async fn only_staff_may(db: TestDb) {
        let shop = Shop::new(&db);
        let dead = shop.enqueue("order.mail").await;
        shop.sets[0].drain().await.unwrap();
        let paths = [
            (Method::GET, "/jobs".to_owned()),
            (Method::GET, "/jobs/counts".to_owned()),
            (Method::GET, format!("/jobs/order-api/{dead}")),
            (Method::POST, format!("/jobs/order-api/{dead}/retry")),
            (Method::DELETE, format!("/jobs/order-api/{dead}")),
        ];
        for (method, path) in paths {
            assert_eq!(shop.send(None, method.clone(), &path).await.0, 401, "{path}");
            assert_eq!(shop.send(Some(Role::Customer), method, &path).await.0, 403, "{path}");
        }
        assert_eq!(shop.list("state=dead").await, texts(&[dead]));
    }
}

#[test]
fn the_document_has_the_outer_paths() {
    let document = techcommerce_worker::openapi();
    let paths: Vec<_> = document.paths.paths.keys().map(String::as_str).collect();
    assert_eq!(
        paths,
        [
            "/api/jobs",
            "/api/jobs/counts",
            "/api/jobs/retry",
            "/api/jobs/{service}/{id}",
            "/api/jobs/{service}/{id}/retry"
        ]
    );
}

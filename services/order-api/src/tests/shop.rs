//! The service with all that it needs, in the hand of a test.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Router, body::Body};
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};
use techcommerce_contracts::{
    Channel, Client, Principal, Role, Service, ServiceTokens, TokenSigner, identity::TOKEN_HEADER,
    order_api::PaymentMethod,
};
use techcommerce_follow::Source;
use techcommerce_jobs::{Ended, JobSet, Ran, Wake};
use techcommerce_kernel::{Env, Error, ManualClock, Meter, Uuid};
use techcommerce_mail::{Mailer, Sender, Transport};
use techcommerce_store::Db;
use techcommerce_telemetry::Telemetry;
use techcommerce_testkit::{TempDir, TestDb, stripe};
use tower::ServiceExt;

use super::warehouse::Warehouse;
use crate::{
    Deps, Settings, Stripe, StripeDeps, audit, build_with,
    faults::{Faults, Point},
};

/// Which of the points that are passed makes the path break off, once.
#[derive(Default)]
pub struct Plan {
    pub passed: Vec<Point>,
    pub break_at: Option<usize>,
}

pub struct Shop {
    pub db: Db,
    pub env: Env,
    pub clock: ManualClock,
    pub warehouse: Warehouse,
    pub jobs: JobSet,
    pub plan: Arc<Mutex<Plan>>,
    pub mails: TempDir,
    router: Router,
    signer: TokenSigner,
}

pub fn staff() -> Option<Principal> {
    person(1, Role::Staff)
}

pub fn person(id: u128, role: Role) -> Option<Principal> {
    Some(Principal::Account {
        id: Uuid::from_u128(id),
        role,
        session: Uuid::from_u128(id),
    })
}

pub const GUEST: Option<Principal> = None;

impl Shop {
    pub async fn new(db: &TestDb) -> Self {
        Self::with(db, Settings::default()).await
    }

    pub async fn with(db: &TestDb, settings: Settings) -> Self {
        Self::made(db, settings, Env::manual(7), None).await
    }

    /// One that takes cards at a Stripe of the test's own, which goes by the same clock.
    pub async fn with_stripe(db: &TestDb) -> (Self, stripe::Stripe) {
        Self::with_stripe_and(db, Settings::default()).await
    }

    /// The same with these settings.
    pub async fn with_stripe_and(db: &TestDb, mut settings: Settings) -> (Self, stripe::Stripe) {
        let (env, clock) = Env::manual(7);
        let double = stripe::Stripe::start_by(env.clone()).await;
        let stripe = Self::client(db, &env, &double);
        settings.payment_methods.push(PaymentMethod::Stripe);
        let shop = Self::made(db, settings, (env, clock), Some(stripe)).await;
        (shop, double)
    }

    /// Another process of this shop.
    pub async fn another(&self, db: &TestDb, double: &stripe::Stripe) -> Self {
        let stripe = Self::client(db, &self.env, double);
        Self::with_this_stripe(db, (self.env.clone(), self.clock.clone()), stripe).await
    }

    fn client(db: &TestDb, env: &Env, double: &stripe::Stripe) -> Stripe {
        let deps = StripeDeps {
            api_address: double.address(),
            secret_key: stripe::SECRET_KEY.into(),
            webhook_secrets: Source::fixed(vec![stripe::WEBHOOK_SECRET.to_owned()]),
        };
        let at = Settings::default().public_url;
        Stripe::new(deps, db.db(), env.clone(), Meter::default(), at).unwrap()
    }

    /// One that takes cards at this Stripe.
    pub async fn with_this_stripe(db: &TestDb, env: (Env, ManualClock), stripe: Stripe) -> Self {
        let mut settings = Settings::default();
        settings.payment_methods.push(PaymentMethod::Stripe);
        Self::made(db, settings, env, Some(stripe)).await
    }

    async fn made(
        db: &TestDb,
        settings: Settings,
        (env, clock): (Env, ManualClock),
        stripe: Option<Stripe>,
    ) -> Self {
        let signer = TokenSigner::from_seed(&[7; 32], env.clone());
        let warehouse = Warehouse::new(env.clone());
        let (channel, binding) = Channel::local(Service::ProductApi);
        binding.bind(warehouse.router());
        let plan = Arc::new(Mutex::new(Plan::default()));
        let faults = {
            let plan = plan.clone();
            Faults::new(move |point| {
                let mut plan = plan.lock().unwrap();
                plan.passed.push(point);
                if plan.break_at == Some(plan.passed.len() - 1) {
                    return Err(Error::unavailable("killed").caused_by(format!("{point:?}")));
                }
                Ok(())
            })
        };
        let mails = techcommerce_testkit::folder();
        let sender = Sender {
            name: "Tidewell".into(),
            address: "shop@example.com".parse().unwrap(),
        };
        let transport = Transport::Folder(mails.path().to_owned());
        let tokens = ServiceTokens::local(signer.clone(), Service::OrderApi);
        let deps = Deps {
            env: env.clone(),
            db: db.db(),
            products: Client::new(channel, tokens),
            verifier: signer.verifier(),
            mailer: Mailer::new(transport, sender, env.clone()).unwrap(),
            wake: Wake::default(),
            telemetry: Telemetry::new("0", "0"),
            provider: Meter::default(),
            stripe,
            settings,
        };
        crate::seed_demo_discounts(&deps.db, &env).await.unwrap();
        let built = build_with(deps, faults);
        built.health.set_ready();
        Self {
            db: db.db(),
            env,
            clock,
            warehouse,
            jobs: built.jobs,
            plan,
            mails,
            router: built.router,
            signer,
        }
    }

    pub async fn send(
        &self,
        who: Option<Principal>,
        method: Method,
        path: &str,
        key: Option<&str>,
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        let headers: Vec<_> = key
            .map(|key| ("idempotency-key", key))
            .into_iter()
            .collect();
        self.send_with(who, method, path, &headers, body).await
    }

    pub async fn send_with(
        &self,
        who: Option<Principal>,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<Value>,
    ) -> (StatusCode, Value) {
        if method != Method::GET {
            // What happens one after the other is so in the log too.
            self.clock.advance(Duration::from_millis(1));
        }
        let mut request = Request::builder().method(method).uri(path);
        if let Some(principal) = who {
            let (token, _) = self.signer.sign(principal, None).unwrap();
            request = request.header(TOKEN_HEADER, token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let request = request.body(body).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let bytes = axum::body::to_bytes(response.into_body(), 1 << 20)
            .await
            .unwrap();
        (
            status,
            serde_json::from_slice(&bytes).unwrap_or(Value::Null),
        )
    }

    pub async fn get(&self, who: Option<Principal>, path: &str) -> (StatusCode, Value) {
        self.send(who, Method::GET, path, None, None).await
    }

    /// As staff.
    pub async fn post(&self, path: &str, body: Value) -> (StatusCode, Value) {
        self.send(staff(), Method::POST, path, None, Some(body))
            .await
    }

    /// A cart that holds these variants.
    pub async fn cart(&self, lines: &[(Uuid, i64)]) -> String {
        let (status, cart) = self.send(GUEST, Method::POST, "/carts", None, None).await;
        assert_eq!(status, 201, "{cart}");
        let id = cart["id"].as_str().unwrap().to_owned();
        for (variant, quantity) in lines {
            let (status, cart) = self.put_line(&id, *variant, *quantity).await;
            assert_eq!(status, 200, "{cart}");
            self.clock.advance(Duration::from_millis(1));
        }
        id
    }

    pub async fn put_line(&self, cart: &str, variant: Uuid, quantity: i64) -> (StatusCode, Value) {
        let path = format!("/carts/{cart}/lines/{variant}");
        let body = json!({ "quantity": quantity });
        self.send(GUEST, Method::PUT, &path, None, Some(body)).await
    }

    /// What a guest sends to order `cart`.
    pub fn order_body(cart: &str, payment: Value) -> Value {
        json!({
            "cart_id": cart,
            "email": "Ada@example.com",
            "shipping_address": {
                "name": "Ada Example", "line1": "Kai 1", "city": "Kiel",
                "postal_code": "24103", "country": "DE",
            },
            "shipping_method": "standard",
            "payment": payment,
        })
    }

    pub async fn place(&self, cart: &str, key: &str, token: Option<&str>) -> (StatusCode, Value) {
        let payment = json!({ "method": "test", "token": token });
        self.place_with(GUEST, cart, key, payment).await
    }

    pub async fn place_with(
        &self,
        who: Option<Principal>,
        cart: &str,
        key: &str,
        payment: Value,
    ) -> (StatusCode, Value) {
        let body = Self::order_body(cart, payment);
        self.send(who, Method::POST, "/orders", Some(key), Some(body))
            .await
    }

    /// A paid order of one line: 2 of a thing at 50.00, shipped for nothing.
    pub async fn paid_order(&self) -> (Uuid, Value) {
        let variant = self.warehouse.stock(5000, 10);
        let cart = self.cart(&[(variant, 2)]).await;
        let (status, order) = self.place(&cart, "k", None).await;
        assert_eq!(status, 201, "{order}");
        self.settle().await;
        let order = self.order(&order).await;
        assert_eq!(order["payment_status"], "paid", "{order}");
        (variant, order)
    }

    /// The list at this path, as staff see it, one page after the other.
    pub async fn pages(&self, path: &str) -> Vec<Value> {
        let mut items: Vec<Value> = Vec::new();
        let mut cursor = String::new();
        for _ in 0..100 {
            let (status, page) = self.get(staff(), &format!("{path}{cursor}")).await;
            assert_eq!(status, 200, "{page}");
            items.extend(page["items"].as_array().unwrap().iter().cloned());
            match page["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return items,
            }
        }
        panic!("the list does not end");
    }

    /// The actions in the audit log, the latest last, each with what it changed.
    pub async fn logged(&self) -> Vec<(String, Value)> {
        let mut items = self.pages("/audit/orders?limit=100").await;
        items.reverse();
        let text = |entry: &Value| entry["action"].as_str().unwrap().to_owned();
        items
            .iter()
            .map(|entry| (text(entry), entry["change"].clone()))
            .collect()
    }

    /// The order as staff see it now.
    pub async fn order(&self, order: &Value) -> Value {
        let path = format!("/orders/{}", order["id"].as_str().unwrap());
        let (status, order) = self.get(staff(), &path).await;
        assert_eq!(status, 200, "{order}");
        order
    }

    /// Runs all jobs, and moves the clock to those that wait, until none is left.
    pub async fn settle(&self) -> Vec<Ran> {
        let mut all = Vec::new();
        for _ in 0..200 {
            all.extend(self.jobs.drain().await.unwrap());
            match self.jobs.queue().next_due().await.unwrap() {
                None => return all,
                Some(due) if due > self.env.now() => self.clock.set(due),
                Some(_) => self.clock.advance(Duration::from_secs(1)),
            }
        }
        panic!("the jobs do not end: {all:?}");
    }

    /// Nothing differs, nothing is held, no job was given up.
    pub async fn assert_balanced(&self, ran: &[Ran]) {
        let audit = audit(&self.db).await.unwrap();
        assert_eq!(audit.differences, [""; 0]);
        assert_eq!(self.warehouse.reserved(), 0, "stock is left reserved");
        assert!(ran.iter().all(|ran| ran.ended != Ended::Dead), "{ran:?}");
    }

    /// All mails, as they were written.
    pub fn mails(&self) -> Vec<String> {
        std::fs::read_dir(self.mails.path())
            .unwrap()
            .map(|entry| std::fs::read_to_string(entry.unwrap().path()).unwrap())
            .collect()
    }

    /// The subjects of all mails, sorted.
    pub fn subjects(&self) -> Vec<String> {
        let mails = self.mails().into_iter();
        let mut subjects: Vec<String> = mails
            .filter_map(|mail| {
                let line = mail.lines().find(|line| line.starts_with("Subject:"))?;
                Some(line.to_owned())
            })
            .collect();
        subjects.sort();
        subjects
    }
}

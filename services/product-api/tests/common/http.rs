//! The service behind its router, without a socket.

use std::time::Duration;

use axum::{Router, body::Body};
use http::{Method, Request, header};
use http_body_util::BodyExt;
use serde_json::Value;
use techcommerce_contracts::{
    Channel, Principal, Role, Service, ServiceTokens, TokenSigner, identity::TOKEN_HEADER,
};
use techcommerce_jobs::{JobSet, Wake};
use techcommerce_kernel::{Currency, Env, ManualClock, Uuid};
use techcommerce_product_api::{Built, Deps, HostsAllowed, PictureDeps, Settings, build, openapi};
use techcommerce_runtime::{Module, Shutdown, Starter, Switchboard};
use techcommerce_store::Db;
use techcommerce_telemetry::Telemetry;
use tower::ServiceExt;

pub struct Served {
    pub router: Router,
    pub jobs: JobSet,
    pub db: Db,
    pub env: Env,
    pub clock: ManualClock,
    pub document: Value,
    signer: TokenSigner,
    stop: Shutdown,
}

/// Who calls.
#[derive(Clone, Copy)]
pub enum As {
    Guest,
    Staff,
    Service,
}

pub struct Answer {
    pub status: u16,
    pub headers: http::HeaderMap,
    pub body: Value,
    pub bytes: Vec<u8>,
}

impl Served {
    pub async fn new(db: Db) -> Self {
        let (images, _nobody) = Channel::local(Service::Images);
        Self::with_images(db, images).await
    }

    /// With somebody who takes pictures.
    pub async fn with_images(db: Db, images: Channel) -> Self {
        let (env, clock) = Env::manual(3);
        let signer = TokenSigner::from_seed(&[9; 32], env.clone());
        let built = build(Deps {
            env: env.clone(),
            db: db.clone(),
            wake: Wake::default(),
            verifier: signer.verifier(),
            telemetry: Telemetry::new("test", "test"),
            settings: Settings {
                ledger_check: std::time::Duration::from_secs(600),
                currency: Currency::EUR,
                public_url: "https://shop.example".to_owned(),
            },
            pictures: PictureDeps {
                images,
                tokens: ServiceTokens::local(signer.clone(), Service::Auth),
                hosts_allowed: HostsAllowed::parse(["127.0.0.1"]).unwrap(),
                meter: techcommerce_kernel::Meter::default(),
            },
            spool: std::env::temp_dir(),
        });
        let Built {
            router,
            health,
            tasks,
            jobs,
        } = built.await.unwrap();
        let stop = Shutdown::new();
        let module = Module {
            service: Service::ProductApi,
            needs: Vec::new(),
            router: router.clone(),
            health,
            tasks,
        };
        let starter = Starter::new(Telemetry::new("test", "test"), Switchboard::new(Vec::new()));
        tokio::spawn(starter.module(module).run(stop.clone(), || {}));
        let document = serde_json::to_value(openapi()).unwrap();
        Self {
            router,
            jobs,
            db,
            env,
            clock,
            document,
            signer,
            stop,
        }
    }

    pub async fn send(
        &self,
        who: As,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        let principal = match who {
            As::Guest => None,
            As::Staff => Some(Principal::ApiKey {
                id: Uuid::nil(),
                role: Role::Staff,
            }),
            As::Service => Some(Principal::Service {
                name: Service::OrderApi,
            }),
        };
        if let Some(principal) = principal {
            let (token, _) = self.signer.sign(principal, None).unwrap();
            request = request.header(TOKEN_HEADER, token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self
            .router
            .clone()
            .oneshot(request.body(body).unwrap())
            .await
            .unwrap();
        let (head, body) = response.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Answer {
            status: head.status.as_u16(),
            headers: head.headers,
            body,
            bytes: bytes.to_vec(),
        }
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(As::Guest, Method::GET, path, &[], Body::empty())
            .await
    }

    pub async fn json(&self, who: As, method: Method, path: &str, body: &Value) -> Answer {
        let json = [(header::CONTENT_TYPE.as_str(), "application/json")];
        self.send(who, method, path, &json, Body::from(body.to_string()))
            .await
    }

    /// The handles of a list, over all its pages.
    pub async fn handles(&self, path: &str, limit: usize) -> Vec<String> {
        let mut handles = Vec::new();
        let mut cursor = String::new();
        loop {
            let glue = if path.contains('?') { '&' } else { '?' };
            let page = self
                .get(&format!("{path}{glue}limit={limit}{cursor}"))
                .await;
            assert_eq!(page.status, 200, "{}", page.body);
            let items = page.body["items"].as_array().unwrap();
            assert!(items.len() <= limit);
            handles.extend(
                items
                    .iter()
                    .map(|p| p["handle"].as_str().unwrap().to_owned()),
            );
            match page.body["next_cursor"].as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return handles,
            }
        }
    }

    /// Waits until the read model shows what was written beside the interface.
    pub async fn until(&self, path: &str, done: impl Fn(&Answer) -> bool) -> Answer {
        for _ in 0..200 {
            let answer = self.get(path).await;
            if done(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
        panic!("the read model did not catch up: {path}");
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.stop.request();
    }
}

//! Tests through the whole service, on both engines.

mod accounts;
mod api_keys;
mod password;
mod sign_in;
mod without_redis;

use std::{net::IpAddr, time::Duration};

use axum::body::Body;
use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use techcommerce_contracts::{Principal, Service, TokenSigner, identity::TOKEN_HEADER};
use techcommerce_jobs::Wake;
use techcommerce_kernel::{Env, ManualClock};
use techcommerce_mail::{Mailer, Sender, Transport};
use techcommerce_store::Db;
use techcommerce_telemetry::Telemetry;
use techcommerce_testkit::TempDir;
use tower::ServiceExt;

use crate::{Built, Deps, Quotas, Sessions, Settings, build};

pub const PASSWORD: &str = "zwölf kleine Enten";

/// The service with what stands around it in production.
pub struct House {
    pub db: Db,
    pub env: Env,
    pub clock: ManualClock,
    signer: TokenSigner,
    built: Built,
    telemetry: Telemetry,
    mails: TempDir,
}

/// Who calls.
pub enum By<'a> {
    /// Somebody at this address, passed on by the edge.
    Guest(&'a str),
    /// Whoever holds this session's token or API key.
    Holder(&'a str),
    /// A service of ours.
    Service(Service),
    /// Nobody with a token.
    Nobody,
}

/// What came back.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub json: Value,
}

impl Answer {
    /// The answer, which must have this status.
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.json);
        self
    }

    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    pub fn text(&self, pointer: &str) -> String {
        self.json
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    }
}

impl House {
    pub fn new(db: Db) -> Self {
        let sessions = Sessions::Sql(db.clone());
        Self::with_sessions(db, |_| sessions)
    }

    pub fn with_sessions(db: Db, sessions: impl FnOnce(&Env) -> Sessions) -> Self {
        let (env, clock) = techcommerce_testkit::env();
        let mails = techcommerce_testkit::folder();
        let sender = Sender {
            name: "Tidewell".to_owned(),
            address: "shop@example.com".parse().unwrap(),
        };
        let transport = Transport::Folder(mails.path().to_path_buf());
        let telemetry = Telemetry::new("0", "0");
        let signer = TokenSigner::from_seed(&[7; 32], env.clone());
        let built = build(Deps {
            sessions: sessions(&env),
            db: db.clone(),
            verifier: signer.verifier(),
            signer: signer.clone(),
            mailer: Mailer::new(transport, sender, env.clone()).unwrap(),
            wake: Wake::default(),
            telemetry: telemetry.clone(),
            settings: Settings {
                public_url: "https://shop.test".to_owned(),
                shop_name: "Tidewell".to_owned(),
                session_idle: Duration::from_secs(14 * 24 * 3600),
                quotas: Quotas::default(),
            },
            env: env.clone(),
        });
        built.health.set_ready();
        Self {
            db,
            env,
            clock,
            signer,
            built,
            telemetry,
            mails,
        }
    }

    pub async fn send(
        &self,
        by: By<'_>,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        // One thing after the other, also in what is ordered by time.
        self.clock.advance(Duration::from_micros(1));
        let mut request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::USER_AGENT, "test browser/1.0");
        if let Some(token) = self.token(by).await {
            request = request.header(TOKEN_HEADER, token);
        }
        let body = match body {
            Some(body) => {
                request = request.header(header::CONTENT_TYPE, "application/json");
                Body::from(body.to_string())
            }
            None => Body::empty(),
        };
        let request = request.body(body).unwrap();
        let answer = self.built.router.clone().oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            json: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }

    async fn token(&self, by: By<'_>) -> Option<String> {
        let service = |name, address: Option<IpAddr>| {
            let principal = Principal::Service { name };
            Some(self.signer.sign(principal, address).unwrap().0)
        };
        match by {
            By::Guest(address) => service(Service::Api, Some(address.parse().unwrap())),
            By::Service(name) => service(name, None),
            By::Nobody => None,
            By::Holder(credential) => {
                let answer = self.resolve(credential).await;
                Some(answer.expect(200).text("/token"))
            }
        }
    }

    pub async fn get(&self, by: By<'_>, path: &str) -> Answer {
        self.send(by, Method::GET, path, None).await
    }

    pub async fn post(&self, by: By<'_>, path: &str, body: Value) -> Answer {
        self.send(by, Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, by: By<'_>, path: &str, body: Value) -> Answer {
        self.send(by, Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, by: By<'_>, path: &str) -> Answer {
        self.send(by, Method::DELETE, path, None).await
    }

    /// What the edge asks for every credential.
    pub async fn resolve(&self, credential: &str) -> Answer {
        let by = Box::pin(self.post(
            By::Service(Service::Api),
            "/internal/tokens",
            json!({"credential": credential, "client_address": "192.0.2.1"}),
        ));
        by.await
    }

    /// Makes an account and gives its session's token.
    pub async fn register(&self, email: &str) -> String {
        let body = json!({"email": email, "password": PASSWORD, "name": "Jo"});
        let answer = self
            .post(By::Guest("192.0.2.1"), "/auth/register", body)
            .await;
        answer.expect(201).text("/token")
    }

    pub async fn login(&self, email: &str, password: &str) -> Answer {
        let body = json!({"email": email, "password": password});
        self.post(By::Guest("192.0.2.1"), "/auth/login", body).await
    }

    /// Makes an admin, with a password of their own, and gives their session's token.
    pub async fn admin(&self, email: &str) -> String {
        let sessions = Sessions::Sql(self.db.clone());
        let address = email.parse().unwrap();
        let made = crate::create_admin(&self.db, &self.env, &sessions, &address).await;
        let once = made.unwrap();
        let token = self.login(email, &once).await.expect(200).text("/token");
        let body = json!({"current_password": once, "new_password": PASSWORD});
        let changed = self.post(By::Holder(&token), "/auth/password", body).await;
        changed.expect(200).text("/token")
    }

    /// The token of the link in the last mail with one.
    pub fn mailed_token(&self) -> String {
        let mails = self.mails();
        let mut tokens = mails.iter().filter_map(|mail| {
            let (_, rest) = mail.split_once("/reset-password?token=")?;
            Some(rest.split_whitespace().next()?.to_owned())
        });
        tokens.next_back().unwrap()
    }

    /// Runs the jobs that are due.
    pub async fn work(&self) -> usize {
        self.built.jobs.drain().await.unwrap().len()
    }

    /// Writes the jobs of the schedules and runs them.
    pub async fn tick(&self) {
        self.built.jobs.tick().await.unwrap();
        self.work().await;
    }

    /// All mails so far, decoded enough to find a link.
    pub fn mails(&self) -> Vec<String> {
        let files = std::fs::read_dir(self.mails.path()).unwrap();
        files
            .map(|file| std::fs::read_to_string(file.unwrap().path()).unwrap())
            .map(|mail| mail.replace("=\r\n", "").replace("=3D", "="))
            .collect()
    }

    pub fn metrics(&self) -> String {
        self.telemetry.encode()
    }
}

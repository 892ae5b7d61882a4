//! Tests through the edge, in front of services that tell what they got.

mod identity;
mod limits;
mod passing;

use std::{net::SocketAddr, time::Duration};

use axum::{
    Json, Router,
    body::Body,
    extract::Request,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, Method, StatusCode, header};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use techcommerce_contracts::{
    Channel, Principal, Role, Service, ServiceTokens, TokenSigner,
    auth::{TokenAnswer, TokenRequest},
    context::RequestContext,
    identity::TOKEN_HEADER,
};
use techcommerce_http::{ApiError, PeerAddress, TrustedProxies};
use techcommerce_kernel::{Env, Error, ManualClock, Uuid};
use techcommerce_telemetry::Telemetry;
use tower::ServiceExt;
use utoipa::OpenApi;

use crate::{Channels, Deps, Document, Settings, SharedLimits, build};

/// An account whose session's token is `good`, and an API key that is `key`.
pub const JO: Uuid = Uuid::from_u128(1);
pub const KEY: Uuid = Uuid::from_u128(2);

pub struct Edge {
    router: Router,
    pub signer: TokenSigner,
    pub clock: ManualClock,
}

pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub text: String,
    pub json: Value,
}

impl Answer {
    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    pub fn code(&self) -> &str {
        self.json["code"].as_str().unwrap_or_default()
    }

    /// Who the service was told is calling.
    pub fn principal(&self, edge: &Edge) -> Option<Principal> {
        let token = self.json["headers"][TOKEN_HEADER].as_str()?;
        Some(edge.signer.verifier().verify(token).unwrap().principal)
    }
}

#[derive(OpenApi)]
#[openapi(paths(product, change_product, login))]
struct Outer;

#[utoipa::path(get, path = "/api/products/{id}", tag = "products", responses((status = 200, description = "It.")))]
#[allow(dead_code, reason = "only its document counts")]
fn product() {}

#[utoipa::path(patch, path = "/api/products/{product_id}", responses((status = 200, description = "It.")))]
#[allow(dead_code, reason = "only its document counts")]
fn change_product() {}

#[utoipa::path(post, path = "/api/auth/login", responses((status = 200, description = "In.")))]
#[allow(dead_code, reason = "only its document counts")]
fn login() {}

pub fn document() -> Document {
    let whole = crate::openapi::merge("Tidewell", "1.0.0", [Outer::openapi()]);
    Document::parse(whole.to_json().unwrap()).unwrap()
}

impl Edge {
    pub fn new() -> Self {
        Self::with(|_| {}, true)
    }

    /// An edge with other settings; `auth_is_there`: whether sessions can be looked up.
    pub fn with(change: impl FnOnce(&mut Settings), auth_is_there: bool) -> Self {
        Self::counting(change, auth_is_there, None)
    }

    /// An edge that counts requests together with others.
    pub fn counting(
        change: impl FnOnce(&mut Settings),
        auth_is_there: bool,
        shared_limits: Option<SharedLimits>,
    ) -> Self {
        let (env, clock) = Env::manual(1);
        let signer = TokenSigner::from_seed(&[7; 32], env.clone());
        let mut settings = Settings {
            public_url: "https://shop.test".to_owned(),
            allowed_origins: Vec::new(),
            trusted_proxies: TrustedProxies::parse(["10.0.0.0/8"]).unwrap(),
            requests_per_minute: 600,
            login_per_minute: 600,
            body_bytes: 1000,
            concurrency: 100,
        };
        change(&mut settings);
        let auth = auth(signer.clone(), auth_is_there);
        let built = build(Deps {
            tokens: ServiceTokens::local(signer.clone(), Service::Api),
            verifier: signer.verifier(),
            telemetry: Telemetry::new("test", "test"),
            channels: Channels {
                auth: local(Service::Auth, auth),
                product_api: local(Service::ProductApi, Router::new().fallback(echo)),
                order_api: local(Service::OrderApi, Router::new().fallback(echo)),
                images: local(Service::Images, Router::new().fallback(echo)),
                worker: local(Service::Worker, Router::new().fallback(echo)),
            },
            settings,
            document: document(),
            env,
            shared_limits,
        })
        .unwrap();
        built.health.set_ready();
        Self {
            router: built.router,
            signer,
            clock,
        }
    }

    /// Sends a request from `192.0.2.1`.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        self.send_from("192.0.2.1", method, path, headers, body)
            .await
    }

    pub async fn send_from(
        &self,
        address: &str,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> Answer {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut request = request.body(body).unwrap();
        let peer = SocketAddr::new(address.parse().unwrap(), 4711);
        request.extensions_mut().insert(PeerAddress(peer));
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let (head, body) = answer.into_parts();
        let bytes = body.collect().await.unwrap().to_bytes();
        Answer {
            status: head.status,
            headers: head.headers,
            text: String::from_utf8_lossy(&bytes).into_owned(),
            json: serde_json::from_slice(&bytes).unwrap_or_default(),
        }
    }

    pub async fn get(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::GET, path, headers, Body::empty()).await
    }

    pub async fn post(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.send(Method::POST, path, headers, Body::from("{}"))
            .await
    }
}

fn local(service: Service, router: Router) -> Channel {
    let (channel, binding) = Channel::local(service);
    binding.bind(router);
    channel
}

/// Tells what it got, with headers that must not get out.
async fn echo(request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = match body.collect().await {
        Ok(body) => String::from_utf8_lossy(&body.to_bytes()).into_owned(),
        Err(error) => return (StatusCode::PAYLOAD_TOO_LARGE, error.to_string()).into_response(),
    };
    let headers: serde_json::Map<String, Value> = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().into()))
        .collect();
    let got = json!({
        "method": head.method.as_str(),
        "path": head.uri.to_string(),
        "headers": headers,
        "body": body,
        "request_id": RequestContext::current().map(|context| context.request_id.to_string()),
        "has_peer": head.extensions.get::<PeerAddress>().is_some(),
    });
    let headers = [
        ("x-techcommerce-token", "secret"),
        ("connection", "close, x-hop"),
        ("x-hop", "1"),
        ("x-kept", "1"),
        ("cache-control", "public, max-age=60"),
    ];
    (headers, Json(got)).into_response()
}

/// Auth, which knows `good`, `key` and `new` (whose password is to be replaced) and nothing else.
fn auth(signer: TokenSigner, is_there: bool) -> Router {
    let resolve = async move |headers: HeaderMap, Json(question): Json<TokenRequest>| {
        let token = headers[TOKEN_HEADER].to_str().unwrap();
        let claims = signer.verifier().verify(token).unwrap();
        assert_eq!(claims.principal, Principal::Service { name: Service::Api });
        if !is_there {
            return Err(ApiError(Error::unavailable("Sign in later.")));
        }
        let principal = match question.credential.as_str() {
            "good" | "new" => Principal::Account {
                id: JO,
                role: Role::Customer,
                session: JO,
            },
            "key" => Principal::ApiKey {
                id: KEY,
                role: Role::Staff,
            },
            _ => {
                return Err(ApiError(Error::unauthenticated(
                    "unauthenticated",
                    "Unknown.",
                )));
            }
        };
        let (token, expires_at) = signer
            .sign(principal.clone(), question.client_address)
            .unwrap();
        Ok(Json(TokenAnswer {
            token,
            expires_at,
            principal,
            password_change_required: question.credential == "new",
        }))
    };
    Router::new()
        .route("/internal/tokens", post(resolve))
        .route("/auth/accounts", get(|| async { StatusCode::FORBIDDEN }))
        .fallback(echo)
}

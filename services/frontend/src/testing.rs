//! A storefront over an API that is made up: for the tests of the pages. What staff ask for is
//! answered in `testing/`.

mod answer;
mod office;

use std::sync::{Arc, Mutex};

use axum::{
    Json, Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    response::{IntoResponse, Response},
};
use http::{Method, StatusCode, header};
use serde_json::{Value, json};
use techcommerce_contracts::{Channel, Service, ServiceTokens, TokenSigner};
use techcommerce_kernel::{Currency, Env};
use techcommerce_telemetry::Telemetry;
use tower::ServiceExt;

pub use answer::{Answer, PageForm};

use crate::{Deps, Settings, build};

/// The cookies of those who are signed in.
pub const CUSTOMER: &str = "tc_session=session-1";
pub const STAFF: &str = "tc_session=session-staff";
pub const ADMIN: &str = "tc_session=session-admin";

/// What the made-up API answers.
#[derive(Debug, Clone, Default)]
pub struct Fake {
    away: Option<&'static str>,
    order_refusal: Option<(u16, Value)>,
    order: Value,
    cart_ordered: bool,
    before_totals: bool,
    instead: Vec<(&'static str, &'static str, u16, Value)>,
}

impl Fake {
    pub const SMALL: &str = "0193a1b2-0000-7000-8000-000000000001";
    pub const LARGE: &str = "0193a1b2-0000-7000-8000-000000000002";
    pub const ORDER: &str = "0193a1b2-0000-7000-8000-000000000003";
    pub const SESSION: &str = "0193a1b2-0000-7000-8000-000000000004";

    /// Everything below this path is unavailable.
    pub fn away(mut self, path: &'static str) -> Self {
        self.away = Some(path);
        self
    }

    /// Orders are refused with this status and problem document.
    pub fn refuses_orders(mut self, status: u16, problem: Value) -> Self {
        self.order_refusal = Some((status, problem));
        self
    }

    /// The order has these members in place of the usual ones.
    pub fn order(mut self, members: Value) -> Self {
        self.order = members;
        self
    }

    /// It is of a version that does not know what an order is expected to cost.
    pub fn knows_no_expected_total(mut self) -> Self {
        self.before_totals = true;
        self
    }

    /// The cart has become an order.
    pub fn cart_ordered(mut self) -> Self {
        self.cart_ordered = true;
        self
    }

    /// `method` on `path` is answered with this, whoever asks.
    pub fn answers(
        mut self,
        method: &'static str,
        path: &'static str,
        status: u16,
        value: Value,
    ) -> Self {
        self.instead.push((method, path, status, value));
        self
    }

    fn answer(&self, seen: &Seen) -> Response {
        if self.away.is_some_and(|away| seen.path.starts_with(away)) {
            return problem(503, json!({"code": "unavailable"}));
        }
        let instead = |(method, path, ..): &&(&str, &str, u16, Value)| {
            seen.method == *method && seen.path == *path
        };
        match self.instead.iter().rev().find(instead) {
            Some((.., status @ 400.., document)) => return problem(*status, document.clone()),
            Some((.., 204, _)) => return StatusCode::NO_CONTENT.into_response(),
            Some((.., status, value)) => {
                let status = StatusCode::from_u16(*status).unwrap();
                return (status, Json(value)).into_response();
            }
            None => {}
        }
        if let Some(answer) = office::answer(self, seen) {
            return answer;
        }
        let parts: Vec<&str> = seen.path.trim_start_matches("/api/").split('/').collect();
        match (seen.method.as_str(), parts.as_slice()) {
            ("GET", ["categories"]) => ok(json!({"items": [category()], "next_cursor": null})),
            ("GET", ["products"]) if seen.query.contains("cursor=old") => {
                problem(400, json!({"code": "invalid_input"}))
            }
            ("GET", ["products"]) => ok(products(&seen.query)),
            ("GET", ["products", "oak-bowl"]) => ok(bowl()),
            ("GET", ["products", "evil"]) => ok(evil()),
            ("POST", ["carts"]) => (StatusCode::CREATED, Json(cart(0))).into_response(),
            ("GET", ["carts", "cart-1"]) => {
                let mut cart = cart(3);
                if self.cart_ordered {
                    cart["order_id"] = Self::ORDER.into();
                }
                ok(cart)
            }
            ("PUT", ["carts", "cart-1", "lines", _]) => ok(cart(3)),
            ("PUT", ["carts", "cart-1", "discount"]) if seen.body.contains("NOPE") => {
                problem(409, json!({"code": "discount_invalid"}))
            }
            ("PUT" | "DELETE", ["carts", "cart-1", "discount"]) => ok(cart(3)),
            ("GET", ["carts", _]) => problem(404, json!({"code": "cart_not_found"})),
            ("GET", ["shipping-methods"]) => ok(shipping()),
            ("POST", ["orders"]) if self.before_totals && seen.body.contains("expected_total") => {
                let unknown = json!({"path": "expected_total", "message": "is not known"});
                problem(400, json!({"code": "invalid_input", "errors": [unknown]}))
            }
            ("POST", ["orders"]) => match &self.order_refusal {
                Some((status, document)) => problem(*status, document.clone()),
                None => (StatusCode::CREATED, Json(order(&self.order))).into_response(),
            },
            ("GET", ["orders"]) => ok(json!({"items": [order(&self.order)], "next_cursor": null})),
            ("GET", ["orders", Self::ORDER])
                if seen.query == "access_token=secret-1" || seen.bearer == "Bearer session-1" =>
            {
                ok(order(&self.order))
            }
            (_, ["auth", rest @ ..]) => auth(&rest.join("/"), seen),
            _ => problem(404, json!({"code": "not_found"})),
        }
    }
}

/// A request that the made-up API got.
#[derive(Debug, Clone)]
struct Seen {
    method: Method,
    path: String,
    query: String,
    bearer: String,
    key: String,
    body: String,
}

type Log = Arc<Mutex<Vec<Seen>>>;

async fn api(State((fake, log)): State<(Fake, Log)>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.unwrap();
    if parts.uri.path().ends_with("/echo") {
        let heard = format!(
            "{} {} {:?} {body:?}",
            parts.method, parts.uri, parts.headers
        );
        return (StatusCode::CREATED, [("x-api", "as it came")], heard).into_response();
    }
    let text = |name: &str| {
        parts
            .headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
            .to_owned()
    };
    assert!(
        parts.headers.contains_key("x-techcommerce-token"),
        "the call names the service"
    );
    let seen = Seen {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().unwrap_or_default().to_owned(),
        bearer: text("authorization"),
        key: text("idempotency-key"),
        body: String::from_utf8(body.to_vec()).unwrap(),
    };
    let answer = fake.answer(&seen);
    log.lock().unwrap().push(seen);
    answer
}

/// The storefront of Tidewell at `https://shop.example`, and what it asked the API.
pub struct Site {
    router: Router,
    log: Log,
}

impl Site {
    pub async fn new() -> Self {
        Self::with(Fake::default()).await
    }

    pub async fn with(fake: Fake) -> Self {
        let log = Log::default();
        let (env, _clock) = Env::manual(7);
        let signer = TokenSigner::from_seed(&[7; 32], env.clone());
        let channel = |service| {
            let (channel, binding) = Channel::local(service);
            binding.bind(
                Router::new()
                    .fallback(api)
                    .with_state((fake.clone(), log.clone())),
            );
            channel
        };
        let mut settings = Settings::new("Tidewell", Currency::EUR, "https://shop.example");
        settings.stripe_publishable_key = "pk_test_1".to_owned();
        settings.address_lines = vec!["Quay 1".into(), "24103 Kiel".into()];
        settings.contact_email = Some("hello@tidewell.example".into());
        let deps = Deps {
            env,
            settings,
            api: channel(Service::Api),
            images: channel(Service::Images),
            verifier: signer.verifier(),
            tokens: ServiceTokens::local(signer, Service::Frontend),
            telemetry: Telemetry::new("test", "test"),
        };
        Self {
            router: build(deps).await.unwrap().router,
            log,
        }
    }

    pub async fn send(&self, request: http::Request<Body>) -> Answer {
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = to_bytes(body, usize::MAX).await.unwrap();
        Answer {
            parts,
            body: String::from_utf8(body.to_vec()).unwrap(),
        }
    }

    /// The headers of the answer, whatever its body.
    pub async fn head(&self, request: http::Request<Body>) -> http::HeaderMap {
        self.router
            .clone()
            .oneshot(request)
            .await
            .unwrap()
            .headers()
            .clone()
    }

    pub async fn get(&self, address: &str) -> Answer {
        self.send(Request::get(address).body(Body::empty()).unwrap())
            .await
    }

    pub async fn get_as(&self, address: &str, cookie: &str) -> Answer {
        let request = Request::get(address).header(header::COOKIE, cookie);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn get_in(&self, address: &str, language: &str) -> Answer {
        let request = Request::get(address).header(header::ACCEPT_LANGUAGE, language);
        self.send(request.body(Body::empty()).unwrap()).await
    }

    pub async fn post(&self, address: &str, form: &[(&str, &str)]) -> Answer {
        self.post_as(address, "", form).await
    }

    pub async fn post_as(&self, address: &str, cookie: &str, form: &[(&str, &str)]) -> Answer {
        self.post_from("https://shop.example", address, cookie, form)
            .await
    }

    pub async fn post_from(
        &self,
        origin: &str,
        address: &str,
        cookie: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let mut request = Request::post(address)
            .header(header::ORIGIN, origin)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        if !cookie.is_empty() {
            request = request.header(header::COOKIE, cookie);
        }
        let body = serde_urlencoded::to_string(form).unwrap();
        self.send(request.body(Body::from(body)).unwrap()).await
    }

    fn last(&self, which: impl Fn(&Seen) -> bool) -> Seen {
        self.log
            .lock()
            .unwrap()
            .iter()
            .rev()
            .find(|seen| which(seen))
            .unwrap()
            .clone()
    }

    /// The query of the last call of `path` that is not for the related or newest ones.
    pub fn asked(&self, path: &str) -> String {
        self.last(|seen| seen.path == path).query
    }

    /// The body of the last call of `method` on a path that ends so.
    pub fn sent(&self, method: &str, ending: &str) -> String {
        self.last(|seen| seen.method == method && seen.path.ends_with(ending))
            .body
    }

    /// The last call's credentials.
    pub fn bearer(&self, path: &str) -> String {
        self.last(|seen| seen.path == path).bearer
    }

    /// The idempotency key of the last order.
    pub fn key(&self) -> String {
        self.last(|seen| seen.path == "/api/orders").key
    }

    /// The idempotency key of the last call on a path that ends so.
    pub fn key_of(&self, ending: &str) -> String {
        self.last(|seen| seen.path.ends_with(ending) && !seen.key.is_empty())
            .key
    }

    /// All calls that the API got as `POST path`, with key and body.
    pub fn posts(&self) -> Vec<(String, String, String)> {
        let log = self.log.lock().unwrap();
        let posts = log.iter().filter(|seen| seen.method == Method::POST);
        let post = |seen: &Seen| {
            let call = format!("POST {}", seen.path);
            (call, seen.key.clone(), seen.body.clone())
        };
        posts.map(post).collect()
    }

    /// Whether the API got a call of this path.
    pub fn was_asked_for(&self, path: &str) -> bool {
        self.log
            .lock()
            .unwrap()
            .iter()
            .any(|seen| seen.path == path)
    }

    pub fn was_asked(&self, method: &str) -> bool {
        self.log
            .lock()
            .unwrap()
            .iter()
            .any(|seen| seen.method == method)
    }
}

fn ok(value: Value) -> Response {
    Json(value).into_response()
}

fn problem(status: u16, mut document: Value) -> Response {
    let usual = json!({"type": "urn:x", "title": "", "status": status, "detail": "secret detail"});
    for (name, value) in usual.as_object().unwrap() {
        document[name] = value.clone();
    }
    let kind = [(header::CONTENT_TYPE, "application/problem+json")];
    (
        StatusCode::from_u16(status).unwrap(),
        kind,
        document.to_string(),
    )
        .into_response()
}

fn eur(amount: i64) -> Value {
    json!({"amount": amount, "currency": "EUR"})
}

fn image() -> Value {
    let id = "0193a1b2-0000-7000-8000-00000000000a";
    let url = format!("/images/{id}/w640");
    json!({"id": id, "url": url, "alt": "A bowl of oak", "width": 1280, "height": 1280})
}

fn category() -> Value {
    json!({"id": Fake::SMALL, "handle": "kitchen", "title": "Kitchen",
        "description": "For the table.", "product_count": 2, "image": image()})
}

fn variant(id: &str, size: &str, available: i64) -> Value {
    json!({"id": id, "sku": "BOWL", "title": size, "price": eur(3000),
        "options": [{"name": "Size", "value": size}], "compare_at_price": eur(4000),
        "available": available, "track_inventory": true, "inventory_policy": "deny"})
}

fn bowl() -> Value {
    json!({"id": Fake::ORDER, "handle": "oak-bowl", "title": "Oak bowl", "vendor": "Fjord & Co",
        "description": "<p>Turned by hand.</p>", "tags": [], "category": "kitchen",
        "status": "active", "images": [image()],
        "options": [{"name": "Size", "values": ["Small", "Large"]}],
        "variants": [variant(Fake::SMALL, "Small", 3), variant(Fake::LARGE, "Large", 0)],
        "created_at": "2026-11-01T00:00:00Z", "updated_at": "2026-11-01T00:00:00Z"})
}

fn evil() -> Value {
    let mut product = bowl();
    product["title"] = "<script>alert(1)</script>".into();
    product["vendor"] = "\"onload=\"alert(1)".into();
    product["images"][0]["alt"] = "\"onload=\"alert(1)".into();
    product["options"] = json!([{"name": "<b>", "values": ["<script>alert(1)</script>", "\"'"]}]);
    product["variants"][0]["options"][0]["value"] = "<script>alert(1)</script>".into();
    product["variants"][1]["options"][0]["value"] = "\"'".into();
    product
}

fn products(query: &str) -> Value {
    let mut sixth = bowl();
    sixth["id"] = Fake::LARGE.into();
    let items = if query.contains("q=nothing") {
        vec![]
    } else {
        vec![bowl(), sixth]
    };
    let items = match query.contains("sort=newest&limit=10") {
        true => [items.clone(), items].concat(),
        false => items[..items.len().min(1)].to_vec(),
    };
    let next = if query.contains("cursor=more") {
        Value::Null
    } else {
        "more".into()
    };
    json!({"items": items, "next_cursor": next})
}

fn cart(quantity: i64) -> Value {
    let line = json!({"variant_id": Fake::SMALL, "product_id": Fake::ORDER,
        "product_handle": "oak-bowl", "title": "Oak bowl", "variant_title": "Small", "sku": null,
        "image": image(), "quantity": quantity, "unit_price": eur(3000),
        "compare_at_price": null, "total": eur(3000 * quantity), "available": 3, "problem": null});
    let lines = if quantity > 0 { vec![line] } else { vec![] };
    json!({"id": "cart-1", "currency": "EUR", "lines": lines, "item_count": quantity,
        "discount_code": null, "subtotal": eur(3000 * quantity), "discount": eur(0),
        "shipping": eur(0), "tax": eur(1437), "total": eur(3000 * quantity),
        "tax_included": true, "order_id": null})
}

fn shipping() -> Value {
    let method = |id: &str, title: &str, price: i64| {
        json!({"id": id, "title": title, "description": "", "price": eur(price),
            "total": eur(9000 + price), "tax": eur((9000 + price) * 19 / 119)})
    };
    json!({"items": [method("standard", "Standard", 0), method("express", "Express", 1290)],
        "next_cursor": null})
}

fn order(changes: &Value) -> Value {
    let mut order = json!({"id": Fake::ORDER, "number": "1042", "status": "placed",
        "payment_status": "pending", "fulfillment_status": "unfulfilled",
        "email": "ada@example.org", "shipping_address": {"name": "Ada Lovelace",
        "line1": "Quay 1", "line2": "", "city": "Kiel", "region": "", "postal_code": "24103",
        "country": "DE"}, "shipping_method": "standard",
        "lines": [{"id": Fake::LARGE, "variant_id": Fake::SMALL, "product_id": Fake::ORDER,
            "product_handle": "oak-bowl", "title": "Oak bowl", "variant_title": "Small",
            "sku": null, "image": image(), "quantity": 3, "shipped": 0, "unit_price": eur(3000),
            "total": eur(9000), "discount": eur(0), "tax": eur(1437)}],
        "discount_code": null, "subtotal": eur(9000), "discount": eur(0), "shipping": eur(0),
        "tax": eur(1437), "total": eur(9000), "tax_included": true,
        "payment": {"method": "test", "authorized": eur(0), "captured": eur(0),
            "refunded": eur(0), "failure": null},
        "refunds": [], "shipments": [], "events": [],
        // The tests' clock stands at 2027-01-15T08:00:00Z.
        "placed_at": "2027-01-15T07:59:50Z", "access_token": "secret-1"});
    for (name, value) in changes.as_object().into_iter().flatten() {
        order[name] = value.clone();
    }
    order
}

fn auth(path: &str, seen: &Seen) -> Response {
    let account = json!({"id": Fake::ORDER, "email": "ada@example.org", "name": "Ada Lovelace",
        "role": "customer", "must_change_password": false, "created_at": "2026-11-01T00:00:00Z"});
    let session = json!({"token": "session-1", "expires_at": "2027-02-01T00:00:00Z",
        "account": account});
    let signed_in = seen.bearer == "Bearer session-1";
    let has = |text: &str| seen.body.contains(text);
    match (path, signed_in) {
        ("login", _) if has("correct horse") => ok(session),
        ("login", _) => problem(401, json!({"code": "wrong_credentials"})),
        ("register", _) if has("taken@") => problem(409, json!({"code": "email_taken"})),
        ("register", _) if has("short") => problem(
            400,
            json!({"code": "weak_password",
                "errors": [{"path": "password", "message": "is too short"}]}),
        ),
        ("register", _) => (StatusCode::CREATED, Json(session)).into_response(),
        ("password", true) if has("correct horse") => ok(session),
        ("password", true) => problem(401, json!({"code": "wrong_credentials"})),
        ("password-reset", _) => StatusCode::ACCEPTED.into_response(),
        ("password-reset/confirm", _) if has("\"good\"") => StatusCode::NO_CONTENT.into_response(),
        ("password-reset/confirm", _) => problem(400, json!({"code": "reset_token_invalid"})),
        (_, false) => problem(401, json!({"code": "unauthenticated"})),
        ("me", _) => ok(account),
        ("sessions", _) => ok(json!({"next_cursor": null, "items": [
            made_session(Fake::ORDER, true, "Mozilla/5.0 (X11; Linux) Firefox/140.0"),
            made_session(Fake::SESSION, false, "Mozilla/5.0 (Linux; Android 15) Chrome/156.0"),
        ]})),
        _ => StatusCode::NO_CONTENT.into_response(),
    }
}

fn made_session(id: &str, current: bool, user_agent: &str) -> Value {
    let time = "2026-11-01T00:00:00Z";
    json!({"id": id, "current": current, "user_agent": user_agent, "created_at": time,
        "last_used_at": time, "expires_at": time})
}

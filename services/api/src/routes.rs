//! Which path belongs to which service.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use axum::{
    Router,
    extract::{Request, State},
    response::{IntoResponse, Response},
    routing::any,
};
use http::{HeaderValue, Method, StatusCode, header};
use serde_json::Value;
use techcommerce_contracts::Service;

use crate::{docs::Document, proxy::Edge};

/// How long most answers take at most until they begin.
const USUAL: Duration = Duration::from_secs(30);
/// The longest that any may take.
pub const LONGEST: Duration = Duration::from_secs(300);

/// The outer paths that are passed on, with all that is below them. Nothing else is.
const PREFIXES: [(&str, Service); 18] = [
    ("/api/products", Service::ProductApi),
    ("/api/stock", Service::ProductApi),
    ("/api/categories", Service::ProductApi),
    ("/api/carts", Service::OrderApi),
    ("/api/orders", Service::OrderApi),
    ("/api/shipping-methods", Service::OrderApi),
    ("/api/discounts", Service::OrderApi),
    ("/api/webhooks", Service::OrderApi),
    ("/api/payments", Service::OrderApi),
    ("/api/time", Service::OrderApi),
    ("/api/backups", Service::OrderApi),
    ("/api/auth", Service::Auth),
    ("/api/audit/accounts", Service::Auth),
    ("/api/audit/catalogue", Service::ProductApi),
    ("/api/audit/orders", Service::OrderApi),
    ("/api/audit/images", Service::Images),
    ("/api/images", Service::Images),
    ("/api/jobs", Service::Worker),
];

/// Pictures are served where pages look for them, without `/api`.
const PICTURES: &str = "/images";

/// Where a request goes, and what it may take.
#[derive(Debug, Clone, Copy)]
pub struct Target {
    /// The service.
    pub service: Service,
    /// The largest body in bytes; `None`: the usual limit.
    pub body_bytes: Option<u64>,
    /// Until the answer must begin, with what is uploaded before.
    pub within: Duration,
    /// Whether a password is tried or set here.
    pub guarded: bool,
}

impl Target {
    /// Where the requests to an outer path go.
    fn of(path: &str) -> Option<Self> {
        let below = |prefix: &str| {
            path.strip_prefix(prefix)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let pictures = below(PICTURES).then_some(Service::Images);
        let listed = PREFIXES.iter().find(|(prefix, _)| below(prefix));
        let service = pictures.or(listed.map(|(_, service)| *service))?;
        let (body_bytes, within) = match path {
            "/api/images/upload" => (Some(64 << 20), Duration::from_secs(120)),
            "/api/products/import" => (Some(512 << 20), LONGEST),
            "/api/products/export" => (None, LONGEST),
            _ => (None, USUAL),
        };
        let guarded = matches!(
            path,
            "/api/auth/login"
                | "/api/auth/register"
                | "/api/auth/password"
                | "/api/auth/password-reset"
                | "/api/auth/password-reset/confirm"
        );
        Some(Self {
            service,
            body_bytes,
            within,
            guarded,
        })
    }
}

/// Everything that is passed on: each documented path by itself, so that requests are counted by
/// its template and `OPTIONS` knows its methods; and, as the fallback, the rest below the
/// prefixes, for the services to refuse.
pub fn router(edge: &Edge, document: &Document) -> Router {
    // Services may name the same parameter differently; the first name is shown in metrics.
    let mut documented: BTreeMap<String, (&str, BTreeSet<&str>)> = BTreeMap::new();
    let paths = document.value["paths"].as_object();
    for (path, item) in paths.into_iter().flatten() {
        let first = documented
            .entry(numbered(path))
            .or_insert((path, BTreeSet::new()));
        first.1.extend(methods(item));
    }
    let mut router = Router::new();
    for (path, methods) in documented.values() {
        if Target::of(path).is_some() {
            let allow = allowed(methods);
            let way = async move |edge: State<Edge>, request: Request| {
                if request.method() == Method::OPTIONS {
                    // Nothing in it lets in the pages of another site.
                    return (StatusCode::NO_CONTENT, [(header::ALLOW, allow)]).into_response();
                }
                forward(edge, request).await
            };
            router = router.route(path, any(way));
        }
    }
    router.fallback(forward).with_state(edge.clone())
}

async fn forward(State(edge): State<Edge>, request: Request) -> Response {
    match Target::of(request.uri().path()) {
        Some(target) => edge.forward(target, request).await,
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Which methods a path takes, for `Allow`.
fn allowed(methods: &BTreeSet<&str>) -> HeaderValue {
    let list: Vec<&str> = methods.iter().copied().chain(["OPTIONS"]).collect();
    HeaderValue::from_str(&list.join(", ")).unwrap_or(HeaderValue::from_static("OPTIONS"))
}

/// The path with its parameters numbered.
fn numbered(path: &str) -> String {
    let mut count = 0;
    let parts = path.split('/').map(|part| {
        if part.starts_with('{') && part.ends_with('}') {
            count += 1;
            format!("{{p{count}}}")
        } else {
            part.to_owned()
        }
    });
    parts.collect::<Vec<_>>().join("/")
}

fn methods(item: &Value) -> impl Iterator<Item = &'static str> {
    let known = [
        ("GET", "get"),
        ("HEAD", "get"),
        ("POST", "post"),
        ("PUT", "put"),
        ("PATCH", "patch"),
        ("DELETE", "delete"),
    ];
    known
        .into_iter()
        .filter_map(|(name, operation)| item.get(operation).map(|_| name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_belong_to_services() {
        let service = |path| Target::of(path).map(|target| target.service);
        for (path, expected) in [
            ("/api/products", Some(Service::ProductApi)),
            ("/api/products/x/y", Some(Service::ProductApi)),
            ("/api/orders", Some(Service::OrderApi)),
            ("/api/time", Some(Service::OrderApi)),
            ("/api/auth/login", Some(Service::Auth)),
            ("/api/images/upload", Some(Service::Images)),
            ("/api/jobs/order-api/1/retry", Some(Service::Worker)),
            ("/api/audit/orders", Some(Service::OrderApi)),
            ("/api/backups", Some(Service::OrderApi)),
            ("/api/system", None),
            ("/api/status", None),
            ("/api/audit", None),
            ("/images/1/w640", Some(Service::Images)),
            ("/api/productsx", None),
            ("/api/internal/tokens", None),
            ("/internal/tokens", None),
            ("/products", None),
            ("/", None),
        ] {
            assert_eq!(service(path), expected, "{path}");
        }
    }

    #[test]
    fn parameters_are_numbered() {
        assert_eq!(
            numbered("/api/carts/{id}/lines/{variant_id}"),
            "/api/carts/{p1}/lines/{p2}"
        );
        assert_eq!(numbered("/api/time"), "/api/time");
    }
}

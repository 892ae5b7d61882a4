//! Who may open the pages for staff: every route in the sources of this folder is tried as
//! everyone, so that a new one is tried as well.

use std::{fs, path::Path};

use axum::body::Body;
use http::{Method, Request, StatusCode, header};
use serde_json::{Value, json};

use super::catalogue::tests::{fake, send};
use crate::testing::{ADMIN, Answer, CUSTOMER, Fake, PageForm, STAFF, Site};

/// Beginnings of what only admins may do. All else is for staff too.
const FOR_ADMINS: &[&str] = &[
    "GET /admin/api-keys",
    "POST /admin/api-keys",
    "GET /admin/customers/invite",
    "POST /admin/customers",
    "GET /admin/webhooks",
    "POST /admin/webhooks",
];

/// Every address that a `.route(` of the sources in this folder names.
fn routes() -> Vec<String> {
    fn read(folder: &Path, into: &mut Vec<String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, into);
                continue;
            }
            let text = fs::read_to_string(&path).unwrap();
            for rest in text.split(".route(").skip(1) {
                let address = rest.split('"').nth(1).unwrap_or_default();
                if address.starts_with("/admin") {
                    into.push(address.to_owned());
                }
            }
        }
    }
    let mut found = Vec::new();
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/admin");
    read(&home, &mut found);
    found.sort();
    found
}

/// An address with something in the place of its variables.
fn filled(route: &str) -> String {
    let parts = route.split('/').map(|part| match part {
        "{*rest}" => "nowhere",
        "{id}" | "{variant}" | "{variant_id}" | "{delivery}" => Fake::ORDER,
        part if part.starts_with('{') => "some",
        part => part,
    });
    parts.collect::<Vec<_>>().join("/")
}

async fn status(site: &Site, method: &Method, address: &str, cookie: &str) -> (StatusCode, String) {
    let mut request = Request::builder()
        .method(method)
        .uri(address)
        .header(header::ORIGIN, "https://shop.example")
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    if !cookie.is_empty() {
        request = request.header(header::COOKIE, cookie);
    }
    let answer = site.send(request.body(Body::empty()).unwrap()).await;
    (answer.status(), answer.header("location").to_owned())
}

#[tokio::test]
async fn every_route_refuses_strangers_and_customers() {
    let site = Site::new().await;
    let routes = routes();
    assert!(routes.contains(&"/admin/{*rest}".to_owned()), "{routes:?}");
    for route in routes {
        let address = filled(&route);
        let mut taken = 0;
        for method in [Method::GET, Method::POST] {
            let (stranger, to) = status(&site, &method, &address, "").await;
            if stranger == StatusCode::METHOD_NOT_ALLOWED {
                continue;
            }
            taken += 1;
            assert_eq!(stranger, StatusCode::SEE_OTHER, "{method} {route}");
            assert!(to.starts_with("/login?back=%2Fadmin"), "{route}: {to}");
            let (customer, _) = status(&site, &method, &address, CUSTOMER).await;
            assert_eq!(customer, StatusCode::FORBIDDEN, "{method} {route}");
            let (staff, _) = status(&site, &method, &address, STAFF).await;
            let call = format!("{method} {route}");
            let refused = FOR_ADMINS.iter().any(|start| call.starts_with(start));
            assert_eq!(staff == StatusCode::FORBIDDEN, refused, "{method} {route}");
            let (admin, _) = status(&site, &method, &address, ADMIN).await;
            assert_ne!(admin, StatusCode::FORBIDDEN, "{method} {route}");
        }
        assert!(taken > 0, "{route} takes neither GET nor POST");
    }
}

#[tokio::test]
async fn nothing_is_asked_for_in_the_name_of_a_customer() {
    let site = Site::new().await;
    let page = site.get_as("/admin/orders", CUSTOMER).await;
    let page = page.expect(StatusCode::FORBIDDEN);
    page.has(&["<h1>This is for the shop’s staff</h1>"]);
    page.is_accessible();
    assert!(!site.was_asked_for("/api/orders"));
}

#[tokio::test]
async fn signing_in_leads_back_to_the_page() {
    let site = Site::new().await;
    let answer = site.get("/admin/orders?q=a%26b").await;
    let answer = answer.expect(StatusCode::SEE_OTHER);
    let login = "/login?back=%2Fadmin%2Forders%3Fq%3Da%2526b";
    assert_eq!(answer.header("location"), login);
    // A session that has run out is forgotten, and a form leads back to the page it stood on.
    let request = Request::post("/admin/orders/x/notes")
        .header(header::ORIGIN, "https://shop.example")
        .header(header::COOKIE, "tc_session=ended")
        .header(header::REFERER, "https://shop.example/admin/orders/x");
    let answer = site.send(request.body(Body::empty()).unwrap()).await;
    let answer = answer.expect(StatusCode::SEE_OTHER);
    assert_eq!(
        answer.header("location"),
        "/login?back=%2Fadmin%2Forders%2Fx"
    );
    assert!(answer.header("set-cookie").starts_with("tc_session=;"));
}

#[tokio::test]
async fn the_shops_own_password_is_replaced_first() {
    let me = json!({"id": Fake::ORDER, "email": "grace@example.org", "name": "", "role": "admin",
        "must_change_password": true, "created_at": "2026-11-01T00:00:00Z"});
    let site = Site::with(Fake::default().answers("GET", "/api/auth/me", 200, me)).await;
    let answer = site.get_as("/admin", ADMIN).await;
    let answer = answer.expect(StatusCode::SEE_OTHER);
    assert_eq!(answer.header("location"), "/account/password");
}

#[tokio::test]
async fn what_is_not_there_keeps_the_navigation() {
    let site = Site::new().await;
    let page = site.get_as("/admin/nowhere", STAFF).await;
    let page = page.expect(StatusCode::NOT_FOUND);
    page.has(&["<h1>There is nothing here</h1>", "href=\"/admin/orders\""]);
    page.lacks(&["/admin/api-keys"]);
    assert_eq!(page.header("cache-control"), "private, no-store");
    page.is_accessible();
    let page = site.get_as("/admin/nowhere", ADMIN).await;
    page.has(&["/admin/api-keys"]);
}

#[tokio::test]
async fn accounts_that_do_not_answer_open_nothing() {
    let site = Site::with(Fake::default().away("/api/auth")).await;
    let page = site.get_as("/admin", STAFF).await;
    page.expect(StatusCode::SERVICE_UNAVAILABLE)
        .has(&["We will be right back"]);
}

#[tokio::test]
async fn a_form_of_another_site_is_refused() {
    let site = Site::new().await;
    let address = "/admin/orders/x/notes";
    let answer = site
        .post_from("https://evil.example", address, STAFF, &[])
        .await;
    answer
        .expect(StatusCode::FORBIDDEN)
        .has(&["came from elsewhere"]);
}

/// The operations that take a key, as `POST path` with variables in braces; those of orders'
/// customers aside.
fn keyed() -> Vec<String> {
    let document: Value =
        serde_json::from_str(include_str!("../../../../docs/openapi.json")).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    let takes_key = |(_, path): &(&String, &Value)| {
        let parameters = path["post"]["parameters"].as_array();
        let mut parameters = parameters.into_iter().flatten();
        parameters.any(|parameter| parameter["name"] == "Idempotency-Key")
    };
    let keyed = paths
        .filter(takes_key)
        .map(|(path, _)| format!("POST {path}"));
    keyed
        .filter(|operation| operation != "POST /api/orders")
        .collect()
}

/// Whether a call is one of an operation.
fn is_of(call: &str, operation: &str) -> bool {
    let (call, operation) = (call.split('/'), operation.split('/'));
    call.clone().count() == operation.clone().count()
        && call
            .zip(operation)
            .all(|(part, name)| part == name || name.starts_with('{'))
}

/// What staff would send: what stands in the form, and something where nothing does.
fn typed(form: &PageForm) -> Vec<(String, String)> {
    let fields = form.fields.iter().map(|field| {
        let wanted = match (field.kind.as_str(), field.name.as_str()) {
            ("select", "mode") => "came",
            ("select", "kind") if field.choices.iter().any(|kind| kind == "price") => "price",
            ("select", _) if field.value.is_empty() => field.choices[0].as_str(),
            ("url", _) => "https://hooks.example.com/in",
            ("email", _) => "new@example.org",
            ("text" | "textarea", name) if field.value.is_empty() && !name.ends_with("-before") => {
                "5"
            }
            _ => field.value.as_str(),
        };
        (field.name.clone(), wanted.to_owned())
    });
    fields.collect()
}

async fn submitted(site: &Site, form: &PageForm) -> Answer {
    let fields = typed(form);
    if form.with_files {
        let parts: Vec<_> = fields
            .iter()
            .map(|(n, v)| (n.as_str(), None, v.as_str()))
            .collect();
        return send(site, &form.action, &parts).await;
    }
    let fields: Vec<_> = fields
        .iter()
        .map(|(n, v)| (n.as_str(), v.as_str()))
        .collect();
    site.post_as(&form.action, ADMIN, &fields).await
}

/// Every form of every page is sent twice as it stands there. Whatever takes a key gets the same one.
#[tokio::test]
async fn a_form_that_is_sent_twice_counts_once() {
    let level = json!({"variant_id": Fake::ORDER, "on_hand": 4, "reserved": 1, "available": 3});
    let none = json!({"items": [], "next_cursor": null});
    let report = json!({"changed": 1, "unchanged": 0, "refused": 0, "items": []});
    let stock = "/api/stock/0193a1b2-0000-7000-8000-000000000003";
    let movements = "/api/stock/0193a1b2-0000-7000-8000-000000000003/movements";
    let fake = fake()
        .answers("GET", stock, 200, level)
        .answers("GET", movements, 200, none)
        .answers("POST", "/api/products/bulk", 200, report);
    let site = Site::with(fake).await;
    let keyed = keyed();
    let mut reached = Vec::new();
    for route in routes() {
        let page = site.get_as(&filled(&route), ADMIN).await;
        let mut forms = page.forms();
        while let Some(form) = forms.pop() {
            let before = site.posts().len();
            let answer = submitted(&site, &form).await;
            let between = site.posts().len();
            submitted(&site, &form).await;
            let posts = site.posts();
            let (first, second) = (&posts[before..between], &posts[between..]);
            for (call, key, _) in first {
                if let Some(operation) = keyed.iter().find(|operation| is_of(call, operation)) {
                    assert!(!key.is_empty(), "{call} of {route}");
                    assert_eq!(first, second, "{call} of {route}");
                    reached.push(operation.clone());
                }
            }
            // A form that asks once more has another behind it.
            let asks = |next: &PageForm| {
                next.action == form.action && next.fields.len() != form.fields.len()
            };
            forms.extend(answer.forms().into_iter().filter(asks));
        }
    }
    reached.sort();
    reached.dedup();
    assert_eq!(reached, keyed, "every one of them has a form");
}

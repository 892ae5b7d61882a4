//! `GET /status`: whether the shop is open, for everyone; as a page, or as JSON for programs that
//! ask for that. It asks nothing but the edge, so it comes also when little else does, and names
//! nothing of what stands behind.

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use askama::Template;
use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use techcommerce_contracts::system::{Component, ComponentStatus, ShopReport, ShopStatus};

use crate::{
    admin::parts::When,
    page::{Page, render},
    shop::Shop,
    visitor::Visitor,
};

/// How long the edge has; it takes up to five seconds when much is away.
const PATIENCE: Duration = Duration::from_secs(6);

#[derive(Template)]
#[template(path = "status.html")]
struct StatusPage {
    page: Page,
    words: String,
    tone: &'static str,
    parts: Vec<Part>,
    checked: When,
}

struct Part {
    name: String,
    state: String,
    tone: &'static str,
    note: Option<String>,
}

/// The state, however bad it is, with 200: that it could be told is what worked.
pub async fn show(State(shop): State<Shop>, visitor: Visitor, headers: HeaderMap) -> Response {
    let asked = tokio::time::timeout(PATIENCE, shop.api(&visitor).status()).await;
    let report = asked.ok().and_then(Result::ok).unwrap_or_else(|| {
        // Without the edge nothing of the shop can be used.
        let parts = Component::ALL.map(|part| (part, ComponentStatus::Down));
        ShopReport::of(BTreeMap::from(parts), shop.env.now())
    });
    let mut response = match wants_json(&headers) {
        true => Json(&report).into_response(),
        false => as_page(&shop, &visitor, &report),
    };
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("accept"));
    let kept = HeaderValue::from_static("public, max-age=5");
    headers.insert(header::CACHE_CONTROL, kept);
    response
}

fn wants_json(headers: &HeaderMap) -> bool {
    let accept = headers.get(header::ACCEPT);
    let accept = accept.and_then(|value| value.to_str().ok());
    accept
        .is_some_and(|accept| accept.contains("application/json") && !accept.contains("text/html"))
}

fn as_page(shop: &Shop, visitor: &Visitor, report: &ShopReport) -> Response {
    // Nobody's own page: no departments and no cart are asked for, so that it may be kept.
    let nobody = Visitor {
        session: None,
        cart: None,
        note: None,
        ..visitor.clone()
    };
    let page = Page::new(shop, &nobody, Arc::default(), 0).found_at("/status");
    let part = |(part, status): (&Component, &ComponentStatus)| Part {
        name: page.t(&format!("status.{}", part.name())).to_owned(),
        state: page.t(&format!("status.{}", status.name())).to_owned(),
        tone: match status {
            ComponentStatus::Up => "good",
            ComponentStatus::Slow => "warn",
            ComponentStatus::Down => "bad",
        },
        note: page
            .texts()
            .find(&format!("status.{}_{}", part.name(), status.name()))
            .map(str::to_owned),
    };
    let view = StatusPage {
        words: page
            .t(&format!("status.{}", report.status.name()))
            .to_owned(),
        tone: match report.status {
            ShopStatus::Open => "good",
            ShopStatus::Limited => "warn",
            ShopStatus::Closed => "bad",
        },
        parts: report.components.iter().map(part).collect(),
        checked: When::of(page.texts(), &shop.settings.time_zone, report.checked_at),
        page: {
            let title = page.t("status.title").to_owned();
            page.titled(title)
        },
    };
    render(StatusCode::OK, &view.page, &view)
}

#[cfg(test)]
mod tests {
    use axum::body::Body;
    use http::{Request, StatusCode, header};
    use serde_json::json;

    use crate::testing::{CUSTOMER, Fake, Site};

    fn report(payment: &str, status: &str) -> serde_json::Value {
        json!({"status": status, "checked_at": "2027-01-15T08:00:00Z", "components": {
            "browsing": "up", "checkout": "up", "payment": payment,
            "accounts": "up", "mail": "up", "pictures": "down"}})
    }

    #[tokio::test]
    async fn customers_are_told_in_their_words() {
        let fake = Fake::default().answers("GET", "/api/status", 200, report("slow", "limited"));
        let site = Site::with(fake).await;
        let page = site.get("/status").await.expect(StatusCode::OK);
        page.has(&[
            "not everything works as usual",
            "Payment",
            "Slower than usual",
            "Their payment follows by itself",
            "Not at the moment",
        ]);
        page.lacks(&["order-api", "worker", "redis", "database"]);
        page.is_accessible();
        assert_eq!(page.header("cache-control"), "public, max-age=5");
        let german = site.get_in("/status", "de").await;
        german.has(&["Bezahlen", "Langsamer als sonst"]);
        // The same for everyone: it may be kept.
        let mine = site.get_as("/status", CUSTOMER).await;
        assert_eq!(mine.header("cache-control"), "public, max-age=5");
        mine.lacks(&["href=\"/account\"><svg"]);
    }

    #[tokio::test]
    async fn programs_get_json() {
        let fake = Fake::default().answers("GET", "/api/status", 200, report("up", "limited"));
        let site = Site::with(fake).await;
        let request = Request::get("/status").header(header::ACCEPT, "application/json");
        let answer = site.send(request.body(Body::empty()).unwrap()).await;
        let answer = answer.expect(StatusCode::OK);
        assert_eq!(answer.header("content-type"), "application/json");
        answer.has(&["\"status\":\"limited\"", "\"pictures\":\"down\""]);
    }

    #[tokio::test]
    async fn it_comes_when_nothing_else_does() {
        let site = Site::with(Fake::default().away("/api/")).await;
        let page = site.get("/status").await.expect(StatusCode::OK);
        page.has(&["cannot be used at the moment", "Not at the moment"]);
        page.lacks(&["Works"]);
        page.is_accessible();
    }
}

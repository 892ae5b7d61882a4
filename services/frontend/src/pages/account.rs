//! `GET /account`: one's orders, and where one is signed in.

use askama::Template;
use axum::{
    extract::{Path, State},
    response::Response,
};
use http::StatusCode;
use techcommerce_contracts::{Role, auth::Session, order_api::OrderQuery};
use techcommerce_kernel::{Kind, Uuid};

use super::{order::status_of, sign::forget_session};
use crate::{
    failure::Failure,
    forms::Asked,
    i18n::Texts,
    page::{Page, render, see_other},
    shop::Shop,
    visitor::Visitor,
};

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    page: Page,
    email: String,
    must_change: bool,
    staff: bool,
    orders: Vec<OrderRow>,
    orders_away: bool,
    next: Option<String>,
    sessions: Vec<SessionRow>,
    sessions_away: bool,
}

struct OrderRow {
    href: String,
    number: String,
    day: String,
    status: String,
    total: String,
}

struct SessionRow {
    id: Uuid,
    device: String,
    times: String,
    current: bool,
}

/// The account. Without a session, or with one that has run out, it leads to signing in.
///
/// # Errors
/// Accounts do not answer. Orders or sessions that cannot be had are said to be missing.
pub async fn show(
    State(shop): State<Shop>,
    visitor: Visitor,
    Asked(sent): Asked,
) -> Result<Response, Failure> {
    if visitor.session.is_none() {
        return see_other("/login?back=/account");
    }
    let cursor = Some(sent.text("cursor").to_owned()).filter(|cursor| !cursor.is_empty());
    let query = OrderQuery {
        cursor,
        ..OrderQuery::default()
    };
    let api = shop.api(&visitor);
    let (page, me, orders, sessions) = tokio::join!(
        shop.page(&visitor),
        api.me(),
        api.orders(&query),
        api.sessions()
    );
    let me = match me {
        Ok(me) => me,
        Err(error) if error.kind() == Kind::Unauthenticated => {
            let mut response = see_other("/login?back=/account")?;
            forget_session(&shop, &mut response)?;
            return Ok(response);
        }
        Err(error) => return Err(error.into()),
    };
    let page = page.private().titled(visitor.texts.get("account.title"));
    let (orders_away, sessions_away) = (orders.is_err(), sessions.is_err());
    let (orders, next) = orders.map_or_else(|_| (Vec::new(), None), |o| (o.items, o.next_cursor));
    let row = |order: &techcommerce_contracts::order_api::Order| OrderRow {
        href: format!("/orders/{}", order.id),
        number: order.number.clone(),
        day: page.texts().day(order.placed_at),
        status: status_of(&page, order),
        total: page.money(order.total),
    };
    let next = next.and_then(|cursor| serde_urlencoded::to_string([("cursor", cursor)]).ok());
    let view = AccountPage {
        email: me.email.as_str().to_owned(),
        must_change: me.must_change_password,
        staff: me.role != Role::Customer,
        orders: orders.iter().map(row).collect(),
        orders_away,
        next: next.map(|query| format!("/account?{query}")),
        sessions: sessions
            .unwrap_or_default()
            .iter()
            .map(|session| session_row(session, &visitor.texts))
            .collect(),
        sessions_away,
        page,
    };
    Ok(render(StatusCode::OK, &view.page, &view))
}

/// `POST /account/sessions/{id}`: signs out there.
///
/// # Errors
/// Accounts do not answer.
pub async fn revoke(
    State(shop): State<Shop>,
    visitor: Visitor,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    match shop.api(&visitor).revoke(id).await {
        Ok(()) => see_other("/account?note=revoked"),
        // It has ended already: what was wanted.
        Err(error) if error.kind() == Kind::NotFound => see_other("/account?note=revoked"),
        Err(error) if error.kind() == Kind::Unauthenticated => see_other("/account"),
        Err(error) => Err(error.into()),
    }
}

fn session_row(session: &Session, texts: &Texts) -> SessionRow {
    let since = texts.with("account.since", texts.day(session.created_at));
    let seen = texts.with("account.last_seen", texts.day(session.last_used_at));
    SessionRow {
        id: session.id,
        device: device(&session.user_agent)
            .unwrap_or_else(|| texts.get("account.unknown_device").to_owned()),
        times: format!("{since} · {seen}"),
        current: session.current,
    }
}

/// Browser and system, as far as a `User-Agent` tells them.
fn device(user_agent: &str) -> Option<String> {
    // Order matters: many browsers also name those they descend from.
    let browsers = [
        ("Edg", "Edge"),
        ("OPR", "Opera"),
        ("Firefox", "Firefox"),
        ("Chrome", "Chrome"),
        ("Safari", "Safari"),
    ];
    let systems = [
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    ];
    let find = |known: &[(&str, &'static str)]| {
        known
            .iter()
            .find(|(mark, _)| user_agent.contains(mark))
            .map(|(_, name)| *name)
    };
    match (find(&browsers), find(&systems)) {
        (Some(browser), Some(system)) => Some(format!("{browser} · {system}")),
        (Some(one), None) | (None, Some(one)) => Some(one.to_owned()),
        (None, None) => {
            let name: String = user_agent.chars().take(40).collect();
            Some(name).filter(|name| !name.trim().is_empty())
        }
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use super::device;
    use crate::testing::{Fake, Site};

    const SESSION: &str = "tc_session=session-1";

    #[tokio::test]
    async fn shows_orders_and_sessions_to_their_owner() {
        let site = Site::new().await;
        let page = site
            .get_as("/account", SESSION)
            .await
            .expect(StatusCode::OK);
        page.has(&[
            "Order 1042",
            "Firefox · Linux",
            "This device",
            "Chrome · Android",
        ]);
        page.has(&[
            "aria-label=\"Sign out: Chrome · Android\"",
            "ada@example.org",
        ]);
        assert_eq!(site.bearer("/api/auth/me"), "Bearer session-1");
        page.is_accessible();
    }

    #[tokio::test]
    async fn everyone_else_signs_in_first() {
        let site = Site::new().await;
        let page = site.get("/account").await.expect(StatusCode::SEE_OTHER);
        assert_eq!(page.header("location"), "/login?back=/account");
        let page = site
            .get_as("/account", "tc_session=old")
            .await
            .expect(StatusCode::SEE_OTHER);
        assert!(page.header("set-cookie").starts_with("tc_session=;"));
    }

    #[tokio::test]
    async fn a_session_is_ended_from_afar() {
        let site = Site::new().await;
        let address = format!("/account/sessions/{}", Fake::SESSION);
        let page = site
            .post_as(&address, SESSION, &[])
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(page.header("location"), "/account?note=revoked");
        assert!(site.was_asked("DELETE"));
    }

    #[tokio::test]
    async fn what_is_open_to_all_needs_no_session() {
        let site = Site::new().await;
        site.get_as("/products", "tc_session=old")
            .await
            .expect(StatusCode::OK);
        assert_eq!(site.bearer("/api/products"), "");
    }

    #[test]
    fn devices_have_names_that_people_know() {
        let chrome = "Mozilla/5.0 (Windows NT 10.0) Chrome/156.0 Safari/537.36";
        assert_eq!(device(chrome).as_deref(), Some("Chrome · Windows"));
        assert_eq!(device("curl/8.0").as_deref(), Some("curl/8.0"));
        assert_eq!(device(""), None);
    }
}

//! `/admin/webhooks/{id}`: one webhook, what was sent to it, and what can be done about it.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use techcommerce_contracts::order_api::{
    Webhook, WebhookDelivery, WebhookDeliveryQuery, WebhookDeliveryState, WebhookEdit,
};
use techcommerce_kernel::{Error, Kind as ErrorKind, Uuid};

use super::{
    AdminDesk, Desk, Frame, Section,
    form::Form,
    frame::show as answer,
    orders::Tab,
    parts::{Badge, Pager, When, address},
    webhooks::{self, PATH},
};
use crate::{
    failure::Failure,
    forms::{Asked, Sent},
    i18n::Texts,
    page::see_other,
};

#[derive(Template)]
#[template(path = "admin/webhook.html")]
struct WebhookPage {
    page: Frame,
    href: String,
    badge: Badge,
    enabled: bool,
    failing: Option<When>,
    previous_until: Option<When>,
    form: Form,
    types: Vec<String>,
    /// A secret that has just been made.
    secret: Option<String>,
    /// Of the step that makes another one.
    rotation: Form,
    tabs: Vec<Tab>,
    rows: Option<Vec<Row>>,
    pager: Pager,
}

struct Row {
    href: String,
    kind: String,
    at: When,
    badge: Badge,
    attempts: i64,
    status: String,
    next: Option<When>,
}

fn id_of(id: &str) -> Result<Uuid, Failure> {
    id.parse().map_err(|_| Failure::not_found())
}

/// `GET /admin/webhooks/{id}`
///
/// # Errors
/// There is no such webhook, or orders do not answer.
pub async fn show(
    desk: AdminDesk,
    Path(id): Path<String>,
    Asked(sent): Asked,
) -> Result<Response, Failure> {
    let webhook = desk.api().webhook(id_of(&id)?).await?;
    let form = webhooks::filled(webhooks::form(&desk), &webhook);
    let shown = Shown {
        form,
        secret: None,
        status: StatusCode::OK,
    };
    Ok(page(&desk, webhook, &sent, shown).await)
}

/// `POST /admin/webhooks/{id}`: changes it.
///
/// # Errors
/// As [`show`].
pub async fn save(
    desk: AdminDesk,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let mut form = webhooks::form(&desk).filled(&sent);
    let mut status = StatusCode::BAD_REQUEST;
    if form.check() {
        let edit = WebhookEdit {
            url: Some(sent.text("url").to_owned()),
            description: Some(sent.text("description").to_owned()),
            types: Some(webhooks::chosen(&sent)),
            enabled: None,
        };
        match desk.api().edit_webhook(id, &edit).await {
            Ok(_) => return see_other(&format!("{PATH}/{id}?note=saved")),
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(error.into()),
            Err(error) => status = form.told(&error),
        }
    }
    let webhook = desk.api().webhook(id).await?;
    let shown = Shown {
        form,
        secret: None,
        status,
    };
    Ok(page(&desk, webhook, &Sent::default(), shown).await)
}

/// `POST /admin/webhooks/{id}/rotate`: a new secret, shown on the page itself.
///
/// # Errors
/// As [`show`].
pub async fn rotate(
    desk: AdminDesk,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let asked = desk.form_once().filled(&sent);
    let rotated = desk.api().rotate_webhook(id, asked.key()).await?;
    let webhook = desk.api().webhook(id).await?;
    let form = webhooks::filled(webhooks::form(&desk), &webhook);
    let shown = Shown {
        form,
        secret: Some(rotated.secret),
        status: StatusCode::OK,
    };
    Ok(page(&desk, webhook, &Sent::default(), shown).await)
}

/// `POST /admin/webhooks/{id}/switch`
///
/// # Errors
/// As [`show`].
pub async fn switch(
    desk: AdminDesk,
    Path(id): Path<String>,
    sent: Sent,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let on = sent.text("enabled") == "yes";
    let edit = WebhookEdit {
        enabled: Some(on),
        ..WebhookEdit::default()
    };
    desk.api().edit_webhook(id, &edit).await?;
    let note = if on { "hook-on" } else { "hook-off" };
    see_other(&format!("{PATH}/{id}?note={note}"))
}

/// `POST /admin/webhooks/{id}/test`
///
/// # Errors
/// As [`show`].
pub async fn test(desk: AdminDesk, Path(id): Path<String>, _: Sent) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    desk.api().test_webhook(id).await?;
    see_other(&format!("{PATH}/{id}?note=hook-tested"))
}

/// `POST /admin/webhooks/{id}/resend-failed`
///
/// # Errors
/// As [`show`].
pub async fn resend_failed(
    desk: AdminDesk,
    Path(id): Path<String>,
    _: Sent,
) -> Result<Response, Failure> {
    let id = id_of(&id)?;
    let sent = desk.api().resend_failed_deliveries(id).await;
    let note = match sent {
        Ok(_) => "hook-resent",
        Err(error) => disabled(error)?,
    };
    see_other(&format!("{PATH}/{id}?note={note}"))
}

/// Nothing is sent to one that is switched off, which is said.
pub(super) fn disabled(error: Error) -> Result<&'static str, Failure> {
    match error.kind() {
        ErrorKind::Conflict => Ok("hook-is-off"),
        _ => Err(error.into()),
    }
}

/// `POST /admin/webhooks/{id}/delete`
///
/// # Errors
/// Orders do not answer.
pub async fn delete(desk: AdminDesk, Path(id): Path<String>, _: Sent) -> Result<Response, Failure> {
    match desk.api().delete_webhook(id_of(&id)?).await {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error.into()),
        // One that is not there is gone: what was wanted.
        _ => see_other(&format!("{PATH}?note=hook-gone")),
    }
}

/// What a page shows beside the webhook.
struct Shown {
    form: Form,
    secret: Option<String>,
    status: StatusCode,
}

async fn page(desk: &Desk, webhook: Webhook, sent: &Sent, shown: Shown) -> Response {
    let state = sent.text("state").parse().ok();
    let query = WebhookDeliveryQuery {
        state,
        kind: None,
        limit: Some(50),
        cursor: Some(sent.text("cursor").to_owned()).filter(|cursor| !cursor.is_empty()),
    };
    let found = desk.api().webhook_deliveries(webhook.id, &query).await.ok();
    let page = desk.frame(Section::Webhooks, webhooks::name(&webhook));
    let href = format!("{PATH}/{}", webhook.id);
    let tab = |other: Option<WebhookDeliveryState>| Tab {
        text: page
            .t(&format!(
                "hook.tab_{}",
                other.map_or("all", WebhookDeliveryState::name)
            ))
            .to_owned(),
        href: match other {
            Some(other) => address(&href, &[("state", other.name())]),
            None => href.clone(),
        },
        current: other == state,
    };
    let states = [
        None,
        Some(WebhookDeliveryState::Pending),
        Some(WebhookDeliveryState::Failed),
        Some(WebhookDeliveryState::Cancelled),
    ];
    let tabs = states.map(tab).into();
    let (items, next) = match found {
        Some(found) => (Some(found.items), found.next_cursor),
        None => (None, None),
    };
    let rows = items.map(|items| {
        let row = |delivery: WebhookDelivery| row(&page, &href, &delivery);
        items.into_iter().map(row).collect()
    });
    let view = WebhookPage {
        badge: webhooks::badge(page.texts(), &webhook),
        enabled: webhook.enabled,
        failing: webhook.failing_since.map(|at| page.when(at)),
        previous_until: webhook.previous_secret_until.map(|at| page.when(at)),
        form: shown.form,
        types: webhooks::boxes(),
        secret: shown.secret,
        rotation: desk.form_once(),
        tabs,
        rows,
        pager: Pager::new(&href, sent, &["state"], next),
        href,
        page,
    };
    answer(shown.status, &view.page, &view)
}

fn row(page: &Frame, href: &str, delivery: &WebhookDelivery) -> Row {
    Row {
        href: format!("{href}/deliveries/{}", delivery.id),
        kind: delivery.kind.name().to_owned(),
        at: page.when(delivery.created_at),
        badge: state(page.texts(), delivery.state),
        attempts: delivery.attempts,
        status: delivery
            .last_status
            .map_or_else(String::new, |status| status.to_string()),
        next: delivery.next_attempt_at.map(|at| page.when(at)),
    }
}

/// What became of a delivery.
pub(super) fn state(texts: &Texts, state: WebhookDeliveryState) -> Badge {
    let tone = match state {
        WebhookDeliveryState::Delivered => "good",
        WebhookDeliveryState::Pending => "warn",
        WebhookDeliveryState::Failed => "bad",
        WebhookDeliveryState::Cancelled => "",
    };
    Badge::new(texts, &format!("hook.was_{}", state.name()), tone)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::{Value, json};

    use crate::testing::{ADMIN, Fake, Site};

    fn path() -> String {
        format!("/admin/webhooks/{}", Fake::SMALL)
    }

    #[tokio::test]
    async fn what_was_sent_is_shown() {
        let site = Site::new().await;
        let page = site.get_as(&path(), ADMIN).await.expect(StatusCode::OK);
        page.has(&[
            "Stock keeper",
            "https://hooks.example.com/in/key",
            concat!("order", ".paid"),
            "503",
            "/deliveries/",
            "Send a trial",
        ]);
        page.is_accessible();
        let failed = format!("{}?state=failed", path());
        site.get_as(&failed, ADMIN).await.expect(StatusCode::OK);
        let asked = site.asked(&format!("/api/webhooks/{}/deliveries", Fake::SMALL));
        assert!(asked.contains("state=failed"), "{asked}");
        let nothing = site.get_as("/admin/webhooks/x", ADMIN).await;
        nothing.expect(StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn it_is_changed_tried_and_deleted() {
        let site = Site::new().await;
        let form = [("url", "https://b.example/"), ("order_placed", "on")];
        let to = |rest: &str| format!("{}{rest}", path());
        let answer = site.post_as(&path(), ADMIN, &form).await;
        let answer = answer.expect(StatusCode::SEE_OTHER);
        assert_eq!(answer.header("location"), to("?note=saved"));
        let sent: Value = serde_json::from_str(&site.sent("PATCH", Fake::SMALL)).unwrap();
        let wanted = json!({"url": "https://b.example/", "description": "",
            "types": [concat!("order", ".placed")]});
        assert_eq!(sent, wanted);
        for (action, note) in [
            ("/test", "?note=hook-tested"),
            ("/resend-failed", "?note=hook-resent"),
            ("/switch", "?note=hook-off"),
        ] {
            let answer = site.post_as(&to(action), ADMIN, &[]).await;
            let answer = answer.expect(StatusCode::SEE_OTHER);
            assert_eq!(answer.header("location"), to(note), "{action}");
        }
        let page = site.post_as(&to("/rotate"), ADMIN, &[]).await;
        let page = page.expect(StatusCode::OK);
        page.has(&["whsec_the-next", "only this once"]);
        page.is_accessible();
        let answer = site.post_as(&to("/delete"), ADMIN, &[]).await;
        let answer = answer.expect(StatusCode::SEE_OTHER);
        assert_eq!(answer.header("location"), "/admin/webhooks?note=hook-gone");
    }
}

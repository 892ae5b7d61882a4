//! `/admin/webhooks`: where the shop tells others what happens. Only admins come here; a secret is
//! shown once.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use techcommerce_contracts::order_api::{NewWebhook, Webhook, WebhookDisabled, WebhookEventType};

use super::{
    AdminDesk, Desk, Frame, Section,
    form::{Field, Form, Kind},
    frame::show as answer,
    parts::{Badge, When},
};
use crate::{forms::Sent, i18n::Texts};

/// The list's address.
pub(super) const PATH: &str = "/admin/webhooks";

#[derive(Template)]
#[template(path = "admin/webhooks.html")]
struct WebhooksPage {
    page: Frame,
    form: Form,
    types: Vec<String>,
    /// Of a webhook that has just been made.
    made: Option<Made>,
    rows: Option<Vec<Row>>,
}

struct Made {
    name: String,
    href: String,
    secret: String,
}

struct Row {
    href: String,
    name: String,
    host: String,
    badge: Badge,
    types: String,
    made: When,
}

/// `GET /admin/webhooks`
pub async fn show(desk: AdminDesk) -> Response {
    let form = new_form(&desk);
    page(&desk, form, None, StatusCode::OK).await
}

/// `POST /admin/webhooks`: makes one. The answer is the page itself, as the secret is nowhere to be
/// fetched from again.
pub async fn create(desk: AdminDesk, sent: Sent) -> Response {
    let mut form = new_form(&desk).filled(&sent);
    if !form.check() {
        return page(&desk, form, None, StatusCode::BAD_REQUEST).await;
    }
    let input = NewWebhook {
        url: sent.text("url").to_owned(),
        description: sent.text("description").to_owned(),
        types: chosen(&sent),
        enabled: true,
    };
    match desk.api().create_webhook(form.key(), &input).await {
        Ok(created) => {
            let made = Made {
                name: name(&created.webhook),
                href: format!("{PATH}/{}", created.webhook.id),
                secret: created.secret,
            };
            let form = new_form(&desk);
            page(&desk, form, Some(made), StatusCode::CREATED).await
        }
        Err(error) => {
            let status = form.told(&error);
            page(&desk, form, None, status).await
        }
    }
}

/// What an endpoint is called: what it is for, else its host.
pub(super) fn name(webhook: &Webhook) -> String {
    match webhook.description.as_str() {
        "" => host(&webhook.url).to_owned(),
        description => description.to_owned(),
    }
}

/// The host of an address; the rest may hold a key of the receiver's.
pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split(['/', '?']).next().unwrap_or_default()
}

/// The name of the box for a type.
fn box_of(kind: WebhookEventType) -> String {
    kind.name().replace('.', "_")
}

/// The form of one that is to be made: once.
fn new_form(desk: &Desk) -> Form {
    form(desk).once(desk.key())
}

/// The fields of a webhook.
pub(super) fn form(desk: &Desk) -> Form {
    let url = Field::text("url", desk.t("hook.url")).kind(Kind::Input("url"));
    let description = Field::text("description", desk.t("hook.description")).optional();
    let form = desk
        .form()
        .with(url.max(2000).hint(desk.t("hook.url_hint")))
        .with(description.hint(desk.t("hook.description_hint")));
    WebhookEventType::CHOICES
        .into_iter()
        .fold(form, |form, kind| {
            let name = box_of(kind);
            let label = desk.t(&format!("hook.{name}")).to_owned();
            let label = format!("{label} ({})", kind.name());
            form.with(Field::text(name, label).kind(Kind::Check).optional())
        })
}

/// The names of the boxes, for the template.
pub(super) fn boxes() -> Vec<String> {
    WebhookEventType::CHOICES.map(box_of).into()
}

/// The types whose boxes are ticked; all of them are the same as none, which stands for those
/// that are yet to come as well.
pub(super) fn chosen(sent: &Sent) -> Vec<WebhookEventType> {
    let mut chosen = WebhookEventType::CHOICES.to_vec();
    chosen.retain(|kind| sent.text(&box_of(*kind)) == "on");
    if chosen.len() == WebhookEventType::CHOICES.len() {
        chosen.clear();
    }
    chosen
}

/// What a webhook's form has in it.
pub(super) fn filled(form: Form, webhook: &Webhook) -> Form {
    let mut form = form;
    for field in &mut form.fields {
        field.value = match field.name.as_str() {
            "url" => webhook.url.clone(),
            "description" => webhook.description.clone(),
            name => {
                let ticked = webhook.types.iter().any(|kind| box_of(*kind) == name);
                if ticked { "on" } else { "" }.to_owned()
            }
        };
    }
    form
}

/// How a webhook stands.
pub(super) fn badge(texts: &Texts, webhook: &Webhook) -> Badge {
    match (webhook.enabled, webhook.disabled_reason) {
        (true, _) if webhook.failing_since.is_some() => {
            Badge::new(texts, "hook.is_failing", "warn")
        }
        (true, _) => Badge::new(texts, "hook.is_on", "good"),
        (false, Some(WebhookDisabled::Gone)) => Badge::new(texts, "hook.is_gone", "bad"),
        (false, Some(WebhookDisabled::Failing)) => Badge::new(texts, "hook.is_given_up", "bad"),
        (false, Some(WebhookDisabled::Staff) | None) => Badge::new(texts, "hook.is_off", ""),
    }
}

async fn page(desk: &Desk, form: Form, made: Option<Made>, status: StatusCode) -> Response {
    let hooks = desk.api().webhooks().await;
    let page = desk.frame(Section::Webhooks, desk.t("desk.webhooks"));
    let row = |webhook: Webhook| Row {
        href: format!("{PATH}/{}", webhook.id),
        name: name(&webhook),
        host: host(&webhook.url).to_owned(),
        badge: badge(page.texts(), &webhook),
        types: match webhook.types.len() {
            0 => page.t("hook.all_types").to_owned(),
            count => page.tv("hook.some_types", count),
        },
        made: page.when(webhook.created_at),
    };
    let rows = hooks.ok().map(|hooks| hooks.into_iter().map(row).collect());
    let view = WebhooksPage {
        form,
        types: boxes(),
        made,
        rows,
        page,
    };
    answer(status, &view.page, &view)
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::{Value, json};

    use super::host;
    use crate::testing::{ADMIN, Fake, STAFF, Site};

    const PATH: &str = "/admin/webhooks";

    #[test]
    fn of_an_address_only_the_host_is_shown() {
        assert_eq!(
            host("https://hooks.example.com/T0/key?a=b"),
            "hooks.example.com"
        );
        assert_eq!(host("https://hooks.example.com"), "hooks.example.com");
    }

    #[tokio::test]
    async fn a_webhook_is_made_and_its_secret_shown_once() {
        let site = Site::new().await;
        let page = site.get_as(PATH, ADMIN).await.expect(StatusCode::OK);
        page.has(&[
            "Stock keeper",
            "hooks.example.com",
            "Arrives",
            "name=\"order_paid\"",
        ]);
        page.lacks(&["/in/key"]);
        page.is_accessible();
        let form = [
            ("url", "https://hooks.example.com/in"),
            ("description", "ERP"),
            ("order_paid", "on"),
        ];
        let page = site
            .post_as(PATH, ADMIN, &form)
            .await
            .expect(StatusCode::CREATED);
        page.has(&["whsec_the-secret", "only this once"]);
        page.is_accessible();
        assert_eq!(page.header("cache-control"), "private, no-store");
        let sent: Value = serde_json::from_str(&site.sent("POST", "/webhooks")).unwrap();
        let wanted = json!({"url": "https://hooks.example.com/in", "description": "ERP",
            "types": [concat!("order", ".paid")], "enabled": true});
        assert_eq!(sent, wanted);
        let page = site.get_as(PATH, ADMIN).await;
        page.lacks(&["whsec_the-secret"]);
        site.get_as(PATH, STAFF)
            .await
            .expect(StatusCode::FORBIDDEN)
            .has(&["This is for admins"]);
    }

    #[tokio::test]
    async fn what_the_shop_refuses_stands_at_its_field() {
        let site = Site::new().await;
        let page = site.post_as(PATH, ADMIN, &[("url", "")]).await;
        page.expect(StatusCode::BAD_REQUEST)
            .has(&["id=\"url-error\""]);
        let refused = json!({"code": "invalid_input", "errors": [
            {"path": "url", "message": "must begin with https://"}]});
        let site = Fake::default().answers("POST", "/api/webhooks", 400, refused);
        let site = Site::with(site).await;
        let page = site
            .post_as(PATH, ADMIN, &[("url", "http://a.example/")])
            .await;
        let page = page.expect(StatusCode::BAD_REQUEST);
        page.has(&["Must begin with https://", "value=\"http://a.example/\""]);
        page.is_accessible();
    }
}

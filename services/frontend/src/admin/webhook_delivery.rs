//! `/admin/webhooks/{id}/deliveries/{delivery}`: what was sent, how it was answered, and once more.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use techcommerce_contracts::order_api::WebhookAttempt;
use techcommerce_kernel::Uuid;

use super::{
    AdminDesk, Frame, Section,
    frame::show as answer,
    parts::{Badge, When},
    webhook::{disabled, state},
    webhooks::PATH,
};
use crate::{failure::Failure, forms::Sent, page::see_other};

#[derive(Template)]
#[template(path = "admin/webhook_delivery.html")]
struct DeliveryPage {
    page: Frame,
    webhook: String,
    href: String,
    badge: Badge,
    event: String,
    sequence: i64,
    next: Option<When>,
    body: String,
    attempts: Vec<Row>,
}

struct Row {
    number: i64,
    at: When,
    took: String,
    status: String,
    error: String,
    answer: String,
}

fn ids((id, delivery): (String, String)) -> Result<(Uuid, Uuid), Failure> {
    match (id.parse(), delivery.parse()) {
        (Ok(id), Ok(delivery)) => Ok((id, delivery)),
        _ => Err(Failure::not_found()),
    }
}

/// The page.
///
/// # Errors
/// There is no such delivery, or orders do not answer.
pub async fn show(
    desk: AdminDesk,
    Path(path): Path<(String, String)>,
) -> Result<Response, Failure> {
    let (id, delivery) = ids(path)?;
    let found = desk.api().webhook_delivery(id, delivery).await?;
    let delivery = found.delivery;
    let page = desk.frame(Section::Webhooks, delivery.kind.name());
    let row = |attempt: WebhookAttempt| Row {
        number: attempt.number,
        at: page.when(attempt.at),
        took: format!("{} ms", attempt.milliseconds),
        status: attempt
            .status
            .map_or_else(String::new, |status| status.to_string()),
        error: attempt.error.unwrap_or_default(),
        answer: attempt.answer,
    };
    let view = DeliveryPage {
        webhook: format!("{PATH}/{id}"),
        href: format!("{PATH}/{id}/deliveries/{}", delivery.id),
        badge: state(page.texts(), delivery.state),
        sequence: delivery.sequence,
        next: delivery.next_attempt_at.map(|at| page.when(at)),
        attempts: found.attempts.into_iter().map(row).collect(),
        body: pretty(found.body),
        event: delivery.event_id,
        page,
    };
    Ok(answer(StatusCode::OK, &view.page, &view))
}

/// For people; what is signed has no such spaces.
fn pretty(body: String) -> String {
    let value = serde_json::from_str::<serde_json::Value>(&body);
    let pretty = value.and_then(|value| serde_json::to_string_pretty(&value));
    pretty.unwrap_or(body)
}

/// `POST …/resend`
///
/// # Errors
/// As [`show`].
pub async fn resend(
    desk: AdminDesk,
    Path(path): Path<(String, String)>,
    _: Sent,
) -> Result<Response, Failure> {
    let (id, delivery) = ids(path)?;
    let note = match desk.api().resend_delivery(id, delivery).await {
        Ok(_) => "hook-resent",
        Err(error) => disabled(error)?,
    };
    see_other(&format!("{PATH}/{id}/deliveries/{delivery}?note={note}"))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use crate::testing::{ADMIN, Fake, Site};

    fn path() -> String {
        format!("/admin/webhooks/{}/deliveries/{}", Fake::SMALL, Fake::LARGE)
    }

    #[tokio::test]
    async fn every_attempt_is_shown_and_what_was_answered_is_no_markup() {
        let site = Site::new().await;
        let page = site.get_as(&path(), ADMIN).await.expect(StatusCode::OK);
        page.has(&[
            concat!("order", ".paid"),
            "evt_",
            "503",
            "&#60;b&#62;busy",
            "&#34;sequence&#34;: 2",
        ]);
        page.lacks(&["<b>busy"]);
        page.is_accessible();
        let nothing = site.get_as("/admin/webhooks/x/deliveries/y", ADMIN).await;
        nothing.expect(StatusCode::NOT_FOUND);
    }

    #[tokio::test]
    async fn it_is_sent_again_unless_the_webhook_is_off() {
        let site = Site::new().await;
        let resend = format!("{}/resend", path());
        let answer = site.post_as(&resend, ADMIN, &[]).await;
        let answer = answer.expect(StatusCode::SEE_OTHER);
        assert_eq!(
            answer.header("location"),
            format!("{}?note=hook-resent", path())
        );
        const RESEND: &str = "/api/webhooks/0193a1b2-0000-7000-8000-000000000001/deliveries/0193a1b2-0000-7000-8000-000000000002/resend";
        let off = json!({"code": "webhook_disabled"});
        let site = Site::with(Fake::default().answers("POST", RESEND, 409, off)).await;
        let answer = site.post_as(&resend, ADMIN, &[]).await;
        let answer = answer.expect(StatusCode::SEE_OTHER);
        assert_eq!(
            answer.header("location"),
            format!("{}?note=hook-is-off", path())
        );
    }
}

//! `GET /admin/jobs`: work that waits, runs, or was given up. What was given up can be tried again
//! or dropped.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use techcommerce_contracts::jobs::{JobEntry, JobQuery, JobState};
use techcommerce_kernel::{Kind as ErrorKind, Uuid};

use super::{
    Desk, Frame, Section,
    frame::show as answer,
    orders::Tab,
    parts::{Badge, Pager, When, address},
};
use crate::{
    failure::Failure,
    forms::{Asked, Sent},
    i18n::Texts,
    page::see_other,
};

/// The list.
pub(super) const PATH: &str = "/admin/jobs";
/// The longest reason that is asked for, in characters.
const MAX_REASON: usize = 500;

#[derive(Template)]
#[template(path = "admin/jobs.html")]
struct JobsPage {
    page: Frame,
    tabs: Vec<Tab>,
    state: String,
    rows: Vec<Row>,
    pager: Pager,
}

struct Row {
    id: Uuid,
    service: String,
    kind: String,
    badge: Badge,
    dead: bool,
    attempts: String,
    error: String,
    since: When,
    next: When,
}

/// The list; of what was given up, unless asked otherwise.
///
/// # Errors
/// The worker does not answer.
pub async fn show(desk: Desk, Asked(sent): Asked) -> Result<Response, Failure> {
    let state = match sent.text("state") {
        "waiting" => JobState::Waiting,
        "running" => JobState::Running,
        _ => JobState::Dead,
    };
    let query = JobQuery {
        state: Some(state),
        kind: Some(sent.text("kind").to_owned()).filter(|kind| !kind.is_empty()),
        limit: Some(50),
        cursor: Some(sent.text("cursor").to_owned()).filter(|cursor| !cursor.is_empty()),
        ..JobQuery::default()
    };
    let api = desk.api();
    let (found, counts) = tokio::join!(api.jobs(&query), api.job_counts());
    let (found, counts) = (found?, counts.ok());
    let page = desk.frame(Section::Jobs, desk.t("desk.jobs"));
    let tab = |other: JobState| {
        let count = counts.as_ref().map(|counts| {
            let of = |service: &techcommerce_contracts::jobs::ServiceJobs| match other {
                JobState::Dead => service.dead,
                JobState::Waiting => service.waiting,
                JobState::Running => service.running,
            };
            counts.items.iter().map(of).sum::<u64>()
        });
        let text = desk.t(&format!("job.tab_{}", other.name())).to_owned();
        Tab {
            text: count.map_or(text.clone(), |count| format!("{text} ({count})")),
            href: address(PATH, &[("state", other.name())]),
            current: other == state,
        }
    };
    let view = JobsPage {
        tabs: [JobState::Dead, JobState::Waiting, JobState::Running]
            .map(tab)
            .into(),
        state: state.name().to_owned(),
        rows: found.items.into_iter().map(|job| row(&page, job)).collect(),
        pager: Pager::new(PATH, &sent, &["state", "kind"], found.next_cursor),
        page,
    };
    Ok(answer(StatusCode::OK, &view.page, &view))
}

fn row(page: &Frame, job: JobEntry) -> Row {
    Row {
        id: job.id,
        badge: badge(page.texts(), job.state),
        dead: job.state == JobState::Dead,
        attempts: format!("{} / {}", job.attempts, job.max_attempts),
        error: job.last_error.unwrap_or_default(),
        since: page.when(job.created_at),
        next: page.when(job.run_at),
        kind: name(page.texts(), &job.kind),
        service: job.service,
    }
}

/// Where a job stands.
pub(super) fn badge(texts: &Texts, state: JobState) -> Badge {
    match state {
        JobState::Dead => Badge::new(texts, "job.is_dead", "bad"),
        JobState::Waiting => Badge::new(texts, "job.is_waiting", ""),
        JobState::Running => Badge::new(texts, "job.is_running", "good"),
    }
}

/// What jobs of a kind do, with the kind's name.
pub(super) fn name(texts: &Texts, kind: &str) -> String {
    match texts.find(&format!("work.{}", kind.replace('.', "_"))) {
        Some(words) => format!("{words} ({kind})"),
        None => kind.to_owned(),
    }
}

/// `POST /admin/jobs/retry-kind`: all dead jobs of a kind, from the page that `back` names.
///
/// # Errors
/// The worker does not answer.
pub async fn retry_kind(desk: Desk, sent: Sent) -> Result<Response, Failure> {
    let (service, kind) = (sent.text("service"), sent.text("kind"));
    let back = match sent.text("back") {
        "/admin/system" => "/admin/system",
        _ => PATH,
    };
    match desk.api().retry_jobs(service, kind).await {
        Ok(0) => see_other(&format!("{back}?note=job-gone")),
        Ok(_) => see_other(&format!("{back}?note=jobs-retried")),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            see_other(&format!("{back}?note=job-gone"))
        }
        Err(error) => Err(error.into()),
    }
}

/// `POST /admin/jobs/{service}/{id}/retry`
///
/// # Errors
/// The worker does not answer.
pub async fn retry(
    desk: Desk,
    Path((service, id)): Path<(String, String)>,
    _: Sent,
) -> Result<Response, Failure> {
    let Ok(id) = id.parse::<Uuid>() else {
        return Err(Failure::not_found());
    };
    let done = desk.api().retry_job(&service, id).await;
    finish(done, "job-retried")
}

/// `POST /admin/jobs/{service}/{id}/discard`
///
/// # Errors
/// The worker does not answer.
pub async fn discard(
    desk: Desk,
    Path((service, id)): Path<(String, String)>,
    sent: Sent,
) -> Result<Response, Failure> {
    let Ok(id) = id.parse::<Uuid>() else {
        return Err(Failure::not_found());
    };
    let reason: String = sent.text("reason").chars().take(MAX_REASON).collect();
    let done = desk.api().discard_job(&service, id, &reason).await;
    finish(done, "job-dropped")
}

fn finish(done: Result<(), techcommerce_kernel::Error>, note: &str) -> Result<Response, Failure> {
    match done {
        Ok(()) => see_other(&format!("{PATH}?note={note}")),
        // Somebody was faster, or the form was sent twice.
        Err(error) if error.kind() == ErrorKind::NotFound => {
            see_other(&format!("{PATH}?note=job-gone"))
        }
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use http::StatusCode;
    use serde_json::json;

    use crate::testing::{Fake, STAFF, Site};

    #[tokio::test]
    async fn what_was_given_up_is_tried_again_or_dropped() {
        let site = Site::new().await;
        let page = site
            .get_as("/admin/jobs", STAFF)
            .await
            .expect(StatusCode::OK);
        page.has(&[
            "Mail to a customer",
            "the mail server hung up",
            "8 / 8",
            "Given up (1)",
        ]);
        page.is_accessible();
        assert!(site.asked("/api/jobs").contains("state=dead"));
        let job = format!("/admin/jobs/order-api/{}", Fake::SMALL);
        let answer = site.post_as(&format!("{job}/retry"), STAFF, &[]).await;
        let answer = answer.expect(StatusCode::SEE_OTHER);
        assert_eq!(answer.header("location"), "/admin/jobs?note=job-retried");
        let why = [("reason", "told by phone")];
        let answer = site.post_as(&format!("{job}/discard"), STAFF, &why).await;
        let answer = answer.expect(StatusCode::SEE_OTHER);
        assert_eq!(answer.header("location"), "/admin/jobs?note=job-dropped");
        assert!(site.was_asked("DELETE"));
        let path = format!("/api/jobs/order-api/{}", Fake::SMALL);
        assert!(site.asked(&path).contains("reason=told+by+phone"));
    }

    #[tokio::test]
    async fn all_of_a_kind_are_tried_again() {
        let site = Site::new().await;
        let form = [("service", "order-api"), ("kind", "the.kind")];
        let answer = site.post_as("/admin/jobs/retry-kind", STAFF, &form).await;
        let answer = answer.expect(StatusCode::SEE_OTHER);
        assert_eq!(answer.header("location"), "/admin/jobs?note=jobs-retried");
        let sent = site.sent("POST", "/jobs/retry");
        assert!(sent.contains("the.kind"), "{sent}");
        let form = [form[0], form[1], ("back", "https://elsewhere.example")];
        let answer = site.post_as("/admin/jobs/retry-kind", STAFF, &form).await;
        assert_eq!(answer.header("location"), "/admin/jobs?note=jobs-retried");
    }

    #[tokio::test]
    async fn what_another_did_already_is_no_fault() {
        let path = "/api/jobs/order-api/0193a1b2-0000-7000-8000-000000000001/retry";
        let gone = json!({"code": "job_not_found"});
        let site = Site::with(Fake::default().answers("POST", path, 404, gone)).await;
        let job = format!("/admin/jobs/order-api/{}/retry", Fake::SMALL);
        let answer = site
            .post_as(&job, STAFF, &[])
            .await
            .expect(StatusCode::SEE_OTHER);
        assert_eq!(answer.header("location"), "/admin/jobs?note=job-gone");
    }

    #[tokio::test]
    async fn nothing_to_do_is_good_news() {
        let none = json!({"items": [], "next_cursor": null});
        let site = Site::with(Fake::default().answers("GET", "/api/jobs", 200, none)).await;
        let page = site
            .get_as("/admin/jobs", STAFF)
            .await
            .expect(StatusCode::OK);
        page.has(&["No job was given up"]);
        page.is_accessible();
    }
}

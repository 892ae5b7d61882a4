//! `GET /admin/jobs/{service}/{id}`: one job, with what it works on; secrets are taken out before
//! they come here.

use askama::Template;
use axum::{extract::Path, response::Response};
use http::StatusCode;
use techcommerce_contracts::jobs::{JobDetail, JobState};
use techcommerce_kernel::Uuid;

use super::{
    Desk, Frame, Section,
    frame::show as answer,
    jobs,
    parts::{Badge, When},
};
use crate::failure::Failure;

#[derive(Template)]
#[template(path = "admin/job.html")]
struct JobPage {
    page: Frame,
    service: String,
    id: Uuid,
    kind: String,
    badge: Badge,
    dead: bool,
    attempts: String,
    error: String,
    worker: String,
    since: When,
    next: When,
    payload: String,
}

/// The page.
///
/// # Errors
/// There is no such job, or the worker does not answer.
pub async fn show(
    desk: Desk,
    Path((service, id)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let Ok(id) = id.parse::<Uuid>() else {
        return Err(Failure::not_found());
    };
    let JobDetail {
        job,
        payload,
        worker,
    } = desk.api().job(&service, id).await?;
    let name = jobs::name(desk.texts(), &job.kind);
    let page = desk.frame(Section::Jobs, name);
    let view = JobPage {
        badge: jobs::badge(page.texts(), job.state),
        dead: job.state == JobState::Dead,
        attempts: format!("{} / {}", job.attempts, job.max_attempts),
        error: job.last_error.unwrap_or_default(),
        worker: worker.unwrap_or_default(),
        since: page.when(job.created_at),
        next: page.when(job.run_at),
        payload: serde_json::to_string_pretty(&payload).unwrap_or_default(),
        service: job.service,
        id: job.id,
        kind: job.kind,
        page,
    };
    Ok(answer(StatusCode::OK, &view.page, &view))
}

#[cfg(test)]
mod tests {
    use http::StatusCode;

    use crate::testing::{Fake, STAFF, Site};

    #[tokio::test]
    async fn a_job_is_looked_into() {
        let site = Site::new().await;
        let path = format!("/admin/jobs/order-api/{}", Fake::SMALL);
        let page = site.get_as(&path, STAFF).await.expect(StatusCode::OK);
        page.has(&[
            "Mail to a customer",
            "the mail server hung up",
            "[redacted]",
            "pod-1",
            "name=\"reason\"",
        ]);
        page.is_accessible();
        let nothing = site.get_as("/admin/jobs/order-api/x", STAFF).await;
        nothing.expect(StatusCode::NOT_FOUND);
    }
}

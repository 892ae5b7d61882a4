//! `GET /jobs/counts`: how many jobs there are.
//!
//! Errors: 401 `unauthenticated`, 403 `forbidden`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{
    Problem,
    jobs::{JobCounts, ServiceJobs},
};
use techcommerce_http::{ApiResult, Staff};

use super::{App, Private, private};

/// How many jobs of each service wait, run or are dead.
#[utoipa::path(
    get, path = "/jobs/counts", tag = "jobs", operation_id = "count_jobs",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The numbers.", body = JobCounts),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn counts(State(app): State<App>, Staff(_): Staff) -> ApiResult<Private<JobCounts>> {
    let mut items = Vec::with_capacity(app.sets().len());
    for set in app.sets() {
        let stats = set.queue().stats().await?;
        items.push(ServiceJobs {
            service: set.service().to_owned(),
            waiting: stats.ready + stats.scheduled,
            running: stats.running,
            dead: stats.dead,
        });
    }
    let dead = items.iter().map(|jobs| jobs.dead).sum();
    Ok(private(JobCounts { items, dead }))
}

//! `GET /jobs`: the jobs that are not done.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 503 `unavailable`.

use axum::extract::State;
use techcommerce_contracts::{
    ListQuery, Page, Problem,
    jobs::{JobEntry, JobQuery},
};
use techcommerce_http::{ApiResult, Query, Staff, cursor};
use techcommerce_jobs::{JobSet, Wanted};
use techcommerce_kernel::Uuid;

use super::{App, Private, job_show::hide, private};

/// The jobs of all services that are not done, those written last first.
#[utoipa::path(
    get, path = "/jobs", tag = "jobs", operation_id = "list_jobs",
    security(("bearer" = []), ("cookie" = [])),
    params(JobQuery),
    responses(
        (status = 200, description = "A page of jobs.", body = Page<JobEntry>),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<App>,
    Staff(_): Staff,
    Query(query): Query<JobQuery>,
) -> ApiResult<Private<Page<JobEntry>>> {
    let limit = ListQuery {
        limit: query.limit,
        cursor: None,
    }
    .limit()?;
    let before: Option<Uuid> = query.cursor.as_deref().map(cursor::decode).transpose()?;
    let wanted = Wanted {
        state: query.state,
        kind: query.kind.as_deref(),
        before,
        limit: limit + 1,
    };
    let asked = |set: &&JobSet| {
        query
            .service
            .as_ref()
            .is_none_or(|name| set.service() == name)
    };
    let mut items = Vec::new();
    for set in app.sets().iter().filter(asked) {
        items.extend(set.list(wanted).await?);
    }
    // Ids are made in the order of time, whoever makes them.
    items.sort_by_key(|job| std::cmp::Reverse(job.id));
    let more = items.len() > limit;
    items.truncate(limit);
    for job in &mut items {
        hide(job);
    }
    let next_cursor = match items.last() {
        Some(last) if more => Some(cursor::encode(&last.id)?),
        _ => None,
    };
    Ok(private(Page { items, next_cursor }))
}

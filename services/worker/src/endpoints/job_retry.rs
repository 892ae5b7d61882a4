//! `POST /jobs/{service}/{id}/retry`: lets a dead job run again.
//!
//! Errors: 401 `unauthenticated`, 403 `forbidden`, 404 `job_not_found`, 503 `unavailable`.

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use techcommerce_audit::{Entry, record};
use techcommerce_contracts::Problem;
use techcommerce_http::{ApiResult, Path, Staff};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::transact;

use super::App;

/// Lets a dead job run again, now and with all its attempts.
#[utoipa::path(
    post, path = "/jobs/{service}/{id}/retry", tag = "jobs", operation_id = "retry_job",
    security(("bearer" = []), ("cookie" = [])),
    params(
        ("service" = String, Path, description = "Whose job it is, as `order-api`."),
        ("id" = Uuid, Path, description = "The job's id."),
    ),
    responses(
        (status = 204, description = "It will run."),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`job_not_found`: also if it is not dead", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn retry(
    State(app): State<App>,
    Staff(staff): Staff,
    Path((service, id)): Path<(String, Uuid)>,
) -> ApiResult<StatusCode> {
    let queue = app.set(&service)?.queue();
    transact!(queue.db(), |tx| -> Result<(), Error> {
        let kind = queue.retry_in(tx, id).await?;
        // In the log of the service whose job it is: its own database has it.
        let entry = Entry::new(&staff, "job.retry")
            .object("job", id, &kind)
            .change(&json!({ "service": service }));
        record(tx, queue.env(), entry).await
    })?;
    queue.wake();
    Ok(StatusCode::NO_CONTENT)
}

//! `POST /jobs/retry`: lets the dead jobs of a kind run again.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `job_not_found`,
//! 503 `unavailable`.

use axum::extract::State;
use serde_json::json;
use techcommerce_audit::{Entry, record};
use techcommerce_contracts::{
    Problem,
    jobs::{Retried, RetryMany},
};
use techcommerce_http::{ApiResult, Json, Staff};
use techcommerce_kernel::Error;
use techcommerce_store::transact;

use super::{App, Private, private};

/// How many run again at a time, so that the transaction stays short.
const MOST: u32 = 1000;

/// Lets the dead jobs of a kind run again, now and with all their attempts: at most a thousand, the
/// oldest first.
#[utoipa::path(
    post, path = "/jobs/retry", tag = "jobs", operation_id = "retry_jobs",
    security(("bearer" = []), ("cookie" = [])),
    request_body = RetryMany,
    responses(
        (status = 200, description = "They will run.", body = Retried),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`job_not_found`: there is no such service", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`body_too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn retry(
    State(app): State<App>,
    Staff(staff): Staff,
    Json(which): Json<RetryMany>,
) -> ApiResult<Private<Retried>> {
    let queue = app.set(&which.service)?.queue();
    let count = transact!(queue.db(), |tx| -> Result<u64, Error> {
        let count = queue.retry_kind_in(tx, &which.kind, MOST).await?;
        if count > 0 {
            // In the log of the service whose jobs they are: its own database has them.
            let entry = Entry::new(&staff, "job.retry_kind")
                .object("job", &which.kind, &which.kind)
                .change(&json!({ "service": which.service, "count": count }));
            record(tx, queue.env(), entry).await?;
        }
        Ok(count)
    })?;
    queue.wake();
    Ok(private(Retried { count }))
}

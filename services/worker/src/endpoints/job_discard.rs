//! `DELETE /jobs/{service}/{id}`: gives up a dead job for good.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `job_not_found`, 503 `unavailable`.

use axum::extract::State;
use http::StatusCode;
use serde_json::json;
use techcommerce_audit::{Entry, record};
use techcommerce_contracts::{Problem, jobs::DiscardQuery};
use techcommerce_http::{ApiResult, Path, Query, Staff};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::transact;

use super::App;

/// The longest reason, in characters.
const MAX_REASON: usize = 500;

/// Gives up a dead job for good. What it was to do is not done.
#[utoipa::path(
    delete, path = "/jobs/{service}/{id}", tag = "jobs", operation_id = "discard_job",
    security(("bearer" = []), ("cookie" = [])),
    params(
        ("service" = String, Path, description = "Whose job it is, as `order-api`."),
        ("id" = Uuid, Path, description = "The job's id."),
        DiscardQuery,
    ),
    responses(
        (status = 204, description = "It is gone."),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`job_not_found`: also if it is not dead", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn discard(
    State(app): State<App>,
    Staff(staff): Staff,
    Path((service, id)): Path<(String, Uuid)>,
    Query(why): Query<DiscardQuery>,
) -> ApiResult<StatusCode> {
    let reason = why.reason.map(|reason| reason.trim().to_owned());
    let reason = reason.filter(|reason| !reason.is_empty());
    if reason
        .as_ref()
        .is_some_and(|reason| reason.chars().count() > MAX_REASON)
    {
        let message = format!("must have at most {MAX_REASON} characters");
        return Err(Error::invalid_field("reason", message).into());
    }
    let queue = app.set(&service)?.queue();
    transact!(queue.db(), |tx| -> Result<(), Error> {
        let kind = queue.discard_in(tx, id).await?;
        // In the log of the service whose job it is: its own database has it.
        let entry = Entry::new(&staff, "job.discard")
            .object("job", id, &kind)
            .change(&json!({ "service": service, "reason": reason }));
        record(tx, queue.env(), entry).await
    })?;
    Ok(StatusCode::NO_CONTENT)
}

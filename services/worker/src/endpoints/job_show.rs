//! `GET /jobs/{service}/{id}`: one job, with what it works on.
//!
//! Errors: 401 `unauthenticated`, 403 `forbidden`, 404 `job_not_found`, 503 `unavailable`.

use axum::extract::State;
use serde_json::Value;
use techcommerce_contracts::{
    Problem, codes,
    jobs::{JobDetail, JobEntry},
};
use techcommerce_http::{ApiResult, Path, Staff};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_telemetry::{REDACTED, is_sensitive_name, scrub};

use super::{App, Private, private};

/// What a text begins with that opens something: sessions, API keys, ways to a new password.
const OURS: [&str; 3] = ["tcs_", "tck_", "tcr_"];

/// A job that is not done, with what it works on; secrets, tokens and mail addresses are taken out.
#[utoipa::path(
    get, path = "/jobs/{service}/{id}", tag = "jobs", operation_id = "get_job",
    security(("bearer" = []), ("cookie" = [])),
    params(
        ("service" = String, Path, description = "Whose job it is, as `order-api`."),
        ("id" = Uuid, Path, description = "The job's id."),
    ),
    responses(
        (status = 200, description = "The job.", body = JobDetail),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`job_not_found`: also if it is done", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn show(
    State(app): State<App>,
    Staff(_): Staff,
    Path((service, id)): Path<(String, Uuid)>,
) -> ApiResult<Private<JobDetail>> {
    let found = app.set(&service)?.find(id).await?;
    let mut found = found.ok_or_else(|| {
        let message = "There is no such job, or it is done.";
        Error::not_found(codes::JOB_NOT_FOUND, message)
    })?;
    found.payload = shown(found.payload);
    hide(&mut found.job);
    Ok(private(found))
}

/// Takes addresses and the like out of why a job failed.
pub fn hide(job: &mut JobEntry) {
    let error = job.last_error.as_deref().map(scrub);
    job.last_error = error.map(|error| error.into_owned());
}

/// What may be shown of what a job works on: all but what a field's name or a text's shape makes
/// a secret.
fn shown(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.into_iter().map(|(name, value)| {
                let hidden = is_sensitive_name(&name) && !value.is_null();
                let value = if hidden {
                    REDACTED.into()
                } else {
                    shown(value)
                };
                (name, value)
            });
            Value::Object(members.collect())
        }
        Value::Array(items) => Value::Array(items.into_iter().map(shown).collect()),
        Value::String(text) if OURS.iter().any(|prefix| text.contains(prefix)) => REDACTED.into(),
        Value::String(text) => Value::String(scrub(&text).into_owned()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_taken_out_wherever_they_are() {
        let payload = json!({
            "order": "0193a1b2-0000-7000-8000-000000000001",
            "access_token": "abcdefgh",
            "nothing": {"token": null},
            "to": ["ada@example.org", {"password": {"deep": "hunter2"}}],
            "link": "https://shop.example/orders/1?access_token=abcdefgh&x=1",
            "bare": "tcr_abcdefgh",
            "count": 3,
        });
        let text = shown(payload.clone()).to_string();
        for secret in ["abcdefgh", "ada@", "hunter2", "tcr_"] {
            assert!(!text.contains(secret), "{secret} is in {text}");
        }
        let shown = shown(payload.clone());
        assert_eq!(shown["order"], payload["order"]);
        assert_eq!(shown["count"], 3);
        assert_eq!(shown["nothing"]["token"], Value::Null);
    }
}

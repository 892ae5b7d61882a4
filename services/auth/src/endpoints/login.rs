//! `POST /auth/login`: signs in.
//!
//! Errors: 400 `invalid_input`, 401 `wrong_credentials`, 429 `too_many_requests`, 503
//! `unavailable`. An unknown address answers as a wrong password does, after the same work.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use techcommerce_contracts::{
    Problem,
    auth::{LoginRequest, SessionCreated},
    codes,
};
use techcommerce_http::{ApiResult, Caller, Json, Query};
use techcommerce_kernel::Error;

use super::{App, SessionQuery};
use crate::accounts;

/// Signs in with mail address and password.
#[utoipa::path(
    post, path = "/auth/login", tag = "auth", operation_id = "login",
    params(SessionQuery), request_body = LoginRequest,
    security(()),
    responses(
        (status = 200, description = "Signed in.", body = SessionCreated),
        (status = 400, description = "`invalid_json`, `invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`wrong_credentials`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_requests`: wait as `Retry-After` says", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn login(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<SessionQuery>,
    Json(request): Json<LoginRequest>,
) -> ApiResult<Response> {
    let email_key = request.email.key();
    let attempt = app
        .throttle
        .password(&email_key, caller.client_address())
        .inspect_err(|_| {
            app.sign_ins.with(["throttled"]).inc();
        })?;
    let account = accounts::by_email(&app.deps.db, &email_key).await?;
    let stored = account
        .as_ref()
        .map(|account| account.password_hash.as_str());
    let right = app.passwords.verify(stored, &request.password).await;
    let account = match (right, account) {
        (Ok(true), Some(account)) => account,
        (Ok(_), _) => {
            app.sign_ins.with(["failed"]).inc();
            return Err(Error::unauthenticated(
                codes::WRONG_CREDENTIALS,
                "The mail address or the password is wrong.",
            )
            .into());
        }
        (Err(error), _) => {
            // We could not find out: that is no failure of the one who signs in.
            attempt.forgiven();
            return Err(error.into());
        }
    };
    attempt.forgiven();
    let session = app.begin_session(&account, &headers).await?;
    app.sign_ins.with(["succeeded"]).inc();
    app.session_answer(StatusCode::OK, query, session)
}

//! `POST /auth/password`: replaces one's password.
//!
//! Errors: 400 `weak_password`, 401 `unauthenticated` or `wrong_credentials`, 403 `forbidden` for
//! API keys, 409 `password_changed`, 429 `too_many_requests`, 503 `unavailable`.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use techcommerce_contracts::{
    Problem,
    auth::{PasswordChange, SessionCreated},
    codes,
};
use techcommerce_http::{ApiResult, Caller, Json, Query, Signed};
use techcommerce_kernel::Error;
use techcommerce_store::transact;

use super::{App, SessionQuery, log_new_password, weak_password};
use crate::{
    accounts::{self, Account},
    password::NewPassword,
};

/// Replaces one's password. All sessions end; the answer is a new one.
#[utoipa::path(
    post, path = "/auth/password", tag = "auth", operation_id = "change_password",
    params(SessionQuery), request_body = PasswordChange,
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The password is new, and so is the session.", body = SessionCreated),
        (status = 400, description = "`invalid_json`, `invalid_input`, `weak_password`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`, `wrong_credentials`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`password_changed`: somebody was faster", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_requests`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn change(
    State(app): State<App>,
    Signed(principal): Signed,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<SessionQuery>,
    Json(request): Json<PasswordChange>,
) -> ApiResult<Response> {
    let (account, _) = app.account_of(&principal).await?;
    let password = NewPassword::parse(&request.new_password, &account.email)
        .map_err(|why| weak_password("new_password", why))?;
    if request.new_password == request.current_password {
        return Err(weak_password("new_password", "is the one that it is to replace").into());
    }
    let email_key = account.email.to_lowercase();
    let attempt = app.throttle.password(&email_key, caller.client_address())?;
    let stored = Some(account.password_hash.as_str());
    let right = app
        .passwords
        .verify(stored, &request.current_password)
        .await;
    if let Ok(false) = right {
        return Err(Error::unauthenticated(
            codes::WRONG_CREDENTIALS,
            "The password so far is wrong.",
        )
        .field("current_password", "is wrong")
        .into());
    }
    attempt.forgiven();
    right?;
    let password_hash = app.passwords.hash(&app.deps.env, password).await?;
    let seen = Some(account.generation);
    let generation = transact!(app.deps.db, |tx| -> Result<Option<i64>, Error> {
        let env = &app.deps.env;
        let hash = &password_hash;
        let generation = accounts::set_password(tx, env, account.id, seen, hash, false).await?;
        if generation.is_some() {
            log_new_password(tx, env, &account).await?;
        }
        Ok(generation)
    })?;
    let Some(generation) = generation else {
        let message = "The password was changed from elsewhere just now. Sign in again.";
        return Err(Error::conflict("password_changed", message).into());
    };
    let sessions = &app.deps.sessions;
    sessions
        .tidy_up(account.id, generation, app.deps.env.now())
        .await;
    let account = Account {
        generation,
        must_change_password: false,
        ..account
    };
    let session = app.begin_session(&account, &headers).await?;
    app.session_answer(StatusCode::OK, query, session)
}

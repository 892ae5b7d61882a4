//! `POST /auth/password-reset` and `…/confirm`: a new password by a mail.
//!
//! Errors: 400 `invalid_input`, 400 `reset_token_invalid`, 400 `weak_password`, 429
//! `too_many_requests`, 503 `unavailable`. The request answers the same, after the same work,
//! whether there is an account or not: the job that it writes finds out.

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use techcommerce_contracts::{
    Problem,
    auth::{PasswordResetConfirm, PasswordResetRequest},
    codes,
};
use techcommerce_http::{ApiResult, Caller, Json};
use techcommerce_jobs::{NewJob, enqueue};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::transact;

use super::{App, language, log_new_password, weak_password};
use crate::{
    accounts,
    jobs::{RESET_MAIL, ResetMail},
    password::NewPassword,
    resets,
    token::{self, Purpose},
};

/// Asks for a mail with a link to set a new password.
#[utoipa::path(
    post, path = "/auth/password-reset", tag = "auth", operation_id = "request_password_reset",
    request_body = PasswordResetRequest,
    security(()),
    responses(
        (status = 202, description = "If there is an account with this address, a mail is on its way. The link in it is good for 30 minutes."),
        (status = 400, description = "`invalid_json`, `invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_requests`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn request(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Json(request): Json<PasswordResetRequest>,
) -> ApiResult<StatusCode> {
    let email_key = request.email.key();
    app.throttle.reset(&email_key, caller.client_address())?;
    let account = accounts::by_email(&app.deps.db, &email_key).await?;
    let mail = ResetMail {
        account: account.map(|account| account.id),
        language: language(&headers),
    };
    transact!(app.deps.db, |tx| -> Result<(), Error> {
        let job = NewJob::new(RESET_MAIL).payload(&mail)?;
        enqueue(tx, &app.deps.env, job).await.map(drop)
    })?;
    app.queue.wake();
    Ok(StatusCode::ACCEPTED)
}

/// Sets a new password with the token of the mail. All sessions end.
#[utoipa::path(
    post, path = "/auth/password-reset/confirm", tag = "auth", operation_id = "confirm_password_reset",
    request_body = PasswordResetConfirm,
    security(()),
    responses(
        (status = 204, description = "The password is new; sign in with it."),
        (status = 400, description = "`invalid_json`, `invalid_input`, `weak_password`, `reset_token_invalid`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_requests`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn confirm(
    State(app): State<App>,
    Json(request): Json<PasswordResetConfirm>,
) -> ApiResult<StatusCode> {
    if Purpose::of(&request.token) != Some(Purpose::PasswordReset) {
        return Err(useless().into());
    }
    let (db, env) = (&app.deps.db, &app.deps.env);
    let hash = token::hash(&request.token);
    let account = match resets::peek(db, &hash, env.now()).await? {
        Some(id) => accounts::by_id(db, id).await?,
        None => None,
    };
    let account = account.filter(|account| account.disabled_at.is_none());
    let account = account.ok_or_else(useless)?;
    let password = NewPassword::parse(&request.password, &account.email)
        .map_err(|why| weak_password("password", why))?;
    let password_hash = app.passwords.hash(env, password).await?;
    let (id, generation) = transact!(db, |tx| -> Result<(Uuid, Option<i64>), Error> {
        let id = resets::take(tx, &hash, env.now())
            .await?
            .ok_or_else(useless)?;
        let generation = accounts::set_password(tx, env, id, None, &password_hash, false).await?;
        if generation.is_some() {
            log_new_password(tx, env, &account).await?;
        }
        Ok((id, generation))
    })?;
    if let Some(generation) = generation {
        app.deps.sessions.tidy_up(id, generation, env.now()).await;
    }
    Ok(StatusCode::NO_CONTENT)
}

fn useless() -> Error {
    Error::invalid(
        codes::RESET_TOKEN_INVALID,
        "This link was used already or is too old. Ask for a new one.",
    )
}

//! `POST /auth/login`: signs in.
//!
//! Errors: 400 `invalid_input`, 401 `wrong_credentials`, 403 `account_disabled`, 429
//! `too_many_requests`, 503 `unavailable`. An unknown address answers as a wrong password does, after the same work.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use serde_json::json;
use techcommerce_audit::Entry;
use techcommerce_contracts::{
    Problem, Role,
    auth::{LoginRequest, SessionCreated},
    codes,
    context::RequestContext,
};
use techcommerce_http::{ApiResult, Caller, Json, Query};
use techcommerce_kernel::Error;
use techcommerce_store::transact;

use super::{App, SessionQuery};
use crate::accounts::{self, Account};

/// What the log calls it.
const SIGN_IN: &str = "account.sign_in";
const SIGN_IN_FAILED: &str = "account.sign_in_failed";

/// Signs in with mail address and password.
#[utoipa::path(
    post, path = "/auth/login", tag = "auth", operation_id = "login",
    params(SessionQuery), request_body = LoginRequest,
    security(()),
    responses(
        (status = 200, description = "Signed in.", body = SessionCreated),
        (status = 400, description = "`invalid_json`, `invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`wrong_credentials`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`account_disabled`: the password is right", body = Problem, content_type = "application/problem+json"),
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
    let stored = account.as_ref().filter(|account| !account.invited());
    let stored = stored.map(|account| account.password_hash.as_str());
    let right = app.passwords.verify(stored, &request.password).await;
    let account = match (right, account) {
        (Ok(true), Some(account)) if account.disabled_at.is_none() => account,
        (Ok(right), account) => {
            app.sign_ins.with(["failed"]).inc();
            let refused = refusal(right && account.is_some());
            if let Some(account) = account {
                // Behind the answer, so that its time does not tell who runs the shop.
                tokio::spawn(RequestContext::carried(async move {
                    if let Err(error) = log(&app, SIGN_IN_FAILED, &account, &caller).await {
                        tracing::error!(?error, "a failed sign-in is missing in the log");
                    }
                }));
            }
            return Err(refused.into());
        }
        (Err(error), _) => {
            // We could not find out: that is no failure of the one who signs in.
            attempt.forgiven();
            return Err(error.into());
        }
    };
    attempt.forgiven();
    let session = app.begin_session(&account, &headers).await?;
    log(&app, SIGN_IN, &account, &caller).await?;
    app.sign_ins.with(["succeeded"]).inc();
    app.session_answer(StatusCode::OK, query, session)
}

/// Why nobody is signed in. Only who knows the password is told that the account is disabled.
fn refusal(knows_the_password: bool) -> Error {
    match knows_the_password {
        true => Error::forbidden(
            codes::ACCOUNT_DISABLED,
            "This account was disabled. An admin of the shop can enable it.",
        ),
        false => Error::unauthenticated(
            codes::WRONG_CREDENTIALS,
            "The mail address or the password is wrong.",
        ),
    }
}

/// Writes down a sign-in, and of those who run the shop also where it came from, for the log. Of
/// customers no log is kept.
async fn log(
    app: &App,
    action: &'static str,
    account: &Account,
    caller: &Caller,
) -> Result<(), Error> {
    let env = &app.deps.env;
    let (succeeded, staff) = (action == SIGN_IN, account.role >= Role::Staff);
    if !succeeded && !staff {
        return Ok(());
    }
    transact!(app.deps.db, |tx| -> Result<(), Error> {
        if succeeded {
            accounts::signed_in(tx, env, account.id).await?;
        }
        if staff {
            // Who failed is not known to be the account's owner.
            let actor = match succeeded {
                true => format!("account:{}", account.id),
                false => "guest".to_owned(),
            };
            let entry = Entry::by(actor, action)
                .object("account", account.id, account.title())
                .change(&json!({"client_address": caller.client_address()}));
            techcommerce_audit::record(tx, env, entry).await?;
        }
        Ok(())
    })
}

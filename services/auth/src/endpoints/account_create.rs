//! `POST /auth/accounts`: makes an account for somebody else, who is mailed an invitation. For
//! admins.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 409 `email_taken`.

use axum::extract::State;
use http::{HeaderMap, StatusCode};
use serde_json::json;
use techcommerce_audit::Entry;
use techcommerce_contracts::{
    Problem,
    auth::{AccountInput, AccountRecord},
    codes,
};
use techcommerce_http::{Admin, ApiResult, Json};
use techcommerce_jobs::{NewJob, enqueue};
use techcommerce_kernel::Error;
use techcommerce_store::transact;

use super::{App, checked_name, language, record};
use crate::{
    accounts::{self, Account, NO_PASSWORD, NewAccount},
    jobs::{INVITATION_MAIL, InvitationMail},
};

/// Makes an account for somebody else. They are mailed a link to choose a password, which is good
/// for seven days; after that, asking for a new password sends another.
#[utoipa::path(
    post, path = "/auth/accounts", tag = "auth", operation_id = "create_account",
    request_body = AccountInput,
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 201, description = "The account; the invitation is on its way.", body = AccountRecord),
        (status = 400, description = "`invalid_json`, `invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `password_change_required`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`email_taken`: change that account instead", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(app): State<App>,
    Admin(principal): Admin,
    headers: HeaderMap,
    Json(input): Json<AccountInput>,
) -> ApiResult<(StatusCode, Json<AccountRecord>)> {
    let name = checked_name(&input.name)?;
    let env = &app.deps.env;
    let new = NewAccount {
        email: &input.email,
        name,
        role: input.role,
        password_hash: NO_PASSWORD,
        must_change_password: false,
    };
    let made = transact!(app.deps.db, |tx| -> Result<Account, Error> {
        let account = accounts::insert_in(tx, env, &new).await?;
        let mail = InvitationMail {
            account: account.id,
            language: language(&headers),
        };
        enqueue(tx, env, NewJob::new(INVITATION_MAIL).payload(&mail)?).await?;
        let entry = Entry::new(&principal, "account.invite")
            .object("account", account.id, account.title())
            .change(&json!({"role": {"from": null, "to": account.role}}));
        techcommerce_audit::record(tx, env, entry).await?;
        Ok(account)
    });
    let account = made.map_err(|error| match error.code() {
        codes::EMAIL_TAKEN => Error::conflict(
            codes::EMAIL_TAKEN,
            "There is an account with this mail address already. Find it, and change its role.",
        )
        .field("email", "has an account already"),
        _ => error,
    })?;
    app.queue.wake();
    Ok((StatusCode::CREATED, Json(record(&account)?)))
}

//! `PATCH /auth/accounts/{id}`, `DELETE /auth/accounts/{id}/sessions`: what admins do with
//! accounts.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `account_not_found`,
//! 409 `last_admin` or `own_account`.

use axum::extract::State;
use http::StatusCode;
use techcommerce_contracts::{
    Principal, Problem,
    auth::{AccountPatch, AccountRecord},
};
use techcommerce_http::{Admin, ApiResult, Json, Path};
use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::transact;

use super::{App, checked_name, no_account, record};
use crate::{
    accounts::{
        Account,
        directory::{self, By},
    },
    api_keys,
};

/// Changes an account. Another role ends its sessions; disabling it ends them and its API keys,
/// until it is enabled again.
#[utoipa::path(
    patch, path = "/auth/accounts/{id}", tag = "auth", operation_id = "change_account",
    params(("id" = Uuid, Path, description = "The account's id.")),
    request_body = AccountPatch,
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The account as it is now.", body = AccountRecord),
        (status = 400, description = "`invalid_json`, `invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `password_change_required`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`account_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`own_account`: nobody changes their own rights; `last_admin`: the shop would be left without one", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn change(
    State(app): State<App>,
    Admin(principal): Admin,
    Path(id): Path<Uuid>,
    Json(mut patch): Json<AccountPatch>,
) -> ApiResult<Json<AccountRecord>> {
    if let Some(name) = patch.name.take() {
        patch.name = Some(checked_name(&name)?.to_owned());
    }
    let by = by(&app, principal).await?;
    let changed = transact!(app.deps.db, |tx| -> Result<Option<Account>, Error> {
        directory::change(tx, &app.deps.env, &by, id, &patch).await
    })?;
    let account = changed.ok_or_else(no_account)?;
    tidy_up(&app, &account).await;
    Ok(Json(record(&account)?))
}

/// Ends all sessions of an account: whoever is signed in to it must sign in again.
#[utoipa::path(
    delete, path = "/auth/accounts/{id}/sessions", tag = "auth", operation_id = "end_account_sessions",
    params(("id" = Uuid, Path, description = "The account's id.")),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 204, description = "Nobody is signed in to it."),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `password_change_required`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`account_not_found`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn end_sessions(
    State(app): State<App>,
    Admin(principal): Admin,
    Path(id): Path<Uuid>,
) -> ApiResult<StatusCode> {
    let by = by(&app, principal).await?;
    let ended = transact!(app.deps.db, |tx| -> Result<Option<Account>, Error> {
        directory::end_sessions(tx, &app.deps.env, &by, id).await
    })?;
    tidy_up(&app, &ended.ok_or_else(no_account)?).await;
    Ok(StatusCode::NO_CONTENT)
}

async fn by(app: &App, principal: Principal) -> Result<By, Error> {
    let account = match &principal {
        Principal::Account { id, .. } => Some(*id),
        Principal::ApiKey { id, .. } => api_keys::account_of(&app.deps.db, *id).await?,
        Principal::Service { .. } => None,
    };
    Ok(By { principal, account })
}

/// The sessions are over with the commit; their records go as well.
async fn tidy_up(app: &App, account: &Account) {
    let now = app.deps.env.now();
    let sessions = &app.deps.sessions;
    sessions.tidy_up(account.id, account.generation, now).await;
}

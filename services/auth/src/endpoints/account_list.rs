//! `GET /auth/accounts`, `GET /auth/accounts/{id}`: the shop's accounts. For staff.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `account_not_found`.

use axum::extract::State;
use techcommerce_contracts::{
    Page, Problem,
    auth::{AccountDetail, AccountQuery, AccountRecord},
};
use techcommerce_http::{ApiResult, Json, Path, Query, Staff};
use techcommerce_kernel::{Error, Uuid};

use super::{App, no_account, record};
use crate::accounts::{self, Account, directory};

/// The shop's accounts, the newest first.
#[utoipa::path(
    get, path = "/auth/accounts", tag = "auth", operation_id = "list_accounts",
    params(AccountQuery),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "A page of accounts.", body = Page<AccountRecord>),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `password_change_required`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<App>,
    _: Staff,
    Query(query): Query<AccountQuery>,
) -> ApiResult<Json<Page<AccountRecord>>> {
    let page = directory::list(&app.deps.db, &query).await?;
    let items: Result<Vec<AccountRecord>, Error> = page.items.iter().map(record).collect();
    Ok(Json(Page {
        items: items?,
        next_cursor: page.next_cursor,
    }))
}

/// An account, and in how many places it is signed in.
#[utoipa::path(
    get, path = "/auth/accounts/{id}", tag = "auth", operation_id = "show_account",
    params(("id" = Uuid, Path, description = "The account's id.")),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The account.", body = AccountDetail),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `password_change_required`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`account_not_found`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn show(
    State(app): State<App>,
    _: Staff,
    Path(id): Path<Uuid>,
) -> ApiResult<Json<AccountDetail>> {
    let account = accounts::by_id(&app.deps.db, id).await?;
    let account = account.ok_or_else(no_account)?;
    Ok(Json(AccountDetail {
        account: record(&account)?,
        sessions: open_sessions(&app, &account).await,
    }))
}

/// How many sessions are open. An account is shown also while the store of sessions is away.
async fn open_sessions(app: &App, account: &Account) -> Option<u32> {
    let sessions = app
        .deps
        .sessions
        .list(account.id, app.deps.env.now())
        .await
        .inspect_err(|error| tracing::warn!(?error, "sessions cannot be counted"))
        .ok()?;
    let open = sessions
        .iter()
        .filter(|session| session.generation == account.generation);
    u32::try_from(open.count()).ok()
}

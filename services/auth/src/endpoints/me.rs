//! `GET /auth/me`: who is signed in.
//!
//! Errors: 401 `unauthenticated`, 403 `forbidden` for API keys.

use axum::extract::State;
use techcommerce_contracts::{Problem, auth::Account};
use techcommerce_http::{ApiResult, Json, Signed};

use super::{App, shown};

/// The account that is signed in.
#[utoipa::path(
    get, path = "/auth/me", tag = "auth", operation_id = "me",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "The account.", body = Account),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`: an API key has no account", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn me(State(app): State<App>, Signed(principal): Signed) -> ApiResult<Json<Account>> {
    let (account, _) = app.account_of(&principal).await?;
    Ok(Json(shown(&account)?))
}

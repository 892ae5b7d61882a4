//! `GET`/`DELETE /auth/sessions`, `DELETE /auth/sessions/{id}`: where one is signed in.
//!
//! Errors: 401 `unauthenticated`, 403 `forbidden` for API keys, 404 `session_not_found`, 503
//! `unavailable`.

use axum::extract::State;
use http::StatusCode;
use techcommerce_contracts::{
    Problem,
    auth::{Session, SessionList},
    codes,
};
use techcommerce_http::{ApiResult, Json, Path, Signed};
use techcommerce_kernel::{Error, Uuid};

use super::App;

/// Where one is signed in, the latest sign-in first.
#[utoipa::path(
    get, path = "/auth/sessions", tag = "auth", operation_id = "list_sessions",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "All sessions of the account.", body = SessionList),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`: an API key has no account", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(
    State(app): State<App>,
    Signed(principal): Signed,
) -> ApiResult<Json<SessionList>> {
    let (account, current) = app.account_of(&principal).await?;
    let mut sessions = app
        .deps
        .sessions
        .list(account.id, app.deps.env.now())
        .await?;
    sessions.retain(|session| session.generation == account.generation);
    let items = sessions.into_iter().map(|session| Session {
        current: session.id == current,
        id: session.id,
        user_agent: session.user_agent,
        created_at: session.created_at,
        last_used_at: session.last_seen_at,
        expires_at: session.expires_at,
    });
    Ok(Json(SessionList {
        items: items.collect(),
        next_cursor: None,
    }))
}

/// Ends all of one's sessions but the one that asks.
#[utoipa::path(
    delete, path = "/auth/sessions", tag = "auth", operation_id = "revoke_other_sessions",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 204, description = "All others are signed out."),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn revoke_others(
    State(app): State<App>,
    Signed(principal): Signed,
) -> ApiResult<StatusCode> {
    let (account, current) = app.account_of(&principal).await?;
    app.deps.sessions.revoke_others(account.id, current).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends one of one's sessions.
#[utoipa::path(
    delete, path = "/auth/sessions/{id}", tag = "auth", operation_id = "revoke_session",
    params(("id" = Uuid, Path, description = "The session's id.")),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 204, description = "That session is signed out."),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`session_not_found`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn revoke(
    State(app): State<App>,
    Signed(principal): Signed,
    Path(id): Path<Uuid>,
) -> ApiResult<StatusCode> {
    let (account, _) = app.account_of(&principal).await?;
    if app.deps.sessions.revoke(account.id, id).await? {
        return Ok(StatusCode::NO_CONTENT);
    }
    Err(Error::not_found(codes::SESSION_NOT_FOUND, "You have no such session.").into())
}

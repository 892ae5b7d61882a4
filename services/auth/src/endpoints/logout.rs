//! `POST /auth/logout`: ends the session that the request came with.
//!
//! Errors: 503 `unavailable`. Who is not signed in is signed out already.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use techcommerce_contracts::{Principal, Problem};
use techcommerce_http::{ApiResult, Caller};

use super::App;

/// Ends the session that the request came with, and takes the cookie away.
#[utoipa::path(
    post, path = "/auth/logout", tag = "auth", operation_id = "logout",
    security((), ("bearer" = []), ("cookie" = [])),
    responses(
        (status = 204, description = "Signed out, or was not signed in."),
        (status = 403, description = "`cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn logout(State(app): State<App>, caller: Caller) -> ApiResult<Response> {
    if let Some(Principal::Account { id, session, .. }) = caller.principal() {
        app.deps.sessions.revoke(*id, *session).await?;
    }
    let headers = [(header::SET_COOKIE, app.cookie("")?)];
    Ok((StatusCode::NO_CONTENT, headers).into_response())
}

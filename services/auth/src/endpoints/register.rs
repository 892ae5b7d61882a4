//! `POST /auth/register`: makes an account and signs in.
//!
//! Errors: 400 `invalid_input`, 400 `weak_password`, 409 `email_taken`, 429 `too_many_requests`,
//! 503 `unavailable`.

use axum::{extract::State, response::Response};
use http::{HeaderMap, StatusCode};
use techcommerce_contracts::{
    Problem, Role,
    auth::{RegisterRequest, SessionCreated},
};
use techcommerce_http::{ApiResult, Caller, Json, Query};

use super::{App, SessionQuery, checked_name, weak_password};
use crate::{
    accounts::{self, NewAccount},
    password::NewPassword,
};

/// Makes an account for a customer and signs in.
#[utoipa::path(
    post, path = "/auth/register", tag = "auth", operation_id = "register",
    params(SessionQuery), request_body = RegisterRequest,
    security(()),
    responses(
        (status = 201, description = "The account is made and signed in.", body = SessionCreated),
        (status = 400, description = "`invalid_json`, `invalid_input`, `weak_password`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`email_taken`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
        (status = 429, description = "`too_many_requests`", body = Problem, content_type = "application/problem+json"),
        (status = 503, description = "`unavailable`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn register(
    State(app): State<App>,
    caller: Caller,
    headers: HeaderMap,
    Query(query): Query<SessionQuery>,
    Json(request): Json<RegisterRequest>,
) -> ApiResult<Response> {
    let name = checked_name(&request.name)?;
    let password = NewPassword::parse(&request.password, request.email.as_str())
        .map_err(|why| weak_password("password", why))?;
    app.throttle.registration(caller.client_address())?;
    // An account that one cannot be signed in to would look like a failure.
    app.deps.sessions.ping().await?;
    let password_hash = app.passwords.hash(&app.deps.env, password).await?;
    let new = NewAccount {
        email: &request.email,
        name,
        role: Role::Customer,
        password_hash: &password_hash,
        must_change_password: false,
    };
    let account = accounts::insert(&app.deps.db, &app.deps.env, new).await?;
    let session = app.begin_session(&account, &headers).await?;
    app.session_answer(StatusCode::CREATED, query, session)
}

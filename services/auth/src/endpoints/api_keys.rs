//! `POST`/`GET /auth/api-keys`, `DELETE /auth/api-keys/{id}`: keys for programs. For admins.
//!
//! Errors: 400 `invalid_input`, 401 `unauthenticated`, 403 `forbidden`, 404 `api_key_not_found`,
//! 409 `too_many_api_keys`.

use axum::extract::State;
use http::{HeaderValue, StatusCode, header};
use serde_json::json;
use techcommerce_audit::Entry;
use techcommerce_contracts::{
    Principal, Problem, Role,
    auth::{ApiKey, ApiKeyCreated, ApiKeyInput, ApiKeyList},
    codes,
};
use techcommerce_http::{Admin, ApiResult, Json, Path};
use techcommerce_kernel::{Error, FieldError, Uuid};
use techcommerce_store::transact;

use super::App;
use crate::{
    api_keys::{self, Key},
    token::{self, Purpose},
};

/// How much of a key is shown afterwards: its kind and eight characters.
const SHOWN: usize = 12;

/// Makes an API key. Its token is shown this once.
#[utoipa::path(
    post, path = "/auth/api-keys", tag = "auth", operation_id = "create_api_key",
    request_body = ApiKeyInput,
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 201, description = "The key, with its token.", body = ApiKeyCreated),
        (status = 400, description = "`invalid_json`, `invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `password_change_required`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 409, description = "`too_many_api_keys`", body = Problem, content_type = "application/problem+json"),
        (status = 413, description = "`too_large`", body = Problem, content_type = "application/problem+json"),
        (status = 415, description = "`unsupported_media_type`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn create(
    State(app): State<App>,
    Admin(principal): Admin,
    Json(input): Json<ApiKeyInput>,
) -> ApiResult<(
    StatusCode,
    [(header::HeaderName, HeaderValue); 1],
    Json<ApiKeyCreated>,
)> {
    let name = input.name.trim();
    let mut wrong = Vec::new();
    if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
        wrong.push(FieldError {
            path: "name".into(),
            message: "must be 1 to 100 characters without control characters".into(),
        });
    }
    if input.role < Role::Staff {
        wrong.push(FieldError {
            path: "role".into(),
            message: "must be `staff` or `admin`".into(),
        });
    }
    let env = &app.deps.env;
    if input.expires_at.is_some_and(|end| end <= env.now()) {
        wrong.push(FieldError {
            path: "expires_at".into(),
            message: "must be in the future".into(),
        });
    }
    Error::check(wrong)?;
    let secret = Purpose::ApiKey.generate(env);
    let key = Key {
        id: env.new_id(),
        name: name.to_owned(),
        role: input.role,
        prefix: secret.chars().take(SHOWN).collect(),
        created_by: principal.actor(),
        account: match &principal {
            Principal::ApiKey { id, .. } => api_keys::account_of(&app.deps.db, *id).await?,
            _ => principal.account(),
        },
        created_at: env.now(),
        expires_at: input.expires_at,
        last_used_at: None,
    };
    let entry = Entry::new(&principal, "api_key.create")
        .object("api_key", key.id, &key.name)
        .change(&json!({"role": key.role, "expires_at": key.expires_at}));
    api_keys::insert(&app.deps.db, env, &token::hash(&secret), &key, entry).await?;
    let created = ApiKeyCreated {
        token: secret,
        // Who made it is an admin who can sign in.
        key: shown(key, true),
    };
    let no_store = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok((StatusCode::CREATED, [no_store], Json(created)))
}

/// All API keys, the newest first.
#[utoipa::path(
    get, path = "/auth/api-keys", tag = "auth", operation_id = "list_api_keys",
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 200, description = "All keys, without their tokens.", body = ApiKeyList),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn list(State(app): State<App>, _: Admin) -> ApiResult<Json<ApiKeyList>> {
    let keys = api_keys::list(&app.deps.db).await?;
    let now = app.deps.env.now();
    let items = keys.into_iter().map(|found| {
        let active = found.role(now).is_some();
        shown(found.key, active)
    });
    Ok(Json(ApiKeyList {
        items: items.collect(),
        next_cursor: None,
    }))
}

/// Ends an API key at once.
#[utoipa::path(
    delete, path = "/auth/api-keys/{id}", tag = "auth", operation_id = "delete_api_key",
    params(("id" = Uuid, Path, description = "The key's id.")),
    security(("bearer" = []), ("cookie" = [])),
    responses(
        (status = 204, description = "The key opens nothing any more."),
        (status = 400, description = "`invalid_input`", body = Problem, content_type = "application/problem+json"),
        (status = 401, description = "`unauthenticated`", body = Problem, content_type = "application/problem+json"),
        (status = 403, description = "`forbidden`, `cross_origin`", body = Problem, content_type = "application/problem+json"),
        (status = 404, description = "`api_key_not_found`", body = Problem, content_type = "application/problem+json"),
    )
)]
pub async fn delete(
    State(app): State<App>,
    Admin(principal): Admin,
    Path(id): Path<Uuid>,
) -> ApiResult<StatusCode> {
    transact!(app.deps.db, |tx| -> Result<(), Error> {
        let name = api_keys::delete(tx, id).await?.ok_or_else(|| {
            Error::not_found(codes::API_KEY_NOT_FOUND, "There is no such API key.")
        })?;
        let entry = Entry::new(&principal, "api_key.delete").object("api_key", id, name);
        techcommerce_audit::record(tx, &app.deps.env, entry).await
    })?;
    Ok(StatusCode::NO_CONTENT)
}

fn shown(key: Key, active: bool) -> ApiKey {
    ApiKey {
        id: key.id,
        name: key.name,
        role: key.role,
        prefix: key.prefix,
        created_by: key.created_by,
        created_at: key.created_at,
        expires_at: key.expires_at,
        last_used_at: key.last_used_at,
        active,
    }
}

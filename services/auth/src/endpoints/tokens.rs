//! `POST /internal/tokens`: the edge asks who holds a credential. `GET /internal/keys`: what the
//! answers are signed with.
//!
//! Errors: 401 `unauthenticated` for a credential that opens nothing, 403 `forbidden` for all but
//! the edge, 503 `unavailable`.

use axum::extract::State;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use techcommerce_contracts::{
    Principal, Role, Service,
    auth::{KeySet, PublicKey, TokenAnswer, TokenRequest},
    codes,
};
use techcommerce_http::{ApiResult, Json, ServiceOnly};
use techcommerce_kernel::Error;

use super::App;
use crate::{
    accounts, api_keys,
    token::{self, Purpose},
};

/// Who holds a session's token or an API key, and a token that says so for a minute.
pub async fn resolve(
    State(app): State<App>,
    ServiceOnly(service): ServiceOnly,
    Json(request): Json<TokenRequest>,
) -> ApiResult<Json<TokenAnswer>> {
    if service != Service::Api {
        return Err(Error::forbidden(codes::FORBIDDEN, "Only the edge may ask this.").into());
    }
    let held = match Purpose::of(&request.credential) {
        Some(Purpose::Session) => session(&app, &request.credential).await?,
        Some(Purpose::ApiKey) => api_key(&app, &request.credential).await?,
        Some(Purpose::PasswordReset) | None => None,
    };
    let Held {
        principal,
        password_change_required,
    } = held.ok_or_else(|| {
        Error::unauthenticated(
            codes::UNAUTHENTICATED,
            "This session or API key is unknown, was ended, or has run out. Sign in again.",
        )
    })?;
    let (token, expires_at) = app
        .deps
        .signer
        .sign(principal.clone(), request.client_address)?;
    Ok(Json(TokenAnswer {
        token,
        expires_at,
        principal,
        password_change_required,
    }))
}

/// Who holds a credential.
struct Held {
    principal: Principal,
    /// Their rights wait for a password of their own.
    password_change_required: bool,
}

async fn session(app: &App, secret: &str) -> Result<Option<Held>, Error> {
    let (sessions, now) = (&app.deps.sessions, app.deps.env.now());
    let hash = token::hash(secret);
    let Some(session) = sessions.find(&hash, now).await? else {
        return Ok(None);
    };
    let account = accounts::by_id(&app.deps.db, session.account_id).await?;
    let current = account.filter(|account| {
        account.generation == session.generation && account.disabled_at.is_none()
    });
    let Some(account) = current else {
        return Ok(None);
    };
    if let Some(touched) = session.touched(now, app.deps.settings.session_idle)
        && let Err(error) = sessions.update(&hash, &touched).await
    {
        // The session is good all the same; the next request tries again.
        tracing::warn!(?error, "the use of a session could not be written");
    }
    let role = match account.must_change_password {
        // Whoever read the one-time password on its way runs no shop with it: the rights come
        // with the password that replaces it.
        true => Role::Customer,
        false => account.role,
    };
    Ok(Some(Held {
        password_change_required: role != account.role,
        principal: Principal::Account {
            id: account.id,
            role,
            session: session.id,
        },
    }))
}

async fn api_key(app: &App, secret: &str) -> Result<Option<Held>, Error> {
    let env = &app.deps.env;
    let found = api_keys::find(&app.deps.db, env, &token::hash(secret)).await?;
    Ok(found.and_then(|found| {
        Some(Held {
            principal: Principal::ApiKey {
                id: found.key.id,
                role: found.role(env.now())?,
            },
            password_change_required: false,
        })
    }))
}

/// The public keys that tokens are signed with. They are no secret.
pub async fn keys(State(app): State<App>) -> Json<KeySet> {
    Json(KeySet {
        keys: vec![PublicKey {
            kty: "OKP".to_owned(),
            crv: "Ed25519".to_owned(),
            alg: "EdDSA".to_owned(),
            usage: "sig".to_owned(),
            x: URL_SAFE_NO_PAD.encode(app.deps.signer.public_key()),
        }],
    })
}

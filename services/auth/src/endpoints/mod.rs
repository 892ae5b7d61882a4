//! The endpoints, one file each, and what they share.

mod account_change;
mod account_create;
mod account_list;
mod api_keys;
mod audit;
mod login;
mod logout;
mod me;
mod password_change;
mod password_reset;
mod register;
mod session_list;
mod tokens;

use std::sync::Arc;

use axum::{
    Router,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use http::{HeaderMap, HeaderValue, StatusCode, header};
use serde::Deserialize;
use techcommerce_audit::Entry;
use techcommerce_contracts::{
    Principal, Role,
    auth::{self, AccountRecord, SESSION_COOKIE, SessionCreated},
    codes,
};
use techcommerce_http::{
    ApiResult, Json,
    endpoints::{self, Endpoints},
    routes,
};
use techcommerce_jobs::Queue;
use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_store::Conn;
use techcommerce_telemetry::{Counter, Counters};
use utoipa::{IntoParams, OpenApi as _, ToSchema, openapi::OpenApi};

use crate::{
    Deps,
    accounts::Account,
    mails::Language,
    metrics::Metrics,
    password::Passwords,
    sessions::Session,
    throttle::Throttle,
    token::{self, Purpose},
};

/// The longest name of a browser or program that is kept, in characters.
const MAX_USER_AGENT: usize = 200;

/// The longest name of a person, in characters.
const MAX_NAME: usize = 200;

/// What every endpoint works with.
#[derive(Clone)]
pub struct App(Arc<Inner>);

pub struct Inner {
    pub deps: Deps,
    pub queue: Queue,
    pub passwords: Passwords,
    pub throttle: Throttle,
    /// Sign-ins by how they went.
    pub sign_ins: Counters<1>,
    /// Sessions that were begun.
    pub sessions: Counter,
}

impl std::ops::Deref for App {
    type Target = Inner;

    fn deref(&self) -> &Inner {
        &self.0
    }
}

impl App {
    pub fn new(deps: Deps, queue: Queue) -> Self {
        let Metrics { sign_ins, sessions } = Metrics::new(&deps.telemetry);
        Self(Arc::new(Inner {
            throttle: Throttle::new(deps.env.clone(), deps.settings.quotas),
            passwords: Passwords::default(),
            queue,
            sign_ins,
            sessions,
            deps,
        }))
    }

    /// Begins a session of `account` for whoever sent `headers`.
    pub async fn begin_session(
        &self,
        account: &Account,
        headers: &HeaderMap,
    ) -> Result<SessionCreated, Error> {
        let env = &self.deps.env;
        let now = env.now();
        let secret = Purpose::Session.generate(env);
        let session = Session {
            id: env.new_id(),
            account_id: account.id,
            generation: account.generation,
            user_agent: user_agent(headers),
            created_at: now,
            last_seen_at: now,
            expires_at: now + self.deps.settings.session_idle,
        };
        self.deps
            .sessions
            .create(&token::hash(&secret), &session)
            .await?;
        self.sessions.inc();
        Ok(SessionCreated {
            token: secret,
            expires_at: session.expires_at,
            account: shown(account)?,
        })
    }

    /// The answer to a sign-in: as JSON, and as a cookie if that was asked for.
    pub fn session_answer(
        &self,
        status: StatusCode,
        query: SessionQuery,
        session: SessionCreated,
    ) -> ApiResult<Response> {
        let cookie = match query.session {
            SessionKind::Token => None,
            SessionKind::Cookie => Some(self.cookie(&session.token)?),
        };
        let mut response = (status, Json(session)).into_response();
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(cookie) = cookie {
            response.headers_mut().insert(header::SET_COOKIE, cookie);
        }
        Ok(response)
    }

    /// The session's cookie. It lasts as long as the browser keeps it; the session itself ends
    /// here. An empty token takes it away.
    pub fn cookie(&self, token: &str) -> Result<HeaderValue, Error> {
        let seconds = match token {
            "" => 0,
            // The longest that browsers keep a cookie.
            _ => 400 * 24 * 3600,
        };
        let secure = match self.deps.settings.public_url.starts_with("https://") {
            true => "; Secure",
            false => "",
        };
        let text = format!(
            "{SESSION_COOKIE}={token}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"
        );
        let mut value = HeaderValue::from_str(&text).map_err(Error::internal)?;
        value.set_sensitive(true);
        Ok(value)
    }

    /// The account of a person who is signed in.
    pub async fn account_of(&self, principal: &Principal) -> Result<(Account, Uuid), Error> {
        let Principal::Account { id, session, .. } = principal else {
            return Err(Error::forbidden(
                codes::FORBIDDEN,
                "This is about an account, and an API key has none.",
            ));
        };
        match crate::accounts::by_id(&self.deps.db, *id).await? {
            Some(account) => Ok((account, *session)),
            None => Err(Error::unauthenticated(
                codes::UNAUTHENTICATED,
                "The account is gone.",
            )),
        }
    }
}

/// How the session of a sign-in is handed over.
#[derive(Debug, Clone, Copy, Default, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum SessionKind {
    /// Only in the body, for programs.
    #[default]
    Token,
    /// Also as the cookie `tc_session`, for scripts on the shop's own pages.
    Cookie,
}

/// How the session of a sign-in is handed over.
#[derive(Debug, Clone, Copy, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct SessionQuery {
    /// `cookie` also sets the cookie `tc_session`; without it the token is in the body only.
    #[serde(default)]
    #[param(inline)]
    pub session: SessionKind,
}

#[derive(utoipa::OpenApi)]
#[openapi(tags((
    name = "auth",
    description = "Accounts, sessions and API keys. Sign in, then send the token as `Authorization: Bearer …`."
)))]
struct Documented;

/// All endpoints.
pub fn router(app: App) -> Router {
    let internal = Router::new()
        .route("/internal/tokens", post(tokens::resolve))
        .route("/internal/keys", get(tokens::keys));
    public(Router::new()).merge(internal).with_state(app)
}

/// The document of the public ones, by their outer paths.
pub fn document() -> OpenApi {
    endpoints::document(Documented::openapi(), public)
}

/// The public ones.
fn public<E: Endpoints<App>>(list: E) -> E {
    list.routes(routes!(register::register))
        .routes(routes!(login::login))
        .routes(routes!(logout::logout))
        .routes(routes!(me::me))
        .routes(routes!(session_list::list, session_list::revoke_others))
        .routes(routes!(session_list::revoke))
        .routes(routes!(password_change::change))
        .routes(routes!(password_reset::request))
        .routes(routes!(password_reset::confirm))
        .routes(routes!(api_keys::create, api_keys::list))
        .routes(routes!(api_keys::delete))
        .routes(routes!(account_list::list, account_create::create))
        .routes(routes!(account_list::show, account_change::change))
        .routes(routes!(account_change::end_sessions))
        .routes(routes!(audit::list))
}

/// An account as it is shown to its owner.
pub fn shown(account: &Account) -> Result<auth::Account, Error> {
    Ok(auth::Account {
        id: account.id,
        email: account
            .email
            .parse()
            .map_err(|error: String| Error::internal(error))?,
        name: account.name.clone(),
        role: account.role,
        must_change_password: account.must_change_password,
        created_at: account.created_at,
    })
}

/// An account as it is shown to staff.
pub fn record(account: &Account) -> Result<AccountRecord, Error> {
    let own = shown(account)?;
    Ok(AccountRecord {
        id: own.id,
        email: own.email,
        name: own.name,
        role: own.role,
        disabled: account.disabled_at.is_some(),
        invited: account.invited(),
        must_change_password: own.must_change_password,
        created_at: own.created_at,
        last_sign_in_at: account.last_sign_in_at,
    })
}

/// The error for an id that names no account.
pub fn no_account() -> Error {
    Error::not_found(codes::ACCOUNT_NOT_FOUND, "There is no such account.")
}

/// What a person wants to be called, trimmed.
///
/// # Errors
/// `invalid_input` at `name`.
pub fn checked_name(name: &str) -> Result<&str, Error> {
    let name = name.trim();
    if name.chars().count() > MAX_NAME || name.chars().any(char::is_control) {
        let why = "is longer than 200 characters or holds control characters";
        return Err(Error::invalid_field("name", why));
    }
    Ok(name)
}

/// The language of mails that follow from a request.
pub fn language(headers: &HeaderMap) -> Language {
    let accepted = headers
        .get(header::ACCEPT_LANGUAGE)
        .and_then(|value| value.to_str().ok());
    Language::accepted(accepted.unwrap_or_default())
}

/// Of those who run the shop it is kept when they chose a new password.
pub async fn log_new_password(tx: &mut Conn, env: &Env, account: &Account) -> Result<(), Error> {
    if account.role < Role::Staff {
        return Ok(());
    }
    let entry = Entry::by(format!("account:{}", account.id), "account.password");
    let entry = entry.object("account", account.id, account.title());
    techcommerce_audit::record(tx, env, entry).await
}

/// The error for a password that is not good enough, at the field that holds it.
pub fn weak_password(field: &str, why: &str) -> Error {
    Error::invalid(codes::WEAK_PASSWORD, format!("The password {why}.")).field(field, why)
}

/// What the browser or program calls itself, fit to be shown.
fn user_agent(headers: &HeaderMap) -> String {
    let text = headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok());
    let printable = text.unwrap_or_default().chars().filter(|c| !c.is_control());
    printable.take(MAX_USER_AGENT).collect()
}

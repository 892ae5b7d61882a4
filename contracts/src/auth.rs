//! Accounts, sessions and API keys.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{EmailAddress, Timestamp, Uuid};
use utoipa::ToSchema;

mod accounts;

pub use accounts::{AccountDetail, AccountInput, AccountPatch, AccountQuery, AccountRecord};

use crate::{Principal, Role};

/// The cookie in which a browser keeps its session's token.
pub const SESSION_COOKIE: &str = "tc_session";

/// Makes an account.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RegisterRequest {
    /// Where mails go, and the name to sign in with.
    #[schema(value_type = String, format = Email)]
    pub email: EmailAddress,
    /// At least 12 characters, at most 1024 bytes.
    #[schema(format = Password)]
    pub password: String,
    /// How to address the person.
    #[serde(default)]
    #[schema(examples("Jo Doe"))]
    pub name: String,
}

/// Signs in.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    /// The account's mail address.
    #[schema(value_type = String, format = Email)]
    pub email: EmailAddress,
    /// The account's password.
    #[schema(format = Password)]
    pub password: String,
}

/// A new session.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct SessionCreated {
    /// Show it as `Authorization: Bearer …`. It is given only this once.
    #[schema(examples("tcs_VGhpcyBpcyBhbiBleGFtcGxlLCBubyByZWFsIHRva2Vu"))]
    pub token: String,
    /// When it runs out if it is not used.
    pub expires_at: Timestamp,
    /// Whose it is.
    pub account: Account,
}

/// An account.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// Names the account.
    pub id: Uuid,
    /// Where mails go.
    #[schema(value_type = String, format = Email)]
    pub email: EmailAddress,
    /// How to address the person; may be empty.
    #[schema(examples("Jo Doe"))]
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whether the password was made by the shop and is to be replaced.
    #[serde(default)]
    pub must_change_password: bool,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A session of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Session {
    /// Names the session; not the secret that opens it.
    pub id: Uuid,
    /// Whether the request was made with it.
    pub current: bool,
    /// The browser or program, as it called itself.
    #[schema(examples("curl/8.5.0"))]
    pub user_agent: String,
    /// When the person signed in.
    pub created_at: Timestamp,
    /// When it was last used, to the hour.
    pub last_used_at: Timestamp,
    /// When it runs out if it is not used.
    pub expires_at: Timestamp,
}

/// All sessions of an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionList {
    /// The newest first.
    pub items: Vec<Session>,
    /// Always `null`: the list is whole.
    pub next_cursor: Option<String>,
}

/// Asks for a mail with a way to set a new password.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordResetRequest {
    /// The account's mail address. The answer is the same whether there is one or not.
    #[schema(value_type = String, format = Email)]
    pub email: EmailAddress,
}

/// Sets a new password with the token of the mail. Ends all sessions.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordResetConfirm {
    /// As it stands in the mail; good for 30 minutes and once.
    #[schema(examples("tcr_VGhpcyBpcyBhbiBleGFtcGxlLCBubyByZWFsIHRva2Vu"))]
    pub token: String,
    /// At least 12 characters, at most 1024 bytes.
    #[schema(format = Password)]
    pub password: String,
}

/// Replaces one's password. Ends all sessions; the answer is a new one.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The password so far.
    #[schema(format = Password)]
    pub current_password: String,
    /// At least 12 characters, at most 1024 bytes.
    #[schema(format = Password)]
    pub new_password: String,
}

/// Makes an API key.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"name": "stock system", "role": "staff"}))]
#[serde(deny_unknown_fields)]
pub struct ApiKeyInput {
    /// What it is for.
    #[schema(examples("stock system"))]
    pub name: String,
    /// `staff` or `admin`, and no more than one's own.
    pub role: Role,
    /// When it ends by itself; without it, it is good until it is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<Timestamp>,
}

/// An API key without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKey {
    /// Names the key.
    pub id: Uuid,
    /// What it is for.
    #[schema(examples("stock system"))]
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Its first characters, to tell it from others.
    #[schema(examples("tck_VGhpcyBp"))]
    pub prefix: String,
    /// Who made it, as `account:0193…`.
    pub created_by: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it ends by itself.
    pub expires_at: Option<Timestamp>,
    /// When it was last used, to five minutes.
    pub last_used_at: Option<Timestamp>,
    /// Whether it opens anything: it has not ended, and the account of who made it is neither
    /// disabled nor without the rights of staff.
    pub active: bool,
}

/// A new API key.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ApiKeyCreated {
    /// Show it as `Authorization: Bearer …`. It is given only this once.
    #[schema(examples("tck_VGhpcyBpcyBhbiBleGFtcGxlLCBubyByZWFsIHRva2Vu"))]
    pub token: String,
    /// The key.
    pub key: ApiKey,
}

/// All API keys.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ApiKeyList {
    /// The newest first.
    pub items: Vec<ApiKey>,
    /// Always `null`: the list is whole.
    pub next_cursor: Option<String>,
}

/// The edge asks who holds a credential.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenRequest {
    /// A session's token or an API key.
    pub credential: String,
    /// Where the outermost request came from.
    #[serde(default)]
    pub client_address: Option<std::net::IpAddr>,
}

/// Who holds it, and a signed token that says so.
#[derive(Clone, Serialize, Deserialize)]
pub struct TokenAnswer {
    /// For the header between services.
    pub token: String,
    /// When the token runs out.
    pub expires_at: Timestamp,
    /// Who it is.
    pub principal: Principal,
    /// Whether the principal's role is a customer's only because its password is to be replaced.
    #[serde(default)]
    pub password_change_required: bool,
}

/// The public keys that tokens between services are signed with (RFC 7517, RFC 8037).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeySet {
    /// Any of them may have signed.
    pub keys: Vec<PublicKey>,
}

/// An Ed25519 public key as a JSON Web Key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PublicKey {
    /// `OKP`.
    pub kty: String,
    /// `Ed25519`.
    pub crv: String,
    /// `EdDSA`.
    pub alg: String,
    /// `sig`.
    #[serde(rename = "use")]
    pub usage: String,
    /// The 32 bytes in base64url without padding.
    pub x: String,
}

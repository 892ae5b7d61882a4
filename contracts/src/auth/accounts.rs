//! The shop's accounts, as those who run it see them.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{EmailAddress, Error, Timestamp, Uuid};
use utoipa::{IntoParams, ToSchema};

use crate::{ListQuery, Role};

/// An account as staff see it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountRecord {
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
    /// Whether nobody can sign in to it.
    pub disabled: bool,
    /// Whether it was invited and has not chosen a password yet.
    pub invited: bool,
    /// Whether its password was made by the shop and is to be replaced.
    pub must_change_password: bool,
    /// When it was made.
    pub created_at: Timestamp,
    /// When somebody last signed in to it.
    pub last_sign_in_at: Option<Timestamp>,
}

/// An account with what only a look at it alone tells.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AccountDetail {
    /// The account.
    pub account: AccountRecord,
    /// In how many places it is signed in; `null` while that cannot be found out.
    pub sessions: Option<u32>,
}

/// Which accounts.
#[derive(Clone, Default, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AccountQuery {
    /// The beginning of a mail address, of a name or of a word of a name; its case does not matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Only accounts of this role.
    #[param(inline)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// How many at most: 1 to 100, 20 if not given.
    #[param(minimum = 1, maximum = 100, default = 20)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Makes an account for somebody else, who is mailed a link to choose a password.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"email": "jo@example.com", "name": "Jo Doe", "role": "staff"}))]
#[serde(deny_unknown_fields)]
pub struct AccountInput {
    /// Where the invitation goes, and the name to sign in with.
    #[schema(value_type = String, format = Email)]
    pub email: EmailAddress,
    /// How to address the person.
    #[serde(default)]
    #[schema(examples("Jo Doe"))]
    pub name: String,
    /// What it may do.
    pub role: Role,
}

/// Changes an account; what is not given stays. Another role and disabling end its sessions.
#[derive(Clone, Default, Serialize, Deserialize, ToSchema)]
#[schema(example = json!({"role": "staff"}))]
#[serde(deny_unknown_fields)]
pub struct AccountPatch {
    /// How to address the person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it may do. Nobody can change this of their own account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// `true`: nobody can sign in to it, and its sessions and API keys open nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disabled: Option<bool>,
}

impl AccountQuery {
    /// The limit, if it is in bounds.
    ///
    /// # Errors
    /// `invalid_input` at `limit`.
    pub fn limit(&self) -> Result<usize, Error> {
        let query = ListQuery {
            limit: self.limit,
            cursor: None,
        };
        query.limit()
    }
}

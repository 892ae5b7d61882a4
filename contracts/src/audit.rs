//! The log of what staff changed. Each service has its own; they all look like this.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Error, Timestamp, Uuid};
use utoipa::{IntoParams, ToSchema};

use crate::ListQuery;

/// Somebody changed something.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AuditEntry {
    /// Names the entry.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// Who: `account:` or `api-key:` with its id, or `system`.
    pub actor: String,
    /// What was done, as `product.update`.
    pub action: String,
    /// What kind of thing was changed, as `product`.
    pub object_kind: String,
    /// Its id or code.
    pub object_id: String,
    /// What it was called then.
    pub object_title: String,
    /// By field, mostly `{"from": …, "to": …}`.
    #[schema(value_type = Object)]
    pub change: serde_json::Value,
}

/// Which entries.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct AuditQuery {
    /// Only by this one, as the entries have it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Only this, as `product.update`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Only of this kind of thing.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_kind: Option<String>,
    /// Only of the thing with this id or code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
    /// Not before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// How many at most: 1 to 100, 20 if not given.
    #[param(minimum = 1, maximum = 100, default = 20)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

impl AuditQuery {
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

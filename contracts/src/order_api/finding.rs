//! What staff have to look at about payments.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Money, Timestamp, Uuid};
use utoipa::{IntoParams, ToSchema};

/// What was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentFindingKind {
    /// A customer's bank wants the money back. Answer it at the provider, before it is due.
    Dispute,
    /// A refund failed after it was made: the customer has not got the money.
    RefundFailed,
    /// Money was taken for no order. It was paid back.
    UnknownPayment,
    /// The provider took something else than the shop knows.
    Captured,
    /// The provider paid back something else than the shop knows, as in the provider's dashboard.
    Refunded,
}

names!(PaymentFindingKind {
    Dispute = "dispute",
    RefundFailed = "refund_failed",
    UnknownPayment = "unknown_payment",
    Captured = "captured",
    Refunded = "refunded",
});

impl PaymentFindingKind {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Dispute,
        Self::RefundFailed,
        Self::UnknownPayment,
        Self::Captured,
        Self::Refunded,
    ];
}

/// What staff can do about it here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentFindingAction {
    /// Pay the same amount back once more.
    RefundAgain,
    /// Say that it is dealt with.
    Settle,
}

/// Something about a payment that somebody has to look at, or had to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PaymentFinding {
    /// Names it.
    #[schema(examples("dispute:dp_1NsR"))]
    pub id: String,
    /// What was found.
    pub kind: PaymentFindingKind,
    /// The order that it belongs to, if there is one.
    pub order_id: Option<Uuid>,
    /// Its number.
    pub order_number: Option<String>,
    /// What the provider, or of a refund the shop, calls what it is about.
    pub object: String,
    /// How much is at stake, if that can be told.
    pub amount: Option<Money>,
    /// More, in words of the provider.
    pub detail: String,
    /// Until when somebody has to answer.
    pub due_at: Option<Timestamp>,
    /// When it was first found.
    pub created_at: Timestamp,
    /// When there was nothing more to be done about it.
    pub closed_at: Option<Timestamp>,
    /// Who said that it is dealt with, as `account:…`.
    pub settled_by: Option<String>,
    /// How, in their words.
    pub note: Option<String>,
    /// The refund by which the customer gets the money after all.
    pub refund_id: Option<Uuid>,
    /// What staff can do now.
    pub actions: Vec<PaymentFindingAction>,
}

/// `?open=&limit=&cursor=`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(default)]
#[into_params(parameter_in = Query)]
pub struct PaymentFindingQuery {
    /// Whether something is still to be done; all if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open: Option<bool>,
    /// How many at most: 1 to 100, 20 if not given.
    #[param(minimum = 1, maximum = 100)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Where the page before ended.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// How something was dealt with.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentFindingSettled {
    /// For staff, in 1 to 500 characters.
    #[schema(min_length = 1, max_length = 500)]
    pub note: String,
}

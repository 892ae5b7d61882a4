//! What staff do with an order.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::Money;
use utoipa::ToSchema;

use super::ShipmentLine;

/// Gives money back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundInput {
    /// How much, in the order's currency; all that is left if not given.
    #[serde(default)]
    pub amount: Option<Money>,
    /// Why, for staff; the customer is not shown it.
    pub reason: String,
    /// What the customer is told, on the order's page and in the mail; at most 500 characters.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub message: String,
    /// Which goods come back into stock.
    #[serde(default)]
    pub restock: Vec<ShipmentLine>,
}

/// Calls an order off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CancelInput {
    /// Why, for staff; the customer is not shown it.
    pub reason: String,
    /// What the customer is told, on the order's page and in the mail; at most 500 characters.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub message: String,
}

/// A note of staff for staff.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoteInput {
    /// 1 to 2000 characters; lines may be broken.
    pub text: String,
}

/// Sends goods.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShipmentInput {
    /// What is sent; all that is left if not given.
    #[serde(default)]
    pub lines: Option<Vec<ShipmentLine>>,
    /// The carrier's number for it.
    #[serde(default)]
    pub tracking_number: Option<String>,
    /// Who carries it.
    #[serde(default)]
    pub carrier: Option<String>,
}

//! Which orders.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Timestamp, Uuid};
use utoipa::{IntoParams, ToSchema};

use super::{FulfillmentStatus, OrderStatus, PaymentStatus};

/// Which orders.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct OrderQuery {
    /// Only with this status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<OrderStatus>,
    /// Only with this payment status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub payment_status: Option<PaymentStatus>,
    /// Only with this fulfilment status.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fulfillment_status: Option<FulfillmentStatus>,
    /// Staff only: whose number, mail address or name of the recipient begins so; case does not
    /// matter. For a name, each of its words may be the beginning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Staff only: only of this account or API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<Uuid>,
    /// Staff only: only placed at this time (RFC 3339) or later.
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Timestamp>,
    /// Staff only: only placed before this time (RFC 3339).
    #[param(value_type = Option<String>, format = DateTime)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub to: Option<Timestamp>,
    /// Staff only: only those that somebody has to look at for this reason, as
    /// `GET /api/orders/summary` counts them.
    #[param(inline)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub attention: Option<Attention>,
    /// Staff only: only with this mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Staff only: only with this number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// How many at most: 1 to 100, 20 if not given.
    #[param(minimum = 1, maximum = 100, default = 20)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// Why somebody has to look at an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Attention {
    /// The payment was refused, or the goods were gone before it, within the last seven days.
    PaymentFailed,
    /// Paid by a provider that has not taken the money within half an hour.
    PaymentPendingLong,
    /// Paid, or on account, and not all of it shipped.
    ToFulfil,
    /// On account and not paid.
    InvoicesOpen,
    /// Disputed by the customer's bank, or the provider's books say something else than the shop's.
    PaymentDisputed,
}

names!(Attention {
    PaymentFailed = "payment_failed",
    PaymentPendingLong = "payment_pending_long",
    ToFulfil = "to_fulfil",
    InvoicesOpen = "invoices_open",
    PaymentDisputed = "payment_disputed",
});

/// Opens an order without signing in.
#[derive(Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrderAccess {
    /// As the placing of the order answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
}

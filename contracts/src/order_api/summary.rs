//! How the shop's orders stand: the figures of the dashboard.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Money, Uuid};
use utoipa::{IntoParams, ToSchema};

/// For how long back.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct SummaryQuery {
    /// How many days, today included: 1 to 366, 30 if not given.
    #[param(minimum = 1, maximum = 366, default = 30)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub days: Option<u32>,
}

/// The dashboard's figures. A day counts the orders that were placed on it and are not cancelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderSummary {
    /// The time zone that says when a day begins (`shop.time_zone`).
    pub time_zone: String,
    /// Today so far.
    pub today: TodaySummary,
    /// Each of the days, the oldest first and today last, those without orders too.
    pub days: Vec<DaySummary>,
    /// What somebody has to look at.
    pub attention: AttentionCounts,
    /// The variants of which most were sold in these days, at most ten.
    pub best_sellers: Vec<BestSeller>,
}

/// Today so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TodaySummary {
    /// How many orders were placed.
    pub orders: i64,
    /// What they come to, paid or not.
    pub revenue: Money,
    /// What was paid back of them.
    pub refunded: Money,
    /// How many things they hold.
    pub units: i64,
}

/// One day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DaySummary {
    /// As `2026-11-21`, in the shop's time zone.
    #[schema(examples("2026-11-21"))]
    pub date: String,
    /// How many orders were placed.
    pub orders: i64,
    /// What they come to, paid or not.
    pub revenue: Money,
    /// What was paid back of them since.
    pub refunded: Money,
}

/// How many orders somebody has to look at; `GET /api/orders?attention=` lists them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AttentionCounts {
    /// The payment was refused, or the goods were gone before it, within the last seven days.
    pub payment_failed: i64,
    /// Paid by a provider that has not taken the money within half an hour.
    pub payment_pending_long: i64,
    /// Paid, or on account, and not all of it shipped.
    pub to_fulfil: i64,
    /// On account and not paid.
    pub invoices_open: i64,
    /// Disputed by the customer's bank.
    #[serde(default)]
    pub payment_disputed: i64,
    /// Findings about payments beside disputes, also of no order: `GET /api/payments/findings`
    /// lists them.
    #[serde(default)]
    pub payment_findings: i64,
}

/// A variant that sells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BestSeller {
    /// Which.
    pub variant_id: Uuid,
    /// Its product.
    pub product_id: Uuid,
    /// The product's handle when it was last sold.
    pub product_handle: String,
    /// The product's title when it was last sold.
    pub title: String,
    /// The variant's title when it was last sold; may be empty.
    pub variant_title: String,
    /// How many were ordered.
    pub units: i64,
    /// What they came to after discounts.
    pub revenue: Money,
}

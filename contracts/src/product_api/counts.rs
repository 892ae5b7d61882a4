//! The catalogue in numbers.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// What counts as low.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct ProductCountsQuery {
    /// Below how many available pieces a variant is low on stock: 5 if not given.
    #[param(minimum = 1, default = 5)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<i64>,
}

/// The catalogue in numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProductCounts {
    /// Products on sale.
    pub active: i64,
    /// Products that are being prepared.
    pub draft: i64,
    /// Products that are no longer sold.
    pub archived: i64,
    /// Counted variants of active products of which few are left, but not none.
    pub low_stock: i64,
    /// Counted variants of active products of which none is left.
    pub out_of_stock: i64,
}

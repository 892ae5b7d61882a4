//! Discount codes as staff see them.

use serde::{Deserialize, Deserializer, Serialize};
use techcommerce_kernel::{Money, Timestamp};
use utoipa::{IntoParams, ToSchema};

/// What a discount takes off the goods of an order; never off shipping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum DiscountValue {
    /// A share.
    Percent {
        /// Hundredths of a percent, 1 to 10000: 1000 is 10 %.
        basis_points: i64,
    },
    /// As much, but never more than the goods cost.
    Amount {
        /// In the shop's currency, more than zero.
        amount: Money,
    },
}

/// Whether a discount can be used now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum DiscountState {
    /// It can.
    Active,
    /// Its time has not come.
    Scheduled,
    /// Its time is over.
    Expired,
    /// As many orders have used it as may.
    UsedUp,
    /// Staff have switched it off.
    Inactive,
}

names!(DiscountState {
    Active = "active",
    Scheduled = "scheduled",
    Expired = "expired",
    UsedUp = "used_up",
    Inactive = "inactive",
});

/// A discount code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Discount {
    /// In capitals; customers may write it as they like.
    pub code: String,
    /// What it takes off.
    pub value: DiscountValue,
    /// Whether it can be used now.
    pub state: DiscountState,
    /// Whether staff let it be used.
    pub active: bool,
    /// Good from then on.
    pub starts_at: Option<Timestamp>,
    /// Good until then.
    pub ends_at: Option<Timestamp>,
    /// Only for goods of at least this price.
    pub minimum: Option<Money>,
    /// How many orders may use it.
    pub usage_limit: Option<i64>,
    /// Whether each customer may use it only once, told apart by the mail address.
    pub once_per_customer: bool,
    /// How many orders have used it that were not given up.
    pub used: i64,
    /// When it was made.
    pub created_at: Timestamp,
}

/// A discount that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDiscountInput {
    /// 1 to 64 letters, digits, `-` and `_`; case does not matter.
    pub code: String,
    /// What it takes off.
    pub value: DiscountValue,
    /// Whether it may be used; yes if not given.
    #[serde(default = "yes")]
    pub active: bool,
    /// Good from then on; at once if not given.
    #[serde(default)]
    pub starts_at: Option<Timestamp>,
    /// Good until then; for ever if not given.
    #[serde(default)]
    pub ends_at: Option<Timestamp>,
    /// Only for goods of at least this price.
    #[serde(default)]
    pub minimum: Option<Money>,
    /// How many orders may use it; any number if not given.
    #[serde(default)]
    pub usage_limit: Option<i64>,
    /// Whether each customer may use it only once.
    #[serde(default)]
    pub once_per_customer: bool,
}

fn yes() -> bool {
    true
}

/// What is to be changed of a discount. What is not named stays; `null` takes a limit away.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct DiscountEdit {
    /// What it takes off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub value: Option<DiscountValue>,
    /// Whether it may be used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// Good from then on.
    #[schema(value_type = Option<Timestamp>)]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    pub starts_at: Option<Option<Timestamp>>,
    /// Good until then.
    #[schema(value_type = Option<Timestamp>)]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    pub ends_at: Option<Option<Timestamp>>,
    /// Only for goods of at least this price.
    #[schema(value_type = Option<Money>)]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    pub minimum: Option<Option<Money>>,
    /// How many orders may use it, those that have included.
    #[schema(value_type = Option<i64>)]
    #[serde(skip_serializing_if = "Option::is_none", deserialize_with = "named")]
    pub usage_limit: Option<Option<i64>>,
    /// Whether each customer may use it only once.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub once_per_customer: Option<bool>,
}

/// Tells `null` from what is not named.
fn named<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// Which discounts.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct DiscountQuery {
    /// Whose code begins so; case does not matter.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub q: Option<String>,
    /// Only those that staff let be used, or only those that they do not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<bool>,
    /// How many at most: 1 to 100, 20 if not given.
    #[param(minimum = 1, maximum = 100, default = 20)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn null_takes_away_and_nothing_leaves_as_it_is() {
        let edit: DiscountEdit = serde_json::from_str(r#"{"usage_limit":null}"#).unwrap();
        assert_eq!((edit.usage_limit, edit.minimum), (Some(None), None));
        assert_eq!(
            serde_json::to_string(&edit).unwrap(),
            r#"{"usage_limit":null}"#
        );
    }
}

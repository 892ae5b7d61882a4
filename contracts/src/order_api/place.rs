//! Placing an order.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{EmailAddress, Money};
use utoipa::ToSchema;

/// Where it goes.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// Who receives it.
    pub name: String,
    /// Street and number.
    pub line1: String,
    /// Whatever else finds the door.
    #[serde(default)]
    pub line2: String,
    /// Town.
    pub city: String,
    /// State or province, where there are such.
    #[serde(default)]
    pub region: String,
    /// Post code, where there are such.
    #[serde(default)]
    pub postal_code: String,
    /// ISO 3166-1 alpha-2, as `DE`.
    pub country: String,
}

/// How it is paid.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum PaymentMethod {
    /// The provider for trials: its tokens decide what happens.
    Test,
    /// Later, by bank transfer; staff mark it as paid.
    Invoice,
    /// By card at Stripe.
    Stripe,
}

names!(PaymentMethod {
    Test = "test",
    Invoice = "invoice",
    Stripe = "stripe",
});

/// How it shall be paid.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PaymentInput {
    /// By which method.
    pub method: PaymentMethod,
    /// What the provider's own form gave. For `test`: `tok_success` (also if none is given),
    /// `tok_decline`, `tok_timeout`, `tok_twice`, `tok_lost_reply` or `tok_slow_unknown`. For
    /// `stripe`: a PaymentMethod (`pm_…`) that Stripe's own library made, or nothing: then the
    /// customer confirms the payment as the order's `payment.next_action` says.
    #[serde(default)]
    pub token: Option<String>,
}

/// Places an order. The header `Idempotency-Key` must name it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderInput {
    /// The cart that becomes the order.
    pub cart_id: String,
    /// Where the confirmation goes.
    #[schema(value_type = String)]
    pub email: EmailAddress,
    /// Where it goes.
    pub shipping_address: Address,
    /// As `GET /api/shipping-methods` lists them.
    pub shipping_method: String,
    /// How it shall be paid.
    pub payment: PaymentInput,
    /// What the customer was told that all of it costs. If it would be anything else, nothing is
    /// ordered, and the answer is 409 `total_changed`. Whoever sends the same request again may
    /// expect another total.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expected_total: Option<Money>,
    /// The language in which the customer is written to, as `de`. If it is not given, what
    /// `Accept-Language` prefers; English where the shop does not write it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub locale: Option<String>,
}

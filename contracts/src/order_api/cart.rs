//! Carts, and the ways of shipping them.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Currency, Handle, Money, Uuid};
use utoipa::{IntoParams, ToSchema};

use crate::images::Image;

/// A cart as the server computes it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Cart {
    /// Unguessable, and its own key: who knows it may change the cart.
    pub id: String,
    /// Of all amounts.
    #[schema(value_type = String)]
    pub currency: Currency,
    /// In the order in which they were added.
    pub lines: Vec<CartLine>,
    /// All quantities added up.
    pub item_count: i64,
    /// The discount code, if one is applied.
    pub discount_code: Option<String>,
    /// All lines before the discount.
    pub subtotal: Money,
    /// What the discount takes off; zero or more.
    pub discount: Money,
    /// What the cheapest way of shipping costs; zero for an empty cart.
    pub shipping: Money,
    /// The tax: contained in the total, or added to it, as `tax_included` says.
    pub tax: Money,
    /// What is to be paid.
    pub total: Money,
    /// Whether prices contain the tax.
    pub tax_included: bool,
    /// The order that the cart became, if it did.
    pub order_id: Option<Uuid>,
}

/// A line of a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CartLine {
    /// What.
    pub variant_id: Uuid,
    /// Its product.
    pub product_id: Uuid,
    /// The product's handle.
    #[schema(value_type = String)]
    pub product_handle: Handle,
    /// The product's title.
    pub title: String,
    /// The variant's title; may be empty.
    pub variant_title: String,
    /// The variant's SKU.
    pub sku: Option<String>,
    /// The product's first picture.
    pub image: Option<Image>,
    /// How many.
    pub quantity: i64,
    /// What one costs now.
    pub unit_price: Money,
    /// What one cost before, if it is on sale.
    pub compare_at_price: Option<Money>,
    /// `quantity × unit_price`.
    pub total: Money,
    /// How many can be bought now; `null` if nobody counts.
    pub available: Option<i64>,
    /// Why the line cannot be ordered as it is: `out_of_stock` or `not_for_sale`.
    pub problem: Option<String>,
}

/// How many of a variant the cart shall hold.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CartLineInput {
    /// 0 removes the line; at most 9999.
    pub quantity: i64,
}

/// A discount code.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscountInput {
    /// As it was given out; case does not matter.
    pub code: String,
}

/// For which cart.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ShippingQuery {
    /// The cart; prices depend on what it holds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cart_id: Option<String>,
}

/// A way of shipping.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShippingMethod {
    /// Name it in the order, as `standard`.
    pub id: String,
    /// As it is called.
    pub title: String,
    /// How long it takes.
    pub description: String,
    /// What it costs for this cart.
    pub price: Money,
    /// What the cart costs in all with it; `null` without a cart.
    #[serde(default)]
    pub total: Option<Money>,
    /// The tax contained in the total, or added to it; `null` without a cart.
    #[serde(default)]
    pub tax: Option<Money>,
}

/// The ways of shipping for a cart.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ShippingMethodList {
    /// The cheapest first.
    pub items: Vec<ShippingMethod>,
    /// Always `null`: the list is whole.
    pub next_cursor: Option<String>,
}

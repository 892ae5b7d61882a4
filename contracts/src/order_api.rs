//! Carts, orders and payments.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Currency, EmailAddress, Handle, Money, Timestamp, Uuid};
use utoipa::{IntoParams, ToSchema};

use crate::images::Image;

macro_rules! names {
    ($type:ident { $($variant:ident = $name:literal),+ $(,)? }) => {
        impl $type {
            /// The name as stored and shown.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }

        impl std::str::FromStr for $type {
            type Err = String;

            fn from_str(text: &str) -> Result<Self, String> {
                match text {
                    $($name => Ok(Self::$variant),)+
                    _ => Err(format!(concat!("`{}` is none of", $(" ", $name),+), text)),
                }
            }
        }
    };
}

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
    /// `tok_decline`, `tok_timeout`, `tok_twice`, `tok_lost_reply` or `tok_slow_unknown`.
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
}

/// Where an order is on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderStatus {
    /// Under way.
    Placed,
    /// Called off.
    Cancelled,
    /// Paid and shipped.
    Completed,
}

names!(OrderStatus {
    Placed = "placed",
    Cancelled = "cancelled",
    Completed = "completed",
});

/// Where the money is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum PaymentStatus {
    /// Not taken yet.
    Pending,
    /// Promised by the provider, not taken yet.
    Authorized,
    /// Taken.
    Paid,
    /// Refused.
    Failed,
    /// Partly given back.
    PartiallyRefunded,
    /// Given back.
    Refunded,
}

names!(PaymentStatus {
    Pending = "pending",
    Authorized = "authorized",
    Paid = "paid",
    Failed = "failed",
    PartiallyRefunded = "partially_refunded",
    Refunded = "refunded",
});

/// Where the goods are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FulfillmentStatus {
    /// Nothing shipped.
    Unfulfilled,
    /// Partly shipped.
    Partial,
    /// All shipped.
    Fulfilled,
}

names!(FulfillmentStatus {
    Unfulfilled = "unfulfilled",
    Partial = "partial",
    Fulfilled = "fulfilled",
});

/// An order.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Order {
    /// Names the order.
    pub id: Uuid,
    /// Names it for people, as `1042`. Numbers may have gaps.
    pub number: String,
    /// Where it is on its way.
    pub status: OrderStatus,
    /// Where the money is.
    pub payment_status: PaymentStatus,
    /// Where the goods are.
    pub fulfillment_status: FulfillmentStatus,
    /// Where the confirmation went.
    #[schema(value_type = String)]
    pub email: EmailAddress,
    /// Where it goes.
    pub shipping_address: Address,
    /// How it goes, as `standard`.
    pub shipping_method: String,
    /// What was bought, at the prices of that moment.
    pub lines: Vec<OrderLine>,
    /// The discount code, if one was applied.
    pub discount_code: Option<String>,
    /// All lines before the discount.
    pub subtotal: Money,
    /// What the discount took off.
    pub discount: Money,
    /// What shipping costs.
    pub shipping: Money,
    /// The tax: contained in the total, or added to it.
    pub tax: Money,
    /// What is to be paid.
    pub total: Money,
    /// Whether prices contain the tax.
    pub tax_included: bool,
    /// How it is paid, and how far that is.
    pub payment: Payment,
    /// What was given back so far, the latest last.
    pub refunds: Vec<Refund>,
    /// What was shipped so far, the latest last.
    pub shipments: Vec<Shipment>,
    /// What happened, the latest last.
    pub events: Vec<OrderEvent>,
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Opens the order without signing in. Only the one who placed it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
}

/// A line of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderLine {
    /// Names the line in shipments.
    pub id: Uuid,
    /// What.
    pub variant_id: Uuid,
    /// Its product.
    pub product_id: Uuid,
    /// The product's handle at that moment.
    pub product_handle: String,
    /// The product's title at that moment.
    pub title: String,
    /// The variant's title at that moment.
    pub variant_title: String,
    /// The variant's SKU at that moment.
    pub sku: Option<String>,
    /// The product's first picture at that moment.
    pub image: Option<Image>,
    /// How many.
    pub quantity: i64,
    /// How many of them are shipped.
    pub shipped: i64,
    /// What one cost.
    pub unit_price: Money,
    /// `quantity × unit_price`.
    pub total: Money,
    /// The line's part of the discount.
    pub discount: Money,
    /// The line's part of the tax.
    pub tax: Money,
}

/// The payment of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Payment {
    /// By which method.
    pub method: PaymentMethod,
    /// Promised by the provider and not taken or given up yet.
    pub authorized: Money,
    /// Taken.
    pub captured: Money,
    /// Given back.
    pub refunded: Money,
    /// Why it failed, for a person, as `declined`.
    pub failure: Option<String>,
}

/// Money given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refund {
    /// Names the refund.
    pub id: Uuid,
    /// How much.
    pub amount: Money,
    /// Why.
    pub reason: String,
    /// `pending`, `done` or `failed`.
    pub status: String,
    /// When it was asked for.
    pub created_at: Timestamp,
}

/// Goods sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Shipment {
    /// Names the shipment.
    pub id: Uuid,
    /// What was sent.
    pub lines: Vec<ShipmentLine>,
    /// The carrier's number for it.
    pub tracking_number: Option<String>,
    /// Who carries it.
    pub carrier: Option<String>,
    /// When it was sent.
    pub created_at: Timestamp,
}

/// A part of a shipment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ShipmentLine {
    /// Which line of the order.
    pub line_id: Uuid,
    /// How many of it.
    pub quantity: i64,
}

/// Something that happened to an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OrderEvent {
    /// As `placed`, `authorized`, `paid`, `payment_failed`, `shipped`, `refunded`, `cancelled`.
    pub kind: String,
    /// More on it, for a person; may be empty.
    pub message: String,
    /// When.
    pub at: Timestamp,
}

/// Gives money back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefundInput {
    /// How much, in the order's currency; all that is left if not given.
    #[serde(default)]
    pub amount: Option<Money>,
    /// Why.
    pub reason: String,
    /// Which goods come back into stock.
    #[serde(default)]
    pub restock: Vec<ShipmentLine>,
}

/// Calls an order off.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CancelInput {
    /// Why.
    pub reason: String,
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

/// Opens an order without signing in.
#[derive(Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct OrderAccess {
    /// As the placing of the order answered.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
}

/// What time it is at the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DatabaseTime {
    /// By the database's own clock.
    pub time: Timestamp,
}

//! Orders as they are shown.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{EmailAddress, Money, Timestamp, Uuid};
use utoipa::ToSchema;

use super::{Address, PaymentMethod};
use crate::images::Image;

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
    /// In which language the customer is written to: `en` or `de`.
    #[serde(default)]
    pub locale: String,
    /// Opens the order without signing in. Only the one who placed it is told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub access_token: Option<String>,
    /// For staff only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staff: Option<StaffView>,
}

/// What only staff see of an order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StaffView {
    /// The account or API key that ordered; `null` for guests.
    pub account_id: Option<Uuid>,
    /// Captured, less refunds done and under way: what a refund may take at most.
    pub refundable: Money,
    /// What may be done now.
    pub actions: Vec<OrderAction>,
}

/// Something that staff may do with an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum OrderAction {
    /// `POST /api/orders/{id}/cancel`.
    Cancel,
    /// `POST /api/orders/{id}/shipments`.
    Ship,
    /// `POST /api/orders/{id}/refunds`.
    Refund,
    /// `POST /api/orders/{id}/mark-paid`.
    MarkPaid,
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
    /// What the customer has to do for it to be made; who placed the order asks again a moment
    /// later, because the provider is asked after the order was placed. Staff are not told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_action: Option<NextAction>,
}

/// What the customer has to do at the payment provider.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NextAction {
    /// `stripe`: confirm the payment with Stripe's own library and the `client_secret`.
    pub kind: String,
    /// Lets the customer's browser confirm this payment, and nothing else.
    pub client_secret: String,
    /// Where the customer confirms it without any library, if there is such a page.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redirect_url: Option<String>,
}

/// Without what opens the payment.
impl std::fmt::Debug for NextAction {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NextAction")
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

/// Money given back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refund {
    /// Names the refund.
    pub id: Uuid,
    /// How much.
    pub amount: Money,
    /// Why, in the words of staff and for staff only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// What the customer is told of it; may be empty.
    #[serde(default)]
    pub message: String,
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
    /// As `placed`, `payment_action_required`, `payment_overdue`, `authorized`, `paid`,
    /// `payment_failed`, `shipped`, `refunded`, `cancelled`;
    /// for staff also steps of the house, and `note`.
    pub kind: String,
    /// What the customer is told of it; may be empty.
    pub message: String,
    /// What staff wrote for staff: a note, or why they did it. Only staff are shown it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Who did it, as `account:0193…`, `api-key:…` or `system`. Only staff are shown it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// When.
    pub at: Timestamp,
}

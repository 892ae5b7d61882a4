//! What variants cost and how stock is held, for the services of the shop.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Handle, Money, Quantity, Timestamp, Uuid};
use utoipa::ToSchema;

use super::{Image, InventoryPolicy, product::can_sell};

/// A variant and how many of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineRequest {
    /// Which variant.
    pub variant_id: Uuid,
    /// How many.
    pub quantity: Quantity,
}

/// Asks what variants cost and whether they are there.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct QuoteRequest {
    /// The variants.
    pub variant_ids: Vec<Uuid>,
}

/// What variants cost now. Variants that do not exist are left out.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Quotes {
    /// In no certain order, each once.
    pub items: Vec<Quote>,
}

/// What a variant is and costs now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    /// The variant.
    pub variant_id: Uuid,
    /// Its product.
    pub product_id: Uuid,
    /// The product's handle.
    pub product_handle: Handle,
    /// The product's title.
    pub product_title: String,
    /// The variant's title; may be empty.
    pub variant_title: String,
    /// The variant's SKU.
    pub sku: Option<String>,
    /// What one costs.
    pub price: Money,
    /// What one cost before.
    pub compare_at_price: Option<Money>,
    /// The product's first picture.
    pub image: Option<Image>,
    /// Whether it may be sold at all: its product is active.
    pub for_sale: bool,
    /// How many can be bought now; `null` if nobody counts.
    pub available: Option<i64>,
    /// What happens when it runs out.
    pub inventory_policy: InventoryPolicy,
}

impl Quote {
    /// Whether `quantity` of it can be bought now.
    pub fn can_sell(&self, quantity: i64) -> bool {
        self.for_sale && can_sell(self.available, self.inventory_policy, quantity)
    }
}

/// Asks to hold stock: all lines or none. The same id with the same lines is the same
/// reservation, also after it ran out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReserveRequest {
    /// Derived from the caller and the idempotency key, so that a retry is the same.
    pub id: Uuid,
    /// What to hold. Lines of the same variant are added up.
    pub lines: Vec<LineRequest>,
    /// When the stock goes back by itself, by the caller's clock: for versions of product-api that do
    /// not know `hold_seconds`.
    pub deadline: Timestamp,
    /// For how many seconds the stock is held. It counts in place of `deadline`: clocks differ, and a
    /// duration means the same to both sides. An order-api of the version before does not say it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_seconds: Option<u32>,
}

/// Asks whether stock may be there, before something is prepared for it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookRequest {
    /// What is wanted. Lines of the same variant are added up.
    pub lines: Vec<LineRequest>,
}

/// What became of a reservation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReservationState {
    /// The stock is held until the deadline.
    Held,
    /// The stock is sold: `on_hand` fell.
    Claimed,
    /// The stock went back because the order did not come about.
    Released,
    /// The stock went back by itself.
    Expired,
}

impl ReservationState {
    /// The name as stored.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Held => "held",
            Self::Claimed => "claimed",
            Self::Released => "released",
            Self::Expired => "expired",
        }
    }
}

/// Stock that is held or was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reservation {
    /// As it was asked for.
    pub id: Uuid,
    /// What became of it.
    pub state: ReservationState,
    /// When the stock goes back by itself, while it is held.
    pub deadline: Timestamp,
    /// One line for each variant, with what it is and the price that holds for the order.
    pub lines: Vec<ReservedLine>,
}

/// A variant that is held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReservedLine {
    /// How many.
    pub quantity: i64,
    /// What it is and costs.
    pub quote: Quote,
}

/// A line that cannot be had, in the problem `out_of_stock` under `lines`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Shortage {
    /// Which variant.
    pub variant_id: Uuid,
    /// How many were asked for.
    pub requested: i64,
    /// How many there are.
    pub available: i64,
}

/// Makes held stock sold stock, for good. A reservation that ran out is taken again if the stock
/// is there, else the answer is the problem `reservation_expired`, and it is given up for good.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClaimRequest {
    /// The order, for the movement.
    pub reference: String,
}

/// Puts sold stock back. The same id puts it back once.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RestockRequest {
    /// Derived from the cancellation or refund.
    pub id: Uuid,
    /// The order, for the movement.
    pub reference: String,
    /// Why, as `cancelled` or `refunded`.
    pub reason: String,
    /// What comes back.
    pub lines: Vec<LineRequest>,
}

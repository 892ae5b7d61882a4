//! What an event says. It names the order and how it stands, and neither whom it is for nor
//! where they live: who needs that asks for the order with an API key of their own.
//!
//! A change of these shapes that a receiver could trip over gets a new [`VERSION`];
//! `docs/webhooks.md` holds each of them as an example, which a test compares.

use serde::Serialize;
use techcommerce_contracts::{
    order_api::WebhookEventType,
    product_api::{ChangedProduct, ChangedStock, ProductStatus},
};
use techcommerce_kernel::{Currency, Error, Handle, Money, Timestamp, Uuid};

use crate::path::{CancelReason, Event, State};

/// The version of the shapes below.
const VERSION: u32 = 1;

/// How an event's id is written.
pub(super) fn event_id(id: Uuid) -> String {
    format!("evt_{id}")
}

/// All of what is sent: `type`, `timestamp` and `data` as the specification wants them.
#[derive(Serialize)]
pub(super) struct Body<'a> {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: WebhookEventType,
    pub version: u32,
    pub timestamp: Timestamp,
    pub subject: Subject,
    /// Of two events about one subject the one with the higher number happened later.
    pub sequence: i64,
    pub data: &'a Data,
}

impl<'a> Body<'a> {
    pub(super) fn new(
        id: Uuid,
        kind: WebhookEventType,
        timestamp: Timestamp,
        subject: Subject,
        sequence: i64,
        data: &'a Data,
    ) -> Self {
        Self {
            id: event_id(id),
            kind,
            version: VERSION,
            timestamp,
            subject,
            sequence,
            data,
        }
    }

    /// As it is sent.
    ///
    /// # Errors
    /// `internal` if it cannot be JSON.
    pub(super) fn text(&self) -> Result<String, Error> {
        serde_json::to_string(self).map_err(Error::internal)
    }
}

/// What an event is about.
#[derive(Debug, Clone, Copy, Serialize)]
pub(super) struct Subject {
    pub kind: &'static str,
    pub id: Uuid,
}

/// What happened to it.
#[derive(Debug, Clone, Default, Serialize)]
pub(super) struct Data {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub order: Option<OrderFacts>,
    /// Why it was cancelled.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipment: Option<ShipmentFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refund: Option<RefundFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<ProductFacts>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stock: Option<StockFacts>,
    /// Of a trial.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub webhook: Option<Subject>,
}

/// How an order stands.
#[derive(Debug, Clone, Serialize)]
pub(super) struct OrderFacts {
    id: Uuid,
    number: String,
    status: &'static str,
    payment_status: &'static str,
    fulfillment_status: &'static str,
    total: Money,
    captured: Money,
    refunded: Money,
    placed_at: Timestamp,
}

impl OrderFacts {
    pub(super) fn new(
        number: i64,
        state: &State,
        currency: Currency,
        placed_at: Timestamp,
    ) -> Self {
        let money = |amount| Money::new(amount, currency);
        Self {
            id: state.order,
            number: number.to_string(),
            status: state.status().as_str(),
            payment_status: state.payment_status().as_str(),
            fulfillment_status: state.fulfillment().as_str(),
            total: money(state.total),
            captured: money(state.captured),
            refunded: money(state.refunded()),
            placed_at,
        }
    }
}

/// What left the house.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ShipmentFacts {
    units: i64,
}

/// What was paid back, or could not be.
#[derive(Debug, Clone, Serialize)]
pub(super) struct RefundFacts {
    id: Uuid,
    amount: Money,
}

/// What `event` brought about, beside how the order stands.
pub(super) fn data(order: OrderFacts, event: &Event, state: &State, currency: Currency) -> Data {
    let refund = |id: Uuid| {
        let refund = state.refunds.iter().find(|refund| refund.id == id)?;
        let amount = Money::new(refund.amount, currency);
        Some(RefundFacts { id, amount })
    };
    Data {
        order: Some(order),
        reason: state.cancelled.map(CancelReason::as_str),
        shipment: match event {
            Event::Shipped { lines } => Some(ShipmentFacts {
                units: lines.iter().map(|(_, quantity)| quantity).sum(),
            }),
            _ => None,
        },
        refund: match event {
            Event::Refunded { id } | Event::RefundRefused { id } => refund(*id),
            _ => None,
        },
        ..Data::default()
    }
}

/// How a product stands.
#[derive(Debug, Clone, Serialize)]
pub(super) struct ProductFacts {
    id: Uuid,
    handle: Handle,
    title: String,
    status: ProductStatus,
    /// Counts the changes of the product.
    version: i64,
    created_at: Timestamp,
    updated_at: Timestamp,
}

impl ProductFacts {
    pub(super) fn new(product: &ChangedProduct) -> Self {
        Self {
            id: product.id,
            handle: product.handle.clone(),
            title: product.title.clone(),
            status: product.status,
            version: product.version,
            created_at: product.created_at,
            updated_at: product.updated_at,
        }
    }
}

/// How much of a variant is left.
#[derive(Debug, Clone, Serialize)]
pub(super) struct StockFacts {
    variant_id: Uuid,
    product_id: Uuid,
    product_handle: Handle,
    sku: Option<String>,
    on_hand: i64,
    reserved: i64,
    available: i64,
}

impl StockFacts {
    pub(super) fn new(product: &ChangedProduct, stock: &ChangedStock) -> Self {
        Self {
            variant_id: stock.variant_id,
            product_id: product.id,
            product_handle: product.handle.clone(),
            sku: stock.sku.clone(),
            on_hand: stock.on_hand,
            reserved: stock.reserved,
            available: stock.on_hand.saturating_sub(stock.reserved),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::path::Method;

    fn docs() -> String {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/webhooks.md");
        fs::read_to_string(file).unwrap()
    }

    #[test]
    fn the_example_for_owners_is_what_is_sent() {
        let id = |low: u128| Uuid::from_u128(0x0189_0000_0000_7000_8000_0000_0000_0000 + low);
        let currency: Currency = "EUR".parse().unwrap();
        let now: Timestamp = "2027-01-15T08:00:00Z".parse().unwrap();
        let refunded = Event::Refunded { id: id(3) };
        let events = [
            Event::Authorised,
            Event::Claimed,
            Event::Captured,
            Event::RefundRequested {
                id: id(3),
                amount: 1000,
                restock: Vec::new(),
            },
            refunded.clone(),
        ];
        let placed = State::placed(id(2), Method::Provider, 4990, &[2]);
        let next = |state: State, event| state.apply(event).unwrap().state;
        let state = events.iter().fold(placed, next);
        let data = data(
            OrderFacts::new(1042, &state, currency, now),
            &refunded,
            &state,
            currency,
        );
        let kind = WebhookEventType::OrderRefunded;
        let subject = Subject {
            kind: "order",
            id: id(2),
        };
        let body = Body::new(id(1), kind, now, subject, 4, &data);
        let text = body.text().unwrap();
        assert!(docs().contains(&format!("\n{text}\n")), "{text}");
    }

    #[test]
    fn so_are_those_of_products_and_stock() {
        let id = |low: u128| Uuid::from_u128(0x0189_0000_0000_7000_8000_0000_0000_0000 + low);
        let now: Timestamp = "2027-01-15T08:00:00Z".parse().unwrap();
        let stock = ChangedStock {
            variant_id: id(5),
            sku: Some("MUG-1".to_owned()),
            on_hand: 6,
            reserved: 2,
        };
        let product = ChangedProduct {
            id: id(4),
            handle: "stoneware-mug".parse().unwrap(),
            title: "Stoneware mug".to_owned(),
            status: ProductStatus::Active,
            version: 7,
            created_at: now,
            updated_at: now,
            stock: vec![stock.clone()],
        };
        let told = Data {
            product: Some(ProductFacts::new(&product)),
            ..Data::default()
        };
        let left = Data {
            stock: Some(StockFacts::new(&product, &stock)),
            ..Data::default()
        };
        let all = [
            (
                WebhookEventType::ProductUpdated,
                "product",
                id(4),
                812,
                told,
            ),
            (WebhookEventType::StockLow, "variant", id(5), 813, left),
        ];
        for (event, kind, about, sequence, data) in all {
            let subject = Subject { kind, id: about };
            let body = Body::new(id(1), event, now, subject, sequence, &data);
            let text = body.text().unwrap();
            assert!(docs().contains(&format!("\n{text}\n")), "{text}");
        }
    }

    #[test]
    fn every_type_is_explained_to_owners() {
        let docs = docs();
        let all = WebhookEventType::CHOICES
            .into_iter()
            .chain([WebhookEventType::WebhookTest]);
        for kind in all {
            assert!(docs.contains(&format!("| `{}` |", kind.name())), "{kind:?}");
        }
    }
}

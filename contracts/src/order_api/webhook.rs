//! Webhooks as admins keep them: where the shop tells others what happens, and what became of it.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::{Timestamp, Uuid};
use utoipa::{IntoParams, ToSchema};

/// What a webhook is told of.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
pub enum WebhookEventType {
    /// An order was placed.
    #[serde(rename = "order.placed")]
    OrderPlaced,
    /// Its payment is held by the provider.
    #[serde(rename = "order.authorized")]
    OrderAuthorized,
    /// Its payment was taken, or its invoice was paid.
    #[serde(rename = "order.paid")]
    OrderPaid,
    /// Its payment was refused for good.
    #[serde(rename = "order.payment_failed")]
    OrderPaymentFailed,
    /// It was given up.
    #[serde(rename = "order.cancelled")]
    OrderCancelled,
    /// Goods of it left the house.
    #[serde(rename = "order.shipped")]
    OrderShipped,
    /// All goods of it have left the house.
    #[serde(rename = "order.fulfilled")]
    OrderFulfilled,
    /// It is paid and delivered.
    #[serde(rename = "order.completed")]
    OrderCompleted,
    /// Money was paid back.
    #[serde(rename = "order.refunded")]
    OrderRefunded,
    /// Money could not be paid back.
    #[serde(rename = "order.refund_failed")]
    OrderRefundFailed,
    /// A product was added.
    #[serde(rename = "product.created")]
    ProductCreated,
    /// A product, its variants or its pictures were changed.
    #[serde(rename = "product.updated")]
    ProductUpdated,
    /// A product was archived.
    #[serde(rename = "product.archived")]
    ProductArchived,
    /// Another number of a variant can be sold.
    #[serde(rename = "stock.changed")]
    StockChanged,
    /// Few of a variant are left.
    #[serde(rename = "stock.low")]
    StockLow,
    /// Nothing of a variant is left.
    #[serde(rename = "stock.out")]
    StockOut,
    /// A trial that an admin asked for; every webhook is told.
    #[serde(rename = "webhook.test")]
    WebhookTest,
}

names!(WebhookEventType {
    OrderPlaced = "order.placed",
    OrderAuthorized = "order.authorized",
    OrderPaid = "order.paid",
    OrderPaymentFailed = "order.payment_failed",
    OrderCancelled = "order.cancelled",
    OrderShipped = "order.shipped",
    OrderFulfilled = "order.fulfilled",
    OrderCompleted = "order.completed",
    OrderRefunded = "order.refunded",
    OrderRefundFailed = "order.refund_failed",
    ProductCreated = "product.created",
    ProductUpdated = "product.updated",
    ProductArchived = "product.archived",
    StockChanged = "stock.changed",
    StockLow = "stock.low",
    StockOut = "stock.out",
    WebhookTest = "webhook.test",
});

impl WebhookEventType {
    /// All that a webhook can choose from.
    pub const CHOICES: [Self; 16] = [
        Self::OrderPlaced,
        Self::OrderAuthorized,
        Self::OrderPaid,
        Self::OrderPaymentFailed,
        Self::OrderCancelled,
        Self::OrderShipped,
        Self::OrderFulfilled,
        Self::OrderCompleted,
        Self::OrderRefunded,
        Self::OrderRefundFailed,
        Self::ProductCreated,
        Self::ProductUpdated,
        Self::ProductArchived,
        Self::StockChanged,
        Self::StockLow,
        Self::StockOut,
    ];
    /// Those of them that are not about orders.
    pub const OF_PRODUCTS: [Self; 6] = [
        Self::ProductCreated,
        Self::ProductUpdated,
        Self::ProductArchived,
        Self::StockChanged,
        Self::StockLow,
        Self::StockOut,
    ];
}

/// Why a webhook is told nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookDisabled {
    /// An admin switched it off.
    Staff,
    /// It answered 410: there is nobody any more.
    Gone,
    /// It has failed for days.
    Failing,
}

names!(WebhookDisabled {
    Staff = "staff",
    Gone = "gone",
    Failing = "failing",
});

/// An address that is told what happens, as the Standard Webhooks specification has it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Webhook {
    /// Names it.
    pub id: Uuid,
    /// Where events are sent.
    pub url: String,
    /// What it is for.
    pub description: String,
    /// What it is told of; empty: all.
    pub types: Vec<WebhookEventType>,
    /// Whether it is told anything.
    pub enabled: bool,
    /// Why not, if it is not.
    pub disabled_reason: Option<WebhookDisabled>,
    /// Since when no event has arrived although some were sent.
    pub failing_since: Option<Timestamp>,
    /// Until when the secret of before signs as well.
    pub previous_secret_until: Option<Timestamp>,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// All webhooks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookList {
    /// The oldest first.
    pub items: Vec<Webhook>,
    /// Always `null`: the list is whole.
    pub next_cursor: Option<String>,
}

/// A webhook that is to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWebhook {
    /// Where events are sent: https and of the open internet, unless the owner of the shop named
    /// the host in `webhooks.hosts_allowed`. At most 2,000 characters.
    pub url: String,
    /// What it is for, in at most 200 characters.
    #[serde(default)]
    pub description: String,
    /// What it is told of; all if empty or not given. `webhook.test` cannot be chosen.
    #[serde(default)]
    pub types: Vec<WebhookEventType>,
    /// Whether it is told anything; yes if not given.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}

/// What is to be changed of a webhook. What is not named stays.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WebhookEdit {
    /// Where events are sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What it is told of; all if empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub types: Option<Vec<WebhookEventType>>,
    /// Whether it is told anything. What waits to be sent is given up when this becomes false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
}

/// A webhook that was just made, with its secret.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookCreated {
    /// Verifies what is sent. It is given only this once.
    #[schema(examples("whsec_VGhpcyBpcyBhbiBleGFtcGxlLCBubyByZWFsIHNlY3JldA=="))]
    pub secret: String,
    /// The webhook.
    pub webhook: Webhook,
}

/// A secret that takes the place of another.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct WebhookRotated {
    /// Verifies what is sent from now on. It is given only this once.
    #[schema(examples("whsec_VGhpcyBpcyBhbiBleGFtcGxlLCBubyByZWFsIHNlY3JldA=="))]
    pub secret: String,
    /// Until then everything is signed with the secret of before, too.
    pub previous_until: Timestamp,
}

/// What became of sending an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WebhookDeliveryState {
    /// It will be sent, or sent again.
    Pending,
    /// It arrived.
    Delivered,
    /// It was tried as often as it is.
    Failed,
    /// The webhook was disabled before it arrived.
    Cancelled,
}

names!(WebhookDeliveryState {
    Pending = "pending",
    Delivered = "delivered",
    Failed = "failed",
    Cancelled = "cancelled",
});

/// An event on its way to a webhook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookDelivery {
    /// Names it.
    pub id: Uuid,
    /// Where it goes.
    pub webhook_id: Uuid,
    /// The event, as the header `webhook-id` has it: the same at each attempt.
    #[schema(examples("evt_01890000-0000-7000-8000-000000000000"))]
    pub event_id: String,
    /// What happened.
    #[serde(rename = "type")]
    pub kind: WebhookEventType,
    /// To what: the order, the product, of its stock the variant, or of a trial the webhook.
    pub subject_id: Uuid,
    /// The event's place among those of its subject.
    pub sequence: i64,
    /// What became of it.
    pub state: WebhookDeliveryState,
    /// How often it was sent.
    pub attempts: i64,
    /// How the last attempt was answered, if it was.
    pub last_status: Option<u16>,
    /// When it is sent next.
    pub next_attempt_at: Option<Timestamp>,
    /// When the event happened.
    pub created_at: Timestamp,
    /// When it arrived or was given up.
    pub finished_at: Option<Timestamp>,
}

/// One attempt to send an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookAttempt {
    /// From 1.
    pub number: i64,
    /// When it was made.
    pub at: Timestamp,
    /// How long it took.
    pub milliseconds: i64,
    /// How it was answered, if it was.
    pub status: Option<u16>,
    /// What went wrong, if something did.
    pub error: Option<String>,
    /// How the answer's body begins.
    pub answer: String,
}

/// An event on its way to a webhook, with all that is known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookDeliveryDetail {
    /// The delivery.
    pub delivery: WebhookDelivery,
    /// What is sent, byte for byte.
    pub body: String,
    /// The latest first; at most 50.
    pub attempts: Vec<WebhookAttempt>,
}

/// Which deliveries of a webhook.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct WebhookDeliveryQuery {
    /// Only those that stand so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<WebhookDeliveryState>,
    /// Only those of such events.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<WebhookEventType>,
    /// How many at most: 1 to 100, 20 if not given.
    #[param(minimum = 1, maximum = 100, default = 20)]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cursor: Option<String>,
}

/// How many deliveries are sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WebhookResent {
    /// At most 1,000; call again for more.
    pub count: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_the_same_in_json_and_in_the_database() {
        let all = WebhookEventType::CHOICES
            .into_iter()
            .chain([WebhookEventType::WebhookTest]);
        for kind in all {
            let json = serde_json::to_string(&kind).unwrap();
            assert_eq!(json, format!("\"{}\"", kind.name()));
            assert_eq!(kind.name().parse(), Ok(kind));
        }
    }
}

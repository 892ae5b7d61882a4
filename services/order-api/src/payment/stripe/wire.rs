//! The parts of Stripe's objects that are read here. What is not there is left as it is by
//! default, because versions differ; what decides about money is compared before it counts.

use std::collections::BTreeMap;

use serde::Deserialize;

/// The version of the interface that is asked for, whatever the account's own is.
pub(super) const VERSION: &str = "2025-03-31.basil";

/// Something that has an id.
pub(crate) trait Named {
    fn id(&self) -> &str;
}

/// A PaymentIntent: one order's payment.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Intent {
    pub id: String,
    pub status: String,
    pub amount: i64,
    #[serde(default)]
    pub amount_received: i64,
    pub currency: String,
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
    #[serde(default)]
    pub client_secret: Option<String>,
    #[serde(default)]
    pub next_action: Option<NextAction>,
}

/// What the customer has to do.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct NextAction {
    #[serde(default)]
    pub redirect_to_url: Option<Redirect>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Redirect {
    #[serde(default)]
    pub url: Option<String>,
}

/// Money on its way back.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Refund {
    pub id: String,
    pub amount: i64,
    #[serde(default)]
    pub status: Option<String>,
    #[serde(default)]
    pub payment_intent: Option<String>,
    #[serde(default)]
    pub metadata: BTreeMap<String, String>,
}

impl Refund {
    /// Whether the customer has not got it and never will.
    pub(crate) fn has_failed(&self) -> bool {
        matches!(self.status.as_deref(), Some("failed" | "canceled"))
    }
}

/// A customer's bank wants the money back.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Dispute {
    pub id: String,
    pub amount: i64,
    pub currency: String,
    #[serde(default)]
    pub reason: String,
    pub status: String,
    #[serde(default)]
    pub payment_intent: Option<String>,
    #[serde(default)]
    pub evidence_details: Option<EvidenceDetails>,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct EvidenceDetails {
    #[serde(default)]
    pub due_by: Option<i64>,
}

/// A page of a list.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Page<T> {
    pub data: Vec<T>,
    #[serde(default)]
    pub has_more: bool,
}

impl Named for Intent {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Named for Refund {
    fn id(&self) -> &str {
        &self.id
    }
}

impl Named for Dispute {
    fn id(&self) -> &str {
        &self.id
    }
}

/// The body of every answer that is an error.
#[derive(Debug, Clone, Deserialize)]
pub(super) struct Failed {
    pub error: Problem,
}

/// What was wrong. Its `message` is not read: it may quote what was sent.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Problem {
    #[serde(default, rename = "type")]
    pub kind: String,
    #[serde(default)]
    pub code: Option<String>,
    #[serde(default)]
    pub decline_code: Option<String>,
    #[serde(default)]
    pub payment_intent: Option<Intent>,
}

impl Problem {
    /// For the log: names of Stripe's own, and nothing that was sent.
    pub(crate) fn named(&self) -> String {
        let code = self.code.as_deref().unwrap_or("-");
        let decline = self.decline_code.as_deref().unwrap_or("-");
        format!("{} {code} {decline}", self.kind)
    }
}

/// A message that Stripe sends by itself.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Message {
    pub id: String,
    #[serde(rename = "type")]
    pub kind: String,
    pub data: MessageData,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct MessageData {
    pub object: serde_json::Value,
}

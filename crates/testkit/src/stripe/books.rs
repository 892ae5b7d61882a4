//! What the double has done with money. No rule here knows of HTTP.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::answers::{Keys, Problem};

/// A PaymentIntent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Intent {
    /// As `pi_1`.
    pub id: String,
    /// As Stripe calls them.
    pub status: String,
    /// In Stripe's smallest unit.
    pub amount: i64,
    /// In small letters.
    pub currency: String,
    /// Taken.
    pub captured: i64,
    /// Paid back, or on its way back.
    pub refunded: i64,
    /// What the caller attached.
    pub metadata: BTreeMap<String, String>,
    /// Seconds since 1970.
    pub created: i64,
    /// Where the customer would have to go.
    pub redirect: Option<String>,
}

/// A refund.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refund {
    /// As `re_1`.
    pub id: String,
    /// Of this PaymentIntent.
    pub intent: String,
    /// In Stripe's smallest unit.
    pub amount: i64,
    /// `succeeded`, `pending` or `failed`.
    pub status: String,
    /// What the caller attached.
    pub metadata: BTreeMap<String, String>,
    /// In small letters.
    pub currency: String,
    /// Seconds since 1970.
    pub created: i64,
}

/// A dispute.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dispute {
    /// As `dp_1`.
    pub id: String,
    /// Of this PaymentIntent.
    pub intent: String,
    /// In Stripe's smallest unit.
    pub amount: i64,
    /// In small letters.
    pub currency: String,
    /// As `needs_response`.
    pub status: String,
    /// Seconds since 1970.
    pub created: i64,
}

#[derive(Default)]
pub(super) struct Books {
    pub intents: Vec<Intent>,
    pub refunds: Vec<Refund>,
    pub disputes: Vec<Dispute>,
    pub keys: Keys,
    /// What a new refund is; empty: `succeeded`.
    pub refunds_are: Option<&'static str>,
    pub without_money: bool,
    happened: Vec<(String, Value)>,
}

/// How a card behaves, as the names of Stripe's own test cards say.
enum Card {
    Good,
    Declines,
    Asks,
}

impl Card {
    fn of(token: &str) -> Option<Self> {
        match token {
            "pm_card_visa" | "pm_card_mastercard" => Some(Self::Good),
            "pm_card_visa_chargeDeclined" | "pm_card_chargeDeclined" => Some(Self::Declines),
            "pm_card_threeDSecure2Required" | "pm_card_authenticationRequired" => Some(Self::Asks),
            _ => None,
        }
    }
}

fn state(status: &str) -> Problem {
    Problem::invalid(
        "payment_intent_unexpected_state",
        &format!("it is {status}"),
    )
}

impl Books {
    /// What happened since this was last asked, as kinds and objects of messages.
    pub fn happened(&mut self) -> Vec<(String, Value)> {
        std::mem::take(&mut self.happened)
    }

    pub fn intent(&self, id: &str) -> Result<&Intent, Problem> {
        let found = self.intents.iter().find(|intent| intent.id == id);
        found.ok_or_else(|| Problem::missing("payment_intent"))
    }

    fn intent_mut(&mut self, id: &str) -> Result<&mut Intent, Problem> {
        let found = self.intents.iter_mut().find(|intent| intent.id == id);
        found.ok_or_else(|| Problem::missing("payment_intent"))
    }

    fn tell(&mut self, kind: &str, id: &str) {
        if let Ok(intent) = self.intent(id) {
            let object = intent.json();
            self.happened.push((kind.to_owned(), object));
        }
    }

    pub fn create(
        &mut self,
        amount: i64,
        currency: &str,
        metadata: BTreeMap<String, String>,
        now: i64,
    ) -> String {
        let id = format!("pi_{}", self.intents.len() + 1);
        self.intents.push(Intent {
            id: id.clone(),
            status: "requires_payment_method".into(),
            amount,
            currency: currency.to_owned(),
            captured: 0,
            refunded: 0,
            metadata,
            created: now,
            redirect: None,
        });
        self.tell("payment_intent.created", &id);
        id
    }

    /// The caller confirms with a card of its own.
    pub fn confirm(&mut self, id: &str, token: &str) -> Result<(), Problem> {
        let card = Card::of(token).ok_or_else(|| Problem::missing("payment_method"))?;
        let intent = self.intent_mut(id)?;
        match card {
            Card::Good => {
                intent.status = "requires_capture".into();
                self.tell("payment_intent.amount_capturable_updated", id);
            }
            Card::Declines => {
                self.tell("payment_intent.payment_failed", id);
                return Err(Problem::declined(self.intent(id)?.json()));
            }
            Card::Asks => {
                intent.status = "requires_action".into();
                intent.redirect = Some(format!("https://hooks.stripe.example/{id}"));
                self.tell("payment_intent.requires_action", id);
            }
        }
        Ok(())
    }

    pub fn customer_confirms(&mut self, id: &str, agrees: bool) -> Result<(), Problem> {
        let intent = self.intent_mut(id)?;
        let waits =
            ["requires_payment_method", "requires_action"].contains(&intent.status.as_str());
        if !waits {
            return Err(state(&intent.status));
        }
        intent.redirect = None;
        if agrees {
            intent.status = "requires_capture".into();
            self.tell("payment_intent.amount_capturable_updated", id);
        } else {
            intent.status = "requires_payment_method".into();
            self.tell("payment_intent.payment_failed", id);
        }
        Ok(())
    }

    /// The customer's bank wants to hear from the customer first.
    pub fn customer_is_asked(&mut self, id: &str) -> Result<(), Problem> {
        let intent = self.intent_mut(id)?;
        let waits =
            ["requires_payment_method", "requires_action"].contains(&intent.status.as_str());
        if !waits {
            return Err(state(&intent.status));
        }
        intent.status = "requires_action".into();
        self.tell("payment_intent.requires_action", id);
        Ok(())
    }

    pub fn capture(&mut self, id: &str) -> Result<Value, Problem> {
        let intent = self.intent_mut(id)?;
        if intent.status != "requires_capture" {
            return Err(state(&intent.status));
        }
        intent.status = "succeeded".into();
        intent.captured = intent.amount;
        self.tell("payment_intent.succeeded", id);
        Ok(self.intent(id)?.json())
    }

    pub fn cancel(&mut self, id: &str) -> Result<Value, Problem> {
        let intent = self.intent_mut(id)?;
        if ["succeeded", "canceled", "processing"].contains(&intent.status.as_str()) {
            return Err(state(&intent.status));
        }
        intent.status = "canceled".into();
        self.tell("payment_intent.canceled", id);
        Ok(self.intent(id)?.json())
    }

    pub fn refund(
        &mut self,
        id: &str,
        amount: Option<i64>,
        metadata: BTreeMap<String, String>,
        now: i64,
    ) -> Result<Value, Problem> {
        let status = self.refunds_are.unwrap_or("succeeded");
        let (poor, disputed) = (self.without_money, self.is_disputed(id));
        let number = self.refunds.len() + 1;
        let intent = self.intent_mut(id)?;
        let left = intent.captured - intent.refunded;
        let amount = amount.unwrap_or(left);
        if left == 0 {
            return Err(Problem::invalid(
                "charge_already_refunded",
                "nothing is left",
            ));
        }
        if amount <= 0 || amount > left {
            return Err(Problem::invalid("amount_too_large", "more than is left"));
        }
        if disputed {
            return Err(Problem::invalid("charge_disputed", "the bank has it"));
        }
        if poor {
            return Err(Problem::invalid("balance_insufficient", "no money"));
        }
        if status != "failed" {
            intent.refunded += amount;
        }
        let refund = Refund {
            id: format!("re_{number}"),
            intent: id.to_owned(),
            amount,
            status: status.into(),
            metadata,
            currency: intent.currency.clone(),
            created: now,
        };
        let object = refund.json();
        self.refunds.push(refund);
        self.happened
            .push(("refund.created".into(), object.clone()));
        Ok(object)
    }

    pub fn refund_becomes(&mut self, id: &str, status: &str) -> Result<(), Problem> {
        let refund = self.refunds.iter_mut().find(|refund| refund.id == id);
        let refund = refund.ok_or_else(|| Problem::missing("refund"))?;
        let failed = status == "failed" && refund.status != "failed";
        refund.status = status.to_owned();
        let (object, intent, amount) = (refund.json(), refund.intent.clone(), refund.amount);
        if failed {
            self.intent_mut(&intent)?.refunded -= amount;
        }
        let kind = if failed {
            "refund.failed"
        } else {
            "refund.updated"
        };
        self.happened.push((kind.into(), object));
        Ok(())
    }

    /// Whether a bank has taken its money back: an inquiry has taken nothing.
    fn is_disputed(&self, intent: &str) -> bool {
        let has = |it: &Dispute| !it.is_inquiry() && !["won", "prevented"].contains(&&*it.status);
        let mut disputes = self.disputes.iter();
        disputes.any(|dispute| dispute.intent == intent && has(dispute))
    }

    pub fn find_dispute(&self, id: &str) -> Result<&Dispute, Problem> {
        let found = self.disputes.iter().find(|dispute| dispute.id == id);
        found.ok_or_else(|| Problem::missing("dispute"))
    }

    pub fn dispute(&mut self, intent: &str, amount: i64, status: &str, now: i64) -> String {
        let currency = self.intent(intent).map(|it| it.currency.clone());
        let dispute = Dispute {
            id: format!("dp_{}", self.disputes.len() + 1),
            intent: intent.to_owned(),
            amount,
            currency: currency.unwrap_or_default(),
            status: status.to_owned(),
            created: now,
        };
        let id = dispute.id.clone();
        let object = dispute.json();
        self.disputes.push(dispute);
        self.happened
            .push(("charge.dispute.created".into(), object));
        id
    }

    pub fn dispute_becomes(&mut self, id: &str, status: &str) -> Result<(), Problem> {
        let dispute = self.disputes.iter_mut().find(|dispute| dispute.id == id);
        let dispute = dispute.ok_or_else(|| Problem::missing("dispute"))?;
        dispute.status = status.to_owned();
        let object = dispute.json();
        let ends = ["won", "lost", "warning_closed", "prevented"].contains(&status);
        let kind = if ends { "closed" } else { "updated" };
        self.happened
            .push((format!("charge.dispute.{kind}"), object));
        Ok(())
    }
}

impl Intent {
    pub(super) fn client_secret(&self) -> String {
        format!("{}_secret_x", self.id)
    }

    pub(super) fn json(&self) -> Value {
        let action = self
            .redirect
            .as_ref()
            .map(|url| json!({"type": "redirect_to_url", "redirect_to_url": {"url": url}}));
        json!({
            "id": self.id, "object": "payment_intent", "status": self.status,
            "amount": self.amount, "amount_received": self.captured,
            "amount_capturable": if self.status == "requires_capture" { self.amount } else { 0 },
            "capture_method": "manual", "currency": self.currency, "created": self.created,
            "client_secret": self.client_secret(), "livemode": false,
            "metadata": self.metadata, "next_action": action,
        })
    }
}

impl Refund {
    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id, "object": "refund", "amount": self.amount, "status": self.status,
            "payment_intent": self.intent, "currency": self.currency, "created": self.created,
            "metadata": self.metadata,
        })
    }
}

impl Dispute {
    /// The bank asks before it takes anything.
    fn is_inquiry(&self) -> bool {
        self.status.starts_with("warning_")
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "id": self.id, "object": "dispute", "amount": self.amount, "status": self.status,
            "payment_intent": self.intent, "currency": self.currency, "created": self.created,
            "reason": "fraudulent", "evidence_details": {"due_by": self.created + 604_800},
            "metadata": {},
        })
    }
}

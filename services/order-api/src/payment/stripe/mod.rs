//! Payments by card at Stripe.
//!
//! An order's payment is one PaymentIntent with `capture_method=manual`: Stripe holds the total
//! when the customer (or the token that came with the order) has confirmed it, and we take it when
//! the stock is ours. Card data goes from the customer's browser to Stripe and never comes here.
//!
//! Stripe does what comes under one idempotency key once, but forgets keys after a day, and answers
//! for ever the same under a key that met an error of its own. So a key alone proves nothing here:
//! - before anything is done a second time, Stripe is asked what is there;
//! - the PaymentIntent's id is kept, and what it *is* decides, never what an old answer said;
//! - while the id is not known, the same key finds it as long as keys live; later it is looked for
//!   among all that was made since it was first asked for;
//! - a key that is spent is replaced by the next one only when nothing was found.

mod amount;
mod client;
mod compare;
mod disputed;
mod mend;
mod reconcile;
mod rows;
mod webhook;
mod wire;

use std::time::Duration;

use techcommerce_follow::{Current, Source};
use techcommerce_kernel::{Env, Error, Kind, Meter, Timestamp, Uuid};
use techcommerce_store::Db;

use self::{
    client::{Client, Failure},
    rows::Row,
    wire::{Intent, Refund},
};
use super::{Answer, Charge, Operation, Reply};
use crate::orders::CONTRADICTION;

pub(crate) use self::{
    reconcile::{doubt_refund, reconcile},
    webhook::{Heard, Unsigned, hear},
    wire::Dispute as DisputeSeen,
};

/// What Stripe's `amount` is in minor units of `currency`, if it can be told.
pub(crate) fn amount_from(amount: i64, currency: techcommerce_kernel::Currency) -> Option<i64> {
    Some(amount::from_stripe(amount, currency).ok()?.amount)
}

/// Stripe keeps keys for at least a day; what is older is looked for.
const KEYS_LIVE: Duration = Duration::from_hours(23);
/// How far clocks may differ when something is looked for by its time.
const CLOCKS_DIFFER: Duration = Duration::from_mins(10);

/// What the owner has of Stripe.
#[derive(Debug)]
pub struct StripeDeps {
    /// Where Stripe is.
    pub api_address: String,
    /// What the shop is known by there.
    pub secret_key: Source<String>,
    /// What signs Stripe's messages; several while one takes another's place.
    pub webhook_secrets: Source<Vec<String>>,
}

/// Stripe. Clones are the same.
#[derive(Clone)]
pub struct Stripe {
    db: Db,
    env: Env,
    client: Client,
    webhook_secrets: Current<Vec<String>>,
    /// The shop's own address, to which a customer comes back.
    public_url: String,
}

impl Stripe {
    /// The Stripe that `deps` says, with what is known of it in `db`.
    ///
    /// # Errors
    /// The address is none.
    pub fn new(
        deps: StripeDeps,
        db: Db,
        env: Env,
        meter: Meter,
        public_url: String,
    ) -> Result<Self, Error> {
        let secrets = deps.webhook_secrets;
        let webhook_secrets =
            Current::following(secrets.value().clone(), secrets, |secrets| async move {
                Ok(secrets)
            });
        Ok(Self {
            db,
            env,
            client: Client::new(&deps.api_address, deps.secret_key, meter)?,
            webhook_secrets,
            public_url,
        })
    }

    /// Whether Stripe answers and knows the shop's key.
    ///
    /// # Errors
    /// It does not.
    pub async fn try_out(&self) -> Result<(), Error> {
        self.client.try_out().await
    }

    /// The key, which may change.
    pub fn secret_key(&self) -> &Current<String> {
        self.client.key()
    }

    /// What signs messages, and may change.
    pub fn webhook_secrets(&self) -> &Current<Vec<String>> {
        &self.webhook_secrets
    }

    pub(super) async fn operate(
        &self,
        charge: &Charge,
        operation: Operation,
        amount: i64,
    ) -> Result<Reply, Error> {
        let answer = match operation {
            Operation::Authorise => self.authorise(charge).await?,
            Operation::Capture => self.capture(charge).await?,
            Operation::Void => self.void(charge).await?,
            Operation::Refund(id) => self.refund(charge, id, amount).await?,
        };
        Ok(answer.into())
    }

    pub(super) async fn lookup(
        &self,
        charge: &Charge,
        operation: Operation,
    ) -> Result<Reply, Error> {
        let row = rows::find(&self.db, charge.payment).await?;
        let Some(id) = row.and_then(|row| row.intent_id) else {
            return Ok(Answer::NotSeen.into());
        };
        let answer = match operation {
            Operation::Refund(refund) => {
                let known = self.refund_of(&id, refund).await?;
                known.map_or(Answer::NotSeen, |refund| refunded(&refund))
            }
            Operation::Capture => match self.intent(charge, &id).await? {
                intent if intent.status == "requires_capture" => Answer::NotSeen,
                intent => captured(&intent),
            },
            Operation::Authorise | Operation::Void => {
                let intent = self.intent(charge, &id).await?;
                self.authorised(charge, &intent).await?
            }
        };
        Ok(answer.into())
    }

    async fn authorise(&self, charge: &Charge) -> Result<Answer, Error> {
        if amount::to_stripe(charge.total).is_err() {
            return Ok(Answer::Refused);
        }
        let row = rows::open(&self.db, charge.payment, self.env.now()).await?;
        if row.closed {
            return Ok(Answer::Refused);
        }
        let intent = match &row.intent_id {
            Some(id) => self.intent(charge, id).await?,
            None => match self.create(charge, row).await? {
                Some(intent) => intent,
                None => return Ok(Answer::Refused),
            },
        };
        self.authorised(charge, &intent).await
    }

    /// What became of an authorisation.
    async fn authorised(&self, charge: &Charge, intent: &Intent) -> Result<Answer, Error> {
        // What was told with the order was refused; nobody comes to try another card.
        if charge.token.is_some() && intent.status == "requires_payment_method" {
            return Ok(match self.cancel(charge, &intent.id).await? {
                Answer::Done => Answer::Refused,
                other => other,
            });
        }
        Ok(match intent.status.as_str() {
            "requires_payment_method" | "requires_confirmation" | "requires_action" => {
                Answer::Action
            }
            "requires_capture" | "succeeded" => Answer::Done,
            "canceled" => Answer::Refused,
            _ => Answer::Unknown,
        })
    }

    async fn capture(&self, charge: &Charge) -> Result<Answer, Error> {
        let Some(row) = rows::find(&self.db, charge.payment).await? else {
            return Ok(Answer::Refused);
        };
        let Some(id) = &row.intent_id else {
            return Ok(Answer::Refused);
        };
        let intent = self.intent(charge, id).await?;
        if intent.status != "requires_capture" {
            return Ok(captured(&intent));
        }
        let path = format!("/v1/payment_intents/{id}/capture");
        let key = key(charge, Operation::Capture, &row);
        match self.client.post::<Intent>(&path, &[], &key).await {
            Ok(said) if !said.again => {
                self.same(charge, &said.body)?;
                Ok(captured(&said.body))
            }
            // It says what is there now.
            Ok(_) | Err(Failure::Declined(_) | Failure::Impossible(_)) => {
                match self.intent(charge, id).await? {
                    intent if intent.status == "requires_capture" => {
                        self.next_key(charge, &row).await?;
                        Err(Failure::KeyIsSpent.into())
                    }
                    intent => Ok(captured(&intent)),
                }
            }
            Err(Failure::KeyIsSpent) => {
                self.next_key(charge, &row).await?;
                Err(Failure::KeyIsSpent.into())
            }
            Err(failure) => Err(failure.into()),
        }
    }

    async fn void(&self, charge: &Charge) -> Result<Answer, Error> {
        let row = rows::close(&self.db, charge.payment, self.env.now()).await?;
        let id = match (&row.intent_id, row.asked_at) {
            (Some(id), _) => id.clone(),
            // Stripe was never asked, and never will be.
            (None, None) => return Ok(Answer::Done),
            // It may have been, without our knowing. The same key finds what was made, or takes
            // the place of a call that is still on its way.
            (None, Some(_)) => match self.create(charge, row).await? {
                Some(intent) => intent.id,
                None => return Ok(Answer::Done),
            },
        };
        self.cancel(charge, &id).await
    }

    /// Cancels a PaymentIntent, and what is held with it. [`Answer::Refused`]: it was captured.
    async fn cancel(&self, charge: &Charge, id: &str) -> Result<Answer, Error> {
        let told = self.cancel_intent(id, charge.payment).await;
        let intent = match told {
            Ok(Some(intent)) => intent,
            Ok(None) => self.intent(charge, id).await?,
            Err(error) => return Err(error),
        };
        match intent.status.as_str() {
            "canceled" => Ok(Answer::Done),
            "succeeded" => Ok(Answer::Refused),
            _ => Err(Error::unavailable(
                "The payment provider is busy with this payment.",
            )),
        }
    }

    /// Asks for a PaymentIntent to be cancelled; nothing: it cannot be, and what it is has to be
    /// looked up. Cancelling twice is harmless, so the key is only good for this moment's repeats.
    async fn cancel_intent(&self, id: &str, order: Uuid) -> Result<Option<Intent>, Error> {
        let path = format!("/v1/payment_intents/{id}/cancel");
        let reason = [("cancellation_reason", "abandoned")];
        let hour = self.env.now().as_seconds() / 3600;
        let key = format!("{order}:void:{id}:{hour}");
        match self.client.post::<Intent>(&path, &reason, &key).await {
            Ok(said) if !said.again => Ok(Some(said.body)),
            Ok(_) | Err(Failure::Declined(_) | Failure::Impossible(_)) => Ok(None),
            Err(failure) => Err(failure.into()),
        }
    }

    async fn refund(&self, charge: &Charge, id: Uuid, amount: i64) -> Result<Answer, Error> {
        let row = rows::find(&self.db, charge.payment).await?;
        let Some((row, intent)) = row.and_then(|row| Some((row.clone(), row.intent_id?))) else {
            return Ok(Answer::Refused);
        };
        let money = techcommerce_kernel::Money::new(amount, charge.total.currency);
        let Ok(told) = amount::to_stripe(money) else {
            return Ok(Answer::Refused);
        };
        if let Some(known) = self.refund_of(&intent, id).await? {
            return Ok(refunded(&known));
        }
        let (told, order, refund) = (told.to_string(), charge.payment.to_string(), id.to_string());
        let form = [
            ("payment_intent", intent.as_str()),
            ("amount", &told),
            ("metadata[order]", &order),
            ("metadata[refund]", &refund),
        ];
        let key = key(charge, Operation::Refund(id), &row);
        match self.client.post::<Refund>("/v1/refunds", &form, &key).await {
            Ok(said) if !said.again => Ok(refunded(&said.body)),
            // It may have been made by somebody else at this moment: what is there counts.
            Ok(_) | Err(Failure::Declined(_) | Failure::Impossible(_)) => {
                let known = self.refund_of(&intent, id).await?;
                Ok(known.map_or(Answer::Refused, |refund| refunded(&refund)))
            }
            Err(Failure::KeyIsSpent) => {
                self.next_key(charge, &row).await?;
                Err(Failure::KeyIsSpent.into())
            }
            Err(failure) => Err(failure.into()),
        }
    }

    /// The refund of ours among those of a PaymentIntent.
    async fn refund_of(&self, intent: &str, id: Uuid) -> Result<Option<Refund>, Error> {
        let refunds: Vec<Refund> = self
            .client
            .list("/v1/refunds", &[("payment_intent", intent)])
            .await?;
        let id = id.to_string();
        let ours = |refund: &Refund| refund.metadata.get("refund") == Some(&id);
        Ok(refunds.into_iter().find(ours))
    }

    /// Makes the payment's PaymentIntent, or finds the one that was made; nothing: it was refused
    /// for good, and what is left of it is cancelled.
    async fn create(&self, charge: &Charge, mut row: Row) -> Result<Option<Intent>, Error> {
        let asked = Timestamp::from_micros(row.asked_at.unwrap_or_default());
        if self.env.now().since(asked) > KEYS_LIVE {
            if let Some(found) = self.find(charge, asked).await? {
                return Ok(Some(found));
            }
            if row.closed {
                return Ok(None);
            }
            row = self.next_key(charge, &row).await?;
        }
        let amount = match amount::to_stripe(charge.total) {
            Ok(amount) => amount.to_string(),
            Err(amount::NotPayable) => return Ok(None),
        };
        let currency = charge.total.currency.code().to_ascii_lowercase();
        let order = charge.payment.to_string();
        let back = format!("{}/orders/{order}", self.public_url);
        let mut form = vec![
            ("amount", amount.as_str()),
            ("currency", &currency),
            ("capture_method", "manual"),
            ("payment_method_types[0]", "card"),
            ("metadata[order]", &order),
            // Several shops may share one account, as one for trials does with the one in earnest.
            ("metadata[shop]", &self.public_url),
        ];
        if let Some(token) = &charge.token {
            form.extend([
                ("payment_method", token.as_str()),
                ("confirm", "true"),
                ("return_url", &back),
            ]);
        }
        let key = key(charge, Operation::Authorise, &row);
        match self
            .client
            .post::<Intent>("/v1/payment_intents", &form, &key)
            .await
        {
            Ok(said) => {
                self.same(charge, &said.body)?;
                rows::keep(&self.db, charge.payment, &said.body).await?;
                match said.again {
                    true => self.intent(charge, &said.body.id).await.map(Some),
                    false => Ok(Some(said.body)),
                }
            }
            Err(Failure::Declined(problem)) => {
                tracing::info!(why = problem.named(), "a payment was declined");
                if let Some(intent) = problem.payment_intent {
                    self.same(charge, &intent)?;
                    rows::keep(&self.db, charge.payment, &intent).await?;
                    self.cancel(charge, &intent.id).await?;
                }
                Ok(None)
            }
            // Nothing was made: the amount is too small, or the token is none.
            Err(Failure::Impossible(problem)) => {
                tracing::warn!(why = problem.named(), "a payment was refused");
                Ok(None)
            }
            Err(Failure::KeyIsSpent) => match self.find(charge, asked).await? {
                Some(found) => Ok(Some(found)),
                None => {
                    self.next_key(charge, &row).await?;
                    Err(Failure::KeyIsSpent.into())
                }
            },
            Err(failure) => Err(failure.into()),
        }
    }

    /// The order's PaymentIntent among those that were made since `asked`.
    async fn find(&self, charge: &Charge, asked: Timestamp) -> Result<Option<Intent>, Error> {
        let since = (asked - CLOCKS_DIFFER).as_seconds().max(0).to_string();
        let query = [("created[gte]", since.as_str())];
        let intents: Vec<Intent> = self.client.list("/v1/payment_intents", &query).await?;
        let order = charge.payment.to_string();
        let ours = |intent: &Intent| intent.metadata.get("order") == Some(&order);
        let Some(found) = intents.into_iter().find(ours) else {
            return Ok(None);
        };
        self.same(charge, &found)?;
        rows::keep(&self.db, charge.payment, &found).await?;
        Ok(Some(found))
    }

    /// What the PaymentIntent is now.
    async fn intent(&self, charge: &Charge, id: &str) -> Result<Intent, Error> {
        let path = format!("/v1/payment_intents/{id}");
        let intent: Intent = self.client.get(&path).await?;
        self.same(charge, &intent)?;
        rows::keep(&self.db, charge.payment, &intent).await?;
        Ok(intent)
    }

    /// That it is the order's payment, and of the order's amount. Anything else is for people.
    fn same(&self, charge: &Charge, intent: &Intent) -> Result<(), Error> {
        let amount = amount::to_stripe(charge.total).ok();
        let currency = charge.total.currency.code();
        let order = charge.payment.to_string();
        let taken = intent.status == "succeeded" && Some(intent.amount_received) != amount;
        let ours = Some(intent.amount) == amount
            && intent.currency.eq_ignore_ascii_case(currency)
            && intent.metadata.get("order") == Some(&order)
            && !taken;
        if ours {
            return Ok(());
        }
        let what = format!("{} is not of this order or of another amount", intent.id);
        let text = "The payment provider has another amount for this order.";
        Err(Error::new(Kind::Internal, CONTRADICTION, text).caused_by(what))
    }

    async fn next_key(&self, charge: &Charge, row: &Row) -> Result<Row, Error> {
        let now = self.env.now();
        rows::next_key(&self.db, charge.payment, row.generation, now).await
    }
}

/// The key of a step, which follows from the order, the step, and how many keys were spent.
fn key(charge: &Charge, operation: Operation, row: &Row) -> String {
    match row.generation {
        0 => charge.key(operation),
        spent => format!("{}:{spent}", charge.key(operation)),
    }
}

fn captured(intent: &Intent) -> Answer {
    match intent.status.as_str() {
        "succeeded" => Answer::Done,
        "processing" => Answer::Unknown,
        // Cancelled, also by Stripe itself after a week; or never held.
        _ => Answer::Refused,
    }
}

fn refunded(refund: &Refund) -> Answer {
    match refund.status.as_deref() {
        Some("succeeded") => Answer::Done,
        Some("failed" | "canceled") => Answer::Refused,
        // On its way; it is looked up again.
        _ => Answer::Unknown,
    }
}

//! What a comparison does: money that belongs to no order is paid back, and people are told.

use techcommerce_kernel::{Error, Money};
use techcommerce_store::transact;

use super::{
    amount,
    client::{Failure, Said},
    reconcile::{Comparison, Look},
    wire::{Intent, Refund},
};
use crate::payment::{
    findings::{self, Finding},
    stripe::compare::Mend,
};

impl Comparison<'_> {
    /// Pays back what belongs to no order, and writes down whether that was done. Whatever else came
    /// of it, the next comparison tries again.
    pub(super) async fn pay_back(
        &self,
        intent: &Intent,
        seen: &Look,
        amount: i64,
    ) -> Result<bool, Error> {
        let told = self.refund(intent, seen, amount).await;
        let (why, done) = match &told {
            Ok(said) if said.body.has_failed() => {
                ("not paid back: the refund failed".to_owned(), false)
            }
            Ok(said) if !said.again => ("paid back".to_owned(), true),
            Err(Failure::Declined(problem) | Failure::Impossible(problem)) => {
                let code = problem.code.as_deref().unwrap_or("refused");
                (format!("not paid back: {code}"), false)
            }
            Ok(_) | Err(_) => ("not paid back yet".to_owned(), false),
        };
        let detail = format!("taken for no order, and {why}");
        let what = (findings::UNKNOWN_PAYMENT, amount, detail.as_str());
        self.write(intent, seen, what, done).await?;
        match told {
            Err(Failure::Again(error)) => Err(error),
            _ => Ok(done),
        }
    }

    /// All that is left is paid back, which Stripe does not do twice: the key is only good for this
    /// moment's repeats, and one that is spent, or is of a refund that failed, is left behind.
    async fn refund(
        &self,
        intent: &Intent,
        seen: &Look,
        amount: i64,
    ) -> Result<Said<Refund>, Failure> {
        let money = seen.currency.map(|currency| Money::new(amount, currency));
        let told = money.and_then(|money| amount::to_stripe(money).ok());
        let told = told.ok_or_else(|| Error::internal("an amount that cannot be told"));
        let told = told.map_err(Failure::Again)?.to_string();
        let form = [
            ("payment_intent", intent.id.as_str()),
            ("amount", &told),
            ("metadata[shop]", &self.stripe.public_url),
        ];
        let (refunded, failed) = (seen.refunded, seen.failed);
        let hour = self.app.env.now().as_seconds() / 3600;
        let key = format!("{}:unknown:{refunded}:{failed}:{hour}", intent.id);
        self.stripe.client.post("/v1/refunds", &form, &key).await
    }

    /// Tells people of what other hands did.
    pub(super) async fn report(&self, intent: &Intent, seen: &Look) -> Result<(), Error> {
        let taken = format!("{} with {} taken", intent.status, seen.captured);
        let back = format!(
            "{} paid back there, {} of it asked for here",
            seen.refunded, seen.refunded_by_us
        );
        let what = match seen.mend {
            Mend::ReportCaptured => (findings::CAPTURED, seen.captured, taken.as_str()),
            _ => (findings::REFUNDED, seen.refunded, back.as_str()),
        };
        self.write(intent, seen, what, false).await
    }

    async fn write(
        &self,
        intent: &Intent,
        seen: &Look,
        (kind, amount, detail): (&'static str, i64, &str),
        closed: bool,
    ) -> Result<(), Error> {
        let object = &intent.id;
        tracing::warn!(kind, object, "somebody has to look at a payment");
        let finding = Finding {
            kind,
            object: object.clone(),
            order: seen.order.as_ref().map(|order| order.id),
            amount,
            currency: intent.currency.to_ascii_uppercase(),
            detail: detail.to_owned(),
            due_at: None,
            closed,
        };
        transact!(self.app.db, |tx| -> Result<(), Error> {
            findings::put(tx, &finding, self.app.env.now()).await?;
            Ok(())
        })
    }
}

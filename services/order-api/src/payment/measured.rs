//! What providers are asked, counted and timed.

use techcommerce_kernel::{Called, Error, Meter};
use techcommerce_telemetry::{Counters, Label, Telemetry};

use super::{Answer, Operation, Reply};

/// The providers that can be asked; an invoice asks nobody.
const PROVIDERS: &[&str] = &["test", "stripe"];
const OUTCOMES: &[&str] = &["succeeded", "action", "declined", "error", "timeout"];

/// Counts what is asked of providers. Clones are the same.
#[derive(Clone)]
pub struct Attempts {
    meter: Meter,
    counters: Counters<2>,
}

impl Attempts {
    /// Counts under `telemetry`, and times by `meter`.
    pub fn new(telemetry: &Telemetry, meter: Meter) -> Self {
        let counters = telemetry.counters(
            "techcommerce_payment_attempts_total",
            "Steps that move or hold money, asked of a payment provider: succeeded; action, when the \
             customer has to confirm it; declined; error, when it could not be reached; timeout, when \
             it is not known what became of it",
            [
                Label::one_of("provider", PROVIDERS),
                Label::one_of("outcome", OUTCOMES),
            ],
        );
        Self {
            meter,
            counters: counters.at_zero(),
        }
    }

    /// Asks `provider`.
    pub(super) async fn measure(
        &self,
        provider: &str,
        operation: Operation,
        asking: impl Future<Output = Result<Reply, Error>>,
    ) -> Result<Reply, Error> {
        let reply = self.meter.measure(asking, how).await;
        // To let go of what is held moves nothing, and cannot be declined by a customer's bank.
        if !matches!(operation, Operation::Void) {
            let outcome = match reply.as_ref().map(|reply| reply.answer) {
                Ok(Answer::Done) => "succeeded",
                Ok(Answer::Action) => "action",
                Ok(Answer::Refused) => "declined",
                Ok(Answer::Unknown | Answer::NotSeen) => "timeout",
                Err(_) => "error",
            };
            self.counters.with([provider, outcome]).inc();
        }
        reply
    }
}

fn how(reply: &Result<Reply, Error>) -> Called {
    match reply.as_ref().map(|reply| reply.answer) {
        Ok(Answer::Done | Answer::Action | Answer::Refused | Answer::NotSeen) => Called::Ok,
        Ok(Answer::Unknown) => Called::Timeout,
        Err(_) => Called::Error,
    }
}

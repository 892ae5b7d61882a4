//! The schedule that compares what the payment provider knows with what the shop knows.

use std::time::Duration;

use async_trait::async_trait;
use techcommerce_jobs::{Job, Outcome, Schedule};
use techcommerce_kernel::Error;

use crate::{app::App, payment::stripe::reconcile};

/// The job's kind and the schedule's name.
const KIND: &str = "payments.reconcile";

/// Once an hour. A provider that is away is asked again and is no dead letter, for there is nothing that
/// staff could do about it.
pub(super) fn schedule() -> Schedule {
    Schedule::new(KIND, Duration::from_hours(1), KIND).patient()
}

/// Runs the schedule.
pub(super) struct Handler(pub App);

#[async_trait]
impl techcommerce_jobs::Handler for Handler {
    fn kind(&self) -> &'static str {
        KIND
    }

    /// A shop that sells much has many payments to be compared, and what is not over starts again.
    fn time_limit(&self) -> Duration {
        Duration::from_hours(1)
    }

    async fn run(&self, _: &Job) -> Result<Outcome, Error> {
        let Self(app) = self;
        if let (Some(stripe), Some(time)) = (app.providers.stripe(), app.settings.reconciled) {
            let done = reconcile(app, stripe, time).await?;
            if done.mended + done.reported > 0 {
                tracing::warn!(
                    ?done,
                    "the books of the payment provider were other than ours"
                );
            }
        }
        Ok(Outcome::Done)
    }
}

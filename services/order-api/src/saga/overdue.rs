//! The job that ends the time which a customer has to confirm a payment.

use async_trait::async_trait;
use techcommerce_jobs::{Job, Outcome};
use techcommerce_kernel::Error;
use techcommerce_store::transact;

use super::Overdue;
use crate::{
    app::App,
    orders::{self, Cause, Changed},
    path::Event,
};

/// Runs [`Overdue`].
pub(super) struct Handler(pub App);

#[async_trait]
impl techcommerce_jobs::Handler for Handler {
    fn kind(&self) -> &'static str {
        Overdue::KIND
    }

    async fn run(&self, job: &Job) -> Result<Outcome, Error> {
        let Overdue { order } = job.payload()?;
        let Self(app) = self;
        // The order's own job asks the provider a last time, and gives up what is not paid.
        let changed = transact!(app.db, |tx| -> Result<Changed, Error> {
            job.guard(tx).await?;
            let event = Event::PaymentOverdue;
            let changed = orders::change(tx, app, order, &event, Cause::by("system")).await?;
            job.complete_in(tx, &app.env).await?;
            Ok(changed)
        })?;
        app.metrics.changed(&changed, app.env.now());
        app.queue.wake();
        Ok(Outcome::Completed)
    }
}

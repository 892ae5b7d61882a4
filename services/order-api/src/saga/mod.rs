//! What happens to an order after the request: jobs that take it along its path, mails, and
//! tidying up.

mod advance;
pub mod execute;
mod mail;
mod overdue;
mod reconcile;
mod tidy;
pub mod walk;
mod words;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use techcommerce_jobs::{JobSet, NewJob, Schedule};
use techcommerce_kernel::{Error, Uuid};

use crate::{app::App, path::Notice, watch, webhooks};

/// Takes an order along its path as far as it goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Advance {
    /// Which order.
    pub order: Uuid,
}

impl Advance {
    /// The job's kind.
    pub const KIND: &'static str = "order.advance";
    /// The longest pause between two attempts: so late is an order at most when what held it up is
    /// over. Buyers wait for it, and a payment that is in doubt holds goods.
    pub const LONGEST_PAUSE: Duration = Duration::from_secs(30);
    /// With pauses of fifteen to thirty seconds more than nine hours, as of any other job.
    const MAX_ATTEMPTS: u32 = 1_500;

    /// The job for this order.
    ///
    /// # Errors
    /// `internal` if it cannot be written as JSON.
    pub fn job(order: Uuid) -> Result<NewJob, Error> {
        let job = NewJob::new(Self::KIND).max_attempts(Self::MAX_ATTEMPTS);
        job.payload(&Self { order })
    }
}

/// Ends the time that a customer has to confirm a payment.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Overdue {
    /// Of which order.
    pub order: Uuid,
}

impl Overdue {
    /// The job's kind.
    pub const KIND: &'static str = "order.payment_overdue";

    /// The job for this order, due after this time.
    ///
    /// # Errors
    /// `internal` if it cannot be written as JSON.
    pub fn job(order: Uuid, time: Duration) -> Result<NewJob, Error> {
        NewJob::new(Self::KIND).after(time).payload(&Self { order })
    }
}

/// Sends a mail about an order.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Mailing {
    /// Which order.
    pub order: Uuid,
    /// What about; the confirmation if nothing.
    #[serde(default)]
    pub notice: Option<Notice>,
}

impl Mailing {
    /// The job's kind.
    pub const KIND: &'static str = "order.mail";
}

/// The jobs and schedules of this service.
pub fn jobs(app: &App) -> JobSet {
    let set = JobSet::new("order-api", app.queue.clone())
        .handler(advance::Handler(app.clone()))
        .handler(mail::Handler(app.clone()))
        .handler(overdue::Handler(app.clone()))
        .handler(reconcile::Handler(app.clone()))
        .schedule(reconcile::schedule())
        .handler(techcommerce_once::Prune::new(
            app.db.clone(),
            app.env.clone(),
        ))
        .schedule(techcommerce_once::schedule())
        .handler(tidy::Handler(app.clone()))
        .schedule(Schedule::new(
            tidy::KIND,
            Duration::from_hours(1),
            tidy::KIND,
        ))
        .handler(watch::Check(app.clone()))
        .schedule(Schedule::new(
            watch::CHECK,
            app.settings.ledger_check,
            watch::CHECK,
        ))
        .watch(watch::watch(app));
    webhooks::jobs(set, app).build()
}

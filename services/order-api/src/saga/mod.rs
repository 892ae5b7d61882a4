//! What happens to an order after the request: jobs that take it along its path, mails, and
//! tidying up.

mod advance;
mod execute;
mod mail;
mod tidy;
mod words;

use std::time::Duration;

use serde::{Deserialize, Serialize};
use techcommerce_jobs::{JobSet, Schedule};
use techcommerce_kernel::Uuid;

use crate::{app::App, path::Notice, watch};

/// Takes an order along its path as far as it goes.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Advance {
    /// Which order.
    pub order: Uuid,
}

impl Advance {
    /// The job's kind.
    pub const KIND: &'static str = "order.advance";
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
    JobSet::new("order-api", app.queue.clone())
        .handler(advance::Handler(app.clone()))
        .handler(mail::Handler(app.clone()))
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
        .watch(watch::watch(app))
        .build()
}

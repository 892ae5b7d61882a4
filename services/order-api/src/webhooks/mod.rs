//! Webhooks: others are told what happens, as the Standard Webhooks specification has it.
//!
//! What happens to an order becomes an event in the transaction of the change ([`events`]), with
//! a delivery and a job for each endpoint that wants it. What happens to products and to the stock
//! is read from product-api's change feed ([`feed`]). The job ([`deliver`]) signs and sends
//! ([`secret`], [`send`]), writes down how it was answered, and comes back by a schedule of its
//! own ([`schedule`]). What admins do is in [`endpoints`] and [`deliveries`]; [`tidy`] takes away
//! what is old. How it is told to owners: `docs/webhooks.md`.

mod body;
mod deliver;
mod deliveries;
mod endpoints;
mod events;
mod feed;
mod input;
mod lanes;
mod notice;
mod schedule;
mod secret;
mod send;
mod tidy;

use std::time::Duration;

use techcommerce_contracts::codes;
use techcommerce_http::outward::{guard::HostsAllowed, resolver::Resolver};
use techcommerce_jobs::{Builder, Schedule};
use techcommerce_kernel::{EmailAddress, Error};
use techcommerce_telemetry::{Counters, Label, Telemetry};

pub(crate) use deliveries::{list as deliveries, resend, resend_failed, show as delivery};
pub(crate) use endpoints::{create, delete, edit, list, rotate, show, test};
pub(crate) use events::{order_changed, order_placed};

use crate::app::App;
use lanes::Lanes;
use send::Sender;

/// What the owner decides about webhooks.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Hosts and networks inside that events may be sent to.
    pub hosts_allowed: HostsAllowed,
    /// Looks names up in place of the machine.
    pub resolver: Option<Resolver>,
    /// An endpoint that has failed for so long is disabled.
    pub disable_after: Duration,
    /// How long deliveries and events are kept.
    pub keep: Duration,
    /// How long an attempt takes at most, its answer included.
    pub limit: Duration,
    /// How many are sent at once by one process.
    pub concurrency: usize,
    /// A variant of which fewer can be sold is low on stock.
    pub low_stock: i64,
    /// Who is told that an endpoint was disabled; nobody if there is none.
    pub notice_to: Option<EmailAddress>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            hosts_allowed: HostsAllowed::default(),
            resolver: None,
            disable_after: Duration::from_hours(24 * 5),
            keep: Duration::from_hours(24 * 30),
            limit: Duration::from_secs(15),
            concurrency: 2,
            low_stock: 5,
            notice_to: None,
        }
    }
}

/// What the service has at hand for webhooks.
pub(crate) struct Webhooks {
    allowed: HostsAllowed,
    sender: Sender,
    lanes: Lanes,
    attempts: Counters<1>,
}

impl Webhooks {
    pub(crate) fn new(settings: &Settings, public_url: &str, telemetry: &Telemetry) -> Self {
        Self {
            allowed: settings.hosts_allowed.clone(),
            sender: Sender::new(settings, public_url),
            lanes: Lanes::new(settings.concurrency),
            attempts: describe(telemetry),
        }
    }
}

/// Registers what is counted.
pub(crate) fn describe(telemetry: &Telemetry) -> Counters<1> {
    telemetry
        .counters(
            "techcommerce_webhook_attempts_total",
            "Attempts to send an event to a webhook, by what became of them: refused is any answer \
             but a good one, inside an address that the guard does not let be asked",
            [Label::one_of("outcome", send::OUTCOMES)],
        )
        .at_zero()
}

/// Adds the jobs and schedules.
pub(crate) fn jobs(set: Builder, app: &App) -> Builder {
    set.handler(deliver::Handler(app.clone()))
        .handler(notice::Handler(app.clone()))
        .handler(feed::Handler(app.clone()))
        .schedule(Schedule::new(feed::KIND, feed::EVERY, feed::KIND))
        .handler(tidy::Handler(app.clone()))
        .schedule(Schedule::new(
            tidy::KIND,
            Duration::from_hours(1),
            tidy::KIND,
        ))
}

/// The signature that a test expects.
#[cfg(test)]
pub(crate) fn signature(secret: &str, id: &str, seconds: i64, body: &str) -> Result<String, Error> {
    secret::Secret::stored(secret.to_owned()).sign(id, seconds, body)
}

fn not_found() -> Error {
    Error::not_found(codes::WEBHOOK_NOT_FOUND, "There is no such webhook.")
}

fn unreadable(why: impl std::fmt::Display) -> Error {
    Error::internal(format!("a webhook cannot be read: {why}"))
}

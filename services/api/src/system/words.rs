//! What customers are told: never a service's name, a store's, or why.

use std::collections::BTreeMap;

use techcommerce_contracts::{
    Service,
    system::{Component, ComponentStatus, ServiceStatus, ShopReport},
};

use super::look::Found;

/// Payments that wait longer than this are late, in seconds.
const PAYMENT_LATE: f64 = 60.0;
/// Mails that wait longer than this are late, in seconds.
const MAIL_LATE: f64 = 300.0;

/// The parts of the shop as customers know them.
pub fn shop(found: &Found) -> ShopReport {
    use ComponentStatus::{Down, Slow, Up};
    let ready = |service: Service| {
        let named =
            |one: &&techcommerce_contracts::system::ServiceReport| one.service == service.name();
        let report = found.report.services.iter().find(named);
        report.is_some_and(|report| report.status == ServiceStatus::Ready)
    };
    let only = |well: bool| if well { Up } else { Down };
    let orders = ready(Service::OrderApi);
    // What waits is done once the worker is back: nothing is lost.
    let works = |late: f64| {
        let waits = found.oldest.iter().any(|(_, oldest)| *oldest > late);
        if ready(Service::Worker) && !waits {
            Up
        } else {
            Slow
        }
    };
    let components = Component::ALL.map(|part| {
        let status = match part {
            Component::Browsing => only(found.browsing),
            Component::Checkout => only(orders && ready(Service::ProductApi)),
            Component::Payment if !orders => Down,
            Component::Payment => works(PAYMENT_LATE),
            Component::Accounts => only(ready(Service::Auth)),
            Component::Mail => works(MAIL_LATE),
            Component::Pictures => only(ready(Service::Images)),
        };
        (part, status)
    });
    ShopReport::of(BTreeMap::from(components), found.report.checked_at)
}

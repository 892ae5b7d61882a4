//! What this service counts.

use techcommerce_telemetry::{Counter, Counters, Label, Telemetry};

/// The outcomes of an attempt to order.
const OUTCOMES: &[&str] = &["placed", "repeated", "out_of_stock", "refused", "failed"];

/// The counters.
#[derive(Clone)]
pub struct Metrics {
    checkouts: Counters<1>,
    /// Orders that turned to paid.
    pub paid: Counter,
    /// Orders that failed at the payment or for want of stock.
    pub failed: Counter,
}

impl Metrics {
    /// Counters under `telemetry`.
    pub fn new(telemetry: &Telemetry) -> Self {
        let outcome = Label::one_of("outcome", OUTCOMES);
        Self {
            checkouts: telemetry.counters(
                "techcommerce_checkouts",
                "Attempts to order, by outcome",
                [outcome],
            ),
            paid: telemetry.counter("techcommerce_orders_paid", "Orders that were paid"),
            failed: telemetry.counter(
                "techcommerce_orders_failed",
                "Orders that failed at the payment or for want of stock",
            ),
        }
    }

    /// Counts an attempt to order.
    pub fn checkout(&self, outcome: &'static str) {
        self.checkouts.with([outcome]).inc();
    }
}

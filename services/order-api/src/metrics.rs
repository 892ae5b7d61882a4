//! What this service counts.

use techcommerce_contracts::codes;
use techcommerce_kernel::{Currency, Error, Timestamp};
use techcommerce_telemetry::{Counter, Counters, Histograms, Label, Telemetry};

use crate::{
    orders::Changed,
    path::{CancelReason, Method, PaymentStatus},
};

/// The outcomes of an attempt to order.
const OUTCOMES: &[&str] = &["placed", "repeated", "out_of_stock", "refused", "failed"];

/// Why an attempt to order is refused, by our stable codes; further ones are `other`.
const REFUSALS: &[&str] = &[
    codes::INVALID_INPUT,
    codes::IDEMPOTENCY_KEY_REUSED,
    codes::CART_NOT_FOUND,
    codes::CART_EMPTY,
    codes::CART_ORDERED,
    codes::CART_CHANGED,
    codes::TOTAL_CHANGED,
    codes::OUT_OF_STOCK,
    codes::NOT_FOR_SALE,
    codes::VARIANT_NOT_FOUND,
    codes::DISCOUNT_INVALID,
    codes::SHIPPING_METHOD_UNKNOWN,
    codes::RESERVATION_MISMATCH,
    codes::RESERVATION_RELEASED,
    "total_too_large",
    "other",
];

/// Why an order fails after it was placed.
const FAILURES: &[&str] = &["payment_failed", "out_of_stock"];

/// Upper bounds in seconds, from a provider that answers at once to one that is asked for long.
const SETTLE_BUCKETS: &[f64] = &[
    0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0,
];

/// The currencies that orders of one database can have had.
const CURRENCIES: usize = 8;

/// The counters.
#[derive(Clone)]
pub struct Metrics {
    carts: Counter,
    checkouts: Counters<1>,
    refusals: Counters<1>,
    placed: Counters<1>,
    paid: Counters<1>,
    failed: Counters<1>,
    cancelled: Counters<1>,
    captured: Counters<1>,
    refunded: Counters<1>,
    settled: Histograms<1>,
}

impl Metrics {
    /// Counters under `telemetry`, for a shop that sells in `currency`.
    pub fn new(telemetry: &Telemetry, currency: Currency) -> Self {
        let by_currency = |name, help| {
            let counters = telemetry.counters(name, help, [Label::up_to("currency", CURRENCIES)]);
            counters.with([&currency.to_string()]);
            counters
        };
        Self {
            carts: telemetry.counter("techcommerce_carts_created_total", "Carts that were begun"),
            checkouts: telemetry
                .counters(
                    "techcommerce_checkouts_total",
                    "Attempts to order, by outcome: refused is for a reason of the customer's, \
                     failed for one of ours",
                    [Label::one_of("outcome", OUTCOMES)],
                )
                .at_zero(),
            refusals: telemetry
                .counters(
                    "techcommerce_checkout_refusals_total",
                    "Attempts to order that were refused, by the code of the answer",
                    [Label::one_of("reason", REFUSALS)],
                )
                .at_zero(),
            placed: by_currency(
                "techcommerce_orders_placed_total",
                "Orders that were placed",
            ),
            paid: by_currency("techcommerce_orders_paid_total", "Orders that were paid"),
            failed: telemetry
                .counters(
                    "techcommerce_orders_failed_total",
                    "Orders that failed at the payment or for want of stock",
                    [Label::one_of("reason", FAILURES)],
                )
                .at_zero(),
            cancelled: by_currency(
                "techcommerce_orders_cancelled_total",
                "Orders that somebody cancelled",
            ),
            captured: by_currency(
                "techcommerce_captured_minor_units_total",
                "Money that was taken, in minor units",
            ),
            refunded: by_currency(
                "techcommerce_refunded_minor_units_total",
                "Money that was paid back, in minor units",
            ),
            settled: telemetry
                .histograms(
                    "techcommerce_order_settle_seconds",
                    "From the placing of an order to its being paid or failed; not for invoices",
                    SETTLE_BUCKETS,
                    [Label::one_of("outcome", &["paid", "failed"])],
                )
                .at_zero(),
        }
    }

    /// A cart was begun.
    pub fn cart(&self) {
        self.carts.inc();
    }

    /// An attempt to order ended.
    pub fn checkout(&self, outcome: &'static str) {
        self.checkouts.with([outcome]).inc();
    }

    /// An attempt to order was refused with this answer.
    pub fn refused(&self, error: &Error) {
        self.refusals.with([error.code()]).inc();
    }

    /// An order was placed.
    pub fn placed(&self, currency: Currency) {
        self.placed.with([&currency.to_string()]).inc();
    }

    /// An order was changed. Call it after the commit.
    pub fn changed(&self, order: &Changed, now: Timestamp) {
        let (before, after) = (&order.before, &order.after);
        let currency = [order.currency.as_str()];
        let taken = u64::try_from(after.captured - before.captured).unwrap_or(0);
        let given = u64::try_from(after.refunded() - before.refunded()).unwrap_or(0);
        self.captured.with(currency).inc_by(taken);
        self.refunded.with(currency).inc_by(given);
        let mut settled = None;
        if before.captured == 0
            && after.payment_status() == PaymentStatus::Paid
            && before.payment_status() != PaymentStatus::Paid
        {
            self.paid.with(currency).inc();
            settled = Some("paid");
        }
        if before.cancelled.is_none() {
            match after.cancelled {
                None => {}
                Some(CancelReason::Requested) => {
                    self.cancelled.with(currency).inc();
                }
                Some(reason) => {
                    self.failed.with([reason.as_str()]).inc();
                    settled = Some("failed");
                }
            }
        }
        if let Some(outcome) = settled.filter(|_| after.method != Method::Invoice) {
            let taken = now.since(order.placed_at).as_secs_f64();
            self.settled.with([outcome]).observe(taken);
        }
    }
}

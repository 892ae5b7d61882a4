//! Orders and money, for whoever owns the shop.

use super::NAMESPACE;
use super::build::{Colour, Dashboard, Panel, Unit};
use super::promql::{aggregate, max, money, over_range, quantile, rate, series, share, sum};

const ATTEMPTS: &str = "techcommerce_payment_attempts_total";
const SETTLE: &str = "techcommerce_order_settle_seconds";

pub fn dashboard() -> Dashboard {
    Dashboard {
        name: "orders",
        title: "Orders and money",
        description: "What is sold, what was paid, what was given back, where shoppers turn away, and whether \
                      stock and money add up.",
        from: "now-24h",
        variables: vec![NAMESPACE],
        links: vec![],
        rows: vec![
            ("In the time shown", summary()),
            ("Sales", sales()),
            ("Where shoppers turn away", away()),
            ("Payment", payment()),
            ("Books", books()),
            ("Customers", customers()),
        ],
    }
}

/// Per hour, as a shop is spoken of; rates are by the second.
fn hourly(of: &str) -> String {
    format!("3600 * {of}")
}

/// A total that is 0, not nothing, before the first.
fn total(metric: &str) -> String {
    format!("{} or vector(0)", sum("", &over_range(metric, "")))
}

fn summary() -> Vec<Panel> {
    let amount =
        |metric: &'static str| money(|labels| sum("currency", &over_range(metric, labels)));
    vec![
        Panel::number(
            "Orders",
            Unit::Count,
            "Orders that were placed in the time shown.",
        )
        .query(total("techcommerce_orders_placed_total"), "orders"),
        Panel::number(
            "Paid",
            Unit::Count,
            "Orders that were paid in the time shown.",
        )
        .query(total("techcommerce_orders_paid_total"), "orders"),
        Panel::number(
            "Taken",
            Unit::Money,
            "Money that was captured in the time shown, by currency. Refunds are not taken off.",
        )
        .query(
            amount("techcommerce_captured_minor_units_total"),
            "{{currency}}",
        ),
        Panel::number(
            "Given back",
            Unit::Money,
            "Money that was refunded in the time shown, by currency.",
        )
        .query(
            amount("techcommerce_refunded_minor_units_total"),
            "{{currency}}",
        ),
        Panel::number(
            "An order is worth",
            Unit::Money,
            "Money captured for each paid order, on average, by currency.",
        )
        .query(
            format!(
                "({}) / on (currency) ({} > 0)",
                amount("techcommerce_captured_minor_units_total"),
                sum(
                    "currency",
                    &over_range("techcommerce_orders_paid_total", "")
                )
            ),
            "{{currency}}",
        ),
        Panel::number(
            "Carts that become orders",
            Unit::Share,
            "Orders for each cart that somebody began, in the time shown.",
        )
        .query(
            format!(
                "{} / ({} > 0)",
                sum("", &over_range("techcommerce_orders_placed_total", "")),
                sum("", &over_range("techcommerce_carts_created_total", ""))
            ),
            "of all carts",
        ),
    ]
}

fn sales() -> Vec<Panel> {
    let orders = |metric: &str| {
        let counted = sum("", &rate(metric, ""));
        hourly(&format!("({counted} or vector(0))"))
    };
    vec![
        Panel::lines(
            "Orders by the hour",
            Unit::PerHour,
            "Placed: the shopper has the confirmation. Paid: the money is captured. Failed: payment was \
             refused or the stock was gone. Cancelled: by the shopper or the shop.",
        )
        .query(orders("techcommerce_orders_placed_total"), "placed")
        .query(orders("techcommerce_orders_paid_total"), "paid")
        .query(orders("techcommerce_orders_failed_total"), "failed")
        .query(orders("techcommerce_orders_cancelled_total"), "cancelled"),
        Panel::lines(
            "Money by the hour",
            Unit::Money,
            "What was captured and what was refunded, as an amount by the hour, in each currency.",
        )
        .query(
            hourly(&format!(
                "({})",
                money(|labels| sum("currency", &rate("techcommerce_captured_minor_units_total", labels)))
            )),
            "taken, {{currency}}",
        )
        .query(
            hourly(&format!(
                "({})",
                money(|labels| sum("currency", &rate("techcommerce_refunded_minor_units_total", labels)))
            )),
            "given back, {{currency}}",
        ),
    ]
}

fn away() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Carts and checkouts",
            Unit::PerHour,
            "Carts that are begun, and checkouts by how they end: placed, asked again with the same key \
             (repeated), out of stock, refused for another reason, failed by our fault.",
        )
        .query(hourly(&sum("", &rate("techcommerce_carts_created_total", ""))), "carts begun")
        .query(
            hourly(&sum("outcome", &rate("techcommerce_checkouts_total", ""))),
            "checkout {{outcome}}",
        ),
        Panel::bars(
            "Why checkouts are refused",
            Unit::Count,
            "Refusals in the time shown, by the code that the shopper's program is told.",
        )
        .query(
            sum("reason", &over_range("techcommerce_checkout_refusals_total", "")),
            "{{reason}}",
        ),
        Panel::bars(
            "Why orders fail",
            Unit::Count,
            "Orders in the time shown that were placed and could not be carried out, by reason.",
        )
        .query(sum("reason", &over_range("techcommerce_orders_failed_total", "")), "{{reason}}"),
        Panel::lines(
            "Stock held for shoppers",
            Unit::Count,
            "Reservations of checkouts that wait for payment. Overdue: past their time and still held, \
             so that nobody can buy what they hold; there should be none for longer than a minute.",
        )
        .query(max("state", &series("techcommerce_reservations", "")), "{{state}}"),
    ]
}

fn payment() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Answers of the payment provider",
            Unit::PerHour,
            "How often it was asked and what came of it. Declined is the shopper's bank; error and \
             timeout are the provider's fault, and are tried again.",
        )
        .query(
            hourly(&sum("provider, outcome", &rate(ATTEMPTS, ""))),
            "{{provider}}: {{outcome}}",
        )
        .wide(8),
        Panel::lines(
            "Provider's failures",
            Unit::Share,
            "The share of attempts that end in an error or in no answer in time. The shop promises less than 0.5 %.",
        )
        .query(
            share("provider", (ATTEMPTS, r#"outcome=~"error|timeout""#), (ATTEMPTS, "")),
            "{{provider}}",
        )
        .colour(Colour::High { warn: 0.005, bad: 0.05 })
        .wide(8),
        Panel::lines(
            "From order to money",
            Unit::Seconds,
            "From placing an order until it is paid, or has failed: half and 95 % are quicker than this. \
             The shop promises a minute.",
        )
        .query(quantile(0.5, "", SETTLE, ""), "half")
        .query(quantile(0.95, "", SETTLE, ""), "95 %")
        .colour(Colour::High { warn: 30.0, bad: 60.0 })
        .wide(8),
        Panel::lines(
            "Orders that wait for payment",
            Unit::Count,
            "Orders whose payment has not been settled for more than a minute.",
        )
        .query(max("", &series("techcommerce_orders_unsettled", "")), "orders")
        .colour(Colour::High { warn: 1.0, bad: 20.0 }),
        Panel::lines(
            "The longest wait",
            Unit::Seconds,
            "How long the oldest of them has been waiting.",
        )
        .query(max("", &series("techcommerce_orders_oldest_unsettled_seconds", "")), "oldest order")
        .colour(Colour::High { warn: 300.0, bad: 900.0 }),
    ]
}

fn books() -> Vec<Panel> {
    vec![
        Panel::number(
            "Stock and money that do not add up",
            Unit::NoneOrSome,
            "Rows of the books that do not equal what they are made of. Never wait with this one: docs/runbooks.",
        )
        .query(max("ledger", &series("techcommerce_ledger_unbalanced", "")), "{{ledger}}")
        .colour(Colour::High { warn: 1.0, bad: 1.0 })
        .wide(6),
        Panel::number(
            "Last checked",
            Unit::Seconds,
            "How long ago the books were last added up. It happens by itself, by the clock.",
        )
        .query(
            format!(
                "time() - {}",
                max("ledger", &series("techcommerce_ledger_checked_timestamp_seconds", ""))
            ),
            "{{ledger}}, ago",
        )
        .colour(Colour::High { warn: 7200.0, bad: 86400.0 })
        .wide(6),
        Panel::number(
            "Overdue holds",
            Unit::NoneOrSome,
            "Reservations that are past their time and still held.",
        )
        .query(max("", &series("techcommerce_reservations", r#"state="overdue""#)), "overdue")
        .colour(Colour::High { warn: 1.0, bad: 20.0 })
        .wide(6),
        Panel::number(
            "Holds given back",
            Unit::Count,
            "Reservations in the time shown that ran out, so that others can buy again what they held.",
        )
        .query(total("techcommerce_reservations_expired_total"), "given back")
        .wide(6),
        Panel::lines(
            "The longest overdue hold",
            Unit::Seconds,
            "How long the oldest hold is past its time. The worker gives them back every half minute.",
        )
        .query(
            max("", &series("techcommerce_reservations_oldest_overdue_seconds", "")),
            "oldest",
        )
        .colour(Colour::High { warn: 60.0, bad: 300.0 }),
        Panel::lines(
            "Payments for people to look at",
            Unit::Count,
            "Disputes with their deadlines, refunds that failed after all, and what the shop and the provider do \
             not agree on. Admin, Payments says what can be done about each.",
        )
        .query(max("kind", &series("techcommerce_payment_findings_open", "")), "{{kind}}")
        .colour(Colour::High { warn: 1.0, bad: 20.0 }),
    ]
}

fn customers() -> Vec<Panel> {
    vec![
        Panel::lines(
            "Sign-ins",
            Unit::PerMinute,
            "By how they ended. Many that fail in a short time are somebody trying passwords.",
        )
        .query(
            format!("60 * {}", sum("outcome", &rate("techcommerce_auth_sign_ins_total", ""))),
            "{{outcome}}",
        )
        .wide(8),
        Panel::lines("Sessions begun", Unit::PerMinute, "Sessions that were made for people who signed in.")
            .query(
                format!("60 * {}", sum("", &rate("techcommerce_sessions_created_total", ""))),
                "sessions",
            )
            .wide(8),
        Panel::lines(
            "Mails",
            Unit::PerMinute,
            "Confirmations and links for passwords: sent, failed (they are tried again), or refused by the mail server.",
        )
        .query(
            format!("60 * {}", aggregate("sum", "outcome", &rate("techcommerce_mails_total", ""))),
            "{{outcome}}",
        )
        .wide(8),
    ]
}

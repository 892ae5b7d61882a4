//! What somebody has to look at, as conditions on the table of orders. The dashboard's figures and
//! the lists behind them are of one text.

use std::time::Duration;

use techcommerce_contracts::order_api::Attention;
use techcommerce_kernel::Timestamp;

/// How long a failed payment is news.
const FAILED_FOR: Duration = Duration::from_hours(7 * 24);
/// How long a provider may take before somebody should look.
const PENDING_FOR: Duration = Duration::from_mins(30);

const ON_ACCOUNT: &str =
    "EXISTS (SELECT 1 FROM payments p WHERE p.order_id = orders.id AND p.method = 'invoice')";

/// The status that all such orders have, which an index knows.
pub(super) fn status(attention: Attention) -> &'static str {
    match attention {
        Attention::PaymentFailed => "status = 'cancelled'",
        // Of whatever status: those that are open are few, and found by an index of their own.
        Attention::PaymentDisputed => "status IN ('placed', 'cancelled', 'completed')",
        Attention::PaymentPendingLong | Attention::ToFulfil | Attention::InvoicesOpen => {
            "status = 'placed'"
        }
    }
}

/// What else such orders have in common.
pub(super) fn condition(attention: Attention, now: Timestamp) -> String {
    match attention {
        Attention::PaymentFailed => format!(
            "cancel_reason IN ('payment_failed', 'out_of_stock') AND placed_at >= {}",
            (now - FAILED_FOR).as_micros()
        ),
        Attention::PaymentPendingLong => format!(
            "payment_status IN ('pending', 'authorized') AND placed_at < {} AND NOT {ON_ACCOUNT}",
            (now - PENDING_FOR).as_micros()
        ),
        Attention::ToFulfil => format!(
            "fulfillment_status <> 'fulfilled' AND (payment_status IN ('paid', 'partially_refunded') \
             OR (payment_status = 'pending' AND {ON_ACCOUNT}))"
        ),
        Attention::PaymentDisputed => "id IN (SELECT order_id FROM payment_findings \
             WHERE closed_at IS NULL AND kind = 'dispute' AND order_id IS NOT NULL)"
            .to_owned(),
        Attention::InvoicesOpen => format!("payment_status = 'pending' AND {ON_ACCOUNT}"),
    }
}

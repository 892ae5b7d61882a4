//! What stands for an order's states, as badges.

use techcommerce_contracts::{
    Role,
    order_api::{FulfillmentStatus, Order, OrderStatus, PaymentMethod, PaymentStatus},
};

use super::parts::Badge;
use crate::i18n::Texts;

/// Whether it is called off or complete; nothing while it is under way.
pub fn order(texts: &Texts, order: &Order) -> Option<Badge> {
    match order.status {
        OrderStatus::Placed => None,
        OrderStatus::Cancelled => Some(Badge::new(texts, "word.cancelled", "bad")),
        OrderStatus::Completed => Some(Badge::new(texts, "word.completed", "good")),
    }
}

/// Where the money is.
pub fn payment(texts: &Texts, order: &Order) -> Badge {
    let invoice = order.payment.method == PaymentMethod::Invoice;
    let (key, tone) = match order.payment_status {
        // What was called off owes nothing.
        PaymentStatus::Pending if order.status == OrderStatus::Cancelled => ("word.pay_none", ""),
        PaymentStatus::Pending if invoice => ("word.pay_open", "warn"),
        PaymentStatus::Pending => ("word.pay_pending", "warn"),
        PaymentStatus::Authorized => ("word.pay_authorized", "warn"),
        PaymentStatus::Paid => ("word.pay_paid", "good"),
        PaymentStatus::Failed if order.payment.failure.is_none() => ("word.pay_none", ""),
        PaymentStatus::Failed => ("word.pay_failed", "bad"),
        PaymentStatus::PartiallyRefunded => ("word.pay_partially_refunded", ""),
        PaymentStatus::Refunded => ("word.pay_refunded", ""),
    };
    Badge::new(texts, key, tone)
}

/// Where the goods are; nothing of an order that was called off.
pub fn fulfilment(texts: &Texts, order: &Order) -> Option<Badge> {
    let (key, tone) = match order.fulfillment_status {
        FulfillmentStatus::Unfulfilled if order.status == OrderStatus::Cancelled => return None,
        FulfillmentStatus::Unfulfilled => ("word.ship_unfulfilled", "warn"),
        FulfillmentStatus::Partial => ("word.ship_partial", "warn"),
        FulfillmentStatus::Fulfilled => ("word.ship_fulfilled", "good"),
    };
    Some(Badge::new(texts, key, tone))
}

/// What an account may do.
pub fn role(texts: &Texts, role: Role) -> Badge {
    match role {
        Role::Customer => Badge::new(texts, "word.role_customer", ""),
        Role::Staff => Badge::new(texts, "word.role_staff", "good"),
        Role::Admin => Badge::new(texts, "word.role_admin", "warn"),
    }
}

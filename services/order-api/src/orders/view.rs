//! An order as it is shown.

use techcommerce_contracts::order_api::{
    Address, FulfillmentStatus, NextAction, Order, OrderAction, OrderEvent, OrderLine, OrderStatus,
    Payment, PaymentStatus, Refund, Shipment, ShipmentLine, StaffView,
};
use techcommerce_kernel::{Currency, Error, Money, Timestamp};

use super::{
    rows::{AddressRow, LineRow, Loaded},
    unreadable,
};
use crate::path::{self, CancelReason, Event, RefundProgress, State};

/// Who looks at an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// Who placed it, just now: is told the access token.
    Buyer,
    /// Its owner, or who holds its access token.
    Customer,
    /// Staff: see every step.
    Staff,
}

/// The kind of a note in the timeline.
pub(super) const NOTE: &str = "note";

/// Steps of the house that customers are not told of.
const INTERNAL: [&str; 10] = [
    NOTE,
    "disputed",
    "dispute_won",
    "dispute_lost",
    "stock_claimed",
    "stock_lost",
    "stock_released",
    "stock_returned",
    "payment_in_doubt",
    "voided",
];

/// The order for `audience`.
pub(super) fn view(loaded: Loaded, audience: Audience) -> Result<Order, Error> {
    let Loaded {
        order,
        lines,
        address,
        refunds,
        shipments,
        events,
    } = loaded;
    let currency: Currency = order.currency.parse().map_err(unreadable)?;
    let money = |amount| Money::new(amount, currency);
    let state = &order.path.0;
    let staff = audience == Audience::Staff;
    let events = events
        .into_iter()
        .filter(|event| staff || !INTERNAL.contains(&event.kind.as_str()));
    Ok(Order {
        id: order.id,
        number: order.number.to_string(),
        status: status(state),
        payment_status: payment_status(state),
        fulfillment_status: fulfillment_status(state),
        email: order.email.parse().map_err(unreadable)?,
        shipping_address: address_view(address.ok_or_else(|| unreadable("no address"))?),
        shipping_method: order.shipping_method,
        lines: lines
            .into_iter()
            .map(|line| line_view(line, state, currency))
            .collect(),
        discount_code: order.discount_code,
        subtotal: money(order.subtotal),
        discount: money(order.discount),
        shipping: money(order.shipping),
        tax: money(order.tax),
        total: money(order.total),
        tax_included: order.tax_included,
        payment: Payment {
            method: order.method.parse().map_err(unreadable)?,
            authorized: money(match state.payment {
                path::Payment::Authorised | path::Payment::CaptureUnknown => state.total,
                _ => 0,
            }),
            captured: money(state.captured),
            refunded: money(state.refunded()),
            failure: failure(state).map(str::to_owned),
            next_action: match staff {
                true => None,
                false => next_action(state, order.client_secret, order.redirect_url),
            },
        },
        refunds: refunds
            .into_iter()
            .map(|row| Refund {
                id: row.id,
                amount: money(row.amount),
                reason: staff.then_some(row.reason),
                message: row.customer_message,
                status: refund_status(state, row.id).to_owned(),
                created_at: Timestamp::from_micros(row.created_at),
            })
            .collect(),
        shipments: shipments
            .into_iter()
            .map(|(row, lines)| Shipment {
                id: row.id,
                lines: lines
                    .into_iter()
                    .map(|line| ShipmentLine {
                        line_id: line.order_line_id,
                        quantity: line.quantity,
                    })
                    .collect(),
                tracking_number: row.tracking_number,
                carrier: row.carrier,
                created_at: Timestamp::from_micros(row.created_at),
            })
            .collect(),
        events: events
            .map(|row| OrderEvent {
                kind: row.kind,
                message: row.customer_message,
                note: (staff && !row.message.is_empty()).then_some(row.message),
                actor: staff.then_some(row.actor),
                at: Timestamp::from_micros(row.created_at),
            })
            .collect(),
        placed_at: Timestamp::from_micros(order.placed_at),
        locale: order.locale,
        access_token: (audience == Audience::Buyer).then_some(order.access_token),
        staff: staff.then(|| StaffView {
            account_id: order.owner_id,
            refundable: money(state.refundable()),
            actions: actions(state),
        }),
    })
}

/// What the customer has to do, as long as it is the customer's turn.
fn next_action(
    state: &State,
    client_secret: Option<String>,
    redirect_url: Option<String>,
) -> Option<NextAction> {
    let waits = state.payment == path::Payment::ActionRequired && state.cancelled.is_none();
    Some(NextAction {
        kind: "stripe".to_owned(),
        client_secret: client_secret.filter(|_| waits)?,
        redirect_url,
    })
}

fn line_view(line: LineRow, state: &State, currency: Currency) -> OrderLine {
    let money = |amount| Money::new(amount, currency);
    let position = usize::try_from(line.position).unwrap_or(usize::MAX);
    OrderLine {
        id: line.id,
        variant_id: line.variant_id,
        product_id: line.product_id,
        product_handle: line.product_handle,
        title: line.title,
        variant_title: line.variant_title,
        sku: line.sku,
        image: line.image.map(|image| image.0),
        quantity: line.quantity,
        shipped: state.lines.get(position).map_or(0, |line| line.shipped),
        unit_price: money(line.unit_price),
        total: money(line.subtotal),
        discount: money(line.discount),
        tax: money(line.tax),
    }
}

fn address_view(row: AddressRow) -> Address {
    Address {
        name: row.name,
        line1: row.line1,
        line2: row.line2,
        city: row.city,
        region: row.region,
        postal_code: row.postal_code,
        country: row.country,
    }
}

/// What the path would let staff do now.
fn actions(state: &State) -> Vec<OrderAction> {
    let shipment = Event::Shipped {
        lines: state.open_lines(),
    };
    let news = |event: &Event| state.apply(event).is_ok_and(|step| step.state != *state);
    let possible = [
        (OrderAction::Ship, news(&shipment)),
        (OrderAction::MarkPaid, news(&Event::MarkedPaid)),
        (OrderAction::Refund, state.refundable() > 0),
        (OrderAction::Cancel, news(&Event::CancelRequested)),
    ];
    possible
        .into_iter()
        .filter_map(|(action, possible)| possible.then_some(action))
        .collect()
}

fn refund_status(state: &State, id: techcommerce_kernel::Uuid) -> &'static str {
    let refund = state.refunds.iter().find(|refund| refund.id == id);
    match refund.map(|refund| refund.progress) {
        Some(RefundProgress::Done | RefundProgress::Doubted) => "done",
        Some(RefundProgress::Refused | RefundProgress::Returned) => "failed",
        Some(RefundProgress::Pending | RefundProgress::Unknown) | None => "pending",
    }
}

fn failure(state: &State) -> Option<&'static str> {
    match state.cancelled {
        Some(CancelReason::PaymentFailed) => Some("declined"),
        Some(CancelReason::OutOfStock) => Some("out_of_stock"),
        Some(CancelReason::Requested) | None => None,
    }
}

fn status(state: &State) -> OrderStatus {
    match state.status() {
        path::Status::Placed => OrderStatus::Placed,
        path::Status::Cancelled => OrderStatus::Cancelled,
        path::Status::Completed => OrderStatus::Completed,
    }
}

fn payment_status(state: &State) -> PaymentStatus {
    match state.payment_status() {
        path::PaymentStatus::Pending => PaymentStatus::Pending,
        path::PaymentStatus::Authorized => PaymentStatus::Authorized,
        path::PaymentStatus::Paid => PaymentStatus::Paid,
        path::PaymentStatus::Failed => PaymentStatus::Failed,
        path::PaymentStatus::PartiallyRefunded => PaymentStatus::PartiallyRefunded,
        path::PaymentStatus::Refunded => PaymentStatus::Refunded,
    }
}

fn fulfillment_status(state: &State) -> FulfillmentStatus {
    match state.fulfillment() {
        path::Fulfillment::Unfulfilled => FulfillmentStatus::Unfulfilled,
        path::Fulfillment::Partial => FulfillmentStatus::Partial,
        path::Fulfillment::Fulfilled => FulfillmentStatus::Fulfilled,
    }
}

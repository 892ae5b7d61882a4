//! What has to be done where Stripe and the shop do not know the same of a payment: a pure rule.

use crate::path::{Payment, State};

/// What Stripe knows of a payment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct There<'a> {
    /// The PaymentIntent's status.
    pub status: &'a str,
    /// Taken, in our minor units.
    pub captured: i64,
    /// Paid back or on its way back.
    pub refunded: i64,
    /// The same, of refunds that the shop asked for.
    pub refunded_by_us: i64,
}

/// What the shop knows of it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Here<'a> {
    /// There is no such order.
    NoOrder,
    /// The order has another PaymentIntent.
    Another,
    /// The order.
    Order(&'a State),
}

/// What follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mend {
    /// Both know the same, or are about to.
    Nothing,
    /// The order's path asks what became of the payment.
    Wake,
    /// What is held, or may still be, is let go.
    Cancel,
    /// What was taken for nothing is paid back.
    PayBack(i64),
    /// People have to look: taken.
    ReportCaptured,
    /// People have to look: paid back.
    ReportRefunded,
}

impl Mend {
    /// Whether it moves money or calls somebody.
    pub(super) fn is_grave(self) -> bool {
        !matches!(self, Self::Nothing | Self::Wake)
    }
}

/// Compares.
pub(super) fn compare(there: There<'_>, here: Here<'_>) -> Mend {
    let over = there.status == "canceled";
    let taken = there.status == "succeeded";
    let state = match here {
        Here::NoOrder | Here::Another if taken => {
            return match there.captured - there.refunded {
                left if left > 0 => Mend::PayBack(left),
                _ => Mend::Nothing,
            };
        }
        Here::NoOrder | Here::Another if over || there.status == "processing" => {
            return Mend::Nothing;
        }
        Here::NoOrder | Here::Another => return Mend::Cancel,
        Here::Order(state) => state,
    };
    match state.payment {
        // The message that would have woken it is lost, or still to come.
        Payment::ActionRequired if taken || over || there.status == "requires_capture" => {
            Mend::Wake
        }
        // Something is still to be done, and a job does it.
        _ if !state.commands().is_empty() => Mend::Nothing,
        Payment::Declined | Payment::Voided if taken => match there.captured - there.refunded {
            left if left > 0 => Mend::PayBack(left),
            _ => Mend::Nothing,
        },
        Payment::Declined | Payment::Voided if !over && there.status != "processing" => {
            Mend::Cancel
        }
        Payment::Captured if !taken || there.captured != state.captured => Mend::ReportCaptured,
        Payment::Captured
            if there.refunded != there.refunded_by_us
                || there.refunded_by_us != state.refunded() =>
        {
            Mend::ReportRefunded
        }
        _ => Mend::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use techcommerce_kernel::Uuid;

    use super::*;
    use crate::path::{Event, Method};

    fn there(status: &str, captured: i64, refunded: i64) -> There<'_> {
        There {
            status,
            captured,
            refunded,
            refunded_by_us: refunded,
        }
    }

    fn after(events: &[Event]) -> State {
        let mut state = State::placed(Uuid::from_u128(1), Method::Provider, 100, &[1]);
        for event in events {
            state = state.apply(event).unwrap().state;
        }
        state
    }

    #[test]
    fn what_belongs_to_nobody_is_given_back() {
        for here in [Here::NoOrder, Here::Another] {
            assert_eq!(compare(there("requires_capture", 0, 0), here), Mend::Cancel);
            assert_eq!(compare(there("requires_action", 0, 0), here), Mend::Cancel);
            assert_eq!(
                compare(there("succeeded", 100, 0), here),
                Mend::PayBack(100)
            );
            assert_eq!(
                compare(there("succeeded", 100, 40), here),
                Mend::PayBack(60)
            );
            assert_eq!(compare(there("succeeded", 100, 100), here), Mend::Nothing);
            assert_eq!(compare(there("canceled", 0, 0), here), Mend::Nothing);
        }
    }

    #[test]
    fn an_order_that_waits_is_woken_by_what_it_waits_for() {
        let waits = after(&[Event::ActionRequired { heard: 0 }]);
        let here = Here::Order(&waits);
        assert_eq!(compare(there("requires_capture", 0, 0), here), Mend::Wake);
        assert_eq!(compare(there("canceled", 0, 0), here), Mend::Wake);
        assert_eq!(compare(there("requires_action", 0, 0), here), Mend::Nothing);
    }

    #[test]
    fn an_order_that_was_given_up_holds_nothing_at_the_provider() {
        let over = after(&[Event::Declined, Event::Released]);
        let here = Here::Order(&over);
        assert_eq!(compare(there("requires_capture", 0, 0), here), Mend::Cancel);
        assert_eq!(
            compare(there("succeeded", 100, 0), here),
            Mend::PayBack(100)
        );
        assert_eq!(compare(there("canceled", 0, 0), here), Mend::Nothing);
        let busy = after(&[Event::Declined]);
        let here = Here::Order(&busy);
        assert_eq!(
            compare(there("requires_capture", 0, 0), here),
            Mend::Nothing
        );
    }

    #[test]
    fn what_was_done_by_other_hands_is_reported() {
        let id = Uuid::from_u128(2);
        let refund = Event::RefundRequested {
            id,
            amount: 60,
            restock: vec![],
        };
        let paid = [Event::Authorised, Event::Claimed, Event::Captured];
        let state = after(&paid);
        let here = Here::Order(&state);
        assert_eq!(compare(there("succeeded", 100, 0), here), Mend::Nothing);
        assert_eq!(compare(there("canceled", 0, 0), here), Mend::ReportCaptured);
        assert_eq!(
            compare(there("succeeded", 90, 0), here),
            Mend::ReportCaptured
        );
        let dashboard = There {
            refunded_by_us: 0,
            ..there("succeeded", 100, 10)
        };
        assert_eq!(compare(dashboard, here), Mend::ReportRefunded);
        let state = after(&[&paid[..], &[refund, Event::Refunded { id }]].concat());
        let here = Here::Order(&state);
        assert_eq!(compare(there("succeeded", 100, 60), here), Mend::Nothing);
        assert_eq!(
            compare(there("succeeded", 100, 0), here),
            Mend::ReportRefunded,
            "it failed"
        );
    }
}

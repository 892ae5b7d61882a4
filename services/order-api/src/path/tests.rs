use proptest::prelude::*;
use uuid::Uuid;

use super::*;

fn order() -> Uuid {
    Uuid::from_u128(1)
}

fn placed(method: Method) -> State {
    State::placed(order(), method, 100, &[2, 1])
}

/// Applies `events` one after another; panics at a refusal.
fn run(state: State, events: &[Event]) -> State {
    events.iter().fold(state, |state, event| {
        let refused = |refusal| panic!("{event:?} in {state:?}: {refusal:?}");
        state.apply(event).unwrap_or_else(refused).state
    })
}

fn paid() -> State {
    run(
        placed(Method::Provider),
        &[Event::Authorised, Event::Claimed, Event::Captured],
    )
}

#[test]
fn authorise_claim_capture() {
    let state = placed(Method::Provider);
    assert_eq!(state.commands(), [Command::Authorise]);
    let state = run(state, &[Event::Authorised]);
    assert_eq!(state.commands(), [Command::Claim]);
    assert_eq!(state.payment_status(), PaymentStatus::Authorized);
    let state = run(state, &[Event::Claimed]);
    assert_eq!(state.commands(), [Command::Capture]);
    let state = run(state, &[Event::Captured]);
    assert_eq!(state.commands(), []);
    assert_eq!(state.payment_status(), PaymentStatus::Paid);
    let state = run(
        state,
        &[Event::Shipped {
            lines: vec![(0, 1)],
        }],
    );
    assert_eq!(state.fulfillment(), Fulfillment::Partial);
    assert_eq!(
        state.apply(&Event::CancelRequested),
        Err(Refusal::AlreadyShipped)
    );
    let rest = vec![(0, 1), (1, 1)];
    let state = run(state, &[Event::Shipped { lines: rest }]);
    assert_eq!(state.status(), Status::Completed);
    assert!(state.is_settled());
}

#[test]
fn a_decline_gives_the_stock_back_and_opens_the_cart() {
    let step = placed(Method::Provider).apply(&Event::Declined).unwrap();
    assert_eq!(step.commands, [Command::Release]);
    assert!(step.effects.contains(&Effect::ReopenCart));
    assert_eq!(step.state.status(), Status::Cancelled);
    assert_eq!(step.state.payment_status(), PaymentStatus::Failed);
    assert!(run(step.state, &[Event::Released]).is_settled());
}

#[test]
fn a_doubt_claims_the_stock_until_it_is_resolved() {
    let state = run(placed(Method::Provider), &[Event::AuthorisationUnknown]);
    assert_eq!(
        state.commands(),
        [Command::Claim, Command::LookupAuthorisation]
    );
    let state = run(state, &[Event::Claimed, Event::AuthorisationUnknown]);
    assert_eq!(state.commands(), [Command::LookupAuthorisation]);
    assert_eq!(state.asked, 2);
    let declined = run(state.clone(), &[Event::Declined]);
    let lines = vec![(0, 2), (1, 1)];
    assert_eq!(declined.commands(), [Command::Return { lines }]);
    let retried = run(state, &[Event::AuthorisationNotSeen]);
    assert_eq!(retried.commands(), [Command::Authorise]);
}

#[test]
fn a_reservation_that_ran_out_costs_the_customer_nothing() {
    let state = run(
        placed(Method::Provider),
        &[Event::Authorised, Event::StockLost],
    );
    assert_eq!(state.commands(), [Command::Void]);
    let state = run(state, &[Event::Voided]);
    assert!(state.is_settled());
    assert_eq!(state.cancelled, Some(CancelReason::OutOfStock));
}

#[test]
fn an_invoice_claims_at_once_and_waits_for_staff() {
    let state = placed(Method::Invoice);
    assert_eq!(state.commands(), [Command::Claim]);
    assert_eq!(state.apply(&Event::MarkedPaid), Err(Refusal::NotReady));
    let state = run(state, &[Event::Claimed]);
    assert_eq!(state.payment_status(), PaymentStatus::Pending);
    assert_eq!(state.commands(), []);
    let step = state.apply(&Event::MarkedPaid).unwrap();
    assert_eq!(step.state.payment_status(), PaymentStatus::Paid);
    let again = step.state.apply(&Event::MarkedPaid).unwrap();
    assert_eq!(again.effects, []);
}

#[test]
fn cancel_against_capture_pays_back_whatever_won() {
    let state = run(
        placed(Method::Provider),
        &[Event::Authorised, Event::Claimed, Event::CancelRequested],
    );
    assert_eq!(state.commands(), [Command::Void]);
    // The capture was quicker.
    let captured = run(state.clone(), &[Event::VoidRefused]);
    let refund = Command::Refund {
        id: order(),
        amount: 100,
    };
    assert!(captured.commands().contains(&refund));
    let done = run(
        captured,
        &[Event::Returned, Event::Refunded { id: order() }],
    );
    assert!(done.is_settled());
    assert_eq!(done.payment_status(), PaymentStatus::Refunded);
    // The void was quicker.
    let voided = run(state, &[Event::Voided]);
    assert_eq!(voided.apply(&Event::Captured), Err(Refusal::Contradiction));
    assert!(run(voided, &[Event::Returned]).is_settled());
}

#[test]
fn a_claim_and_a_release_at_once_end_released_whichever_is_recorded_first() {
    let cancelled = run(placed(Method::Invoice), &[Event::CancelRequested]);
    assert_eq!(cancelled.commands(), [Command::Release]);
    for events in [
        [Event::Claimed, Event::Released],
        [Event::Released, Event::Claimed],
        [Event::Released, Event::StockLost],
        [Event::StockLost, Event::Released],
    ] {
        let state = run(cancelled.clone(), &events);
        assert!(state.is_settled(), "{events:?}");
        assert_eq!(state.cancelled, Some(CancelReason::Requested));
    }
    // The goods that another job put back before the release.
    let events = [Event::Claimed, Event::Released, Event::Returned];
    assert!(run(cancelled, &events).is_settled());
    // Sold goods are not released.
    let sold = run(paid(), &[Event::CancelRequested]);
    assert_eq!(sold.apply(&Event::Released), Err(Refusal::Contradiction));
}

#[test]
fn a_void_ends_the_doubt_about_a_capture() {
    let events = [
        Event::Authorised,
        Event::Claimed,
        Event::CancelRequested,
        Event::CaptureUnknown,
    ];
    let doubt = run(placed(Method::Provider), &events);
    let step = doubt.apply(&Event::Voided).unwrap();
    assert!(step.effects.contains(&Effect::Ledger {
        entry: Entry::Voided,
        amount: 100,
        refund: None
    }));
    assert!(run(step.state, &[Event::CaptureUnknown, Event::Returned]).is_settled());
}

#[test]
fn refunds_under_way_count() {
    let request = |id, amount| Event::RefundRequested {
        id: Uuid::from_u128(id),
        amount,
        restock: vec![],
    };
    let state = run(paid(), &[request(7, 60)]);
    assert_eq!(
        state.apply(&request(8, 60)),
        Err(Refusal::MoreThanRefundable(40))
    );
    assert_eq!(state.apply(&request(7, 50)), Err(Refusal::Reused));
    assert_eq!(state.apply(&request(7, 60)).unwrap().effects, []);
    let refused = run(
        state,
        &[Event::RefundRefused {
            id: Uuid::from_u128(7),
        }],
    );
    assert_eq!(refused.refundable(), 100);
}

/// A paid order of which 60 were paid back, as far as is known.
fn refunded() -> (State, Uuid) {
    let id = Uuid::from_u128(7);
    let request = Event::RefundRequested {
        id,
        amount: 60,
        restock: vec![],
    };
    (run(paid(), &[request, Event::Refunded { id }]), id)
}

#[test]
fn a_refund_that_fails_later_can_be_made_again_and_not_before_it_is_known() {
    let (state, id) = refunded();
    let doubted = run(state, &[Event::RefundDoubted { id }]);
    assert_eq!(
        doubted.commands(),
        [Command::LookupRefund { id, amount: 60 }]
    );
    assert_eq!((doubted.refunded(), doubted.refundable()), (60, 40));
    let step = doubted.apply(&Event::RefundRefused { id }).unwrap();
    let entry = Effect::Ledger {
        entry: Entry::RefundReturned,
        amount: 60,
        refund: Some(id),
    };
    let told = Effect::RefundFailed {
        refund: id,
        amount: 60,
        made: true,
    };
    assert!(step.effects.contains(&entry) && step.effects.contains(&told));
    assert_eq!((step.state.refunded(), step.state.refundable()), (0, 100));
    assert_eq!(step.commands, [], "people decide");
    // Whatever comes late, or twice.
    for event in [
        Event::Refunded { id },
        Event::RefundRefused { id },
        Event::RefundUnknown { id },
        Event::RefundDoubted { id },
        Event::RefundStands { id },
    ] {
        assert_eq!(run(step.state.clone(), &[event]), step.state);
    }
}

#[test]
fn a_refund_that_is_in_doubt_is_never_made_anew_and_old_answers_are_no_news() {
    let (state, id) = refunded();
    let doubted = run(state.clone(), &[Event::RefundDoubted { id }]);
    let old = run(doubted.clone(), &[Event::Refunded { id }]);
    assert_eq!(old, doubted, "it was on its way when the provider spoke");
    let forgotten = run(doubted.clone(), &[Event::RefundNotSeen { id }]);
    assert_eq!(forgotten.commands(), doubted.commands());
    assert_eq!(run(doubted, &[Event::RefundStands { id }]), state);
    // What was not known to be made is asked for anyhow.
    let request = Event::RefundRequested {
        id: Uuid::from_u128(8),
        amount: 10,
        restock: vec![],
    };
    let waits = run(state, &[request]);
    let id = Uuid::from_u128(8);
    assert_eq!(run(waits.clone(), &[Event::RefundDoubted { id }]), waits);
}

#[test]
fn a_cancelled_order_whose_refund_failed_later_is_not_paid_back_by_itself_again() {
    let state = run(paid(), &[Event::CancelRequested]);
    let id = state.order;
    let back = run(
        state,
        &[Event::Refunded { id }, Event::RefundDoubted { id }],
    );
    let back = run(back, &[Event::RefundRefused { id }]);
    let again = |state: &State| {
        let commands = state.commands();
        commands
            .iter()
            .any(|it| matches!(it, Command::Refund { .. }))
    };
    assert!(!again(&back), "{:?}", back.commands());
    assert_eq!(back.refundable(), 100);
    let request = Event::RefundRequested {
        id: Uuid::from_u128(8),
        amount: 100,
        restock: vec![],
    };
    assert!(again(&run(back, &[request])));
}

fn refund(id: u128, amount: i64) -> Event {
    Event::RefundRequested {
        id: Uuid::from_u128(id),
        amount,
        restock: vec![],
    }
}

fn pays_back(state: &State) -> Vec<i64> {
    let commands = state.commands().into_iter();
    commands
        .filter_map(|it| match it {
            Command::Refund { amount, .. } => Some(amount),
            _ => None,
        })
        .collect()
}

#[test]
fn what_fails_after_a_cancellation_is_for_people_to_decide() {
    let id = Uuid::from_u128(7);
    // All was paid back by staff, and then it was cancelled for the goods.
    let made = [
        refund(7, 100),
        Event::Refunded { id },
        Event::CancelRequested,
        Event::RefundDoubted { id },
        Event::RefundRefused { id },
    ];
    let back = run(paid(), &made);
    assert_eq!((pays_back(&back), back.refundable()), (vec![], 100));
    // One that was under way is refused; the rest was paid back by the cancellation.
    let under_way = run(paid(), &[refund(7, 60), Event::CancelRequested]);
    assert_eq!(pays_back(&under_way), [60, 40]);
    let step = under_way.apply(&Event::RefundRefused { id }).unwrap();
    assert_eq!(pays_back(&step.state), [40]);
    let told = Effect::RefundFailed {
        refund: id,
        amount: 60,
        made: false,
    };
    assert!(step.effects.contains(&told), "{:?}", step.effects);
    // What had failed before is part of what a cancellation pays back.
    let (state, id) = refunded();
    let failed = [Event::RefundDoubted { id }, Event::RefundRefused { id }];
    let cancelled = run(run(state, &failed), &[Event::CancelRequested]);
    assert_eq!(pays_back(&cancelled), [100]);
}

#[test]
fn goods_that_come_back_are_taken_out_of_the_order_first() {
    let shipped = run(
        paid(),
        &[Event::Shipped {
            lines: vec![(0, 1)],
        }],
    );
    let id = Uuid::from_u128(7);
    let request = |quantity| Event::RefundRequested {
        id,
        amount: 10,
        restock: vec![(0, quantity)],
    };
    assert_eq!(shipped.apply(&request(3)), Err(Refusal::Quantity(0)));
    let state = run(shipped, &[request(2)]);
    assert_eq!((state.lines[0].withdrawn, state.lines[0].returned), (1, 1));
    let lines = vec![(0, 2)];
    assert!(state.commands().contains(&Command::Restock { id, lines }));
    let too_much = Event::Shipped {
        lines: vec![(0, 1)],
    };
    assert_eq!(state.apply(&too_much), Err(Refusal::Quantity(0)));
}

#[test]
fn a_free_order_needs_no_payment() {
    let state = State::placed(order(), Method::Provider, 0, &[1]);
    let state = run(state, &[Event::Claimed]);
    assert_eq!(state.payment_status(), PaymentStatus::Paid);
    assert!(state.commands().is_empty());
}

#[test]
fn is_stored_and_read_again() {
    let state = run(paid(), &[Event::CancelRequested]);
    let text = serde_json::to_string(&state).unwrap();
    assert_eq!(serde_json::from_str::<State>(&text).unwrap(), state);
}

fn any_event() -> impl Strategy<Value = Event> {
    let id = (1_u128..4).prop_map(Uuid::from_u128);
    let lines = prop::collection::vec((0_u32..3, 0_i64..3), 0..3);
    prop_oneof![
        Just(Event::Authorised),
        Just(Event::Declined),
        Just(Event::AuthorisationUnknown),
        Just(Event::AuthorisationNotSeen),
        Just(Event::Claimed),
        Just(Event::StockLost),
        Just(Event::Released),
        Just(Event::Returned),
        Just(Event::Captured),
        Just(Event::CaptureRefused),
        Just(Event::CaptureUnknown),
        Just(Event::CaptureNotSeen),
        Just(Event::Voided),
        Just(Event::VoidRefused),
        Just(Event::CancelRequested),
        Just(Event::MarkedPaid),
        (id.clone(), 0_i64..120, lines.clone()).prop_map(|(id, amount, restock)| {
            Event::RefundRequested {
                id,
                amount,
                restock,
            }
        }),
        id.clone().prop_map(|id| Event::Refunded { id }),
        id.clone().prop_map(|id| Event::RefundRefused { id }),
        id.clone().prop_map(|id| Event::RefundUnknown { id }),
        id.clone().prop_map(|id| Event::RefundNotSeen { id }),
        id.clone().prop_map(|id| Event::RefundDoubted { id }),
        id.clone().prop_map(|id| Event::RefundStands { id }),
        id.prop_map(|id| Event::Restocked { id }),
        lines.prop_map(|lines| Event::Shipped { lines }),
    ]
}

fn any_method() -> impl Strategy<Value = Method> {
    prop_oneof![
        Just(Method::Provider),
        Just(Method::Provider),
        Just(Method::Invoice)
    ]
}

/// What must hold in every state that any sequence of events leads to.
fn check(state: &State, ledger: &[(Entry, i64)]) {
    let sum = |entry| {
        ledger
            .iter()
            .filter(|e| e.0 == entry)
            .map(|e| e.1)
            .sum::<i64>()
    };
    let count = |entry| ledger.iter().filter(|e| e.0 == entry).count();
    assert!(count(Entry::Captured) <= 1, "captured twice");
    assert!(count(Entry::Authorised) <= 1, "authorised twice");
    assert_eq!(sum(Entry::Captured), state.captured);
    let kept = sum(Entry::Refunded) - sum(Entry::RefundReturned);
    assert_eq!(kept, state.refunded());
    if state.captured > 0 {
        let claimed = matches!(state.stock, Stock::Claimed | Stock::Returned);
        assert!(claimed, "captured without claimed stock");
    }
    assert!(state.refundable() >= 0, "more refunded than captured");
    for line in &state.lines {
        assert!(line.open() >= 0 && line.shipped >= 0 && line.withdrawn >= 0);
        assert!((0..=line.shipped).contains(&line.returned));
    }
    if state.is_settled() {
        assert_ne!(state.stock, Stock::Reserved, "settled with a reservation");
        if state.cancelled.is_some() {
            assert_ne!(state.stock, Stock::Claimed, "settled with claimed stock");
        }
        let held = matches!(
            state.payment,
            Payment::Due
                | Payment::AuthorisationUnknown
                | Payment::Authorised
                | Payment::CaptureUnknown
        );
        assert!(!held, "settled with money held");
    } else if state.commands().is_empty() {
        // Nothing to do and not at the end: only people can go on.
        let waits = state.cancelled.is_none()
            && matches!(
                state.payment,
                Payment::Captured | Payment::Awaiting | Payment::Free
            );
        assert!(waits, "stuck in {state:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    /// Whatever comes, in whatever order and however often.
    #[test]
    fn any_sequence_of_events_keeps_the_rules(
        method in any_method(),
        events in prop::collection::vec(any_event(), 0..60),
    ) {
        let mut state = State::placed(order(), method, 100, &[2, 1, 3]);
        let mut ledger = Vec::new();
        for event in &events {
            let Ok(step) = state.apply(event) else { continue };
            if step.state == state {
                prop_assert_eq!(&step.effects, &vec![], "{:?} changed nothing", event);
            }
            let entries = step.effects.iter().filter_map(|effect| match effect {
                Effect::Ledger { entry, amount, .. } => Some((*entry, *amount)),
                _ => None,
            });
            ledger.extend(entries);
            // The same event once more is known.
            if !matches!(event, Event::Shipped { .. })
                && let Ok(again) = step.state.apply(event)
            {
                    let entries = |e: &Effect| matches!(e, Effect::Ledger { .. });
                    prop_assert!(!again.effects.iter().any(entries), "{:?} counted twice", event);
            }
            prop_assert_eq!(step.state.commands(), step.commands);
            state = step.state;
            check(&state, &ledger);
        }
    }
}

fn asked() -> State {
    run(
        placed(Method::Provider),
        &[Event::ActionRequired { heard: 0 }],
    )
}

#[test]
fn while_it_is_the_customers_turn_nothing_is_done_and_the_stock_keeps_its_deadline() {
    let step = placed(Method::Provider)
        .apply(&Event::ActionRequired { heard: 0 })
        .unwrap();
    assert!(step.effects.contains(&Effect::AwaitCustomer));
    assert_eq!(step.commands, []);
    assert_eq!(step.state.payment_status(), PaymentStatus::Pending);
    assert_eq!(step.state.stock, Stock::Reserved);
    let again = step.state.apply(&Event::ActionRequired { heard: 0 });
    assert_eq!(again.unwrap().effects, [], "asked once");
    let paid = run(asked(), &[Event::ProviderSpoke, Event::Authorised]);
    assert_eq!(paid.commands(), [Command::Claim]);
}

#[test]
fn an_answer_that_is_older_than_what_the_provider_said_is_asked_for_again() {
    let spoken = run(asked(), &[Event::ProviderSpoke]);
    assert_eq!(spoken.commands(), [Command::LookupAuthorisation]);
    // The question was on its way when the provider spoke.
    let old = run(spoken.clone(), &[Event::ActionRequired { heard: 0 }]);
    assert_eq!(old.commands(), [Command::LookupAuthorisation]);
    let new = run(spoken, &[Event::ActionRequired { heard: 1 }]);
    assert_eq!(new.commands(), []);
    // The same before the first answer of all.
    let early = run(
        placed(Method::Provider),
        &[Event::ProviderSpoke, Event::ActionRequired { heard: 0 }],
    );
    assert_eq!(early.commands(), [Command::LookupAuthorisation]);
}

#[test]
fn time_that_is_up_is_asked_about_a_last_time() {
    let late = run(asked(), &[Event::PaymentOverdue]);
    assert_eq!(late.commands(), [Command::LookupAuthorisation]);
    let paid = run(late.clone(), &[Event::Authorised, Event::Claimed]);
    assert_eq!(paid.commands(), [Command::Capture], "paid after all");
    let over = run(late, &[Event::ActionRequired { heard: 0 }]);
    assert_eq!(over.cancelled, Some(CancelReason::PaymentFailed));
    assert_eq!(over.commands(), [Command::Void]);
    let over = run(over, &[Event::Voided, Event::Released]);
    assert!(over.is_settled());
    // What is paid, or over, has no end of its time.
    for state in [paid, over] {
        assert_eq!(run(state.clone(), &[Event::PaymentOverdue]), state);
        assert_eq!(run(state.clone(), &[Event::ProviderSpoke]), state);
    }
}

#[test]
fn a_payment_that_the_provider_forgot_is_asked_for_anew() {
    let state = run(
        asked(),
        &[Event::ProviderSpoke, Event::AuthorisationNotSeen],
    );
    assert_eq!(state.commands(), [Command::Authorise]);
}

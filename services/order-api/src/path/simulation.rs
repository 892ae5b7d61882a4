//! The path against a small model of the world: a provider and a shelf that lose replies, run
//! out, are asked twice, and hear from workers that were thought dead. Every run follows from its
//! choices, so that a failure can be repeated.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use uuid::Uuid;

use super::*;

const TOTAL: i64 = 100;
const QUANTITIES: [i64; 2] = [2, 1];
const UNITS: i64 = 3;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Hold {
    Nothing,
    Held,
    Declined,
    Voided,
    Captured,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Reservation {
    Held,
    RanOut,
    Claimed,
    Released,
}

/// Nothing comes back into a reservation that is not claimed, or not any more.
struct NotClaimed;

/// A command that one job is busy with while others go on.
#[derive(Debug)]
enum Flight {
    /// On its way.
    Sent(Command),
    /// Carried out, or not, and yet to be recorded.
    Answered(Event),
}

/// What is true outside, whatever the order knows of it.
#[derive(Debug)]
struct World {
    hold: Hold,
    captures: i64,
    refunds: BTreeMap<Uuid, i64>,
    /// Those that were made and came back.
    failed: BTreeSet<Uuid>,
    reservation: Reservation,
    shelf: i64,
    sold_elsewhere: i64,
    returned: BTreeSet<Uuid>,
    came_back: i64,
    declines: bool,
    refuses_refunds: bool,
}

impl World {
    fn new(choice: u8) -> Self {
        Self {
            hold: Hold::Nothing,
            captures: 0,
            refunds: BTreeMap::new(),
            failed: BTreeSet::new(),
            reservation: Reservation::Held,
            shelf: 0,
            sold_elsewhere: 0,
            returned: BTreeSet::new(),
            came_back: 0,
            declines: choice.is_multiple_of(5),
            refuses_refunds: choice.is_multiple_of(7),
        }
    }

    /// Does it and answers what happened. Doing it again gives the same answer.
    fn perform(&mut self, command: &Command) -> Event {
        match command {
            Command::Authorise => {
                if self.hold == Hold::Nothing {
                    self.hold = if self.declines {
                        Hold::Declined
                    } else {
                        Hold::Held
                    };
                }
                match self.hold {
                    Hold::Declined | Hold::Voided | Hold::Nothing => Event::Declined,
                    Hold::Held | Hold::Captured => Event::Authorised,
                }
            }
            Command::LookupAuthorisation => match self.hold {
                Hold::Nothing => Event::AuthorisationNotSeen,
                Hold::Declined | Hold::Voided => Event::Declined,
                Hold::Held | Hold::Captured => Event::Authorised,
            },
            Command::Claim => self.claim(),
            Command::Capture | Command::LookupCapture => match self.hold {
                Hold::Held if *command == Command::LookupCapture => Event::CaptureNotSeen,
                Hold::Held => {
                    self.hold = Hold::Captured;
                    self.captures += 1;
                    Event::Captured
                }
                Hold::Captured => Event::Captured,
                Hold::Nothing | Hold::Declined | Hold::Voided => Event::CaptureRefused,
            },
            Command::Void => {
                if self.hold == Hold::Captured {
                    return Event::VoidRefused;
                }
                self.hold = Hold::Voided;
                Event::Voided
            }
            Command::Release => {
                // Also what was claimed, less what came back already; and for good.
                self.shelf += self.units_with_order();
                self.reservation = Reservation::Released;
                Event::Released
            }
            Command::Return { lines } => match self.put_back(Uuid::nil(), lines) {
                Ok(()) => Event::Returned,
                Err(NotClaimed) => Event::Released,
            },
            Command::Restock { id, lines } => match self.put_back(*id, lines) {
                Ok(()) => Event::Restocked { id: *id },
                Err(NotClaimed) => panic!("a refund's goods have nowhere to go: {self:?}"),
            },
            Command::Refund { id, amount } => {
                if self.refuses_refunds || self.failed.contains(id) {
                    return Event::RefundRefused { id: *id };
                }
                self.refunds.insert(*id, *amount);
                Event::Refunded { id: *id }
            }
            Command::LookupRefund { id, .. } if self.failed.contains(id) => {
                Event::RefundRefused { id: *id }
            }
            Command::LookupRefund { id, .. } if self.refunds.contains_key(id) => {
                Event::Refunded { id: *id }
            }
            Command::LookupRefund { id, .. } => Event::RefundNotSeen { id: *id },
        }
    }

    fn claim(&mut self) -> Event {
        match self.reservation {
            Reservation::Held => self.reservation = Reservation::Claimed,
            Reservation::RanOut if self.shelf >= UNITS => {
                self.shelf -= UNITS;
                self.reservation = Reservation::Claimed;
            }
            Reservation::RanOut | Reservation::Released => return Event::StockLost,
            Reservation::Claimed => {}
        }
        Event::Claimed
    }

    fn put_back(&mut self, id: Uuid, lines: &[(u32, i64)]) -> Result<(), NotClaimed> {
        if self.returned.contains(&id) {
            return Ok(());
        }
        if self.reservation != Reservation::Claimed {
            return Err(NotClaimed);
        }
        self.returned.insert(id);
        let units = lines.iter().map(|(_, quantity)| quantity).sum::<i64>();
        self.shelf += units;
        self.came_back += units;
        assert!(self.came_back <= UNITS, "more comes back than was sold");
        Ok(())
    }

    /// The deadline passes, and somebody else buys what lies on the shelf.
    fn time_passes(&mut self, sold: bool) {
        if self.reservation == Reservation::Held {
            self.reservation = Reservation::RanOut;
            self.shelf += UNITS;
        }
        if sold {
            self.sold_elsewhere += self.shelf;
            self.shelf = 0;
        }
    }

    fn units_with_order(&self) -> i64 {
        match self.reservation {
            Reservation::Held => UNITS,
            Reservation::Claimed => UNITS - self.came_back,
            Reservation::RanOut | Reservation::Released => 0,
        }
    }
}

/// What a worker records when it did not hear what became of `command`; `None` when it simply
/// tries again, because trying again is harmless and tells the outcome.
fn doubt(command: &Command) -> Option<Event> {
    match command {
        Command::Authorise | Command::LookupAuthorisation => Some(Event::AuthorisationUnknown),
        Command::Capture | Command::LookupCapture => Some(Event::CaptureUnknown),
        Command::Refund { id, .. } | Command::LookupRefund { id, .. } => {
            Some(Event::RefundUnknown { id: *id })
        }
        _ => None,
    }
}

/// Applies what really happened: it must never contradict what is known.
fn record(state: &mut State, event: &Event) {
    match state.apply(event) {
        Ok(step) => *state = step.state,
        Err(refusal) => panic!("{event:?} after {state:?}: {refusal:?}"),
    }
}

/// A person asks for something; it may be refused. If it leaves something to be done, there is
/// one job more from now on.
fn ask(state: &mut State, jobs: &mut usize, event: &Event) {
    if let Ok(step) = state.apply(event) {
        if step.state != *state && !step.commands.is_empty() {
            *jobs += 1;
        }
        *state = step.state;
    }
}

/// Takes what a job is busy with one step further.
fn fly(world: &mut World, state: &mut State, flights: &mut Vec<Flight>, choice: u8) {
    let index = usize::from(choice) % flights.len();
    match flights.remove(index) {
        Flight::Sent(command) => {
            let known = match doubt(&command) {
                // It never arrived, and nobody knows.
                Some(event) if choice.is_multiple_of(3) => event,
                _ => world.perform(&command),
            };
            flights.push(Flight::Answered(known));
        }
        Flight::Answered(event) => record(state, &event),
    }
}

/// What could be wrong about refunds that fail later, planted to see that it is found.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Mistake {
    Nothing,
    /// Whoever says that a refund failed is believed.
    Believed,
    /// A refund that is in doubt is made anew.
    MadeAnew,
}

fn simulate(choices: &[u8], method: Method, mistake: Mistake) {
    let mut world = World::new(choices.first().copied().unwrap_or(1));
    let mut state = State::placed(Uuid::from_u128(9), method, TOTAL, &QUANTITIES);
    // Commands of workers whose lease ran out: they still reach the world, their answers nobody.
    let mut strays: Vec<Command> = Vec::new();
    // The order's own job, and one for each request of a person.
    let mut jobs = 1;
    let mut flights: Vec<Flight> = Vec::new();
    for &choice in choices {
        let commands = state.commands();
        let command = commands
            .get(usize::from(choice) % commands.len().max(1))
            .filter(|_| flights.len() < jobs)
            .cloned();
        match (choice / 8, command) {
            (0..=2, Some(command)) => flights.push(Flight::Sent(command)),
            (3..=4, _) if !flights.is_empty() => {
                fly(&mut world, &mut state, &mut flights, choice);
            }
            (3..=9, Some(command)) => record(&mut state, &world.perform(&command)),
            // Done, and the answer comes twice.
            (10..=12, Some(command)) => {
                let event = world.perform(&command);
                record(&mut state, &event);
                record(&mut state, &event);
            }
            // Done, and killed before it was recorded.
            (13..=15, Some(command)) => {
                world.perform(&command);
            }
            // Done, or not, and nobody knows.
            (16..=18, Some(command)) => {
                if choice % 2 == 0 {
                    world.perform(&command);
                }
                if let Some(event) = doubt(&command) {
                    record(&mut state, &event);
                }
            }
            (19..=20, Some(command)) => strays.push(command),
            (21..=22, _) if !strays.is_empty() => {
                world.perform(&strays.remove(0));
            }
            (23, _) => world.time_passes(choice % 2 == 0),
            (24, _) => ask(&mut state, &mut jobs, &Event::CancelRequested),
            (25..=26, _) => {
                let id = Uuid::from_u128(u128::from(choice % 4) + 20);
                let restock = if choice % 3 == 0 {
                    vec![(0, 1)]
                } else {
                    vec![]
                };
                let amount = 60;
                ask(
                    &mut state,
                    &mut jobs,
                    &Event::RefundRequested {
                        id,
                        amount,
                        restock,
                    },
                );
            }
            (27..=28, _) => {
                let lines = vec![(u32::from(choice) % 2, 1)];
                ask(&mut state, &mut jobs, &Event::Shipped { lines });
            }
            (29, _) if choice % 2 == 0 => ask(&mut state, &mut jobs, &Event::MarkedPaid),
            // Days later the provider says, perhaps twice, that a refund has come back.
            (29, _) => {
                let mut made = state.refunds.iter();
                let made = made.find(|it| it.progress == RefundProgress::Done);
                let made = made.map(|refund| (refund.id, refund.amount));
                if let (Some((id, _)), Mistake::Believed) = (made, mistake) {
                    // It was not so.
                    ask(&mut state, &mut jobs, &Event::RefundDoubted { id });
                    record(&mut state, &Event::RefundRefused { id });
                } else if let Some((id, amount)) = made {
                    world.refunds.remove(&id);
                    world.failed.insert(id);
                    if mistake == Mistake::MadeAnew {
                        world.refunds.insert(Uuid::from_u128(99), amount);
                    }
                    ask(&mut state, &mut jobs, &Event::RefundDoubted { id });
                    ask(&mut state, &mut jobs, &Event::RefundDoubted { id });
                }
            }
            (30..=31, _) if !flights.is_empty() => {
                fly(&mut world, &mut state, &mut flights, choice);
            }
            _ => {}
        }
        check(&world, &state, method);
    }
    // Calm: what is under way ends, the strays arrive, then everything is done that is to be done.
    while !flights.is_empty() {
        fly(&mut world, &mut state, &mut flights, 1);
        check(&world, &state, method);
    }
    for stray in strays {
        world.perform(&stray);
    }
    for _ in 0..50 {
        let Some(command) = state.commands().into_iter().next() else {
            break;
        };
        record(&mut state, &world.perform(&command));
        check(&world, &state, method);
    }
    assert_eq!(state.commands(), [], "never comes to rest");
    let held = world.hold == Hold::Held;
    assert!(!held, "an authorisation is left behind: {state:?}");
    assert_ne!(
        world.reservation,
        Reservation::Held,
        "stock is left reserved: {state:?}"
    );
    if state.cancelled.is_some() {
        assert_eq!(
            world.units_with_order(),
            0,
            "stock is left claimed: {state:?}"
        );
    }
    if method == Method::Provider {
        assert_eq!(
            world.captures * TOTAL,
            state.captured,
            "{world:?} {state:?}"
        );
        assert_eq!(world.refunds.values().sum::<i64>(), state.refunded());
    }
}

fn check(world: &World, state: &State, method: Method) {
    assert!(world.captures <= 1, "captured twice");
    assert!(world.captures == 0 || world.reservation == Reservation::Claimed);
    if method == Method::Provider {
        let paid_back: i64 = world.refunds.values().sum();
        assert!(
            paid_back <= world.captures * TOTAL,
            "more paid back than taken"
        );
    }
    let units = world.shelf + world.sold_elsewhere + world.units_with_order();
    assert_eq!(units, UNITS, "units appear or vanish: {world:?} {state:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn nothing_is_lost_and_nothing_is_taken_twice(
        choices in prop::collection::vec(any::<u8>(), 0..80),
        invoice in prop::bool::weighted(0.2),
    ) {
        let method = if invoice { Method::Invoice } else { Method::Provider };
        simulate(&choices, method, Mistake::Nothing);
    }
}

#[test]
fn what_is_planted_is_found() {
    let config = ProptestConfig {
        cases: 20_000,
        failure_persistence: None,
        max_shrink_iters: 0,
        ..ProptestConfig::default()
    };
    for mistake in [Mistake::Believed, Mistake::MadeAnew] {
        let mut runner = proptest::test_runner::TestRunner::new(config.clone());
        let choices = prop::collection::vec(any::<u8>(), 0..80);
        let found = runner.run(&choices, |choices| {
            simulate(&choices, Method::Provider, mistake);
            Ok(())
        });
        assert!(found.is_err(), "{mistake:?} is not found");
    }
}

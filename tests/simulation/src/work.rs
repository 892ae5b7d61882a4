//! The worker: the real loop of the order's job, under a lease.

use std::{
    pin::pin,
    sync::{Mutex, PoisonError},
    task::Poll,
    time::Duration,
};

use techcommerce_contracts::codes;
use techcommerce_jobs::{Outcome, backoff};
use techcommerce_kernel::{Currency, Error, Money, Uuid};
use techcommerce_order_api::{
    path::{Command, Event, State},
    simulated::{Answer, Charge, Hands, Happened, Point, books::Operation, walk},
};

use crate::{
    bugs::Bug,
    message::{Ask, Fact},
    provider::{Reply, Request},
    queue::{Claim, Lost, Work},
    shop::Order,
    sim::{MILLI, Micros, Process, SECOND, Sim, env},
    warehouse::Lines,
};

/// For how long a job is its worker's. In earnest it is a minute.
const LEASE: Micros = 10 * SECOND;
/// How long an answer is waited for.
const PATIENCE: Micros = 2 * SECOND;
/// The longest pause of an order's job.
const LONGEST: Duration = Duration::from_secs(30);

fn lost() -> Error {
    Error::conflict("job_lost", "The job was taken over by another worker.")
}

impl From<Lost> for Error {
    fn from(_: Lost) -> Self {
        lost()
    }
}

fn micros(time: Micros) -> i64 {
    i64::try_from(time).unwrap_or(i64::MAX)
}

/// Takes jobs and runs them, until the process ends.
pub async fn worker(sim: Sim, process: Process, number: usize) {
    let started = || {
        sim.transact(|w| {
            let now = w.clock(process);
            w.queue.worker_started(number, now);
            Ok(())
        })
    };
    while started().await.is_err() {}
    loop {
        let rest = sim.with(|w| w.chance.between(20 * MILLI, 600 * MILLI));
        sim.sleep(rest).await;
        let claimed = sim
            .transact(|w| {
                let now = w.clock(process);
                Ok(w.queue.claim(number, now, 2, micros(LEASE)))
            })
            .await;
        for claim in claimed.unwrap_or_default() {
            let at_work = sim.clone();
            sim.spawn(process, async move { run(&at_work, process, claim).await });
        }
    }
}

/// Runs a job under its lease and writes how it ended (crates/jobs/src/run.rs).
async fn run(sim: &Sim, process: Process, claim: Claim) {
    sim.with(|w| w.note(|| format!("{process:?} takes {claim:?}")));
    let outcome = {
        let mut work = pin!(attempt(sim, process, claim));
        let mut lease = pin!(keep_lease(sim, process, claim));
        std::future::poll_fn(|context| {
            if let Poll::Ready(outcome) = work.as_mut().poll(context) {
                return Poll::Ready(outcome);
            }
            lease.as_mut().poll(context).map(Err)
        })
        .await
    };
    sim.with(|w| w.note(|| format!("{process:?}: {} ended: {outcome:?}", claim.id)));
    let now = env(sim, process).now();
    let ended = match outcome {
        Ok(Outcome::Completed | Outcome::Postponed(_)) => return,
        Err(error) if error.code() == "job_lost" => return,
        Err(error) if error.code() == "contradiction" => Ended::Dead,
        Ok(Outcome::GiveUp(_)) => Ended::Dead,
        Ok(Outcome::Done) => Ended::Done,
        Ok(Outcome::RetryIn(time)) => Ended::Postponed((now + time).as_micros()),
        Err(_) => {
            let pause = backoff::pause(&env(sim, process), claim.attempt).min(LONGEST);
            Ended::Failed((now + pause).as_micros())
        }
    };
    for _ in 0..5 {
        let written = sim.transact(|w| {
            match ended {
                Ended::Done => w.queue.complete(&claim)?,
                Ended::Dead => w.queue.bury(&claim)?,
                Ended::Failed(at) => w.queue.fail(&claim, at)?,
                Ended::Postponed(at) => w.queue.postpone(&claim, at)?,
            }
            Ok(())
        });
        match written.await {
            Err(error) if error.is_transient() => sim.sleep(SECOND).await,
            _ => return,
        }
    }
}

#[derive(Clone, Copy)]
enum Ended {
    Done,
    Dead,
    Failed(i64),
    Postponed(i64),
}

async fn keep_lease(sim: &Sim, process: Process, claim: Claim) -> Error {
    loop {
        sim.sleep(LEASE / 3).await;
        let extended = sim.transact(|w| {
            let until = w.clock(process) + micros(LEASE);
            Ok(w.queue.extend(&claim, until)?)
        });
        match extended.await {
            Err(error) if error.code() == "job_lost" => return error,
            _ => {}
        }
    }
}

async fn attempt(sim: &Sim, process: Process, claim: Claim) -> Result<Outcome, Error> {
    match claim.work {
        Work::Advance(id) => {
            let order = sim
                .transact(|w| Ok(w.shop.orders.get(&id).cloned()))
                .await?
                .ok_or_else(|| Error::not_found(codes::ORDER_NOT_FOUND, "none"))?;
            let state = order.state.clone();
            let work = AtWork {
                sim,
                process,
                claim,
                id,
                known: Mutex::new(state.clone()),
                order,
            };
            walk(&work, state).await
        }
        Work::Mail(order) => {
            let mail = Ask::Mail {
                order,
                job: claim.id,
            };
            match sim.call(Process::Provider, mail, PATIENCE).await? {
                Ok(_) => Ok(Outcome::Done),
                Err(code) => Err(Error::conflict(code, "refused")),
            }
        }
        Work::Overdue(order) => {
            sim.transact(|w| {
                w.queue.guard(&claim)?;
                w.change(process, order, &Event::PaymentOverdue, false, None)?;
                Ok(w.queue.complete(&claim)?)
            })
            .await?;
            Ok(Outcome::Completed)
        }
    }
}

/// An order under a job.
struct AtWork<'a> {
    sim: &'a Sim,
    process: Process,
    claim: Claim,
    id: Uuid,
    order: Order,
    /// Where the job itself believes the order to stand.
    known: Mutex<State>,
}

impl AtWork<'_> {
    fn is(&self, bug: Bug) -> bool {
        self.sim.with(|w| w.is(bug))
    }

    /// Asks product-api.
    async fn stock(&self, ask: Ask) -> Result<Result<Fact, String>, Error> {
        self.sim.call(Process::Products, ask, PATIENCE).await
    }

    async fn pay(&self, operation: Operation, amount: i64, look_up: bool) -> Result<Reply, Error> {
        let payment = match self.is(Bug::PaymentPerAttempt) {
            true => Uuid::from_u128(
                0xC << 124 | self.claim.id.as_u128() << 8 | u128::from(self.claim.attempt),
            ),
            false => self.id,
        };
        let charge = Charge {
            payment,
            total: Money::new(self.order.state.total, Currency::EUR),
            token: None,
        };
        let mut key = charge.key(operation);
        if matches!(operation, Operation::Refund(_)) && self.is(Bug::RefundKeyPerAttempt) {
            key.push_str(&self.sim.with(|w| w.new_id()).to_string());
        }
        let request = Request {
            payment,
            order: self.id,
            behaviour: self.order.request.behaviour,
            operation,
            key,
            amount,
        };
        let ask = match look_up {
            true => Ask::LookUp(request),
            false => Ask::Pay(request),
        };
        match self.sim.call(Process::Provider, ask, PATIENCE).await? {
            Ok(Fact::Reply(reply)) => Ok(reply),
            other => Err(Error::internal(format!("the provider says {other:?}"))),
        }
    }

    async fn authorise(&self, state: &State, look_up: bool) -> Result<Happened, Error> {
        let total = state.total;
        let reply = self.pay(Operation::Authorise, total, look_up).await?;
        let Reply::Answer(answer, twice) = reply else {
            let heard = state.heard;
            return Ok(Event::ActionRequired { heard }.into());
        };
        if answer == Answer::Done && self.is(Bug::CaptureAtOnce) {
            self.pay(Operation::Capture, total, false).await?;
        }
        let event = match answer {
            Answer::Done => Event::Authorised,
            Answer::Refused => Event::Declined,
            Answer::Unknown if self.is(Bug::DoubtIsDecline) => Event::Declined,
            Answer::NotSeen => Event::AuthorisationNotSeen,
            _ => Event::AuthorisationUnknown,
        };
        Ok(Happened { event, twice })
    }

    /// A step that the customer has no part in.
    async fn step(
        &self,
        operation: Operation,
        amount: i64,
        look_up: bool,
    ) -> Result<(Answer, bool), Error> {
        match self.pay(operation, amount, look_up).await? {
            Reply::Answer(answer, twice) => Ok((answer, twice)),
            Reply::ActionRequired => Err(Error::internal("the customer has no part in it")),
        }
    }

    fn lines(&self, lines: &[(u32, i64)]) -> Lines {
        let variant = |position: u32| self.order.variants.get(position as usize).copied();
        let named = lines.iter().filter_map(|(at, n)| Some((variant(*at)?, *n)));
        named.collect()
    }

    async fn put_back(&self, id: Uuid, lines: &[(u32, i64)]) -> Result<Result<(), String>, Error> {
        if lines.is_empty() {
            return Ok(Ok(()));
        }
        let ask = Ask::Restock {
            id,
            order: self.id,
            lines: self.lines(lines),
        };
        Ok(self.stock(ask).await?.map(drop))
    }
}

/// Named as derived ids are, so that a trace can be read.
fn derived(purpose: u128, id: Uuid) -> Uuid {
    Uuid::from_u128(purpose << 124 | id.as_u128())
}

impl Hands for AtWork<'_> {
    fn at(&self, _: Point) -> Result<(), Error> {
        Ok(())
    }

    async fn carry_out(&self, state: &State, command: &Command) -> Result<Happened, Error> {
        let id = self.order.reservation;
        Ok(match command {
            Command::Authorise => self.authorise(state, false).await?,
            Command::LookupAuthorisation => self.authorise(state, true).await?,
            Command::Capture | Command::LookupCapture => {
                let look_up = command.is_lookup();
                let step = self.step(Operation::Capture, state.total, look_up);
                let (answer, twice) = step.await?;
                let event = match answer {
                    Answer::Done => Event::Captured,
                    Answer::Refused => Event::CaptureRefused,
                    Answer::NotSeen => Event::CaptureNotSeen,
                    _ => Event::CaptureUnknown,
                };
                Happened { event, twice }
            }
            Command::Void if self.is(Bug::VoidForgotten) => Event::Voided.into(),
            Command::Void => {
                let step = self.step(Operation::Void, state.total, false);
                let (answer, twice) = step.await?;
                let event = match answer {
                    Answer::Done => Event::Voided,
                    Answer::Refused => Event::VoidRefused,
                    _ => {
                        return Err(Error::unavailable("The provider does not say."));
                    }
                };
                Happened { event, twice }
            }
            Command::Refund { id, amount } | Command::LookupRefund { id, amount } => {
                let look_up = command.is_lookup();
                let step = self.step(Operation::Refund(*id), *amount, look_up);
                let (answer, twice) = step.await?;
                let id = *id;
                let event = match answer {
                    Answer::Done => Event::Refunded { id },
                    Answer::Refused => Event::RefundRefused { id },
                    Answer::NotSeen => Event::RefundNotSeen { id },
                    _ => Event::RefundUnknown { id },
                };
                Happened { event, twice }
            }
            Command::Claim => {
                let order = self.id;
                match self.stock(Ask::Claim { id, order }).await {
                    Ok(Ok(_)) => Event::Claimed.into(),
                    Ok(Err(code)) if is_gone(&code) => Event::StockLost.into(),
                    Ok(Err(code)) => return Err(Error::conflict(code, "refused")),
                    Err(_) if self.is(Bug::ErrorIsSoldOut) => Event::StockLost.into(),
                    Err(error) => return Err(error),
                }
            }
            Command::Release => match self.stock(Ask::Release { id }).await? {
                Ok(_) => Event::Released.into(),
                Err(code) if code == codes::RESERVATION_NOT_FOUND => Event::Released.into(),
                Err(code) => return Err(Error::conflict(code, "refused")),
            },
            Command::Return { lines } => match self.put_back(derived(0xD, self.id), lines).await? {
                Ok(()) => Event::Returned.into(),
                Err(code) if code == codes::RESERVATION_NOT_FOUND => Event::Released.into(),
                Err(code) => return Err(Error::conflict(code, "refused")),
            },
            Command::Restock { id, lines } => {
                match self.put_back(derived(0xE, *id), lines).await? {
                    Ok(()) => Event::Restocked { id: *id }.into(),
                    Err(code) => return Err(Error::conflict(code, "refused")),
                }
            }
            #[allow(unreachable_patterns, reason = "commands that are not played yet")]
            other => return Err(Error::internal(format!("{other:?} is not played"))),
        })
    }

    async fn record(&self, happened: &Happened) -> Result<(State, bool), Error> {
        let believes = self.is(Bug::NoJobWhileOneRuns);
        let recorded = self.sim.transact(|w| {
            w.queue.guard(&self.claim)?;
            let changed = w.change(self.process, self.id, &happened.event, true, None)?;
            let (mut state, late) = changed;
            if believes {
                let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
                if let Ok(step) = known.apply(&happened.event) {
                    *known = step.state;
                }
                state = known.clone();
            }
            let done = !happened.twice && state.commands().is_empty();
            if done {
                w.queue.complete(&self.claim)?;
            }
            Ok((state, done, late))
        });
        let (state, done, late) = recorded.await?;
        if !late.is_empty() {
            self.sim
                .transact(|w| {
                    w.post(self.id, late);
                    Ok(())
                })
                .await?;
        }
        Ok((state, done))
    }

    async fn finish(&self) -> Result<Option<State>, Error> {
        let believes = self.is(Bug::NoJobWhileOneRuns);
        self.sim
            .transact(|w| {
                w.queue.guard(&self.claim)?;
                let state = w.shop.orders.get(&self.id).map(|it| it.state.clone());
                let state = state.filter(|state| !state.commands().is_empty() && !believes);
                if state.is_none() {
                    w.queue.complete(&self.claim)?;
                }
                Ok(state)
            })
            .await
    }
}

fn is_gone(code: &str) -> bool {
    const GONE: [&str; 4] = [
        codes::RESERVATION_EXPIRED,
        codes::RESERVATION_NOT_FOUND,
        codes::RESERVATION_RELEASED,
        codes::OUT_OF_STOCK,
    ];
    GONE.contains(&code)
}

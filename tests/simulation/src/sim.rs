//! Time, chance, processes and the network, all of them decided by one seed, and who runs next.
//!
//! A task is a future. It gives way wherever the real one would wait (for a clock, for an answer, for
//! the database); what happens next is what comes first in simulated time. A process that crashes
//! drops its tasks where they are, as a killed one does.

use std::{
    collections::BTreeMap,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    task::{Context, Poll, Waker},
};

use techcommerce_kernel::{Clock, Env, Error, Random, Timestamp, Uuid};

use crate::{
    bugs::Bug,
    invariants::{self, Violation},
    message::{Ask, Said},
    world::World,
};

/// Microseconds since the beginning.
pub type Micros = u64;

/// A second.
pub const SECOND: Micros = 1_000_000;
/// A millisecond.
pub const MILLI: Micros = 1_000;
/// When the simulation begins, in microseconds since 1970.
const START: i64 = 1_800_000_000_000_000;

/// A process. Its place in lists is its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Process {
    /// Customers and staff at their browsers; never crashes.
    Outside,
    /// Serves order-api.
    Web(u8),
    /// Runs order-api's jobs.
    Worker(u8),
    /// Serves product-api.
    Products,
    /// Somebody else's.
    Provider,
}

impl Process {
    /// Those that faults can come to.
    pub const OURS: [Self; 5] = [
        Self::Web(0),
        Self::Web(1),
        Self::Worker(0),
        Self::Worker(1),
        Self::Products,
    ];
}

/// What comes next.
pub enum Next {
    /// A task goes on.
    Wake(u64),
    /// A message arrives, and whoever sent it waits for the answer, or does not.
    Arrive(Process, Ask, Option<u64>),
    /// An answer arrives.
    Answer(u64, Said),
    /// A process dies.
    Crash(Process),
    /// A process starts.
    Start(Process),
    /// A process stands still for so long.
    Stall(Process, Micros),
    /// A process's clock is moved to be wrong by so much.
    Jump(Process, i64),
    /// Somebody looks at the shelves.
    Look,
}

/// A task of a process.
pub type Task = Pin<Box<dyn Future<Output = ()> + Send>>;

/// The simulation. Clones are the same.
#[derive(Clone)]
pub struct Sim(pub Arc<Mutex<World>>);

impl Sim {
    /// Looks at or changes the world, at one moment.
    pub fn with<R>(&self, work: impl FnOnce(&mut World) -> R) -> R {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Waits.
    pub async fn sleep(&self, time: Micros) {
        let until = self.with(|w| {
            let until = w.now + time;
            w.next(until, Next::Wake(w.current));
            until
        });
        std::future::poll_fn(|_| match self.with(|w| w.now >= until) {
            true => Poll::Ready(()),
            false => Poll::Pending,
        })
        .await;
    }

    /// Asks another process and waits for its answer, but not for ever.
    ///
    /// # Errors
    /// `unavailable` if none comes, whatever became of it.
    pub async fn call(&self, to: Process, ask: Ask, patience: Micros) -> Result<Said, Error> {
        let (call, until) = self.with(|w| {
            let (call, until) = (w.send(to, ask), w.now + patience);
            w.waiting.insert(call, w.current);
            w.next(until, Next::Wake(w.current));
            (call, until)
        });
        let said = std::future::poll_fn(|_| {
            self.with(|w| match w.answers.remove(&call) {
                Some(said) => Poll::Ready(Some(said)),
                None if w.now >= until => Poll::Ready(None),
                None => Poll::Pending,
            })
        })
        .await;
        self.with(|w| w.waiting.remove(&call));
        said.ok_or_else(|| Error::unavailable("no answer"))
    }

    /// One transaction of order-api's database, which is away for a moment now and then.
    ///
    /// # Errors
    /// Those of `work`, which must leave everything as it was then; `unavailable`, also when it is
    /// not known whether it was committed.
    pub async fn transact<R>(
        &self,
        work: impl FnOnce(&mut World) -> Result<R, Error>,
    ) -> Result<R, Error> {
        let (before, after, fails, lost) = self.with(|w| {
            let slow = w.is_rough() && w.chance.percent(5);
            let before = w
                .chance
                .between(200, if slow { 3 * SECOND } else { 5 * MILLI });
            let after = w.chance.between(200, if slow { SECOND } else { 5 * MILLI });
            let fails = w.is_rough() && w.chance.percent(3);
            (before, after, fails, w.is_rough() && w.chance.percent(2))
        });
        self.sleep(before).await;
        if fails {
            return Err(Error::unavailable("the database is away"));
        }
        let done = self.with(work)?;
        self.sleep(after).await;
        match lost {
            true => Err(Error::unavailable("the commit was not confirmed")),
            false => Ok(done),
        }
    }

    /// Starts a task.
    pub fn spawn(&self, process: Process, task: impl Future<Output = ()> + Send + 'static) {
        self.with(|w| w.spawned.push((process, Box::pin(task))));
    }
}

/// What order-api and the queue know of time and chance.
pub fn env(sim: &Sim, process: Process) -> Env {
    Env::new(Wall(sim.clone(), process), Dice(sim.clone()))
}

struct Wall(Sim, Process);

impl Clock for Wall {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.0.with(|w| w.clock(self.1)))
    }
}

struct Dice(Sim);

impl Random for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        self.0.with(|w| {
            for byte in bytes {
                *byte = w.chance.bits().to_le_bytes()[0];
            }
        });
    }
}

impl World {
    /// What time a process thinks that it is, in microseconds since 1970.
    pub fn clock(&self, process: Process) -> i64 {
        let wrong = self.wrong.get(&process).copied().unwrap_or(0);
        START + i64::try_from(self.now).unwrap_or(0) + wrong
    }

    /// Whether faults happen now.
    pub fn is_rough(&self) -> bool {
        self.now < self.rough_until
    }

    /// Something happens at `time`.
    pub fn next(&mut self, time: Micros, what: Next) {
        self.sequence += 1;
        if matches!(what, Next::Arrive(..) | Next::Answer(..)) {
            self.under_way += 1;
        }
        self.coming.insert((time, self.sequence), what);
    }

    /// A new id. They are counted, so that a trace can be read.
    pub fn new_id(&mut self) -> Uuid {
        self.ids += 1;
        Uuid::from_u128(u128::from(self.ids))
    }

    /// Whether this is what is wrong.
    pub fn is(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    /// Sends a message, which may be lost, late, or come twice. Gives the call's number.
    pub fn send(&mut self, to: Process, ask: Ask) -> u64 {
        self.sequence += 1;
        let call = self.sequence;
        // A claim more often: what a second one may do needs much else to be seen.
        let again = match ask {
            Ask::Claim { .. } => 15,
            _ => 4,
        };
        let (lost, twice) = match self.is_rough() {
            true => (self.chance.percent(4), self.chance.percent(again)),
            false => (false, false),
        };
        if twice {
            // On its way for a long time; nobody waits for what comes of it.
            let late = self.now + self.chance.between(MILLI, 12 * SECOND);
            self.next(late, Next::Arrive(to, ask.clone(), None));
        }
        if !lost {
            let at = self.now + self.latency();
            self.next(at, Next::Arrive(to, ask, Some(call)));
        }
        call
    }

    /// Answers a call; the answer may be lost.
    pub fn answer(&mut self, call: Option<u64>, said: Said) {
        let lost = self.is_rough() && self.chance.percent(4);
        if let (Some(call), false) = (call, lost) {
            let at = self.now + self.latency();
            self.next(at, Next::Answer(call, said));
        }
    }

    fn latency(&mut self) -> Micros {
        let slow = self.is_rough() && self.chance.percent(4);
        self.chance
            .between(300, if slow { 4 * SECOND } else { 20 * MILLI })
    }

    /// Writes into the trace.
    pub fn note(&mut self, text: impl FnOnce() -> String) {
        if let Some(trace) = &mut self.trace {
            let (seconds, micros) = (self.now / SECOND, self.now % SECOND);
            trace.push(format!("{seconds:>4}.{micros:06} {}", text()));
        }
    }

    /// What happens is part of what tells two runs apart (FNV-1a).
    pub fn mix(&mut self, value: u64) {
        for byte in value.to_le_bytes() {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// Runs what comes next until everything has come to rest, or something is wrong, or time is up.
pub fn run(sim: &Sim, time: Micros) -> Option<Violation> {
    let mut tasks: BTreeMap<u64, (Process, Task)> = BTreeMap::new();
    let mut numbers = 0_u64;
    let mut context = Context::from_waker(Waker::noop());
    let mut stalled: BTreeMap<Process, Micros> = BTreeMap::new();
    let mut down: BTreeMap<Process, bool> = BTreeMap::new();
    loop {
        // New tasks begin at once.
        for (process, task) in sim.with(|w| std::mem::take(&mut w.spawned)) {
            numbers += 1;
            tasks.insert(numbers, (process, task));
            sim.with(|w| w.next(w.now, Next::Wake(numbers)));
        }
        let outside = tasks.values().any(|(p, _)| *p == Process::Outside);
        let next = sim.with(|w| {
            let rest = !w.is_rough() && !outside && w.under_way == 0 && w.queue.open() == 0;
            if rest || w.now > time {
                return None;
            }
            let ((at, _), next) = w.coming.pop_first()?;
            if matches!(next, Next::Arrive(..) | Next::Answer(..)) {
                w.under_way -= 1;
            }
            w.now = w.now.max(at);
            w.happenings += 1;
            Some(next)
        });
        let next = next?;
        let who = match &next {
            Next::Wake(task) => tasks.get(task).map(|(process, _)| *process),
            Next::Arrive(process, ..) => Some(*process),
            _ => None,
        };
        if let Some(until) = who.and_then(|process| stalled.get(&process)).copied()
            && sim.with(|w| w.now) < until
        {
            sim.with(|w| w.next(until, next));
            continue;
        }
        match next {
            Next::Wake(number) => {
                poll(sim, &mut tasks, number, &mut context);
            }
            Next::Answer(call, said) => {
                let task = sim.with(|w| {
                    w.answers.insert(call, said);
                    w.waiting.get(&call).copied()
                });
                match task {
                    Some(number) => sim.with(|w| w.next(w.now, Next::Wake(number))),
                    None => sim.with(|w| drop(w.answers.remove(&call))),
                }
            }
            Next::Arrive(process, ask, call) => {
                if down.get(&process).copied().unwrap_or(false) {
                    sim.with(|w| w.note(|| format!("{process:?} is down: {ask:?} is lost")));
                } else {
                    crate::message::arrive(sim, process, ask, call);
                }
            }
            Next::Crash(process) => {
                tasks.retain(|_, (of, _)| *of != process);
                down.insert(process, true);
                sim.with(|w| w.note(|| format!("{process:?} crashes")));
            }
            Next::Start(process) => {
                down.insert(process, false);
                stalled.remove(&process);
                sim.with(|w| w.note(|| format!("{process:?} starts")));
                crate::actors::start(sim, process);
            }
            Next::Stall(process, time) => sim.with(|w| {
                stalled.insert(process, w.now + time);
                w.note(|| format!("{process:?} stands still for {} ms", time / MILLI));
            }),
            Next::Jump(process, wrong) => sim.with(|w| {
                w.wrong.insert(process, wrong);
                w.note(|| format!("{process:?}'s clock is wrong by {} ms", wrong / 1000));
            }),
            Next::Look => sim.with(|w| {
                w.warehouse.look();
                let again = w.now + 2 * SECOND;
                w.next(again, Next::Look);
            }),
        }
        if let Some(violation) = sim.with(invariants::now) {
            return Some(violation);
        }
    }
}

fn poll(
    sim: &Sim,
    tasks: &mut BTreeMap<u64, (Process, Task)>,
    number: u64,
    context: &mut Context<'_>,
) {
    let Some((_, task)) = tasks.get_mut(&number) else {
        // It has ended, or its process has.
        return;
    };
    sim.with(|w| {
        w.current = number;
        let now = w.now;
        w.mix(now);
        w.mix(number);
    });
    if task.as_mut().poll(context).is_ready() {
        tasks.remove(&number);
    }
}

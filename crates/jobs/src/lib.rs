//! Work that happens after the request: an outbox queue in each service's own database.
//!
//! A job is a row that is written **in the caller's transaction** ([`enqueue`]): it exists if and
//! only if the change that it follows from does. A worker takes it under a lease ([`Queue::claim`])
//! with a *fence*, a number that is raised each time: whoever holds an older one can no longer
//! finish the job. A job runs **at least once**; a handler that changes this service's database
//! finishes the job in the same transaction ([`Job::complete_in`]) and so has its effect exactly
//! once. What fails is tried again with growing, random pauses ([`backoff`]) and at last is
//! *dead*: it stays where staff can see it and start it again ([`Queue::retry_dead`]).
//!
//! ```ignore
//! transact!(db, |tx| -> Result<(), Error> {
//!     with!(tx, |c| sqlx::query("INSERT INTO orders …").execute(c).await)?;
//!     jobs::enqueue(tx, &env, NewJob::new("order.pay").payload(&Pay { order })?).await?;
//!     Ok(())
//! })?;
//! queue.wake(); // after the commit: a worker in this process starts at once
//! ```
//!
//! A service brings its [`Handler`]s and [`Schedule`]s as a [`JobSet`]; the worker runs the sets
//! of all services and knows none of them. A test runs them with [`JobSet::drain`].
//!
//! The tables come with [`with_tables`].

pub mod backoff;
mod clocks;
mod dead;
mod enqueue;
mod findings;
mod heartbeat;
mod job;
mod list;
mod prune;
mod queue;
mod run;
mod schedule;
mod set;
mod tables;
mod wake;
mod watch;

pub use dead::{DeadJob, KindStats, Stats};
pub use enqueue::{NewJob, enqueue, enqueue_all};
pub use findings::Finding;
pub use heartbeat::WorkerSeen;
pub use job::Job;
pub use list::Wanted;
pub use queue::{Claim, Queue};
pub use run::{Ended, Ran};
pub use schedule::Schedule;
pub use set::{Builder, Handler, JobSet, Outcome};
pub use tables::with_tables;
pub use wake::{Sleeper, Wake};
pub use watch::Watch;

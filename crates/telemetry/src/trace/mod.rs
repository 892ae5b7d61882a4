//! Traces: what a request or a job did, in which service, and for how long.
//!
//! Spans are gathered where they are made. Each request from the network and each run of a job is
//! a *local root*: its spans stay with it ([`local`]) until it ends, and only then it is decided
//! whether they go out: those of the share that was drawn for the whole trace do, and so do those
//! of a root that failed or was slow ([`Tracer`]). What goes out waits in a queue of bounded size
//! for the exporter ([`Outbox`]); when there is no room it is dropped and counted.
//!
//! With traces off there is no local root, so [`Span::child`] finds nothing to be a child of and
//! costs a look at a task-local. With traces on no lock is shared by two requests: each local root
//! has its own.
//!
//! A span never holds what a client sent: names and attributes are route templates, verbs, tables,
//! kinds of jobs, states and our own codes.

mod finished;
mod local;
mod outbox;
mod span;
mod tracer;

pub use finished::{Batch, Finished, Link, SpanKind, Value};
pub use outbox::Outbox;
pub use span::{ActiveSpan, Span, measured_call, past_span};
pub use tracer::{Root, TraceOptions, Tracer, describe};

#[cfg(test)]
mod tests;

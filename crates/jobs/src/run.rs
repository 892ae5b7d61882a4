//! Running one job: under its lease, within its time, whatever the handler does.

use std::{panic::AssertUnwindSafe, time::Duration};

use futures_util::FutureExt;
use techcommerce_contracts::{
    Service,
    context::{RequestContext, TraceParent},
};
use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_telemetry::{
    LogScope, Span, SpanKind, Tracer,
    trace::{Link, Root},
};
use tokio::time::Instant;
use tracing::Instrument;

use crate::{Handler, Job, JobSet, Outcome, Queue, backoff, job::LOST};

/// How a run of a job ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// Done.
    Done,
    /// To be asked again, without having failed.
    Postponed(Timestamp),
    /// Failed; to be tried again.
    Failed(Timestamp),
    /// Given up.
    Dead,
    /// The lease was lost to another worker, or how it ended could not be written: it will run
    /// again when its lease has run out.
    Lost,
}

impl Ended {
    /// The label for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Postponed(_) => "postponed",
            Self::Failed(_) => "failed",
            Self::Dead => "dead",
            Self::Lost => "lost",
        }
    }
}

/// A run of a job.
#[derive(Debug, Clone)]
pub struct Ran {
    /// The job.
    pub id: Uuid,
    /// Its kind.
    pub kind: String,
    /// How it ended.
    pub ended: Ended,
    /// How long it took.
    pub took: Duration,
}

/// A job that is run so soon after it was written is part of the trace of whoever wrote it. Later
/// ones have a trace of their own: nobody keeps a trace open for hours.
const SOON: Duration = Duration::from_secs(600);

/// The pause before it is tried again to write how a job ended.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

impl JobSet {
    /// As [`JobSet::run_traced`], without traces.
    pub async fn run(&self, job: &Job) -> Ran {
        self.run_traced(job, &Tracer::default()).await
    }

    /// Runs a job that was claimed from this set's queue and writes how it ended. While it runs,
    /// its lease is extended; if the lease is lost, the run is dropped.
    pub async fn run_traced(&self, job: &Job, tracer: &Tracer) -> Ran {
        let (context, mut traced) = self.begin(job, tracer);
        let span = tracing::info_span!("job", kind = job.kind, id = %job.id, attempt = job.attempt);
        let scope = LogScope {
            service: self.service(),
            request_id: context.request_id.clone(),
            trace_id: context.trace.trace_id,
            span: traced.active(),
        };
        let started = Instant::now();
        let work = context.scope(self.run_inner(job)).instrument(span);
        let ended = scope.around(work).await;
        traced.set("techcommerce.job.outcome", ended.label());
        if matches!(ended, Ended::Failed(_) | Ended::Dead | Ended::Lost) {
            traced.fail(ended.label());
        }
        Ran {
            id: job.id,
            kind: job.kind.clone(),
            ended,
            took: started.elapsed(),
        }
    }

    /// The context of whoever wrote the job, in a span of the job's own that is linked to the one
    /// that wrote it.
    fn begin(&self, job: &Job, tracer: &Tracer) -> (RequestContext, Span) {
        let env = &self.queue().env;
        let span_id = u64::from_be_bytes(env.random_bytes()).max(1);
        let writer = job.traceparent.as_deref();
        let writer: Option<TraceParent> = writer.and_then(|text| text.parse().ok());
        let is_soon = env.now().since(job.created_at) <= SOON;
        let (trace, parent_id) = match writer.filter(|_| is_soon) {
            Some(writer) => (writer.child(span_id), writer.span_id),
            None => {
                // All attempts are one trace. The lower half of an id is random.
                let trace_id = job.id.as_u128().max(1);
                let flags = u8::from(tracer.samples(trace_id));
                let trace = TraceParent {
                    trace_id,
                    span_id,
                    flags,
                };
                (trace, 0)
            }
        };
        let mut span = tracer.root(|| Root {
            service: Service::Worker.name(),
            kind: SpanKind::Consumer,
            name: format!("job {}", job.kind).into(),
            trace_id: trace.trace_id,
            span_id,
            parent_id,
            sampled: trace.is_sampled(),
            link: writer.map(|writer| Link {
                trace_id: writer.trace_id,
                span_id: writer.span_id,
                relation: "enqueued_by",
            }),
        });
        let request_id = job.request_id.clone().unwrap_or_else(|| job.id.to_string());
        if span.is_recording() {
            span.set("messaging.operation.type", "process");
            span.set("messaging.destination.name", self.service());
            span.set("messaging.message.id", job.id.to_string());
            span.set("techcommerce.job.kind", job.kind.clone());
            span.set("techcommerce.job.attempt", job.attempt);
            span.set("techcommerce.request_id", request_id.clone());
        }
        let request_id = request_id.into();
        (RequestContext { request_id, trace }, span)
    }

    async fn run_inner(&self, job: &Job) -> Ended {
        let handler = self.handler(&job.kind);
        let outcome = match handler {
            Some(handler) => attempt(self.queue(), handler.as_ref(), job).await,
            None => Err(Error::internal("no handler for this kind")),
        };
        let longest = handler.map_or(backoff::LONGEST, |handler| handler.longest_pause());
        let written = settle(self.queue(), job, outcome, longest).await;
        written.unwrap_or_else(|error| {
            if error.code() == LOST {
                tracing::warn!("the job was taken over by another worker");
            } else {
                tracing::warn!(
                    ?error,
                    "how the job ended could not be written; it will run again"
                );
            }
            Ended::Lost
        })
    }
}

/// The handler's outcome, or the error for its panic, its being too slow or its lost lease.
async fn attempt(queue: &Queue, handler: &dyn Handler, job: &Job) -> Result<Outcome, Error> {
    let run = AssertUnwindSafe(handler.run(job)).catch_unwind();
    tokio::select! {
        outcome = run => outcome.unwrap_or_else(|panic| Err(Error::internal(panic_text(&*panic)))),
        error = keep_lease(queue, job) => Err(error),
        () = tokio::time::sleep(handler.time_limit()) => {
            Err(Error::internal(format!("it took longer than {:?}", handler.time_limit())))
        }
    }
}

/// Extends the lease thrice in its length; ends only when it is lost. That the database is away
/// for a moment does not end it: nobody else can take the job then either.
async fn keep_lease(queue: &Queue, job: &Job) -> Error {
    loop {
        tokio::time::sleep(job.lease / 3).await;
        match queue.extend(job).await {
            Ok(()) => {}
            Err(error) if error.code() == LOST => return error,
            Err(error) => tracing::warn!(?error, "the lease could not be extended"),
        }
    }
}

/// Writes how the attempt ended. What made it fail may be that the database is away, and then this
/// cannot be written either: it is tried for as long as nobody else can take the job. To leave it
/// to the end of the lease would make a moment's outage a minute's pause.
async fn settle(
    queue: &Queue,
    job: &Job,
    outcome: Result<Outcome, Error>,
    longest: Duration,
) -> Result<Ended, Error> {
    let outcome = match outcome {
        Err(error) if error.code() == LOST => return Err(error),
        outcome => outcome,
    };
    let end = Instant::now() + job.lease;
    loop {
        match write(queue, job, &outcome, longest).await {
            Err(error) if error.is_transient() && Instant::now() + WRITE_AGAIN < end => {
                tracing::debug!(?error, "how the job ended is yet to be written");
                tokio::time::sleep(WRITE_AGAIN).await;
            }
            written => return written,
        }
    }
}

async fn write(
    queue: &Queue,
    job: &Job,
    outcome: &Result<Outcome, Error>,
    longest: Duration,
) -> Result<Ended, Error> {
    match outcome {
        Ok(Outcome::Completed) => Ok(Ended::Done),
        Ok(Outcome::Postponed(at)) => Ok(Ended::Postponed(*at)),
        Ok(Outcome::Done) => queue.complete(job).await.map(|()| Ended::Done),
        Ok(Outcome::RetryIn(time)) => queue.postpone(job, *time).await.map(Ended::Postponed),
        Ok(Outcome::GiveUp(reason)) => {
            queue.bury(job, reason).await?;
            tracing::error!(reason, "the job was given up");
            Ok(Ended::Dead)
        }
        Err(error) => {
            let next = queue.fail(job, &format!("{error:?}"), longest).await?;
            match next {
                Some(at) => tracing::warn!(?error, %at, "the job failed and will be tried again"),
                None => tracing::error!(?error, "the job failed for the last time and is dead"),
            }
            Ok(next.map_or(Ended::Dead, Ended::Failed))
        }
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().map(str::to_owned);
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    format!("the handler panicked: {}", text.unwrap_or_default())
}

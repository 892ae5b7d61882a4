//! Sends spans to a collector by OTLP over HTTP, as protobuf (OpenTelemetry Protocol 1.x).
//!
//! All of it happens behind the work that is traced: spans are gathered for a moment, sent a few
//! hundred at a time, and sent again where the collector asks for that. One that is away costs the
//! shop nothing but the spans: what waits is bounded by the [`Outbox`], and what finds no room
//! there was dropped and counted before it came here.

mod encode;
mod send;

use std::{fmt, mem, time::Duration};

use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use techcommerce_follow::{Current, Source};
use techcommerce_kernel::{Env, Error};
use techcommerce_telemetry::trace::{Batch, Outbox};
use tokio::{
    task::JoinHandle,
    time::{Instant, timeout, timeout_at},
};
use tokio_util::sync::CancellationToken;

use crate::{encode::Resource, send::Sender};

/// How many spans make a message, roughly: the last trace comes whole.
const MESSAGE: usize = 512;
/// How long spans are gathered for a message.
const GATHER: Duration = Duration::from_secs(1);

/// Headers that are sent along.
pub type Headers = Vec<(HeaderName, HeaderValue)>;

/// Where spans go, and what is said of the process that they come from.
#[derive(Clone)]
pub struct Export {
    /// As `http://collector:4318`; spans go to `/v1/traces` below it.
    pub endpoint: Uri,
    /// Sent along, as the collector's key.
    pub headers: Headers,
    /// The version of the program.
    pub version: &'static str,
    /// Names this process among all that run.
    pub instance: String,
    /// What else is said of it, by OpenTelemetry's names, as `k8s.pod.name`.
    pub attributes: Vec<(String, String)>,
}

/// Exports until it is finished.
#[derive(Debug)]
pub struct Exporter {
    stop: CancellationToken,
    headers: Current<HeaderMap>,
    task: JoinHandle<()>,
}

impl Exporter {
    /// Begins to export what comes to `outbox`.
    ///
    /// # Errors
    /// `invalid` for an endpoint that no address can be made of.
    pub fn start(export: Export, outbox: Outbox, env: Env) -> Result<Self, Error> {
        let headers = Source::fixed(export.headers.clone());
        Self::following(export, headers, outbox, env)
    }

    /// The same, with headers that may change; those of `export` are what `headers` holds.
    ///
    /// # Errors
    /// As there.
    pub fn following(
        export: Export,
        headers: Source<Headers>,
        outbox: Outbox,
        env: Env,
    ) -> Result<Self, Error> {
        let stop = CancellationToken::new();
        let sender = Sender::new(&export, headers, env, stop.clone())?;
        let headers = sender.headers().clone();
        let work = Work {
            resource: Resource::of(export),
            sender,
            outbox,
        };
        let task = tokio::spawn(work.run(stop.clone()));
        Ok(Self {
            stop,
            headers,
            task,
        })
    }

    /// The headers, for whoever looks whether they changed.
    pub fn headers(&self) -> &Current<HeaderMap> {
        &self.headers
    }

    /// Sends what is left, for as long as `within`. Call it last: spans that end later stay.
    pub async fn finish(self, within: Duration) {
        self.stop.cancel();
        let task = self.task.abort_handle();
        if timeout(within, self.task).await.is_err() {
            tracing::warn!("the last spans could not be sent in time");
            task.abort();
        }
    }
}

/// Whether the collector takes what is sent to it, tried with a message without spans.
///
/// # Errors
/// Why it does not.
pub async fn check(export: &Export, env: Env) -> Result<(), Error> {
    let headers = Source::fixed(export.headers.clone());
    let sender = Sender::new(export, headers, env, CancellationToken::new())?;
    sender.try_out().await
}

struct Work {
    resource: Resource,
    sender: Sender,
    outbox: Outbox,
}

impl Work {
    async fn run(mut self, stop: CancellationToken) {
        let mut gathered = Gathered::default();
        while let Some(Some(first)) = stop.run_until_cancelled(self.outbox.next()).await {
            gathered.add(first);
            let until = Instant::now() + GATHER;
            while gathered.spans < MESSAGE && !stop.is_cancelled() {
                let next = timeout_at(until, self.outbox.next());
                match stop.run_until_cancelled(next).await {
                    Some(Ok(Some(batch))) => gathered.add(batch),
                    _ => break,
                }
            }
            self.send(&mut gathered).await;
        }
        while let Some(batch) = self.outbox.ready() {
            gathered.add(batch);
            if gathered.spans >= MESSAGE {
                self.send(&mut gathered).await;
            }
        }
        self.send(&mut gathered).await;
    }

    async fn send(&mut self, gathered: &mut Gathered) {
        let Gathered { batches, spans } = mem::take(gathered);
        if spans == 0 {
            return;
        }
        let message = self.resource.message(batches);
        let rejected = match self.sender.send(message).await {
            Ok(rejected) => rejected.min(spans),
            Err(_told) => spans,
        };
        self.outbox.settled(spans - rejected, rejected);
    }
}

#[derive(Default)]
struct Gathered {
    batches: Vec<Batch>,
    spans: usize,
}

impl Gathered {
    fn add(&mut self, batch: Batch) {
        self.spans += batch.spans.len();
        self.batches.push(batch);
    }
}

impl fmt::Debug for Export {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The headers hold keys, and an address may as well.
        f.debug_struct("Export")
            .field("instance", &self.instance)
            .finish_non_exhaustive()
    }
}

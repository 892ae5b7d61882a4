//! Group commit: requests that wait at the same time are decided in one transaction.
//!
//! In a rush on one variant each request alone would wait for the row's lock and for the disk.
//! Together they take the rows once, in the order of ids, and wait once.

use std::collections::{BTreeMap, HashSet};

use techcommerce_kernel::{Env, Error, Uuid};
use techcommerce_store::{Db, transact};
use techcommerce_telemetry::{ActiveSpan, Counter, Span, SpanKind};
use tokio::sync::{mpsc, oneshot};

use super::{
    expire::expire_all,
    lines::Wanted,
    reserve::{Answer, reserve},
    sold_out::SoldOut,
};
use crate::model::Notifier;

/// How many requests may wait; beyond that the caller is told to come back.
const QUEUE: usize = 2_000;
/// How many requests one transaction decides.
const BATCH: usize = 200;

/// Who waits: for what, below which span, and where the answer goes.
type Waiting = (Wanted, Option<ActiveSpan>, oneshot::Sender<Answer>);

/// Takes requests and waits for their answers. Clones share one queue.
#[derive(Debug, Clone)]
pub struct Collector {
    queue: mpsc::Sender<Waiting>,
    sold_out: SoldOut,
}

/// Decides what waits in the queue. Run it once.
pub struct CollectorTask {
    queue: mpsc::Receiver<Waiting>,
    db: Db,
    env: Env,
    notifier: Notifier,
    sold_out: SoldOut,
    /// Reservations that ran out.
    expired: Counter,
}

impl Collector {
    /// A queue, and the task that empties it.
    pub fn new(db: Db, env: Env, notifier: Notifier) -> (Self, CollectorTask) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let sold_out = SoldOut::new(env.clone(), notifier.clone());
        (
            Self {
                queue: sender,
                sold_out: sold_out.clone(),
            },
            CollectorTask {
                queue: receiver,
                db,
                env,
                notifier,
                sold_out,
                expired: Counter::default(),
            },
        )
    }

    /// Whether these lines may be there, without asking anybody: for a caller who would prepare
    /// something before it reserves.
    ///
    /// # Errors
    /// `out_of_stock` if it was decided a moment ago that they are not.
    pub fn look(&self, lines: &BTreeMap<Uuid, i64>) -> Result<(), Error> {
        self.sold_out.look(lines)
    }

    /// Waits until the request is decided.
    ///
    /// # Errors
    /// See [`reserve`]; `unavailable` if too many wait or the process is shutting down.
    pub async fn reserve(&self, wanted: Wanted) -> Answer {
        let (answer, decided) = oneshot::channel();
        let span = Span::child(SpanKind::Internal, || "reserve");
        let waiting = (wanted, span.active(), answer);
        self.queue.try_send(waiting).map_err(|_| {
            Error::unavailable("Too many people are buying at once. Please try again.")
        })?;
        decided.await.unwrap_or_else(|_| {
            Err(Error::unavailable(
                "The shop is restarting. Please try again.",
            ))
        })
    }
}

/// What is done for all at once is part of the first one's trace, and linked to the others.
fn span_of_all(waiting: &[ActiveSpan]) -> Span {
    let Some((first, others)) = waiting.split_first() else {
        return Span::default();
    };
    let mut span = first.child(SpanKind::Internal, "decide reservations");
    for other in others {
        span.link(other.link("decided_together"));
    }
    span
}

impl CollectorTask {
    /// The same; reservations that it takes back are counted there.
    #[must_use]
    pub fn counting(self, expired: Counter) -> Self {
        Self { expired, ..self }
    }

    /// Runs until `stop`, then decides what still waits and takes nothing new.
    pub async fn run(mut self, stop: impl Future<Output = ()>) {
        let mut stop = std::pin::pin!(stop);
        let mut batch = Vec::new();
        loop {
            if batch.is_empty() {
                tokio::select! {
                    biased;
                    received = self.queue.recv_many(&mut batch, BATCH) => {
                        if received == 0 {
                            return;
                        }
                    }
                    () = &mut stop, if !self.queue.is_closed() => {
                        self.queue.close();
                        continue;
                    }
                }
            }
            while batch.len() < BATCH
                && let Ok(waiting) = self.queue.try_recv()
            {
                batch.push(waiting);
            }
            // Two requests with one id are decided one after the other.
            let mut ids = HashSet::new();
            let (now, later) = batch
                .into_iter()
                .partition(|(wanted, ..)| ids.insert(wanted.id));
            batch = later;
            self.decide(now).await;
        }
    }

    async fn decide(&self, waiting: Vec<Waiting>) {
        let mut requests = Vec::with_capacity(waiting.len());
        let (mut spans, mut answers) = (Vec::new(), Vec::with_capacity(waiting.len()));
        for (wanted, span, answer) in waiting {
            requests.push(wanted);
            spans.extend(span);
            answers.push(answer);
        }
        let span = span_of_all(&spans);
        let heard = self.sold_out.heard();
        let decided = span.around(self.decide_all(&requests)).await;
        drop(span);
        for refusal in decided.iter().filter_map(|answer| answer.as_ref().err()) {
            self.sold_out.decided(refusal, heard);
        }
        for (answer, decision) in answers.into_iter().zip(decided) {
            // Whoever no longer waits asks again with the same id and gets the same answer.
            let _ = answer.send(decision);
        }
    }

    async fn decide_all(&self, requests: &[Wanted]) -> Vec<Answer> {
        let mut decided = self.transaction(requests).await;
        let short = |answer: &Answer| matches!(answer, Err(error) if error.code() == techcommerce_contracts::codes::OUT_OF_STOCK);
        if !decided.iter().any(short) {
            return decided;
        }
        // Stock whose deadline has passed is not left to the next run of the schedule.
        match expire_all(&self.db, &self.env).await {
            Ok(expired) if expired.count > 0 => {
                self.expired.inc_by(expired.count);
                self.notifier.changed(expired.position);
            }
            Ok(_) => return decided,
            Err(error) => {
                tracing::warn!(?error, "overdue reservations could not be taken back");
                return decided;
            }
        }
        let places: Vec<usize> = (0..decided.len())
            .filter(|index| short(&decided[*index]))
            .collect();
        let again: Vec<Wanted> = places
            .iter()
            .map(|index| requests[*index].clone())
            .collect();
        for (index, answer) in places.into_iter().zip(self.transaction(&again).await) {
            decided[index] = answer;
        }
        decided
    }

    /// Decides all in one transaction; if that fails as a whole, each in its own.
    async fn transaction(&self, requests: &[Wanted]) -> Vec<Answer> {
        match self.once(requests).await {
            Ok(answers) => answers,
            Err(error) if requests.len() == 1 => vec![Err(error)],
            Err(error) => {
                tracing::warn!(
                    ?error,
                    requests = requests.len(),
                    "a batch of reservations failed; each is tried alone"
                );
                let mut answers = Vec::with_capacity(requests.len());
                for request in requests {
                    answers.push(match self.once(std::slice::from_ref(request)).await {
                        Ok(mut one) => one.pop().unwrap_or_else(|| {
                            Err(Error::internal("a reservation was not answered"))
                        }),
                        Err(error) => Err(error),
                    });
                }
                answers
            }
        }
    }

    async fn once(&self, requests: &[Wanted]) -> Result<Vec<Answer>, Error> {
        let (answers, position) =
            transact!(self.db, |tx| -> Result<(Vec<Answer>, Option<i64>), Error> {
                reserve(tx, &self.env, requests).await
            })?;
        self.notifier.taken(position);
        Ok(answers)
    }
}

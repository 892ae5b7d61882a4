//! The job that sends one event to one endpoint, again and again until it arrives or is given up.
//!
//! It sends at least once: a worker that dies after the event arrived and before that is written
//! down sends it again, with the same `webhook-id`.

use std::time::Duration;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};
use techcommerce_contracts::order_api::{WebhookDisabled, WebhookEventType};
use techcommerce_jobs::{Job, Outcome};
use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Conn, execute, transact, with};

use super::{
    body::event_id,
    endpoints::disable,
    schedule,
    secret::{Secret, signatures},
    send::{Answer, Message},
};
use crate::{app::App, faults::Point};

/// The job's kind.
pub(super) const KIND: &str = "webhook.deliver";

/// The most secrets that sign at once: the one in force and those of before.
const SECRETS: i64 = 3;

/// Sends a delivery.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Deliver {
    pub delivery: Uuid,
}

/// Runs [`Deliver`].
pub(super) struct Handler(pub App);

#[derive(sqlx::FromRow)]
struct Due {
    id: Uuid,
    endpoint_id: Uuid,
    event_id: Uuid,
    state: String,
    job_id: Uuid,
    tries: i64,
    url: String,
    enabled: bool,
    deleted: bool,
    r#type: String,
    body: String,
}

impl Due {
    fn is_trial(&self) -> bool {
        self.r#type == WebhookEventType::WebhookTest.name()
    }
}

#[async_trait]
impl techcommerce_jobs::Handler for Handler {
    fn kind(&self) -> &'static str {
        KIND
    }

    async fn run(&self, job: &Job) -> Result<Outcome, Error> {
        let Self(app) = self;
        let Deliver { delivery } = job.payload()?;
        let Some(due) = load(app, delivery).await? else {
            // Taken away with its endpoint, or too old.
            return Ok(Outcome::Done);
        };
        if due.state != "pending" || due.job_id != job.id || due.deleted {
            return Ok(Outcome::Done);
        }
        if !due.enabled && !due.is_trial() {
            return give_up(app, job, &due).await;
        }
        let now = app.env.now();
        let turn = match app.webhooks.lanes.enter(due.endpoint_id, now) {
            Ok(turn) => turn,
            Err(time) => return Ok(Outcome::RetryIn(time)),
        };
        let answer = send(app, &due, now).await?;
        let took = app.env.now().since(now);
        turn.took(took);
        app.webhooks.attempts.with([answer.outcome]).inc();
        app.faults.at(Point::After("webhook"))?;
        let attempt = Attempt {
            at: now,
            milliseconds: i64::try_from(took.as_millis()).unwrap_or(i64::MAX),
            answer,
        };
        record(app, job, &due, &attempt).await
    }
}

async fn load(app: &App, delivery: Uuid) -> Result<Option<Due>, Error> {
    const LOAD: &str = "SELECT d.id, d.endpoint_id, d.event_id, d.state, d.job_id, \
         d.tries, e.url, e.enabled, e.deleted_at IS NOT NULL AS deleted, v.type, v.body \
         FROM webhook_deliveries d JOIN webhook_endpoints e ON e.id = d.endpoint_id \
         JOIN webhook_events v ON v.id = d.event_id WHERE d.id = $1";
    let mut conn = app.db.read().await?;
    Ok(with!(conn, |c| sqlx::query_as(LOAD)
        .bind(delivery)
        .fetch_optional(c)
        .await)?)
}

/// The secrets that sign at `now`, the newest first.
async fn secrets(app: &App, endpoint: Uuid, now: Timestamp) -> Result<Vec<Secret>, Error> {
    const SIGNING: &str = "SELECT secret FROM webhook_secrets \
         WHERE endpoint_id = $1 AND (ends_at IS NULL OR ends_at > $2) \
         ORDER BY created_at DESC, id DESC LIMIT $3";
    let mut conn = app.db.read().await?;
    let found: Vec<String> = with!(conn, |c| sqlx::query_scalar(SIGNING)
        .bind(endpoint)
        .bind(now.as_micros())
        .bind(SECRETS)
        .fetch_all(c)
        .await)?;
    Ok(found.into_iter().map(Secret::stored).collect())
}

async fn send(app: &App, due: &Due, now: Timestamp) -> Result<Answer, Error> {
    let secrets = secrets(app, due.endpoint_id, now).await?;
    let id = event_id(due.event_id);
    let signatures = signatures(&secrets, &id, now.as_seconds(), &due.body)?;
    let message = Message {
        url: &due.url,
        id: &id,
        at: now,
        signatures: &signatures,
        body: &due.body,
    };
    Ok(app.webhooks.sender.send(&message).await)
}

struct Attempt {
    at: Timestamp,
    milliseconds: i64,
    answer: Answer,
}

/// How a delivery stands after an attempt.
struct Stands {
    state: &'static str,
    tries: i64,
    finished_at: Option<Timestamp>,
}

/// What an attempt leads to.
enum Next {
    Arrived,
    /// Never again.
    Failed,
    /// Not before so much time has passed.
    In(Duration),
}

/// How the endpoint stands after an answer.
enum Endpoint {
    Enabled,
    Disabled,
    /// It has another address, of which the answer says nothing.
    Moved,
}

/// Writes an attempt down, with what it leads to, if the job is still ours.
async fn record(app: &App, job: &Job, due: &Due, attempt: &Attempt) -> Result<Outcome, Error> {
    let now = app.env.now();
    let next = if attempt.answer.arrived() {
        Next::Arrived
    } else if due.is_trial() || attempt.answer.is_gone() {
        Next::Failed
    } else {
        let wish = attempt.answer.retry_after;
        schedule::pause(&app.env, due.tries + 1, wish).map_or(Next::Failed, Next::In)
    };
    let outcome = transact!(app.db, |tx| -> Result<Outcome, Error> {
        job.guard(tx).await?;
        // The endpoint comes before its deliveries, wherever both are taken.
        let endpoint = standing(tx, app, due, &attempt.answer).await?;
        let tried = due.tries + 1;
        let (state, tries, pause) = match (&next, endpoint) {
            (Next::Arrived, _) => ("delivered", tried, None),
            // At once, and with as many tries as there were.
            (_, Endpoint::Moved) => ("pending", due.tries, Some(Duration::ZERO)),
            (Next::In(time), Endpoint::Enabled) => ("pending", tried, Some(*time)),
            (Next::In(_) | Next::Failed, _) => ("failed", tried, None),
        };
        let stands = Stands {
            state,
            tries,
            finished_at: pause.is_none().then_some(now),
        };
        let goes_on = settle(tx, due, attempt, &stands).await?;
        match pause.filter(|_| goes_on) {
            Some(time) => {
                let at = job.postpone_in(tx, &app.env, time).await?;
                Ok(Outcome::Postponed(at))
            }
            None => {
                job.complete_in(tx, &app.env).await?;
                Ok(Outcome::Completed)
            }
        }
    })?;
    app.queue.wake();
    Ok(outcome)
}

/// Writes how the endpoint stands after an answer. Trials that fail say nothing of it.
async fn standing(tx: &mut Conn, app: &App, due: &Due, answer: &Answer) -> Result<Endpoint, Error> {
    const WELL: &str = "UPDATE webhook_endpoints SET failing_since = NULL \
         WHERE id = $1 AND url = $2 AND failing_since IS NOT NULL";
    const FAILING: &str = "UPDATE webhook_endpoints SET failing_since = COALESCE(failing_since, $3) \
         WHERE id = $1 AND url = $2 RETURNING failing_since";
    if answer.arrived() {
        execute!(tx, sqlx::query(WELL).bind(due.endpoint_id).bind(&due.url))?;
        return Ok(Endpoint::Enabled);
    }
    if due.is_trial() {
        return Ok(Endpoint::Enabled);
    }
    let now = app.env.now();
    let since: Option<i64> = with!(tx, |c| sqlx::query_scalar(FAILING)
        .bind(due.endpoint_id)
        .bind(&due.url)
        .bind(now.as_micros())
        .fetch_optional(c)
        .await)?;
    let Some(since) = since.map(Timestamp::from_micros) else {
        return Ok(Endpoint::Moved);
    };
    let reason = if answer.is_gone() {
        WebhookDisabled::Gone
    } else if now.since(since) >= app.settings.webhooks.disable_after {
        WebhookDisabled::Failing
    } else {
        return Ok(Endpoint::Enabled);
    };
    // Its row is held, so its address is still the one that answered.
    disable(tx, app, due.endpoint_id, reason).await?;
    Ok(Endpoint::Disabled)
}

/// Writes the attempt and how the delivery stands after it. Gives whether the job goes on: not if
/// the delivery was taken away meanwhile, or is sent again by another job.
async fn settle(
    tx: &mut Conn,
    due: &Due,
    attempt: &Attempt,
    stands: &Stands,
) -> Result<bool, Error> {
    const SETTLE: &str = "UPDATE webhook_deliveries SET attempts = attempts + 1, \
         last_status = $3, state = $4, tries = $5, finished_at = $6 \
         WHERE id = $1 AND job_id = $2 RETURNING attempts";
    const COUNT: &str = "UPDATE webhook_deliveries SET attempts = attempts + 1, last_status = $2 \
         WHERE id = $1 RETURNING attempts";
    const ATTEMPT: &str = "INSERT INTO webhook_attempts \
         (delivery_id, number, at, milliseconds, status, error, answer) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let status = attempt.answer.status.map(i64::from);
    let settled: Option<i64> = with!(tx, |c| sqlx::query_scalar(SETTLE)
        .bind(due.id)
        .bind(due.job_id)
        .bind(status)
        .bind(stands.state)
        .bind(stands.tries)
        .bind(stands.finished_at.map(Timestamp::as_micros))
        .fetch_optional(c)
        .await)?;
    let number = match settled {
        Some(number) => Some(number),
        None => with!(tx, |c| sqlx::query_scalar(COUNT)
            .bind(due.id)
            .bind(status)
            .fetch_optional(c)
            .await)?,
    };
    if let Some(number) = number {
        execute!(
            tx,
            sqlx::query(ATTEMPT)
                .bind(due.id)
                .bind(number)
                .bind(attempt.at.as_micros())
                .bind(attempt.milliseconds)
                .bind(status)
                .bind(attempt.answer.error.as_deref())
                .bind(&attempt.answer.excerpt)
        )?;
    }
    Ok(settled.is_some())
}

/// The endpoint was disabled: nothing is sent.
async fn give_up(app: &App, job: &Job, due: &Due) -> Result<Outcome, Error> {
    const CANCEL: &str = "UPDATE webhook_deliveries \
         SET state = 'cancelled', finished_at = $2 \
         WHERE id = $1 AND state = 'pending'";
    transact!(app.db, |tx| -> Result<(), Error> {
        job.guard(tx).await?;
        let now = app.env.now().as_micros();
        execute!(tx, sqlx::query(CANCEL).bind(due.id).bind(now))?;
        job.complete_in(tx, &app.env).await
    })?;
    Ok(Outcome::Completed)
}

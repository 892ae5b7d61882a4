//! Deliveries as admins see them, and sending again.

use techcommerce_audit::Entry;
use techcommerce_contracts::{
    Page, Principal, codes,
    order_api::{
        WebhookAttempt, WebhookDelivery, WebhookDeliveryDetail, WebhookDeliveryQuery, WebhookResent,
    },
};
use techcommerce_http::cursor;
use techcommerce_jobs::enqueue;
use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Conn, execute, transact, with};

use super::{body::event_id, endpoints, events, unreadable};
use crate::app::App;

/// How many attempts are shown.
const ATTEMPTS: i64 = 50;
/// How many deliveries one transaction sends again, and one request.
const BATCH: i64 = 100;
const MOST: u64 = 1000;

const COLUMNS: &str = "d.id, d.endpoint_id, d.event_id, v.type, v.subject_id, v.sequence, \
     d.state, d.attempts, d.last_status, d.created_at, d.finished_at, \
     CASE WHEN d.state = 'pending' AND j.state = 'ready' THEN j.due_at END AS next_at";
/// When it is sent next is the job's to say.
const FROM: &str = "FROM webhook_deliveries d JOIN webhook_events v ON v.id = d.event_id \
     LEFT JOIN jobs j ON j.id = d.job_id";

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    endpoint_id: Uuid,
    event_id: Uuid,
    r#type: String,
    subject_id: Uuid,
    sequence: i64,
    state: String,
    attempts: i64,
    last_status: Option<i64>,
    created_at: i64,
    finished_at: Option<i64>,
    next_at: Option<i64>,
}

fn status(stored: Option<i64>) -> Option<u16> {
    stored.and_then(|status| u16::try_from(status).ok())
}

impl Row {
    fn shown(self) -> Result<WebhookDelivery, Error> {
        let time = |micros: Option<i64>| micros.map(Timestamp::from_micros);
        Ok(WebhookDelivery {
            id: self.id,
            webhook_id: self.endpoint_id,
            event_id: event_id(self.event_id),
            kind: self.r#type.parse().map_err(unreadable)?,
            subject_id: self.subject_id,
            sequence: self.sequence,
            state: self.state.parse().map_err(unreadable)?,
            attempts: self.attempts,
            last_status: status(self.last_status),
            next_attempt_at: time(self.next_at),
            created_at: Timestamp::from_micros(self.created_at),
            finished_at: time(self.finished_at),
        })
    }
}

fn not_found() -> Error {
    Error::not_found(
        codes::WEBHOOK_DELIVERY_NOT_FOUND,
        "There is no such delivery of this webhook; old ones are taken away.",
    )
}

/// A page of an endpoint's deliveries, the latest first.
///
/// # Errors
/// `webhook_not_found`, `invalid_input` for a cursor that is none.
pub(crate) async fn list(
    app: &App,
    endpoint: Uuid,
    query: &WebhookDeliveryQuery,
    limit: usize,
) -> Result<Page<WebhookDelivery>, Error> {
    endpoints::show(app, endpoint).await?;
    let after: Option<(i64, Uuid)> = query.cursor.as_deref().map(cursor::decode).transpose()?;
    let (at, id) = after.unwrap_or((i64::MAX, Uuid::max()));
    let sql = format!(
        "SELECT {COLUMNS} {FROM} WHERE d.endpoint_id = $1 \
         AND (d.created_at < $2 OR (d.created_at = $2 AND d.id < $3)) \
         AND ($4 = '' OR d.state = $4) AND ($5 = '' OR v.type = $5) \
         ORDER BY d.created_at DESC, d.id DESC LIMIT $6"
    );
    let mut conn = app.db.read().await?;
    let mut rows: Vec<Row> = with!(conn, |c| {
        sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(endpoint)
            .bind(at)
            .bind(id)
            .bind(query.state.map_or("", |state| state.name()))
            .bind(query.kind.map_or("", |kind| kind.name()))
            .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX))
            .fetch_all(c)
            .await
    })?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = match rows.last() {
        Some(last) if more => Some(cursor::encode(&(last.created_at, last.id))?),
        _ => None,
    };
    let items = rows.into_iter().map(Row::shown);
    Ok(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor,
    })
}

#[derive(sqlx::FromRow)]
struct AttemptRow {
    number: i64,
    at: i64,
    milliseconds: i64,
    status: Option<i64>,
    error: Option<String>,
    answer: String,
}

/// One delivery with all that is known of it.
///
/// # Errors
/// `webhook_delivery_not_found`.
pub(crate) async fn show(
    app: &App,
    endpoint: Uuid,
    id: Uuid,
) -> Result<WebhookDeliveryDetail, Error> {
    const MADE: &str = "SELECT number, at, milliseconds, status, error, answer \
         FROM webhook_attempts WHERE delivery_id = $1 ORDER BY number DESC LIMIT $2";
    const BODY: &str = "SELECT body FROM webhook_events WHERE id = $1";
    endpoints::show(app, endpoint).await?;
    let mut conn = app.db.read().await?;
    let row = find(&mut conn, endpoint, id).await?;
    let body: String = with!(conn, |c| sqlx::query_scalar(BODY)
        .bind(row.event_id)
        .fetch_one(c)
        .await)?;
    let made: Vec<AttemptRow> = with!(conn, |c| sqlx::query_as(MADE)
        .bind(id)
        .bind(ATTEMPTS)
        .fetch_all(c)
        .await)?;
    let attempts = made.into_iter().map(|row| WebhookAttempt {
        number: row.number,
        at: Timestamp::from_micros(row.at),
        milliseconds: row.milliseconds,
        status: status(row.status),
        error: row.error,
        answer: row.answer,
    });
    Ok(WebhookDeliveryDetail {
        attempts: attempts.collect(),
        body,
        delivery: row.shown()?,
    })
}

async fn find(conn: &mut Conn, endpoint: Uuid, id: Uuid) -> Result<Row, Error> {
    let sql = format!("SELECT {COLUMNS} {FROM} WHERE d.id = $1 AND d.endpoint_id = $2");
    let row: Option<Row> = with!(conn, |c| {
        sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(id)
            .bind(endpoint)
            .fetch_optional(c)
            .await
    })?;
    row.ok_or_else(not_found)
}

/// Nothing is sent again to an endpoint that is switched off.
async fn enabled(app: &App, endpoint: Uuid) -> Result<String, Error> {
    let webhook = endpoints::show(app, endpoint).await?;
    if !webhook.enabled {
        return Err(Error::conflict(
            codes::WEBHOOK_DISABLED,
            "The webhook is disabled. Enable it first.",
        ));
    }
    Ok(endpoints::title(&webhook.url, &webhook.description))
}

/// Sends an event again, at once and with all attempts before it, whatever became of it.
///
/// # Errors
/// `webhook_not_found`, `webhook_delivery_not_found`, `webhook_disabled`.
pub(crate) async fn resend(
    app: &App,
    who: &Principal,
    endpoint: Uuid,
    id: Uuid,
) -> Result<WebhookDelivery, Error> {
    let title = enabled(app, endpoint).await?;
    transact!(app.db, |tx| -> Result<(), Error> {
        let row = find(tx, endpoint, id).await?;
        again(tx, app, id).await?;
        let entry = Entry::new(who, "webhook.resend")
            .object("webhook", endpoint, &title)
            .change(&serde_json::json!({ "event": event_id(row.event_id) }));
        techcommerce_audit::record(tx, &app.env, entry).await
    })?;
    app.queue.wake();
    Ok(show(app, endpoint, id).await?.delivery)
}

/// The delivery begins anew with another job; that of before finds that it is not its own.
async fn again(tx: &mut Conn, app: &App, id: Uuid) -> Result<(), Error> {
    const AGAIN: &str = "UPDATE webhook_deliveries SET state = 'pending', job_id = $2, tries = 0, \
         finished_at = NULL WHERE id = $1";
    let job = enqueue(tx, &app.env, events::job(id)?).await?;
    match execute!(tx, sqlx::query(AGAIN).bind(id).bind(job))? {
        0 => Err(not_found()),
        _ => Ok(()),
    }
}

/// Sends again what has not arrived and is not tried any more, the oldest first.
///
/// # Errors
/// `webhook_not_found`, `webhook_disabled`.
pub(crate) async fn resend_failed(
    app: &App,
    who: &Principal,
    endpoint: Uuid,
) -> Result<WebhookResent, Error> {
    const LOST: &str = "SELECT d.id FROM webhook_deliveries d \
         JOIN webhook_events v ON v.id = d.event_id \
         WHERE d.endpoint_id = $1 AND d.state IN ('failed', 'cancelled') \
         AND v.type <> 'webhook.test' ORDER BY d.created_at, d.id LIMIT $2";
    let title = enabled(app, endpoint).await?;
    let mut count = 0;
    while count < MOST {
        let sent = transact!(app.db, |tx| -> Result<u64, Error> {
            let lost: Vec<Uuid> = with!(tx, |c| sqlx::query_scalar(LOST)
                .bind(endpoint)
                .bind(BATCH)
                .fetch_all(c)
                .await)?;
            for id in &lost {
                again(tx, app, *id).await?;
            }
            Ok(u64::try_from(lost.len()).unwrap_or(0))
        })?;
        if sent == 0 {
            break;
        }
        count += sent;
    }
    transact!(app.db, |tx| -> Result<(), Error> {
        let entry = Entry::new(who, "webhook.resend")
            .object("webhook", endpoint, &title)
            .change(&serde_json::json!({ "count": count }));
        techcommerce_audit::record(tx, &app.env, entry).await
    })?;
    app.queue.wake();
    Ok(WebhookResent { count })
}

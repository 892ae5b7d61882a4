//! What happened, written in the transaction in which it happened, with a delivery and a job for
//! each endpoint that wants to know. A shop without endpoints pays one small read.

use std::time::Duration;

use techcommerce_contracts::order_api::WebhookEventType as Kind;
use techcommerce_jobs::{NewJob, enqueue};
use techcommerce_kernel::{Currency, Error, Timestamp, Uuid};
use techcommerce_store::{Conn, execute, with};

use super::{
    body::{self, Body, Data, OrderFacts, Subject},
    deliver,
};
use crate::{
    app::App,
    orders::{Changed, Loaded, unreadable},
    path::{Effect, Event, Fulfillment},
};

/// An endpoint that is told something.
#[derive(sqlx::FromRow)]
pub(super) struct Listener {
    pub id: Uuid,
    pub types: String,
}

/// Writes that an order was placed.
///
/// # Errors
/// Those of the database.
pub(crate) async fn order_placed(tx: &mut Conn, app: &App, loaded: &Loaded) -> Result<(), Error> {
    let listeners = listeners(tx).await?;
    if listeners.is_empty() {
        return Ok(());
    }
    let order = &loaded.order;
    let currency: Currency = order.currency.parse().map_err(unreadable)?;
    let placed_at = Timestamp::from_micros(order.placed_at);
    let facts = OrderFacts::new(order.number, &order.path.0, currency, placed_at);
    let data = Data {
        order: Some(facts),
        ..Data::default()
    };
    announce(tx, app, &listeners, order.id, &[Kind::OrderPlaced], &data).await
}

/// Writes what an event brought about for an order.
///
/// # Errors
/// Those of the database.
pub(crate) async fn order_changed(
    tx: &mut Conn,
    app: &App,
    event: &Event,
    effects: &[Effect],
    changed: &Changed,
) -> Result<(), Error> {
    let kinds = kinds(event, effects, changed);
    if kinds.is_empty() {
        return Ok(());
    }
    let listeners = listeners(tx).await?;
    if listeners.is_empty() {
        return Ok(());
    }
    let state = &changed.after;
    let currency: Currency = changed.currency.parse().map_err(unreadable)?;
    let facts = OrderFacts::new(changed.number, state, currency, changed.placed_at);
    let data = body::data(facts, event, state, currency);
    announce(tx, app, &listeners, state.order, &kinds, &data).await
}

/// What others may be told of it: entries of the timeline, and that all is sent.
fn kinds(event: &Event, effects: &[Effect], changed: &Changed) -> Vec<Kind> {
    let mut kinds: Vec<Kind> = effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Timeline(entry) => of_timeline(entry),
            _ => None,
        })
        .collect();
    let shipped = matches!(event, Event::Shipped { .. });
    if shipped && changed.after.fulfillment() == Fulfillment::Fulfilled {
        // Before `order.completed`, which may be among them.
        let at = kinds.iter().position(|kind| *kind == Kind::OrderShipped);
        kinds.insert(at.map_or(kinds.len(), |at| at + 1), Kind::OrderFulfilled);
        kinds.sort_by_key(|kind| *kind == Kind::OrderCompleted);
    }
    kinds
}

fn of_timeline(entry: &str) -> Option<Kind> {
    match entry {
        "authorized" => Some(Kind::OrderAuthorized),
        "paid" => Some(Kind::OrderPaid),
        "payment_failed" => Some(Kind::OrderPaymentFailed),
        "cancelled" => Some(Kind::OrderCancelled),
        "shipped" => Some(Kind::OrderShipped),
        "completed" => Some(Kind::OrderCompleted),
        "refunded" => Some(Kind::OrderRefunded),
        // At once, or days after it seemed to be made.
        "refund_failed" | "refund_returned" => Some(Kind::OrderRefundFailed),
        // Steps of the house.
        _ => None,
    }
}

/// Who is told anything.
///
/// # Errors
/// Those of the database.
pub(super) async fn listeners(tx: &mut Conn) -> Result<Vec<Listener>, Error> {
    const LISTENERS: &str =
        "SELECT id, types FROM webhook_endpoints WHERE enabled AND deleted_at IS NULL ORDER BY id";
    Ok(with!(tx, |c| sqlx::query_as(LISTENERS).fetch_all(c).await)?)
}

async fn announce(
    tx: &mut Conn,
    app: &App,
    listeners: &[Listener],
    order: Uuid,
    kinds: &[Kind],
    data: &Data,
) -> Result<(), Error> {
    const SEQUENCE: &str = "UPDATE orders SET webhook_sequence = webhook_sequence + 1 \
         WHERE id = $1 RETURNING webhook_sequence";
    for (place, kind) in (0..).zip(kinds) {
        let wanting = listeners.iter().filter(|it| wants(&it.types, *kind));
        let wanting: Vec<Uuid> = wanting.map(|listener| listener.id).collect();
        if wanting.is_empty() {
            continue;
        }
        let sequence: i64 = with!(tx, |c| sqlx::query_scalar(SEQUENCE)
            .bind(order)
            .fetch_one(c)
            .await)?;
        let subject = Subject {
            kind: "order",
            id: order,
        };
        let about = About {
            kind: *kind,
            subject,
            sequence,
            at: app.env.now(),
            // What happened at once is sent one after the other.
            after: Duration::from_micros(place),
        };
        write(tx, app, about, data, &wanting).await?;
    }
    Ok(())
}

/// Whether an endpoint that chose `types` is told of `kind`.
pub(super) fn wants(types: &str, kind: Kind) -> bool {
    types.is_empty() || types.split(' ').any(|name| name == kind.name())
}

/// What is written of an event beside what it says.
pub(super) struct About {
    pub kind: Kind,
    pub subject: Subject,
    pub sequence: i64,
    /// When it happened.
    pub at: Timestamp,
    /// How much later than it is written it is sent.
    pub after: Duration,
}

/// Writes an event and its deliveries to `endpoints`; gives the last delivery.
///
/// # Errors
/// Those of the database.
pub(super) async fn write(
    tx: &mut Conn,
    app: &App,
    about: About,
    data: &Data,
    endpoints: &[Uuid],
) -> Result<Option<Uuid>, Error> {
    const EVENT: &str = "INSERT INTO webhook_events \
         (id, type, subject_id, sequence, body, created_at) VALUES ($1, $2, $3, $4, $5, $6)";
    const DELIVERY: &str = "INSERT INTO webhook_deliveries \
         (id, endpoint_id, event_id, state, job_id, attempts, tries, created_at) \
         VALUES ($1, $2, $3, 'pending', $4, 0, 0, $5)";
    let About {
        kind,
        subject,
        sequence,
        at,
        after,
    } = about;
    let (id, now) = (app.env.new_id(), app.env.now());
    let body = Body::new(id, kind, at, subject, sequence, data).text()?;
    execute!(
        tx,
        sqlx::query(EVENT)
            .bind(id)
            .bind(kind.name())
            .bind(subject.id)
            .bind(sequence)
            .bind(&body)
            .bind(now.as_micros())
    )?;
    let mut last = None;
    for endpoint in endpoints {
        let delivery = app.env.new_id();
        let job = enqueue(tx, &app.env, job(delivery)?.after(after)).await?;
        execute!(
            tx,
            sqlx::query(DELIVERY)
                .bind(delivery)
                .bind(*endpoint)
                .bind(id)
                .bind(job)
                .bind(now.as_micros())
        )?;
        last = Some(delivery);
    }
    Ok(last)
}

/// The job that sends a delivery.
///
/// # Errors
/// `internal` if it cannot be written.
pub(super) fn job(delivery: Uuid) -> Result<NewJob, Error> {
    NewJob::new(deliver::KIND).payload(&deliver::Deliver { delivery })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_told_what_it_chose() {
        assert!(wants("", Kind::OrderPaid));
        let some = " order.paid order.refunded ";
        assert!(wants(some, Kind::OrderPaid) && wants(some, Kind::OrderRefunded));
        assert!(!wants(some, Kind::OrderRefundFailed) && !wants(some, Kind::OrderPlaced));
    }
}

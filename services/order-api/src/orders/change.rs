//! Changing an order: one event, in one transaction, with all that is written down beside it.

use sqlx::types::Json;
use techcommerce_contracts::codes;
use techcommerce_jobs::{NewJob, enqueue};
use techcommerce_kernel::{Env, Error, Kind, Timestamp, Uuid};
use techcommerce_store::{Conn, execute, with};

use crate::{
    app::App,
    carts, discounts,
    path::{CancelReason, Effect, Entry, Event, Refusal, State, Step},
    payment::findings,
    saga::{Advance, Mailing, Overdue},
    webhooks,
};

/// The code of the error that says that an event contradicts what is known: never to be retried.
pub const CONTRADICTION: &str = "contradiction";

/// Who or what brings an event.
#[derive(Debug, Clone, Copy)]
pub struct Cause<'a> {
    /// As `account:0193…` or `system`.
    pub actor: &'a str,
    /// Why, in the words of staff for staff; may be empty.
    pub reason: &'a str,
    /// What the customer is told of it; may be empty.
    pub message: &'a str,
    /// Whether a job already takes the order further, so that none has to be written.
    pub by_job: bool,
}

impl<'a> Cause<'a> {
    /// That `actor` did it, who says nothing about it.
    pub fn by(actor: &'a str) -> Self {
        Self {
            actor,
            reason: "",
            message: "",
            by_job: false,
        }
    }
}

/// An order before and after a change.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Names the order for people.
    pub number: i64,
    /// Where it stood.
    pub before: State,
    /// Where it stands.
    pub after: State,
    /// What it is paid in.
    pub currency: String,
    /// When it was placed.
    pub placed_at: Timestamp,
}

impl Changed {
    /// Whether anything changed: what was known already does not.
    pub fn is_news(&self) -> bool {
        self.before != self.after
    }
}

#[derive(sqlx::FromRow)]
struct Locked {
    number: i64,
    path: Json<State>,
    cart_key: String,
    discount_code: Option<String>,
    currency: String,
    placed_at: i64,
}

/// Applies `event` to the order. Two that change one order at once come one after the other.
/// Call [`Queue::wake`](techcommerce_jobs::Queue::wake) after the commit.
///
/// # Errors
/// `order_not_found`, and those of [`refused`].
pub async fn change(
    tx: &mut Conn,
    app: &App,
    order: Uuid,
    event: &Event,
    cause: Cause<'_>,
) -> Result<Changed, Error> {
    // Taking the row with an update makes others wait on both engines.
    const LOCK: &str = "UPDATE orders SET version = version + 1 WHERE id = $1 \
         RETURNING number, path, cart_key, discount_code, currency, placed_at";
    let locked: Option<Locked> = with!(tx, |c| sqlx::query_as(LOCK)
        .bind(order)
        .fetch_optional(c)
        .await)?;
    let locked = locked.ok_or_else(super::not_found)?;
    let old = &locked.path.0;
    let step = old.apply(event).map_err(|refusal| refused(app, refusal))?;
    if step.state == *old {
        return Ok(Changed {
            number: locked.number,
            before: step.state.clone(),
            after: step.state,
            currency: locked.currency,
            placed_at: Timestamp::from_micros(locked.placed_at),
        });
    }
    let job = match step.commands.is_empty() || cause.by_job {
        true => None,
        false => Some(enqueue(tx, &app.env, Advance::job(order)?).await?),
    };
    save(tx, app, order, &step.state, job).await?;
    for refund in &step.state.refunds {
        if !old.refunds.iter().any(|known| known.id == refund.id) {
            add_refund(tx, app, order, refund.id, refund.amount, cause).await?;
            if refund.id == order {
                let under_way = step.state.refunds_that_count();
                findings::paid_back_with(tx, order, refund.id, &under_way, app.env.now()).await?;
            }
        }
    }
    write_effects(tx, app, order, &locked, &step, cause).await?;
    let changed = Changed {
        number: locked.number,
        before: locked.path.0,
        after: step.state,
        currency: locked.currency,
        placed_at: Timestamp::from_micros(locked.placed_at),
    };
    webhooks::order_changed(tx, app, event, &step.effects, &changed).await?;
    Ok(changed)
}

/// Where the order stands, locked until the transaction ends.
///
/// # Errors
/// `order_not_found`.
pub async fn lock(tx: &mut Conn, order: Uuid) -> Result<State, Error> {
    const LOCK: &str = "UPDATE orders SET version = version WHERE id = $1 RETURNING path";
    let path: Option<Json<State>> = with!(tx, |c| sqlx::query_scalar(LOCK)
        .bind(order)
        .fetch_optional(c)
        .await)?;
    Ok(path.ok_or_else(super::not_found)?.0)
}

async fn save(
    tx: &mut Conn,
    app: &App,
    order: Uuid,
    state: &State,
    job: Option<Uuid>,
) -> Result<(), Error> {
    const SAVE: &str = "UPDATE orders SET path = $2, status = $3, payment_status = $4, \
         fulfillment_status = $5, captured = $6, refunded = $7, job_id = COALESCE($8, job_id), \
         updated_at = $9, cancel_reason = $10 WHERE id = $1";
    execute!(
        tx,
        sqlx::query(SAVE)
            .bind(order)
            .bind(Json(state))
            .bind(state.status().as_str())
            .bind(state.payment_status().as_str())
            .bind(state.fulfillment().as_str())
            .bind(state.captured)
            .bind(state.refunded())
            .bind(job)
            .bind(app.env.now().as_micros())
            .bind(state.cancelled.map(CancelReason::as_str))
    )?;
    Ok(())
}

async fn write_effects(
    tx: &mut Conn,
    app: &App,
    order: Uuid,
    locked: &Locked,
    step: &Step,
    cause: Cause<'_>,
) -> Result<(), Error> {
    const LEDGER: &str = "INSERT INTO payments_ledger \
         (id, order_id, entry, amount, currency, refund_id, once, created_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    let now = app.env.now();
    for effect in &step.effects {
        match effect {
            Effect::Ledger {
                entry,
                amount,
                refund,
            } => {
                execute!(
                    tx,
                    sqlx::query(LEDGER)
                        .bind(app.env.new_id())
                        .bind(order)
                        .bind(entry.as_str())
                        .bind(*amount)
                        .bind(&locked.currency)
                        .bind(*refund)
                        .bind(entry.once(*refund))
                        .bind(now.as_micros())
                )?;
                if let (Entry::Refunded, Some(refund)) = (entry, refund) {
                    findings::close_of(tx, *refund, now).await?;
                }
            }
            Effect::RefundFailed {
                refund,
                amount,
                made,
            } => {
                let money = (*amount, locked.currency.as_str());
                findings::refund_failed(tx, order, (*refund, *made), money, now).await?;
            }
            Effect::Notify(notice) => {
                let mailing = Mailing {
                    order,
                    notice: Some(*notice),
                };
                let job = NewJob::new(Mailing::KIND).payload(&mailing)?;
                enqueue(tx, &app.env, job).await?;
            }
            Effect::Timeline(kind) => {
                add_event(tx, &app.env, order, kind, cause).await?;
            }
            Effect::ReopenCart => {
                carts::reopen(tx, &locked.cart_key, order, now).await?;
                return_discount(tx, locked).await?;
            }
            Effect::ReturnDiscount => return_discount(tx, locked).await?,
            Effect::AwaitCustomer => {
                let job = Overdue::job(order, app.settings.customer_pays_within)?;
                enqueue(tx, &app.env, job).await?;
            }
        }
    }
    Ok(())
}

async fn return_discount(tx: &mut Conn, locked: &Locked) -> Result<(), Error> {
    match &locked.discount_code {
        Some(code) => discounts::give_back(tx, code).await,
        None => Ok(()),
    }
}

async fn add_refund(
    tx: &mut Conn,
    app: &App,
    order: Uuid,
    id: Uuid,
    amount: i64,
    cause: Cause<'_>,
) -> Result<(), Error> {
    const INSERT: &str = "INSERT INTO refunds \
         (id, order_id, amount, reason, actor, created_at, customer_message) \
         VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let reason = if id == order && cause.reason.is_empty() {
        "cancelled"
    } else {
        cause.reason
    };
    execute!(
        tx,
        sqlx::query(INSERT)
            .bind(id)
            .bind(order)
            .bind(amount)
            .bind(reason)
            .bind(cause.actor)
            .bind(app.env.now().as_micros())
            .bind(cause.message)
    )?;
    Ok(())
}

/// Adds to the timeline of an order that this transaction holds.
pub(crate) async fn add_event(
    tx: &mut Conn,
    env: &Env,
    order: Uuid,
    kind: &str,
    cause: Cause<'_>,
) -> Result<(), Error> {
    const INSERT: &str = "INSERT INTO order_events \
         (order_id, position, kind, message, actor, created_at, customer_message) \
         SELECT $1, COUNT(*), $2, $3, $4, $5, $6 FROM order_events WHERE order_id = $1";
    execute!(
        tx,
        sqlx::query(INSERT)
            .bind(order)
            .bind(kind)
            .bind(cause.reason)
            .bind(cause.actor)
            .bind(env.now().as_micros())
            .bind(cause.message)
    )?;
    Ok(())
}

/// What a person is told when an event is not possible.
pub fn refused(app: &App, refusal: Refusal) -> Error {
    let state = |message: &'static str| Error::conflict(codes::ORDER_STATE, message);
    match refusal {
        Refusal::AlreadyShipped => {
            state("Some of the goods have left the house. Refund what comes back instead.")
        }
        Refusal::Cancelled => state("The order is cancelled."),
        Refusal::NotAnInvoice => state("The order is not paid by invoice."),
        Refusal::NotReady => {
            state("The stock is being taken for this order. Please try again in a moment.")
        }
        Refusal::NotCaptured => state("Nothing has been paid that could be refunded."),
        Refusal::NotPaid => state("The order is not paid yet."),
        Refusal::MoreThanRefundable(left) => Error::conflict(
            codes::REFUND_EXCEEDS_CAPTURED,
            "That is more than was paid and not refunded yet.",
        )
        .with_detail(serde_json::json!({ "refundable": app.money(left) })),
        Refusal::Quantity(_) => Error::conflict(
            codes::SHIPMENT_EXCEEDS_ORDERED,
            "A line does not have that many any more.",
        ),
        Refusal::Reused => Error::unprocessable(
            codes::IDEMPOTENCY_KEY_REUSED,
            "The same key was used for another refund.",
        ),
        Refusal::Contradiction => Error::new(
            Kind::Internal,
            CONTRADICTION,
            "Something about this order does not fit. People will look at it.",
        ),
    }
}

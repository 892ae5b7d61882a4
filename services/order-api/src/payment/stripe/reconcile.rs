//! Comparing what Stripe knows with what the shop knows: what is ours to mend is mended, the rest is
//! written down for people.
//!
//! Only payments that say they are this shop's are looked at, because several shops, and other
//! programs, may share an account.

use std::{collections::HashMap, time::Duration};

use techcommerce_kernel::{Currency, Error, Money, Timestamp, Uuid};
use techcommerce_store::transact;

use super::{
    Stripe, amount,
    client::Failure,
    compare::{Here, Mend, There, compare},
    rows,
    wire::{Dispute, Intent, Refund},
};
use crate::{
    app::App,
    orders::{self, Cause, OrderRow},
    path::{Event, RefundProgress},
    payment::findings::{self, Finding},
};

/// What is read at once: a list of it is short enough to be held.
const PART: Duration = Duration::from_hours(6);
/// What is younger is still on its way.
const SETTLES: Duration = Duration::from_mins(5);

/// What a comparison did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Reconciled {
    /// Payments that were compared.
    pub compared: u64,
    /// Those of which something was mended.
    pub mended: u64,
    /// Those that people have to look at.
    pub reported: u64,
}

/// Compares what was begun at Stripe within the time before now.
///
/// # Errors
/// Stripe does not answer, or those of the database. What was mended until then is.
pub(crate) async fn reconcile(
    app: &App,
    stripe: &Stripe,
    before_now: Duration,
) -> Result<Reconciled, Error> {
    let begun = app.env.now();
    let until = begun - SETTLES;
    let mut from = begun - before_now;
    let refunds = refunds(stripe, from).await?;
    let known = findings::open_objects(&app.db).await?;
    let mut done = Reconciled::default();
    // First, so that these orders are under way and not compared as they were.
    for refund in refunds.values().flatten() {
        if failed_after_all(app, refund).await? {
            done.mended += 1;
        }
    }
    while from < until {
        let to = (from + PART).min(until);
        let (after, before) = (from.as_seconds().to_string(), to.as_seconds().to_string());
        let query = [("created[gte]", after.as_str()), ("created[lt]", &before)];
        let intents: Vec<Intent> = stripe.client.list("/v1/payment_intents", &query).await?;
        for intent in &intents {
            if intent.metadata.get("shop") != Some(&stripe.public_url) {
                continue;
            }
            let of_it = refunds.get(&intent.id).map_or(&[][..], Vec::as_slice);
            done.compared += 1;
            let mend = one(app, stripe, intent, of_it).await?;
            if known.contains(&intent.id) {
                agreed(app, intent, mend).await?;
            }
            match mend {
                Mend::Nothing => {}
                Mend::Wake | Mend::Cancel | Mend::PayBack(_) => done.mended += 1,
                Mend::ReportCaptured | Mend::ReportRefunded => done.reported += 1,
            }
        }
        from = to;
    }
    disputes(app, stripe, begun - before_now).await?;
    Ok(done)
}

/// Closes what was found of this payment before and is not found any more. What is too old to be
/// compared stays open until somebody has looked at it.
async fn agreed(app: &App, intent: &Intent, mend: Mend) -> Result<(), Error> {
    let still = match mend {
        Mend::ReportCaptured => Some(findings::CAPTURED),
        Mend::ReportRefunded => Some(findings::REFUNDED),
        Mend::Nothing | Mend::Wake | Mend::Cancel | Mend::PayBack(_) => None,
    };
    transact!(app.db, |tx| -> Result<(), Error> {
        findings::close_gone(tx, &intent.id, still, app.env.now()).await
    })
}

/// The refunds since then, by their PaymentIntent.
async fn refunds(stripe: &Stripe, since: Timestamp) -> Result<HashMap<String, Vec<Refund>>, Error> {
    let since = since.as_seconds().to_string();
    let query = [("created[gte]", since.as_str())];
    let refunds: Vec<Refund> = stripe.client.list("/v1/refunds", &query).await?;
    let mut by_intent: HashMap<String, Vec<Refund>> = HashMap::new();
    for refund in refunds {
        if let Some(intent) = refund.payment_intent.clone() {
            by_intent.entry(intent).or_default().push(refund);
        }
    }
    Ok(by_intent)
}

async fn one(
    app: &App,
    stripe: &Stripe,
    intent: &Intent,
    refunds: &[Refund],
) -> Result<Mend, Error> {
    let id = intent.metadata.get("order").and_then(|id| id.parse().ok());
    let order = match id {
        Some(id) => order(app, id).await?,
        None => None,
    };
    let kept = match &order {
        Some(order) => rows::find(&app.db, order.id).await?,
        None => None,
    };
    let currency: Option<Currency> = intent.currency.to_ascii_uppercase().parse().ok();
    let ours = |amount: i64| {
        let money = currency.and_then(|currency| amount::from_stripe(amount, currency).ok());
        money.map_or(-1, |money| money.amount)
    };
    let counts =
        |refund: &&Refund| !matches!(refund.status.as_deref(), Some("failed" | "canceled"));
    let sum = |of: &dyn Fn(&&Refund) -> bool| {
        let refunds = refunds.iter().filter(counts).filter(|refund| of(refund));
        ours(refunds.map(|refund| refund.amount).sum())
    };
    let known = |refund: &&Refund| {
        let id: Option<Uuid> = refund.metadata.get("refund").and_then(|id| id.parse().ok());
        let order = order.as_ref().zip(id);
        order.is_some_and(|(order, id)| order.path.0.refunds.iter().any(|known| known.id == id))
    };
    let there = There {
        status: &intent.status,
        captured: ours(intent.amount_received),
        refunded: sum(&|_| true),
        refunded_by_us: sum(&known),
    };
    let here = match (&order, kept.and_then(|row| row.intent_id)) {
        (None, _) => Here::NoOrder,
        (Some(_), Some(kept)) if kept != intent.id => Here::Another,
        (Some(order), _) => Here::Order(&order.path.0),
    };
    let mend = compare(there, here);
    let order_id = order.as_ref().map(|order| order.id);
    match mend {
        Mend::Nothing => {}
        Mend::Wake => wake(app, order_id).await?,
        Mend::Cancel => {
            tracing::warn!(payment = intent.id, "a payment of no order is let go");
            stripe
                .cancel_intent(&intent.id, order_id.unwrap_or_default())
                .await?;
        }
        Mend::PayBack(amount) => {
            pay_back(stripe, intent, currency, amount, there.refunded).await?;
            let detail = "taken for no order, and paid back";
            let finding = finding(
                findings::UNKNOWN_PAYMENT,
                intent,
                order_id,
                (amount, detail, true),
            );
            write(app, &finding).await?;
        }
        Mend::ReportCaptured => {
            let detail = format!("{} with {} taken", intent.status, there.captured);
            let finding = finding(
                findings::CAPTURED,
                intent,
                order_id,
                (there.captured, &detail, false),
            );
            write(app, &finding).await?;
        }
        Mend::ReportRefunded => {
            let detail = format!(
                "{} paid back there, {} of it asked for here",
                there.refunded, there.refunded_by_us
            );
            let finding = finding(
                findings::REFUNDED,
                intent,
                order_id,
                (there.refunded, &detail, false),
            );
            write(app, &finding).await?;
        }
    }
    Ok(mend)
}

fn finding(
    kind: &'static str,
    intent: &Intent,
    order: Option<Uuid>,
    (amount, detail, closed): (i64, &str, bool),
) -> Finding {
    Finding {
        kind,
        object: intent.id.clone(),
        order,
        amount,
        currency: intent.currency.to_ascii_uppercase(),
        detail: detail.to_owned(),
        due_at: None,
        closed,
    }
}

async fn write(app: &App, finding: &Finding) -> Result<(), Error> {
    tracing::warn!(
        kind = finding.kind,
        object = finding.object,
        "somebody has to look at a payment"
    );
    transact!(app.db, |tx| -> Result<(), Error> {
        findings::put(tx, finding, app.env.now()).await?;
        Ok(())
    })
}

async fn order(app: &App, id: Uuid) -> Result<Option<OrderRow>, Error> {
    let mut conn = app.db.read().await?;
    orders::find(&mut conn, id).await
}

async fn wake(app: &App, order: Option<Uuid>) -> Result<(), Error> {
    let Some(order) = order else {
        return Ok(());
    };
    transact!(app.db, |tx| -> Result<(), Error> {
        orders::change(tx, app, order, &Event::ProviderSpoke, Cause::by("system")).await?;
        Ok(())
    })?;
    app.queue.wake();
    Ok(())
}

/// Pays back what belongs to no order. The key follows from what was paid back before, so that the
/// same is not paid back twice.
async fn pay_back(
    stripe: &Stripe,
    intent: &Intent,
    currency: Option<Currency>,
    amount: i64,
    before: i64,
) -> Result<(), Error> {
    let told = currency.and_then(|currency| amount::to_stripe(Money::new(amount, currency)).ok());
    let Some(told) = told else {
        return Ok(());
    };
    let told = told.to_string();
    let form = [
        ("payment_intent", intent.id.as_str()),
        ("amount", &told),
        ("metadata[shop]", &stripe.public_url),
    ];
    let key = format!("{}:unknown:{before}", intent.id);
    match stripe
        .client
        .post::<Refund>("/v1/refunds", &form, &key)
        .await
    {
        // Somebody else was faster: the next comparison sees it.
        Ok(_) | Err(Failure::Impossible(_)) => Ok(()),
        Err(failure) => Err(failure.into()),
    }
}

/// Whether a refund failed that was made, as we know: its order's path asks once more.
async fn failed_after_all(app: &App, refund: &Refund) -> Result<bool, Error> {
    let id = |name: &str| -> Option<Uuid> { refund.metadata.get(name)?.parse().ok() };
    let Some(order_id) = id("order").filter(|_| refund.has_failed()) else {
        return Ok(false);
    };
    let Some(order) = order(app, order_id).await? else {
        return Ok(false);
    };
    let doubted = transact!(app.db, |tx| -> Result<bool, Error> {
        doubt_refund(tx, app, &order, refund).await
    })?;
    app.queue.wake();
    Ok(doubted)
}

/// Has the order's path ask what became of a refund that was made, as we know, and is said to have
/// failed; whether there is such a one.
pub(crate) async fn doubt_refund(
    tx: &mut techcommerce_store::Conn,
    app: &App,
    order: &OrderRow,
    refund: &Refund,
) -> Result<bool, Error> {
    let id = refund.metadata.get("refund");
    let Some(id) = id.and_then(|id| id.parse::<Uuid>().ok()) else {
        return Ok(false);
    };
    let made =
        |known: &crate::path::Refund| known.id == id && known.progress == RefundProgress::Done;
    if !refund.has_failed() || !order.path.0.refunds.iter().any(made) {
        return Ok(false);
    }
    let doubted = Event::RefundDoubted { id };
    orders::change(tx, app, order.id, &doubted, Cause::by("system")).await?;
    Ok(true)
}

async fn disputes(app: &App, stripe: &Stripe, since: Timestamp) -> Result<(), Error> {
    let since = since.as_seconds().to_string();
    let query = [("created[gte]", since.as_str())];
    let disputes: Vec<Dispute> = stripe.client.list("/v1/disputes", &query).await?;
    for dispute in disputes {
        transact!(app.db, |tx| -> Result<(), Error> {
            let order = match &dispute.payment_intent {
                Some(intent) => rows::order_of(tx, intent).await?,
                None => None,
            };
            // A dispute of a payment that we do not know is another shop's.
            match order {
                Some(order) => crate::payment::disputes::record(tx, app, order, &dispute).await,
                None => Ok(()),
            }
        })?;
    }
    Ok(())
}

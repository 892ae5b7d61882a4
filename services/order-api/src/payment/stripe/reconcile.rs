//! Comparing what Stripe knows with what the shop knows: what is ours to mend is mended, the rest is
//! written down for people.
//!
//! Lists are old when they are held against an order that is read now. So they only say where to look:
//! before anything is paid back, cancelled or reported, both sides are read once more. What fails for
//! one payment fails for that one, and the job comes again at the end.
//!
//! Only payments that say they are this shop's are looked at, because several shops, and other
//! programs, may share an account.

use std::{collections::HashMap, time::Duration};

use techcommerce_kernel::{Currency, Error, Timestamp, Uuid};
use techcommerce_store::transact;

use super::{
    Stripe, amount,
    compare::{Here, Mend, There, compare},
    rows,
    wire::{Intent, Refund},
};
use crate::{
    app::App,
    orders::{self, Cause, OrderRow},
    path::{Event, RefundProgress},
    payment::findings,
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

/// Compares what was begun at Stripe within the time before now, and how disputes stand.
///
/// # Errors
/// The first that something failed with: Stripe does not answer, or those of the database. What could
/// be mended is.
pub(crate) async fn reconcile(
    app: &App,
    stripe: &Stripe,
    before_now: Duration,
) -> Result<Reconciled, Error> {
    let mut comparison = Comparison {
        app,
        stripe,
        done: Reconciled::default(),
        failed: None,
    };
    let over = comparison.run(before_now).await;
    match comparison.failed {
        Some(first) => Err(first),
        None => over.map(|()| comparison.done),
    }
}

/// A comparison under way.
pub(super) struct Comparison<'a> {
    pub app: &'a App,
    pub stripe: &'a Stripe,
    done: Reconciled,
    failed: Option<Error>,
}

/// What both sides know of a payment, and what follows.
pub(super) struct Look {
    pub mend: Mend,
    pub order: Option<OrderRow>,
    pub currency: Option<Currency>,
    /// In our minor units, as the rest: taken.
    pub captured: i64,
    /// Paid back there or on its way.
    pub refunded: i64,
    /// The same, of refunds that the shop asked for.
    pub refunded_by_us: i64,
    /// How many refunds failed.
    pub failed: usize,
}

impl Comparison<'_> {
    async fn run(&mut self, before_now: Duration) -> Result<(), Error> {
        let begun = self.app.env.now();
        let until = begun - SETTLES;
        let mut from = begun - before_now;
        // They are few, and banks do not wait.
        let asked = self.disputes(from).await;
        self.goes_on("disputes", asked);
        let refunds = refunds(self.stripe, from).await?;
        let known = findings::open_objects(&self.app.db).await?;
        // First, so that these orders are under way and not compared as they were.
        for refund in refunds.values().flatten() {
            let mended = failed_after_all(self.app, refund).await;
            if self.goes_on(&refund.id, mended) == Some(true) {
                self.done.mended += 1;
            }
        }
        while from < until {
            let to = (from + PART).min(until);
            let (after, before) = (from.as_seconds().to_string(), to.as_seconds().to_string());
            let query = [("created[gte]", after.as_str()), ("created[lt]", &before)];
            let list = self.stripe.client.list("/v1/payment_intents", &query);
            let intents: Vec<Intent> = list.await?;
            for intent in &intents {
                if intent.metadata.get("shop") != Some(&self.stripe.public_url) {
                    continue;
                }
                let of_it = refunds.get(&intent.id).map_or(&[][..], Vec::as_slice);
                self.done.compared += 1;
                let compared = self.one(intent, of_it, known.contains(&intent.id)).await;
                self.goes_on(&intent.id, compared);
            }
            from = to;
        }
        Ok(())
    }

    /// What came of it, unless it failed: the first failure is told when all else is done.
    pub(super) fn goes_on<T>(&mut self, what: &str, outcome: Result<T, Error>) -> Option<T> {
        let failed = |error: Error| {
            tracing::warn!(?error, what, "could not be compared with the provider");
            self.failed.get_or_insert(error);
        };
        outcome.map_err(failed).ok()
    }

    /// Compares one payment as it was listed; `known` if something of it is written down.
    async fn one(&mut self, intent: &Intent, refunds: &[Refund], known: bool) -> Result<(), Error> {
        let mut seen = look(self.app, intent, refunds).await?;
        if !known && !seen.mend.is_grave() {
            return self.mend(intent, &seen).await;
        }
        let before = seen.order.map(|order| order.path.0);
        let client = &self.stripe.client;
        let path = format!("/v1/payment_intents/{}", intent.id);
        let intent: Intent = client.get(&path).await?;
        let of_it = [("payment_intent", intent.id.as_str())];
        let refunds: Vec<Refund> = client.list("/v1/refunds", &of_it).await?;
        seen = look(self.app, &intent, &refunds).await?;
        // What was read there may be older or newer than an order that changes at this moment.
        if seen.order.as_ref().map(|order| &order.path.0) != before.as_ref() {
            return Ok(());
        }
        self.mend(&intent, &seen).await?;
        match known {
            true => agreed(self.app, &intent, seen.mend).await,
            false => Ok(()),
        }
    }

    async fn mend(&mut self, intent: &Intent, seen: &Look) -> Result<(), Error> {
        let order = seen.order.as_ref().map(|order| order.id);
        let mended = match seen.mend {
            Mend::Nothing => return Ok(()),
            Mend::Wake => {
                wake(self.app, order).await?;
                true
            }
            Mend::Cancel => {
                tracing::warn!(payment = intent.id, "a payment of no order is let go");
                let order = order.unwrap_or_default();
                self.stripe.cancel_intent(&intent.id, order).await?;
                true
            }
            Mend::PayBack(amount) => self.pay_back(intent, seen, amount).await?,
            Mend::ReportCaptured | Mend::ReportRefunded => {
                self.report(intent, seen).await?;
                false
            }
        };
        match mended {
            true => self.done.mended += 1,
            false => self.done.reported += 1,
        }
        Ok(())
    }
}

/// Closes what was found of this payment before and is not found any more. What is too old to be
/// compared stays open until somebody has looked at it.
async fn agreed(app: &App, intent: &Intent, mend: Mend) -> Result<(), Error> {
    let still = match mend {
        Mend::ReportCaptured => Some(findings::CAPTURED),
        Mend::ReportRefunded => Some(findings::REFUNDED),
        Mend::PayBack(_) => Some(findings::UNKNOWN_PAYMENT),
        Mend::Nothing | Mend::Wake | Mend::Cancel => None,
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

/// Holds what Stripe said against the order as it is now.
async fn look(app: &App, intent: &Intent, refunds: &[Refund]) -> Result<Look, Error> {
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
    let sum = |of: &dyn Fn(&&Refund) -> bool| {
        let made = refunds.iter().filter(|refund| !refund.has_failed());
        let refunds = made.filter(|refund| of(refund));
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
    Ok(Look {
        mend: compare(there, here),
        captured: there.captured,
        refunded: there.refunded,
        refunded_by_us: there.refunded_by_us,
        failed: refunds.iter().filter(|it| it.has_failed()).count(),
        currency,
        order,
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

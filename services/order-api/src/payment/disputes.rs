//! Disputes: a customer's bank has taken money back and asks whether it may keep it; or asks before
//! it takes any, which is an inquiry.

use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Conn, execute};

use super::{
    findings::{self, Finding},
    stripe::{DisputeSeen, amount_from},
};
use crate::{
    app::App,
    orders::{self, Cause},
};

/// What a dispute's end is for the money.
fn closed(status: &str) -> bool {
    matches!(status, "won" | "lost" | "warning_closed" | "prevented")
}

/// Whether money was taken. An inquiry that comes to nothing has taken none.
fn takes(status: &str) -> bool {
    !status.starts_with("warning_") && status != "prevented"
}

/// Records what a message says. It may be late: one that is over is not opened by it, and whatever it
/// says of one that is over, the next comparison asks.
pub(crate) async fn heard(
    tx: &mut Conn,
    app: &App,
    order: Uuid,
    dispute: &DisputeSeen,
) -> Result<(), Error> {
    orders::lock(tx, order).await?;
    let (id, now) = (&dispute.id, app.env.now());
    if closed(&dispute.status) || !findings::is_closed(tx, findings::DISPUTE, id).await? {
        record(tx, app, order, dispute).await?;
    }
    findings::doubt(tx, findings::DISPUTE, id, now).await
}

/// Records how a dispute stands: for staff to look at while it is open, in the order's timeline,
/// and in the ledger. What was captured and refunded stays as it is: it did happen.
pub(crate) async fn record(
    tx: &mut Conn,
    app: &App,
    order: Uuid,
    dispute: &DisputeSeen,
) -> Result<(), Error> {
    // Those that record it at once come one after the other.
    orders::lock(tx, order).await?;
    let currency = dispute.currency.to_ascii_uppercase();
    let told = currency.parse().ok();
    let amount = told.and_then(|told| amount_from(dispute.amount, told));
    let due = dispute.evidence_details.as_ref().and_then(|it| it.due_by);
    let finding = Finding {
        kind: findings::DISPUTE,
        object: dispute.id.clone(),
        order: Some(order),
        amount: amount.unwrap_or(0),
        currency,
        detail: format!("{} ({})", dispute.status, dispute.reason),
        due_at: due
            .and_then(|due| due.checked_mul(1_000_000))
            .map(Timestamp::from_micros),
        closed: closed(&dispute.status),
    };
    let new = findings::put(tx, &finding, app.env.now()).await?;
    let said = Cause {
        reason: &finding.detail,
        ..Cause::by("system")
    };
    if new && !takes(&dispute.status) {
        orders::add_event(tx, &app.env, order, "disputed", said).await?;
    }
    let steps = [
        ("disputed", takes(&dispute.status)),
        ("dispute_won", dispute.status == "won"),
        ("dispute_lost", dispute.status == "lost"),
    ];
    for (entry, is) in steps {
        if !is {
            continue;
        }
        if enter(tx, app, order, entry, &finding).await? {
            orders::add_event(tx, &app.env, order, entry, said).await?;
        }
    }
    Ok(())
}

/// An entry of the ledger, unless it is there; whether it was not.
async fn enter(
    tx: &mut Conn,
    app: &App,
    order: Uuid,
    entry: &str,
    dispute: &Finding,
) -> Result<bool, Error> {
    const ENTER: &str = "INSERT INTO payments_ledger \
         (id, order_id, entry, amount, currency, refund_id, once, created_at) \
         VALUES ($1, $2, $3, $4, $5, NULL, $6, $7) ON CONFLICT (order_id, once) DO NOTHING";
    Ok(execute!(
        tx,
        sqlx::query(ENTER)
            .bind(app.env.new_id())
            .bind(order)
            .bind(entry)
            .bind(dispute.amount)
            .bind(&dispute.currency)
            .bind(format!("{entry}:{}", dispute.object))
            .bind(app.env.now().as_micros())
    )? == 1)
}

//! What people have to look at about payments: disputes, refunds that failed after all, and
//! whatever the books of the shop and of the provider do not agree on.

use std::collections::HashSet;

use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Conn, Db, execute, with};

/// A customer's bank wants money back.
pub(crate) const DISPUTE: &str = "dispute";
/// Money could not be paid back, or came back to us after it was.
pub(crate) const REFUND_FAILED: &str = "refund_failed";
/// Money at the provider belongs to no order.
pub(crate) const UNKNOWN_PAYMENT: &str = "unknown_payment";
/// The provider took something else than we know.
pub(crate) const CAPTURED: &str = "captured";
/// The provider paid back something else than we know.
pub(crate) const REFUNDED: &str = "refunded";

/// Something to look at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// One of the above.
    pub kind: &'static str,
    /// What the provider calls what it is about; with the kind it names the finding.
    pub object: String,
    /// The order that it belongs to.
    pub order: Option<Uuid>,
    /// Minor units at stake.
    pub amount: i64,
    /// Of this currency.
    pub currency: String,
    /// For staff.
    pub detail: String,
    /// Until when somebody has to answer.
    pub due_at: Option<Timestamp>,
    /// Whether there is nothing to be done about it any more.
    pub closed: bool,
}

/// Writes it down, or what is new about it; whether it was not there before. What staff said is dealt
/// with stays so until there is something new about it.
pub(crate) async fn put(tx: &mut Conn, finding: &Finding, now: Timestamp) -> Result<bool, Error> {
    const INSERT: &str = "INSERT INTO payment_findings (id, kind, order_id, object, amount, currency, \
         detail, due_at, closed_at, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) ON CONFLICT (id) DO NOTHING";
    const UPDATE: &str = "UPDATE payment_findings SET order_id = COALESCE($2, order_id), \
         closed_at = CASE WHEN settled_by IS NOT NULL AND amount = $3 AND detail = $4 \
         THEN closed_at ELSE $6 END, \
         settled_by = CASE WHEN amount = $3 AND detail = $4 THEN settled_by END, \
         amount = $3, detail = $4, due_at = $5, updated_at = $7 WHERE id = $1";
    let id = format!("{}:{}", finding.kind, finding.object);
    let due = finding.due_at.map(Timestamp::as_micros);
    let closed = finding.closed.then(|| now.as_micros());
    let new = execute!(
        tx,
        sqlx::query(INSERT)
            .bind(&id)
            .bind(finding.kind)
            .bind(finding.order)
            .bind(&finding.object)
            .bind(finding.amount)
            .bind(&finding.currency)
            .bind(&finding.detail)
            .bind(due)
            .bind(closed)
            .bind(now.as_micros())
    )? == 1;
    if !new {
        execute!(
            tx,
            sqlx::query(UPDATE)
                .bind(&id)
                .bind(finding.order)
                .bind(finding.amount)
                .bind(&finding.detail)
                .bind(due)
                .bind(closed)
                .bind(now.as_micros())
        )?;
    }
    Ok(new)
}

/// Whether it is there and nothing is to be done about it any more.
pub(crate) async fn is_closed(tx: &mut Conn, kind: &str, object: &str) -> Result<bool, Error> {
    const CLOSED: &str =
        "SELECT COUNT(*) FROM payment_findings WHERE id = $1 AND closed_at IS NOT NULL";
    let closed: i64 = with!(tx, |c| sqlx::query_scalar(CLOSED)
        .bind(format!("{kind}:{object}"))
        .fetch_one(c)
        .await)?;
    Ok(closed > 0)
}

/// Something was said about what is closed: [`to_ask`] names it until it is written down again.
pub(crate) async fn doubt(
    tx: &mut Conn,
    kind: &str,
    object: &str,
    now: Timestamp,
) -> Result<(), Error> {
    const DOUBT: &str = "UPDATE payment_findings SET updated_at = \
         CASE WHEN closed_at < $2 THEN $2 ELSE closed_at + 1 END \
         WHERE id = $1 AND closed_at IS NOT NULL";
    execute!(
        tx,
        sqlx::query(DOUBT)
            .bind(format!("{kind}:{object}"))
            .bind(now.as_micros())
    )?;
    Ok(())
}

/// The disputes that the bank has to be asked about, with their orders: those that are open, and those
/// that something was said about since they were closed.
pub(crate) async fn to_ask(db: &Db) -> Result<Vec<(String, Uuid)>, Error> {
    const ASK: &str = "SELECT object, order_id FROM payment_findings WHERE kind = 'dispute' \
         AND order_id IS NOT NULL AND (closed_at IS NULL OR updated_at > closed_at)";
    let mut conn = db.read().await?;
    Ok(with!(conn, |c| sqlx::query_as(ASK).fetch_all(c).await)?)
}

/// What comparisons have found and nobody has closed: the provider's payments that it is about.
pub(crate) async fn open_objects(db: &Db) -> Result<HashSet<String>, Error> {
    const OPEN: &str = "SELECT object FROM payment_findings WHERE closed_at IS NULL \
         AND kind IN ('unknown_payment', 'captured', 'refunded')";
    let mut conn = db.read().await?;
    let objects: Vec<String> = with!(conn, |c| sqlx::query_scalar(OPEN).fetch_all(c).await)?;
    Ok(objects.into_iter().collect())
}

/// Closes what a comparison of this payment has found before and does not find any more; `still`
/// is what it does find.
pub(crate) async fn close_gone(
    tx: &mut Conn,
    object: &str,
    still: Option<&str>,
    now: Timestamp,
) -> Result<(), Error> {
    const CLOSE: &str = "UPDATE payment_findings SET closed_at = $3 WHERE object = $1 \
         AND closed_at IS NULL AND kind IN ('unknown_payment', 'captured', 'refunded') \
         AND kind <> $2";
    execute!(
        tx,
        sqlx::query(CLOSE)
            .bind(object)
            .bind(still.unwrap_or_default())
            .bind(now.as_micros())
    )?;
    Ok(())
}

/// Writes down that a refund was refused, or came back to us after it was `made`. One that was made
/// for a finding of its amount leaves that one open instead; and one that was made for several is
/// what is open from then on.
pub(crate) async fn refund_failed(
    tx: &mut Conn,
    order: Uuid,
    (refund, made): (Uuid, bool),
    (amount, currency): (i64, &str),
    now: Timestamp,
) -> Result<(), Error> {
    const KNOWN: &str = "SELECT COUNT(*) FROM payment_findings \
         WHERE refund_id = $1 AND amount = $2 AND closed_at IS NULL";
    let known: i64 = with!(tx, |c| sqlx::query_scalar(KNOWN)
        .bind(refund)
        .bind(amount)
        .fetch_one(c)
        .await)?;
    if known > 0 {
        return Ok(());
    }
    close_of(tx, refund, now).await?;
    let detail = match made {
        true => "the refund failed after it was made; the customer has not got it",
        false => "the provider refused the refund; the customer has not got it",
    };
    let finding = Finding {
        kind: REFUND_FAILED,
        object: refund.to_string(),
        order: Some(order),
        amount,
        currency: currency.to_owned(),
        detail: detail.to_owned(),
        due_at: None,
        closed: false,
    };
    put(tx, &finding, now).await?;
    Ok(())
}

/// A cancellation pays back what failed before, too: `refund` is the one that is made for it, but
/// for what one of `others` is on its way for.
pub(crate) async fn paid_back_with(
    tx: &mut Conn,
    order: Uuid,
    refund: Uuid,
    others: &HashSet<Uuid>,
    now: Timestamp,
) -> Result<(), Error> {
    const OPEN: &str = "SELECT id, refund_id FROM payment_findings \
         WHERE order_id = $1 AND kind = 'refund_failed' AND closed_at IS NULL";
    const NAME: &str = "UPDATE payment_findings SET refund_id = $2, updated_at = $3 WHERE id = $1";
    let open: Vec<(String, Option<Uuid>)> =
        with!(tx, |c| sqlx::query_as(OPEN).bind(order).fetch_all(c).await)?;
    for (id, made) in open {
        if made.is_some_and(|made| others.contains(&made)) {
            continue;
        }
        execute!(
            tx,
            sqlx::query(NAME)
                .bind(id)
                .bind(refund)
                .bind(now.as_micros())
        )?;
    }
    Ok(())
}

/// Closes what a refund was made for.
pub(crate) async fn close_of(tx: &mut Conn, refund: Uuid, now: Timestamp) -> Result<(), Error> {
    const CLOSE: &str = "UPDATE payment_findings SET closed_at = $2 \
         WHERE refund_id = $1 AND closed_at IS NULL";
    execute!(tx, sqlx::query(CLOSE).bind(refund).bind(now.as_micros()))?;
    Ok(())
}

/// How many are open beside disputes.
pub(crate) async fn open(conn: &mut Conn) -> Result<i64, Error> {
    const COUNT: &str =
        "SELECT COUNT(*) FROM payment_findings WHERE closed_at IS NULL AND kind <> 'dispute'";
    Ok(with!(conn, |c| sqlx::query_scalar(COUNT)
        .fetch_one(c)
        .await)?)
}

/// How many of each kind are open.
pub(crate) async fn by_kind(db: &Db) -> Result<Vec<(String, i64)>, Error> {
    const COUNT: &str = "SELECT kind, COUNT(*) FROM payment_findings WHERE closed_at IS NULL \
         GROUP BY kind";
    let mut conn = db.read().await?;
    Ok(with!(conn, |c| sqlx::query_as(COUNT).fetch_all(c).await)?)
}

/// One line for each that is open and says that books do not agree; disputes are no such thing.
pub(crate) async fn disagreements(db: &Db) -> Result<Vec<String>, Error> {
    const OPEN: &str = "SELECT f.kind, f.object, f.detail, o.number FROM payment_findings f \
         LEFT JOIN orders o ON o.id = f.order_id \
         WHERE f.closed_at IS NULL AND f.kind <> 'dispute' ORDER BY f.created_at, f.id LIMIT 100";
    let mut conn = db.read().await?;
    let rows: Vec<(String, String, String, Option<i64>)> =
        with!(conn, |c| sqlx::query_as(OPEN).fetch_all(c).await)?;
    let line = |(kind, object, detail, number): (String, String, String, Option<i64>)| match number
    {
        Some(number) => {
            format!("order {number}: {kind} at the payment provider: {object}: {detail}")
        }
        None => format!("payment {object}: {kind}: {detail}"),
    };
    Ok(rows.into_iter().map(line).collect())
}

//! What people have to look at about payments: disputes, refunds that failed after all, and
//! whatever the books of the shop and of the provider do not agree on.

use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_store::{Conn, Db, execute, with};

/// A customer's bank wants money back.
pub(crate) const DISPUTE: &str = "dispute";
/// Money that was paid back has come back to us.
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

/// Writes it down, or what is new about it; whether it was not there before.
pub(crate) async fn put(tx: &mut Conn, finding: &Finding, now: Timestamp) -> Result<bool, Error> {
    const INSERT: &str = "INSERT INTO payment_findings (id, kind, order_id, object, amount, currency, \
         detail, due_at, closed_at, created_at, updated_at) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $10) ON CONFLICT (id) DO NOTHING";
    const UPDATE: &str = "UPDATE payment_findings SET order_id = COALESCE($2, order_id), amount = $3, \
         detail = $4, due_at = $5, closed_at = $6, updated_at = $7 WHERE id = $1";
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

/// Closes what a comparison that began at `since` did not find any more.
pub(crate) async fn close_gone(
    tx: &mut Conn,
    since: Timestamp,
    now: Timestamp,
) -> Result<u64, Error> {
    const CLOSE: &str = "UPDATE payment_findings SET closed_at = $2 WHERE closed_at IS NULL \
         AND updated_at < $1 AND kind IN ('unknown_payment', 'captured', 'refunded')";
    Ok(execute!(
        tx,
        sqlx::query(CLOSE)
            .bind(since.as_micros())
            .bind(now.as_micros())
    )?)
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

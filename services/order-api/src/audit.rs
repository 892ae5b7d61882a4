//! Recomputing what must agree.
//!
//! The ledger is the truth; the orders' balances, the lines' sums, the provider's books, the uses
//! of discounts and the jobs have to agree with it; and what the comparison with a provider outside
//! has left open is told again. Every difference is one line that says what was
//! expected and what is there. The rows are read in pages by key, so that a large shop can be
//! audited while it runs; an order that changes meanwhile is read as one statement and so is
//! consistent in itself.

use techcommerce_kernel::{Error, Uuid};
use techcommerce_store::{Conn, Db, with};

use crate::payment::findings;

/// How many orders are looked at at a time.
const PAGE: i64 = 500;

/// What an audit found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Audit {
    /// How many orders were looked at.
    pub orders: u64,
    /// How many ledger entries they have.
    pub entries: u64,
    /// What does not agree; empty if all is well.
    pub differences: Vec<String>,
}

#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    number: i64,
    subtotal: i64,
    discount: i64,
    shipping: i64,
    shipping_tax: i64,
    tax: i64,
    tax_included: bool,
    total: i64,
    captured: i64,
    refunded: i64,
    path: sqlx::types::Json<crate::path::State>,
    method: String,
    lines_subtotal: i64,
    lines_discount: i64,
    lines_tax: i64,
    lines_total: i64,
    entries: i64,
    ledger_authorised: i64,
    ledger_captured: i64,
    ledger_voided: i64,
    ledger_refunded: i64,
    job: Option<String>,
    book: Option<String>,
    book_captured: i64,
    book_refunded: i64,
}

/// Recomputes the balances of all orders and compares.
///
/// # Errors
/// Those of the database. Differences are no error.
pub async fn audit(db: &Db) -> Result<Audit, Error> {
    let mut audit = Audit::default();
    let mut after = Uuid::nil();
    loop {
        let mut conn = db.read().await?;
        let rows = page(&mut conn, after).await?;
        drop(conn);
        let Some(last) = rows.last() else {
            audit.differences.extend(discounts(db).await?);
            audit.differences.extend(findings::disagreements(db).await?);
            return Ok(audit);
        };
        after = last.id;
        for row in &rows {
            audit.orders += 1;
            audit.entries += u64::try_from(row.entries).unwrap_or(0);
            check(row, &mut |difference| {
                audit
                    .differences
                    .push(format!("order {}: {difference}", row.number));
            });
        }
    }
}

/// Discounts are used by the orders that name them and were not given up.
async fn discounts(db: &Db) -> Result<Vec<String>, Error> {
    const WRONG: &str = "SELECT d.code, d.used, COUNT(o.id) AS orders FROM discounts d \
         LEFT JOIN orders o ON o.discount_code = d.code AND o.status <> 'cancelled' \
         GROUP BY d.code, d.used HAVING d.used <> COUNT(o.id) ORDER BY d.code LIMIT 100";
    let mut conn = db.read().await?;
    let wrong: Vec<(String, i64, i64)> = with!(conn, |c| sqlx::query_as(WRONG).fetch_all(c).await)?;
    let line = |(code, used, orders): (String, i64, i64)| {
        format!("discount {code}: {used} uses are counted, {orders} orders use it")
    };
    Ok(wrong.into_iter().map(line).collect())
}

async fn page(conn: &mut Conn, after: Uuid) -> Result<Vec<Row>, Error> {
    const IDS: &str = "SELECT id FROM orders WHERE id > $1 ORDER BY id LIMIT $2";
    const ROWS: &str = "SELECT o.id, o.number, o.subtotal, o.discount, o.shipping, o.shipping_tax, o.tax, \
         o.tax_included, o.total, o.captured, o.refunded, o.path, p.method, \
         l.subtotal AS lines_subtotal, l.discount AS lines_discount, l.tax AS lines_tax, \
         l.total AS lines_total, COALESCE(e.entries, 0) AS entries, \
         COALESCE(e.authorised, 0) AS ledger_authorised, COALESCE(e.captured, 0) AS ledger_captured, \
         COALESCE(e.voided, 0) AS ledger_voided, COALESCE(e.refunded, 0) AS ledger_refunded, \
         j.state AS job, b.state AS book, COALESCE(b.captured, 0) AS book_captured, \
         COALESCE(b.refunded, 0) AS book_refunded \
         FROM orders o \
         JOIN payments p ON p.order_id = o.id \
         JOIN (SELECT order_id, CAST(SUM(subtotal) AS BIGINT) AS subtotal, \
               CAST(SUM(discount) AS BIGINT) AS discount, CAST(SUM(tax) AS BIGINT) AS tax, \
               CAST(SUM(total) AS BIGINT) AS total FROM order_lines WHERE order_id > $1 AND order_id <= $2 GROUP BY order_id) l \
           ON l.order_id = o.id \
         LEFT JOIN (SELECT order_id, COUNT(*) AS entries, \
               CAST(SUM(CASE entry WHEN 'authorised' THEN amount ELSE 0 END) AS BIGINT) AS authorised, \
               CAST(SUM(CASE entry WHEN 'captured' THEN amount ELSE 0 END) AS BIGINT) AS captured, \
               CAST(SUM(CASE entry WHEN 'voided' THEN amount ELSE 0 END) AS BIGINT) AS voided, \
               CAST(SUM(CASE entry WHEN 'refunded' THEN amount WHEN 'refund_returned' THEN -amount ELSE 0 END) AS BIGINT) AS refunded \
               FROM payments_ledger WHERE order_id > $1 AND order_id <= $2 GROUP BY order_id) e ON e.order_id = o.id \
         LEFT JOIN jobs j ON j.id = o.job_id \
         LEFT JOIN test_provider_payments b ON b.payment = o.id \
         WHERE o.id > $1 AND o.id <= $2 ORDER BY o.id";
    let ids: Vec<Uuid> = with!(conn, |c| sqlx::query_scalar(IDS)
        .bind(after)
        .bind(PAGE)
        .fetch_all(c)
        .await)?;
    let Some(last) = ids.last() else {
        return Ok(Vec::new());
    };
    Ok(with!(conn, |c| sqlx::query_as(ROWS)
        .bind(after)
        .bind(*last)
        .fetch_all(c)
        .await)?)
}

fn check(row: &Row, differs: &mut dyn FnMut(String)) {
    let mut equal = |what: &str, is: i64, should: i64| {
        if is != should {
            differs(format!("{what} is {is}, expected {should}"));
        }
    };
    equal("the subtotal", row.subtotal, row.lines_subtotal);
    equal("the discount", row.discount, row.lines_discount);
    equal("the tax", row.tax, row.lines_tax + row.shipping_tax);
    let shipping_tax = if row.tax_included {
        0
    } else {
        row.shipping_tax
    };
    equal(
        "the total",
        row.total,
        row.lines_total + row.shipping + shipping_tax,
    );
    equal("what was captured", row.captured, row.ledger_captured);
    equal("what was refunded", row.refunded, row.ledger_refunded);
    let state = &row.path.0;
    equal("the path's total", state.total, row.total);
    equal(
        "what the path says was captured",
        state.captured,
        row.ledger_captured,
    );
    equal(
        "what the path says was refunded",
        state.refunded(),
        row.ledger_refunded,
    );
    let commands = state.commands();
    let at_rest = commands.is_empty();
    if row.ledger_captured > 0 && row.ledger_voided > 0 {
        differs("it was both captured and voided".to_owned());
    }
    if row.method == "test" {
        // What is under way may have happened outside already, and is yet to be written.
        let mut at_rest_equal = |what: &str, is: i64, should: i64| {
            if at_rest && is != should {
                differs(format!("{what} is {is}, expected {should}"));
            }
        };
        at_rest_equal(
            "what the provider captured",
            row.book_captured,
            row.ledger_captured,
        );
        at_rest_equal(
            "what the provider refunded",
            row.book_refunded,
            row.ledger_refunded,
        );
        if row.book_captured < row.ledger_captured || row.book_refunded < row.ledger_refunded {
            differs("the ledger holds more than the provider did".to_owned());
        }
        if at_rest && row.book.as_deref() == Some("held") {
            differs("the provider still holds an authorisation".to_owned());
        }
        if at_rest && row.ledger_authorised > row.ledger_captured + row.ledger_voided {
            differs("an authorisation was neither captured nor voided".to_owned());
        }
    }
    if row.method == "stripe"
        && at_rest
        && row.ledger_authorised > row.ledger_captured + row.ledger_voided
    {
        differs("an authorisation was neither captured nor voided".to_owned());
    }
    let job = row.job.as_deref();
    if !at_rest && !matches!(job, Some("ready" | "running")) {
        let names: Vec<_> = commands.iter().map(crate::path::Command::name).collect();
        let next = names.join(", ");
        differs(match job {
            Some("dead") => format!("its job is dead, and this is still to be done: {next}"),
            _ => format!("no job is there for what is still to be done: {next}"),
        });
    }
}

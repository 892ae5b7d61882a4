//! What was found of payments as staff are shown it, and what they do about it.

use serde_json::json;
use sqlx::types::Json;
use techcommerce_audit::Entry;
use techcommerce_contracts::{
    Page, Principal, codes,
    order_api::{
        PaymentFinding, PaymentFindingAction as Action, PaymentFindingKind as Kind,
        PaymentFindingQuery,
    },
};
use techcommerce_http::cursor;
use techcommerce_kernel::{Currency, Error, Money, Timestamp, Uuid};
use techcommerce_store::{Conn, execute, transact, with};

use crate::{
    app::App,
    orders::{self, Cause, unreadable},
    path::{Event, RefundProgress, State},
};

const COLUMNS: &str = "f.id, f.kind, f.order_id, f.object, f.amount, f.currency, f.detail, f.due_at, \
     f.created_at, f.closed_at, f.settled_by, f.note, f.refund_id, o.number, o.path \
     FROM payment_findings f LEFT JOIN orders o ON o.id = f.order_id";
/// No id is longer.
const LONGEST_ID: usize = 300;

#[derive(sqlx::FromRow)]
struct Row {
    id: String,
    kind: String,
    order_id: Option<Uuid>,
    object: String,
    amount: i64,
    currency: String,
    detail: String,
    due_at: Option<i64>,
    created_at: i64,
    closed_at: Option<i64>,
    settled_by: Option<String>,
    note: Option<String>,
    refund_id: Option<Uuid>,
    number: Option<i64>,
    path: Option<Json<State>>,
}

impl Row {
    fn kind(&self) -> Result<Kind, Error> {
        self.kind.parse().map_err(unreadable)
    }

    /// How far the refund is that was made for it, unless there is none that can come to anything.
    fn repeated(&self) -> Option<RefundProgress> {
        let refunds = &self.path.as_ref()?.refunds;
        let refund = refunds.iter().find(|it| Some(it.id) == self.refund_id)?;
        Some(refund.progress).filter(|progress| *progress != RefundProgress::Refused)
    }

    /// What staff can do now.
    fn actions(&self, kind: Kind) -> Vec<Action> {
        let busy = self.repeated().is_some();
        let refundable = self.path.as_ref().map_or(0, |path| path.refundable());
        match kind {
            _ if self.closed_at.is_some() || busy => vec![],
            // It comes to its end at the provider.
            Kind::Dispute => vec![],
            Kind::RefundFailed if self.amount <= refundable => {
                vec![Action::RefundAgain, Action::Settle]
            }
            _ => vec![Action::Settle],
        }
    }

    fn shown(self) -> Result<PaymentFinding, Error> {
        let kind = self.kind()?;
        let actions = self.actions(kind);
        let time = |micros: Option<i64>| micros.map(Timestamp::from_micros);
        let currency: Option<Currency> = self.currency.parse().ok();
        let known = currency.filter(|_| self.amount >= 0);
        Ok(PaymentFinding {
            kind,
            actions,
            order_id: self.order_id.filter(|_| self.number.is_some()),
            order_number: self.number.map(|number| number.to_string()),
            amount: known.map(|currency| Money::new(self.amount, currency)),
            due_at: time(self.due_at),
            created_at: Timestamp::from_micros(self.created_at),
            closed_at: time(self.closed_at),
            note: self.note.filter(|_| self.settled_by.is_some()),
            settled_by: self.settled_by,
            refund_id: self.refund_id,
            object: self.object,
            detail: self.detail,
            id: self.id,
        })
    }
}

fn not_found() -> Error {
    Error::not_found(
        codes::FINDING_NOT_FOUND,
        "There is no such finding about a payment.",
    )
}

fn not_now(why: &'static str) -> Error {
    Error::conflict(codes::FINDING_STATE, why)
}

/// A page of what was found, the latest first.
///
/// # Errors
/// `invalid_input` for a cursor that is none.
pub(crate) async fn list(
    app: &App,
    query: &PaymentFindingQuery,
    limit: usize,
) -> Result<Page<PaymentFinding>, Error> {
    let after: Option<(i64, String)> = query.cursor.as_deref().map(cursor::decode).transpose()?;
    let (at, id) = after.unwrap_or((i64::MAX, String::new()));
    let which = match query.open {
        Some(true) => "f.closed_at IS NULL",
        Some(false) => "f.closed_at IS NOT NULL",
        None => "1 = 1",
    };
    let sql = format!(
        "SELECT {COLUMNS} WHERE {which} \
         AND (f.created_at < $1 OR (f.created_at = $1 AND f.id > $2)) \
         ORDER BY f.created_at DESC, f.id LIMIT $3"
    );
    if !is_id(&id) {
        return Err(Error::invalid_field(
            "cursor",
            "is not one that this list gave out",
        ));
    }
    let mut conn = app.db.read().await?;
    let mut rows: Vec<Row> = with!(conn, |c| {
        sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
            .bind(at)
            .bind(&id)
            .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX))
            .fetch_all(c)
            .await
    })?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = match rows.last() {
        Some(last) if more => Some(cursor::encode(&(last.created_at, &last.id))?),
        _ => None,
    };
    let items = rows.into_iter().map(Row::shown);
    Ok(Page {
        items: items.collect::<Result<_, _>>()?,
        next_cursor,
    })
}

/// Whether it can be an id: databases take no other characters for texts either.
fn is_id(id: &str) -> bool {
    id.len() <= LONGEST_ID && !id.chars().any(char::is_control)
}

async fn find(conn: &mut Conn, id: &str) -> Result<Row, Error> {
    if !is_id(id) {
        return Err(not_found());
    }
    let sql = format!("SELECT {COLUMNS} WHERE f.id = $1");
    let row: Option<Row> = with!(conn, |c| sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
        .bind(id)
        .fetch_optional(c)
        .await)?;
    row.ok_or_else(not_found)
}

/// The same, and nobody else changes it, or its order, until the transaction ends.
async fn hold(tx: &mut Conn, id: &str) -> Result<Row, Error> {
    const LOCK: &str = "UPDATE payment_findings SET updated_at = updated_at WHERE id = $1";
    let row = find(tx, id).await?;
    if let (Some(order), Some(_)) = (row.order_id, row.number) {
        orders::lock(tx, order).await?;
    }
    execute!(tx, sqlx::query(LOCK).bind(id))?;
    // What others did while this one waited.
    find(tx, id).await
}

/// Pays back once more what came back to us after it was paid back, by a refund of its own with a
/// key of its own. As long as that one is under way, or made, asking again is the same refund.
///
/// # Errors
/// `finding_not_found`; `finding_state` for anything but an open refund that failed;
/// `refund_exceeds_captured` when the money was paid back otherwise.
pub(crate) async fn refund_again(
    app: &App,
    staff: &Principal,
    id: &str,
) -> Result<PaymentFinding, Error> {
    const NAME: &str = "UPDATE payment_findings SET refund_id = $2, updated_at = $3 WHERE id = $1";
    let actor = staff.actor();
    let shown = transact!(app.db, |tx| -> Result<PaymentFinding, Error> {
        let row = hold(tx, id).await?;
        let (Kind::RefundFailed, Some(order)) = (row.kind()?, row.order_id) else {
            return Err(not_now("Only a refund that failed can be made again."));
        };
        if row.repeated().is_some() {
            return row.shown();
        }
        if row.closed_at.is_some() {
            return Err(not_now("It is dealt with already."));
        }
        let refund = app.env.new_id();
        let event = Event::RefundRequested {
            id: refund,
            amount: row.amount,
            restock: Vec::new(),
        };
        let cause = Cause {
            reason: "a refund that failed is made again",
            ..Cause::by(&actor)
        };
        let changed = orders::change(tx, app, order, &event, cause).await?;
        let said =
            json!({ "refund": refund, "amount": app.money(row.amount), "instead_of": row.object });
        orders::record(tx, app, (staff, "order.refund"), order, &changed, said).await?;
        execute!(
            tx,
            sqlx::query(NAME)
                .bind(id)
                .bind(refund)
                .bind(app.env.now().as_micros())
        )?;
        find(tx, id).await?.shown()
    })?;
    app.queue.wake();
    Ok(shown)
}

/// Takes the word of staff that it is dealt with. The same word again changes nothing.
///
/// # Errors
/// `finding_not_found`; `finding_state` for a dispute, while money is on its way, and for what is
/// closed already.
pub(crate) async fn settle(
    app: &App,
    staff: &Principal,
    id: &str,
    note: &str,
) -> Result<PaymentFinding, Error> {
    const SETTLE: &str = "UPDATE payment_findings SET closed_at = $2, settled_by = $3, note = $4 \
         WHERE id = $1";
    let actor = staff.actor();
    transact!(app.db, |tx| -> Result<PaymentFinding, Error> {
        let row = hold(tx, id).await?;
        let again = row.settled_by.is_some() && row.note.as_deref() == Some(note);
        if row.closed_at.is_some() && again {
            return row.shown();
        }
        let kind = row.kind()?;
        if !row.actions(kind).contains(&Action::Settle) {
            return Err(not_now(match kind {
                Kind::Dispute => "A dispute comes to its end at the payment provider.",
                _ if row.closed_at.is_some() => "It is dealt with already.",
                _ => "The money is on its way to the customer.",
            }));
        }
        execute!(
            tx,
            sqlx::query(SETTLE)
                .bind(id)
                .bind(app.env.now().as_micros())
                .bind(&actor)
                .bind(note)
        )?;
        let entry = Entry::new(staff, "payment.settle")
            .object("payment_finding", id, &row.object)
            .change(&json!({ "note": note }));
        techcommerce_audit::record(tx, &app.env, entry).await?;
        find(tx, id).await?.shown()
    })
}

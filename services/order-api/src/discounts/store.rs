//! Discounts as staff keep them.

use http::StatusCode;
use serde_json::{Value, json};
use techcommerce_audit::Entry;
use techcommerce_contracts::{
    Page, Principal, codes,
    order_api::{
        Discount, DiscountEdit, DiscountQuery, DiscountState, DiscountValue, NewDiscountInput,
    },
};
use techcommerce_http::cursor;
use techcommerce_kernel::{Error, Timestamp, Uuid};
use techcommerce_once::{Answer, Once};
use techcommerce_store::{Conn, execute, transact, with};

use super::{input, input::Terms, normalised};
use crate::{app::App, pricing::Reduction};

const COLUMNS: &str = "code, kind, value, min_subtotal, usage_limit, used, starts_at, ends_at, \
     active, once_per_customer, created_at";

#[derive(Debug, sqlx::FromRow)]
struct Row {
    code: String,
    kind: String,
    value: i64,
    min_subtotal: i64,
    usage_limit: Option<i64>,
    used: i64,
    starts_at: Option<i64>,
    ends_at: Option<i64>,
    active: bool,
    once_per_customer: bool,
    created_at: i64,
}

impl Row {
    fn terms(&self) -> Terms {
        Terms {
            reduction: super::reduction_of(&self.kind, self.value),
            active: self.active,
            starts_at: self.starts_at.map(Timestamp::from_micros),
            ends_at: self.ends_at.map(Timestamp::from_micros),
            min_subtotal: self.min_subtotal,
            usage_limit: self.usage_limit,
            once_per_customer: self.once_per_customer,
        }
    }

    fn state(&self, now: Timestamp) -> DiscountState {
        let now = now.as_micros();
        if !self.active {
            DiscountState::Inactive
        } else if self.ends_at.is_some_and(|end| end <= now) {
            DiscountState::Expired
        } else if self.usage_limit.is_some_and(|limit| self.used >= limit) {
            DiscountState::UsedUp
        } else if self.starts_at.is_some_and(|start| start > now) {
            DiscountState::Scheduled
        } else {
            DiscountState::Active
        }
    }

    fn shown(self, app: &App) -> Discount {
        let terms = self.terms();
        Discount {
            value: value_of(app, terms.reduction),
            state: self.state(app.env.now()),
            active: terms.active,
            starts_at: terms.starts_at,
            ends_at: terms.ends_at,
            minimum: minimum_of(app, terms.min_subtotal),
            usage_limit: terms.usage_limit,
            once_per_customer: terms.once_per_customer,
            used: self.used,
            created_at: Timestamp::from_micros(self.created_at),
            code: self.code,
        }
    }
}

fn value_of(app: &App, reduction: Reduction) -> DiscountValue {
    match reduction {
        Reduction::Percent(basis_points) => DiscountValue::Percent { basis_points },
        Reduction::Amount(amount) => DiscountValue::Amount {
            amount: app.money(amount),
        },
    }
}

fn minimum_of(app: &App, min_subtotal: i64) -> Option<techcommerce_kernel::Money> {
    (min_subtotal > 0).then(|| app.money(min_subtotal))
}

/// The terms for the audit log.
fn told(app: &App, terms: &Terms) -> Value {
    json!({
        "value": value_of(app, terms.reduction),
        "active": terms.active,
        "starts_at": terms.starts_at,
        "ends_at": terms.ends_at,
        "minimum": minimum_of(app, terms.min_subtotal),
        "usage_limit": terms.usage_limit,
        "once_per_customer": terms.once_per_customer,
    })
}

/// A page of the discounts, by code.
///
/// # Errors
/// `invalid_input` for a cursor that is none.
pub async fn list(app: &App, query: &DiscountQuery, limit: usize) -> Result<Page<Discount>, Error> {
    let after: Option<String> = query.cursor.as_deref().map(cursor::decode).transpose()?;
    let first = normalised(query.q.as_deref().unwrap_or_default());
    let end = format!("{first}{}", char::MAX);
    let active = match query.active {
        None => "",
        Some(true) => " AND active",
        Some(false) => " AND NOT active",
    };
    let sql = format!(
        "SELECT {COLUMNS} FROM discounts WHERE code COLLATE \"C\" > $1 AND code COLLATE \"C\" >= $2 \
         AND code COLLATE \"C\" < $3{active} ORDER BY code COLLATE \"C\" LIMIT $4"
    );
    let mut conn = app.db.read().await?;
    let mut rows: Vec<Row> = with!(conn, |c| sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
        .bind(after.as_deref().unwrap_or_default())
        .bind(&first)
        .bind(&end)
        .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .fetch_all(c)
        .await)?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = match rows.last() {
        Some(last) if more => Some(cursor::encode(&last.code)?),
        _ => None,
    };
    Ok(Page {
        items: rows.into_iter().map(|row| row.shown(app)).collect(),
        next_cursor,
    })
}

/// One discount.
///
/// # Errors
/// `discount_not_found`.
pub async fn show(app: &App, code: &str) -> Result<Discount, Error> {
    let mut conn = app.db.read().await?;
    let row = find(&mut conn, code, "").await?.ok_or_else(not_found)?;
    Ok(row.shown(app))
}

async fn find(conn: &mut Conn, code: &str, lock: &str) -> Result<Option<Row>, Error> {
    let sql = match lock {
        "" => format!("SELECT {COLUMNS} FROM discounts WHERE code = $1"),
        // Taking the row with an update makes others wait on both engines.
        _ => format!("UPDATE discounts SET used = used WHERE code = $1 RETURNING {COLUMNS}"),
    };
    let row = with!(conn, |c| sqlx::query_as(sqlx::AssertSqlSafe(sql.as_str()))
        .bind(normalised(code))
        .fetch_optional(c)
        .await)?;
    Ok(row)
}

/// Makes a discount.
///
/// # Errors
/// `invalid_input`, `discount_code_taken`.
pub async fn create(
    app: &App,
    who: &Principal,
    input: &NewDiscountInput,
    once: &Once,
) -> Result<Answer, Error> {
    let (code, terms) = input::new(input, app.settings.currency)?;
    transact!(app.db, |tx| -> Result<Answer, Error> {
        if let Some(answer) = once.begin(tx, &app.env).await? {
            return Ok(answer);
        }
        if !super::insert(tx, &app.env, &code, &terms).await? {
            return Err(Error::conflict(
                codes::DISCOUNT_CODE_TAKEN,
                "There is a discount with this code already.",
            ));
        }
        let entry = Entry::new(who, "discount.create")
            .object("discount", &code, &code)
            .change(&told(app, &terms));
        techcommerce_audit::record(tx, &app.env, entry).await?;
        let row = find(tx, &code, "").await?.ok_or_else(not_found)?;
        once.keep(tx, Answer::json(StatusCode::CREATED, &row.shown(app))?)
            .await
    })
}

/// Changes a discount.
///
/// # Errors
/// `discount_not_found`, `invalid_input`.
pub async fn edit(
    app: &App,
    who: &Principal,
    code: &str,
    edit: &DiscountEdit,
) -> Result<Discount, Error> {
    const SAVE: &str = "UPDATE discounts SET kind = $2, value = $3, min_subtotal = $4, \
         usage_limit = $5, starts_at = $6, ends_at = $7, active = $8, once_per_customer = $9 \
         WHERE code = $1";
    transact!(app.db, |tx| -> Result<(), Error> {
        let row = find(tx, code, "lock").await?.ok_or_else(not_found)?;
        let old = row.terms();
        let terms = input::edited(&old, edit, app.settings.currency)?;
        let (kind, value) = super::stored(terms.reduction);
        execute!(
            tx,
            sqlx::query(SAVE)
                .bind(&row.code)
                .bind(kind)
                .bind(value)
                .bind(terms.min_subtotal)
                .bind(terms.usage_limit)
                .bind(terms.starts_at.map(Timestamp::as_micros))
                .bind(terms.ends_at.map(Timestamp::as_micros))
                .bind(terms.active)
                .bind(terms.once_per_customer)
        )?;
        let entry = Entry::new(who, "discount.update")
            .object("discount", &row.code, &row.code)
            .difference(&told(app, &old), &told(app, &terms));
        match entry {
            Some(entry) => techcommerce_audit::record(tx, &app.env, entry).await,
            None => Ok(()),
        }
    })?;
    show(app, code).await
}

/// Deletes a discount that no order names.
///
/// # Errors
/// `discount_not_found`, `discount_in_use`.
pub async fn delete(app: &App, who: &Principal, code: &str) -> Result<(), Error> {
    const NAMED: &str = "SELECT id FROM orders WHERE discount_code = $1 LIMIT 1";
    const DELETE: &str = "DELETE FROM discounts WHERE code = $1";
    transact!(app.db, |tx| -> Result<(), Error> {
        // An order that is just being placed with it takes this row too, so one of the two waits.
        let row = find(tx, code, "lock").await?.ok_or_else(not_found)?;
        let named: Option<Uuid> = with!(tx, |c| sqlx::query_scalar(NAMED)
            .bind(&row.code)
            .fetch_optional(c)
            .await)?;
        if named.is_some() {
            return Err(Error::conflict(
                codes::DISCOUNT_IN_USE,
                "Orders name this code. Set `active` to false instead: nobody can use it then.",
            ));
        }
        execute!(tx, sqlx::query(DELETE).bind(&row.code))?;
        let entry = Entry::new(who, "discount.delete")
            .object("discount", &row.code, &row.code)
            .change(&told(app, &row.terms()));
        techcommerce_audit::record(tx, &app.env, entry).await
    })
}

fn not_found() -> Error {
    Error::not_found(codes::DISCOUNT_NOT_FOUND, "There is no such discount code.")
}

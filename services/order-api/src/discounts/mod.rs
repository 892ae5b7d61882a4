//! Discount codes: what they take off a cart here, what staff do with them in [`store`].

mod input;
mod store;

use techcommerce_contracts::codes;
use techcommerce_kernel::{Env, Error, Timestamp, Uuid};
use techcommerce_store::{Conn, Db, execute, transact, with};

pub use store::{create as create_for_staff, delete, edit, list, show};

use crate::{app::App, pricing::Reduction};
use input::Terms;

/// The longest code.
const MAX_LEN: usize = 64;

/// A discount as it is written.
#[derive(Debug, Clone)]
pub struct NewDiscount {
    /// Case does not matter.
    pub code: String,
    /// What it takes off.
    pub reduction: Reduction,
    /// Only for goods of at least this price, in minor units.
    pub min_subtotal: i64,
    /// How many orders may use it; those that are given up do not count.
    pub usage_limit: Option<i64>,
    /// Good from then on.
    pub starts_at: Option<Timestamp>,
    /// Good until then.
    pub ends_at: Option<Timestamp>,
}

#[derive(Debug, sqlx::FromRow)]
struct Row {
    kind: String,
    value: i64,
    min_subtotal: i64,
    usage_limit: Option<i64>,
    used: i64,
    starts_at: Option<i64>,
    ends_at: Option<i64>,
    active: bool,
}

impl Row {
    fn reduction(&self) -> Reduction {
        reduction_of(&self.kind, self.value)
    }

    /// Why it cannot be used now for goods of this price.
    fn refusal(&self, subtotal: i64, now: i64) -> Option<&'static str> {
        if !self.active || self.ends_at.is_some_and(|end| end <= now) {
            Some("This code is no longer good.")
        } else if self.starts_at.is_some_and(|start| start > now) {
            Some("This code is not good yet.")
        } else if self.usage_limit.is_some_and(|limit| self.used >= limit) {
            Some("This code has been used up.")
        } else if subtotal < self.min_subtotal {
            Some("This code is for larger orders.")
        } else {
            None
        }
    }
}

fn reduction_of(kind: &str, value: i64) -> Reduction {
    match kind {
        "percent" => Reduction::Percent(value),
        _ => Reduction::Amount(value),
    }
}

/// Kind and value as they are stored.
fn stored(reduction: Reduction) -> (&'static str, i64) {
    match reduction {
        Reduction::Percent(basis_points) => ("percent", basis_points),
        Reduction::Amount(amount) => ("amount", amount),
    }
}

/// The form in which codes are compared.
pub fn normalised(code: &str) -> String {
    code.trim().to_uppercase()
}

/// What a code takes off goods of this price now, or the error that says why nothing.
///
/// # Errors
/// The outer error is the database's; the inner one is `discount_invalid` (conflict).
pub async fn reduction(
    app: &App,
    code: &str,
    subtotal: i64,
) -> Result<Result<Reduction, Error>, Error> {
    const FIND: &str = "SELECT kind, value, min_subtotal, usage_limit, used, starts_at, ends_at, active \
         FROM discounts WHERE code = $1";
    let code = normalised(code);
    if code.is_empty() || code.len() > MAX_LEN {
        return Ok(Err(invalid("There is no such code.")));
    }
    let mut conn = app.db.read().await?;
    let row: Option<Row> = with!(conn, |c| sqlx::query_as(FIND)
        .bind(&code)
        .fetch_optional(c)
        .await)?;
    let Some(row) = row else {
        return Ok(Err(invalid("There is no such code.")));
    };
    Ok(match row.refusal(subtotal, app.env.now().as_micros()) {
        Some(why) => Err(invalid(why)),
        None => Ok(row.reduction()),
    })
}

/// Counts one more order that uses the code, of the customer with this mail address.
///
/// # Errors
/// `discount_invalid` if it was used up meanwhile, or the customer has used it and may only once.
pub async fn use_up(tx: &mut Conn, code: &str, email_key: &str) -> Result<(), Error> {
    // Whoever uses the same code waits here, so that what is asked next is the whole truth.
    const USE: &str = "UPDATE discounts SET used = used + 1 \
         WHERE code = $1 AND (usage_limit IS NULL OR used < usage_limit) \
         RETURNING once_per_customer";
    const EARLIER: &str = "SELECT id FROM orders \
         WHERE discount_code = $1 AND email_key = $2 AND status <> 'cancelled' LIMIT 1";
    let code = normalised(code);
    let once: Option<bool> = with!(tx, |c| sqlx::query_scalar(USE)
        .bind(&code)
        .fetch_optional(c)
        .await)?;
    if !once.ok_or_else(|| invalid("This code has been used up."))? {
        return Ok(());
    }
    let earlier: Option<Uuid> = with!(tx, |c| sqlx::query_scalar(EARLIER)
        .bind(&code)
        .bind(email_key)
        .fetch_optional(c)
        .await)?;
    match earlier {
        Some(_) => Err(invalid(
            "You have used this code before; it is good only once.",
        )),
        None => Ok(()),
    }
}

/// An order that used the code was given up.
pub async fn give_back(tx: &mut Conn, code: &str) -> Result<(), Error> {
    const BACK: &str = "UPDATE discounts SET used = used - 1 WHERE code = $1 AND used > 0";
    execute!(tx, sqlx::query(BACK).bind(normalised(code)))?;
    Ok(())
}

/// Writes a discount unless its code is there already; gives whether it was written.
///
/// # Errors
/// Those of the database.
pub async fn create(db: &Db, env: &Env, discount: &NewDiscount) -> Result<bool, Error> {
    let terms = Terms {
        reduction: discount.reduction,
        active: true,
        starts_at: discount.starts_at,
        ends_at: discount.ends_at,
        min_subtotal: discount.min_subtotal,
        usage_limit: discount.usage_limit,
        once_per_customer: false,
    };
    let code = normalised(&discount.code);
    transact!(db, |tx| -> Result<bool, Error> {
        insert(tx, env, &code, &terms).await
    })
}

/// Writes a discount unless its code, which is in capitals, is there; gives whether it was written.
async fn insert(tx: &mut Conn, env: &Env, code: &str, terms: &Terms) -> Result<bool, Error> {
    const INSERT: &str = "INSERT INTO discounts (code, kind, value, min_subtotal, usage_limit, \
         used, starts_at, ends_at, active, once_per_customer, created_at) \
         VALUES ($1, $2, $3, $4, $5, 0, $6, $7, $8, $9, $10) ON CONFLICT (code) DO NOTHING";
    let (kind, value) = stored(terms.reduction);
    Ok(execute!(
        tx,
        sqlx::query(INSERT)
            .bind(code)
            .bind(kind)
            .bind(value)
            .bind(terms.min_subtotal)
            .bind(terms.usage_limit)
            .bind(terms.starts_at.map(Timestamp::as_micros))
            .bind(terms.ends_at.map(Timestamp::as_micros))
            .bind(terms.active)
            .bind(terms.once_per_customer)
            .bind(env.now().as_micros())
    )? == 1)
}

/// The codes of the demo shop: `WELCOME10` takes 10 % off, `FIVER` takes 5.00 off from 30.00 on.
///
/// # Errors
/// Those of the database.
pub async fn seed_demo(db: &Db, env: &Env) -> Result<(), Error> {
    let code = |code: &str, reduction, min_subtotal| NewDiscount {
        code: code.to_owned(),
        reduction,
        min_subtotal,
        usage_limit: None,
        starts_at: None,
        ends_at: None,
    };
    create(db, env, &code("WELCOME10", Reduction::Percent(1000), 0)).await?;
    create(db, env, &code("FIVER", Reduction::Amount(500), 3000)).await?;
    Ok(())
}

/// The code cannot be used.
pub fn invalid(why: &'static str) -> Error {
    Error::conflict(codes::DISCOUNT_INVALID, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_within_its_bounds() {
        let row = |used, starts_at, ends_at, active| Row {
            kind: "amount".into(),
            value: 500,
            min_subtotal: 1000,
            usage_limit: Some(2),
            used,
            starts_at,
            ends_at,
            active,
        };
        assert_eq!(row(1, Some(5), Some(9), true).refusal(1000, 5), None);
        assert!(row(1, Some(5), Some(9), true).refusal(1000, 4).is_some());
        assert!(row(1, Some(5), Some(9), true).refusal(1000, 9).is_some());
        assert!(row(2, None, None, true).refusal(1000, 5).is_some());
        assert!(row(0, None, None, false).refusal(1000, 5).is_some());
        assert!(row(0, None, None, true).refusal(999, 5).is_some());
        assert_eq!(normalised(" welcome10 "), "WELCOME10");
    }
}

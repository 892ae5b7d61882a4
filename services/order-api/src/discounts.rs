//! Discount codes.

use techcommerce_contracts::codes;
use techcommerce_kernel::{Env, Error, Timestamp};
use techcommerce_store::{Conn, Db, execute, transact, with};

use crate::{app::App, pricing::Reduction};

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
        match self.kind.as_str() {
            "percent" => Reduction::Percent(self.value),
            _ => Reduction::Amount(self.value),
        }
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

/// Counts one more order that uses the code; `false` if it was used up meanwhile.
pub async fn use_up(tx: &mut Conn, code: &str) -> Result<bool, Error> {
    const USE: &str = "UPDATE discounts SET used = used + 1 \
         WHERE code = $1 AND (usage_limit IS NULL OR used < usage_limit)";
    Ok(execute!(tx, sqlx::query(USE).bind(normalised(code)))? == 1)
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
    const INSERT: &str = "INSERT INTO discounts \
         (code, kind, value, min_subtotal, usage_limit, used, starts_at, ends_at, active, created_at) \
         VALUES ($1, $2, $3, $4, $5, 0, $6, $7, TRUE, $8) ON CONFLICT (code) DO NOTHING";
    let (kind, value) = match discount.reduction {
        Reduction::Percent(basis_points) => ("percent", basis_points),
        Reduction::Amount(amount) => ("amount", amount),
    };
    transact!(db, |tx| -> Result<bool, Error> {
        Ok(execute!(
            tx,
            sqlx::query(INSERT)
                .bind(normalised(&discount.code))
                .bind(kind)
                .bind(value)
                .bind(discount.min_subtotal)
                .bind(discount.usage_limit)
                .bind(discount.starts_at.map(Timestamp::as_micros))
                .bind(discount.ends_at.map(Timestamp::as_micros))
                .bind(env.now().as_micros())
        )? == 1)
    })
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

//! Whether a discount makes sense.

use techcommerce_contracts::order_api::{DiscountEdit, DiscountValue, NewDiscountInput};
use techcommerce_kernel::{Currency, Error, FieldError, Money, Timestamp};

use super::{MAX_LEN, normalised};
use crate::pricing::{MAX_TOTAL, Reduction};

/// A discount as staff want it, checked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms {
    /// What it takes off.
    pub reduction: Reduction,
    /// Whether it may be used.
    pub active: bool,
    /// Good from then on.
    pub starts_at: Option<Timestamp>,
    /// Good until then.
    pub ends_at: Option<Timestamp>,
    /// Only for goods of at least this price, in minor units.
    pub min_subtotal: i64,
    /// How many orders may use it.
    pub usage_limit: Option<i64>,
    /// Whether each customer may use it only once.
    pub once_per_customer: bool,
}

/// The code and the terms of a new discount.
///
/// # Errors
/// `invalid_input` with every place that is wrong.
pub fn new(input: &NewDiscountInput, currency: Currency) -> Result<(String, Terms), Error> {
    let code = normalised(&input.code);
    let mut fields = Vec::new();
    let allowed = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
    if code.is_empty() || code.len() > MAX_LEN || !code.chars().all(allowed) {
        fields.push(FieldError {
            path: "code".to_owned(),
            message: format!("must be 1 to {MAX_LEN} letters, digits, - or _"),
        });
    }
    let terms = Terms {
        reduction: reduction(&input.value, currency, &mut fields),
        active: input.active,
        starts_at: input.starts_at,
        ends_at: input.ends_at,
        min_subtotal: minimum(input.minimum.as_ref(), currency, &mut fields),
        usage_limit: input.usage_limit,
        once_per_customer: input.once_per_customer,
    };
    terms.check(&mut fields);
    Error::check(fields)?;
    Ok((code, terms))
}

/// The terms with what is to be changed of them.
///
/// # Errors
/// `invalid_input` with every place that is wrong.
pub fn edited(old: &Terms, edit: &DiscountEdit, currency: Currency) -> Result<Terms, Error> {
    let mut fields = Vec::new();
    let mut terms = old.clone();
    if let Some(value) = &edit.value {
        terms.reduction = reduction(value, currency, &mut fields);
    }
    if let Some(new) = &edit.minimum {
        terms.min_subtotal = minimum(new.as_ref(), currency, &mut fields);
    }
    terms.active = edit.active.unwrap_or(old.active);
    terms.starts_at = edit.starts_at.unwrap_or(old.starts_at);
    terms.ends_at = edit.ends_at.unwrap_or(old.ends_at);
    terms.usage_limit = edit.usage_limit.unwrap_or(old.usage_limit);
    terms.once_per_customer = edit.once_per_customer.unwrap_or(old.once_per_customer);
    terms.check(&mut fields);
    Error::check(fields)?;
    Ok(terms)
}

impl Terms {
    /// What no single field can say of itself.
    fn check(&self, fields: &mut Vec<FieldError>) {
        let mut wrong = |path: &str, message: &str| {
            fields.push(FieldError {
                path: path.to_owned(),
                message: message.to_owned(),
            });
        };
        if self.usage_limit.is_some_and(|limit| limit < 1) {
            wrong("usage_limit", "must be at least 1, or null for any number");
        }
        if let (Some(start), Some(end)) = (self.starts_at, self.ends_at)
            && end <= start
        {
            wrong("ends_at", "must be after starts_at");
        }
    }
}

fn reduction(value: &DiscountValue, currency: Currency, fields: &mut Vec<FieldError>) -> Reduction {
    let mut wrong = |path: &str, message: String| {
        fields.push(FieldError {
            path: path.to_owned(),
            message,
        });
    };
    match value {
        DiscountValue::Percent { basis_points } => {
            if !(1..=10_000).contains(basis_points) {
                let message = "must be 1 to 10000 hundredths of a percent: 1000 is 10 %";
                wrong("value.basis_points", message.to_owned());
            }
            Reduction::Percent(*basis_points)
        }
        DiscountValue::Amount { amount } => {
            if amount.currency != currency {
                let message = format!("must be {currency}, the shop's currency");
                wrong("value.amount.currency", message);
            }
            if !(1..=MAX_TOTAL).contains(&amount.amount) {
                let message = format!("must be 1 to {MAX_TOTAL} minor units");
                wrong("value.amount.amount", message);
            }
            Reduction::Amount(amount.amount)
        }
    }
}

fn minimum(minimum: Option<&Money>, currency: Currency, fields: &mut Vec<FieldError>) -> i64 {
    let Some(minimum) = minimum else { return 0 };
    let mut wrong = |path: &str, message: String| {
        fields.push(FieldError {
            path: path.to_owned(),
            message,
        });
    };
    if minimum.currency != currency {
        let message = format!("must be {currency}, the shop's currency");
        wrong("minimum.currency", message);
    }
    if !(0..=MAX_TOTAL).contains(&minimum.amount) {
        let message = format!("must be 0 to {MAX_TOTAL} minor units");
        wrong("minimum.amount", message);
    }
    minimum.amount
}

#[cfg(test)]
mod tests {
    use super::*;

    fn input(json: serde_json::Value) -> NewDiscountInput {
        serde_json::from_value(json).unwrap()
    }

    fn places(json: serde_json::Value) -> Vec<String> {
        match new(&input(json), Currency::EUR) {
            Ok(_) => Vec::new(),
            Err(error) => error.fields().iter().map(|f| f.path.clone()).collect(),
        }
    }

    #[test]
    fn every_place_that_is_wrong_is_named() {
        use serde_json::json;
        let percent = |basis_points: i64| json!({"kind": "percent", "basis_points": basis_points});
        assert_eq!(
            places(json!({"code": "Spring-26", "value": percent(1)})),
            [""; 0]
        );
        assert_eq!(
            places(json!({
                "code": "a b", "value": percent(10_001), "usage_limit": 0,
                "starts_at": "2026-01-02T00:00:00Z", "ends_at": "2026-01-02T00:00:00Z",
                "minimum": {"amount": -1, "currency": "USD"},
            })),
            [
                "code",
                "value.basis_points",
                "minimum.currency",
                "minimum.amount",
                "usage_limit",
                "ends_at"
            ]
        );
        let amount = json!({"kind": "amount", "amount": {"amount": 0, "currency": "USD"}});
        assert_eq!(
            places(json!({"code": "A", "value": amount})),
            ["value.amount.currency", "value.amount.amount"]
        );
    }

    #[test]
    fn an_edit_changes_what_it_names() {
        use serde_json::json;
        let value = json!({"kind": "percent", "basis_points": 500});
        let (_, old) = new(
            &input(json!({"code": "A", "value": value, "usage_limit": 3})),
            Currency::EUR,
        )
        .unwrap();
        let edit = serde_json::from_value(json!({"usage_limit": null, "active": false})).unwrap();
        let terms = edited(&old, &edit, Currency::EUR).unwrap();
        assert_eq!(
            terms,
            Terms {
                usage_limit: None,
                active: false,
                ..old
            }
        );
    }
}

//! Amounts as Stripe counts them: in the smallest unit, with some currencies of its own kind.

use techcommerce_kernel::{Currency, Money};

/// How an amount of ours and one of Stripe's are the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scale {
    Same,
    /// Stripe counts with two decimals what has none.
    Hundredfold,
    /// Stripe counts without decimals what we count with two.
    Hundredth,
    /// The same, but the last of three decimals must be zero.
    Tens,
}

/// Why an amount cannot be paid at Stripe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NotPayable;

/// What Stripe is told for `money`.
///
/// # Errors
/// The currency is none of Stripe's, or Stripe cannot take an amount as exact as this.
pub(crate) fn to_stripe(money: Money) -> Result<i64, NotPayable> {
    let amount = money.amount;
    match scale(money.currency)? {
        Scale::Same => Ok(amount),
        Scale::Hundredfold => amount.checked_mul(100).ok_or(NotPayable),
        Scale::Hundredth if amount % 100 == 0 => Ok(amount / 100),
        Scale::Tens if amount % 10 == 0 => Ok(amount),
        Scale::Hundredth | Scale::Tens => Err(NotPayable),
    }
}

/// What `amount` as Stripe counts it is for us.
///
/// # Errors
/// The currency is none of Stripe's, or it is no whole number of our units.
pub(crate) fn from_stripe(amount: i64, currency: Currency) -> Result<Money, NotPayable> {
    let ours = match scale(currency)? {
        Scale::Same | Scale::Tens => amount,
        Scale::Hundredfold if amount % 100 == 0 => amount / 100,
        Scale::Hundredfold => return Err(NotPayable),
        Scale::Hundredth => amount.checked_mul(100).ok_or(NotPayable)?,
    };
    Ok(Money::new(ours, currency))
}

fn scale(currency: Currency) -> Result<Scale, NotPayable> {
    match (currency.code(), currency.exponent()) {
        // They have no decimals any more, but Stripe goes on counting two.
        ("ISK" | "UGX", _) => Ok(Scale::Hundredfold),
        ("MGA", _) => Ok(Scale::Hundredth),
        ("BHD" | "JOD" | "KWD" | "OMR" | "TND", _) => Ok(Scale::Tens),
        (_, 0 | 2) => Ok(Scale::Same),
        _ => Err(NotPayable),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn money(amount: i64, currency: &str) -> Money {
        Money::new(amount, currency.parse().unwrap())
    }

    #[test]
    fn each_kind_of_currency_is_told_as_stripe_counts_it() {
        assert_eq!(to_stripe(money(1999, "EUR")), Ok(1999));
        assert_eq!(to_stripe(money(500, "JPY")), Ok(500));
        assert_eq!(to_stripe(money(5, "ISK")), Ok(500));
        assert_eq!(to_stripe(money(5, "UGX")), Ok(500));
        assert_eq!(to_stripe(money(500, "MGA")), Ok(5));
        assert_eq!(to_stripe(money(501, "MGA")), Err(NotPayable));
        assert_eq!(to_stripe(money(5120, "KWD")), Ok(5120));
        assert_eq!(to_stripe(money(5124, "KWD")), Err(NotPayable));
        assert_eq!(to_stripe(money(1000, "LYD")), Err(NotPayable));
        assert_eq!(
            from_stripe(550, "ISK".parse().unwrap()),
            Err(NotPayable),
            "half a crown is no crown"
        );
    }

    proptest! {
        #[test]
        fn what_is_told_comes_back_as_it_was(
            amount in 0_i64..=99_999_999,
            currency in prop::sample::select(vec!["EUR", "JPY", "ISK", "UGX", "MGA", "KWD", "TND", "HUF"]),
        ) {
            let money = money(amount, currency);
            if let Ok(told) = to_stripe(money) {
                prop_assert_eq!(from_stripe(told, money.currency), Ok(money));
            }
        }
    }
}

//! Money in whole minor units, and how many of a thing.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// An ISO 4217 currency code, as `EUR`.
#[derive(
    Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema,
)]
#[serde(try_from = "String", into = "String")]
#[schema(value_type = String, pattern = "^[A-Z]{3}$", examples("EUR"))]
pub struct Currency([u8; 3]);

impl Currency {
    /// The euro.
    pub const EUR: Self = Self(*b"EUR");

    /// The code, three capital letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("XXX")
    }

    /// How many digits stand behind the decimal point (ISO 4217's exponent).
    pub fn exponent(self) -> u32 {
        match &self.0 {
            b"BIF" | b"CLP" | b"DJF" | b"GNF" | b"ISK" | b"JPY" | b"KMF" | b"KRW" | b"PYG"
            | b"RWF" | b"UGX" | b"UYI" | b"VND" | b"VUV" | b"XAF" | b"XOF" | b"XPF" => 0,
            b"BHD" | b"IQD" | b"JOD" | b"KWD" | b"LYD" | b"OMR" | b"TND" => 3,
            _ => 2,
        }
    }
}

impl FromStr for Currency {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.as_bytes() {
            [a, b, c] if text.bytes().all(|byte| byte.is_ascii_uppercase()) => {
                Ok(Self([*a, *b, *c]))
            }
            _ => Err(format!(
                "`{text}` is no currency: give its ISO 4217 code, as EUR"
            )),
        }
    }
}

impl TryFrom<String> for Currency {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Currency> for String {
    fn from(currency: Currency) -> Self {
        currency.code().to_owned()
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// An amount in minor units (cents) of a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Money {
    /// Minor units: 1999 is EUR 19.99.
    #[schema(examples(1999))]
    pub amount: i64,
    /// Of this currency.
    pub currency: Currency,
}

impl Money {
    /// `amount` minor units of `currency`.
    pub const fn new(amount: i64, currency: Currency) -> Self {
        Self { amount, currency }
    }

    /// Reads a decimal as `19.99` or `1,299.00` exactly, without floating point.
    ///
    /// Thousands may be set apart by commas; a digit finer than the currency has is an error
    /// unless it is zero.
    pub fn parse_decimal(text: &str, currency: Currency) -> Result<Self, String> {
        let wrong = || format!("`{text}` is no price: write it as 19.99");
        let (sign, digits) = match text.trim().strip_prefix('-') {
            Some(rest) => (-1_i64, rest),
            None => (1, text.trim()),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let whole = whole.replace(',', "");
        let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
        if (whole.is_empty() && fraction.is_empty()) || !all_digits(&whole) || !all_digits(fraction)
        {
            return Err(wrong());
        }
        let exponent = currency.exponent() as usize;
        let (kept, finer) = fraction.split_at(fraction.len().min(exponent));
        if finer.bytes().any(|byte| byte != b'0') {
            return Err(format!(
                "`{text}` is finer than {currency} has: give at most {exponent} decimals"
            ));
        }
        let padded = format!("{whole}{kept:0<exponent$}");
        let amount = if padded.is_empty() { "0" } else { &padded };
        let amount: i64 = amount.parse().map_err(|_| wrong())?;
        Ok(Self::new(sign * amount, currency))
    }

    /// As a decimal without the currency: `19.99`.
    pub fn to_decimal(self) -> String {
        let exponent = self.currency.exponent();
        let unit = 10_u64.pow(exponent);
        let sign = if self.amount < 0 { "-" } else { "" };
        let amount = self.amount.unsigned_abs();
        match exponent {
            0 => format!("{sign}{amount}"),
            digits => format!(
                "{sign}{}.{:0width$}",
                amount / unit,
                amount % unit,
                width = digits as usize
            ),
        }
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.to_decimal(), self.currency)
    }
}

/// How many of a thing are asked for: 1 to [`Quantity::MAX`].
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    utoipa::ToSchema,
)]
#[serde(try_from = "i64", into = "i64")]
#[schema(value_type = i64, minimum = 1, maximum = 9999, examples(1))]
pub struct Quantity(i64);

impl Quantity {
    /// The most of one thing that one line may hold.
    pub const MAX: i64 = 9_999;

    /// `count`, if it is between 1 and [`Quantity::MAX`].
    pub fn new(count: i64) -> Result<Self, String> {
        if (1..=Self::MAX).contains(&count) {
            Ok(Self(count))
        } else {
            Err(format!("must be between 1 and {}", Self::MAX))
        }
    }

    /// The number.
    pub fn get(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for Quantity {
    type Error = String;

    fn try_from(count: i64) -> Result<Self, String> {
        Self::new(count)
    }
}

impl From<Quantity> for i64 {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cents(text: &str) -> Result<i64, String> {
        Money::parse_decimal(text, Currency::EUR).map(|money| money.amount)
    }

    #[test]
    fn decimals_are_read_exactly() {
        assert_eq!(cents("19.99"), Ok(1999));
        assert_eq!(cents(" 1,299.5 "), Ok(129_950));
        assert_eq!(cents(".5"), Ok(50));
        assert_eq!(cents("7"), Ok(700));
        assert_eq!(cents("7.0000"), Ok(700));
        assert_eq!(cents("-3.10"), Ok(-310));
        for bad in [
            "",
            ".",
            "-",
            "1.999",
            "1e3",
            "12,5€",
            "NaN",
            "99999999999999999999",
        ] {
            assert!(cents(bad).is_err(), "{bad}");
        }
        let yen: Currency = "JPY".parse().unwrap();
        assert_eq!(Money::parse_decimal("500", yen).map(|m| m.amount), Ok(500));
    }

    #[test]
    fn decimals_are_written_as_they_are_read() {
        for amount in [0, 1, 99, 100, 123_456, -5] {
            let money = Money::new(amount, Currency::EUR);
            assert_eq!(cents(&money.to_decimal()), Ok(amount));
        }
    }

    #[test]
    fn a_currency_is_three_capitals() {
        assert!("eur".parse::<Currency>().is_err());
        assert!("EURO".parse::<Currency>().is_err());
        assert!(serde_json::from_str::<Currency>("\"€\"").is_err());
    }
}

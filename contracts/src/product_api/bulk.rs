//! One change of many products.

use serde::{Deserialize, Serialize};
use techcommerce_kernel::Uuid;
use utoipa::ToSchema;

use super::ProductStatus;

/// Changes many products alike. Each is changed by itself: one that is refused holds up no other.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BulkChange {
    /// The products, at most 100, each once.
    #[schema(min_items = 1, max_items = 100)]
    pub ids: Vec<Uuid>,
    /// What to do with each of them.
    pub action: BulkAction,
}

/// What is done with many products.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum BulkAction {
    /// Shows, hides or archives them.
    SetStatus {
        /// What they are from now on.
        status: ProductStatus,
    },
    /// Puts them into a category.
    SetCategory {
        /// The handle of an existing category; the empty text takes them out of theirs.
        category: String,
    },
    /// Adds a tag to those that do not have it.
    AddTag {
        /// The tag.
        tag: String,
    },
    /// Takes a tag off those that have it.
    RemoveTag {
        /// The tag.
        tag: String,
    },
    /// Raises or lowers the price of each of their variants.
    ///
    /// The new price is rounded to the next minor unit, halves away from zero. A price before
    /// (`compare_at_price`) that is no longer above the price goes.
    ChangePrice {
        /// By how much, from -100 to 1000, with at most two decimals: -10 takes a tenth off.
        #[schema(value_type = f64)]
        percent: Percent,
    },
}

/// A percentage with at most two decimals, held in hundredths so that nothing is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "serde_json::Number", into = "serde_json::Number")]
pub struct Percent(i32);

impl Percent {
    /// The lowest: everything is taken off.
    pub const MIN: Self = Self(-100 * 100);
    /// The highest: eleven times as much.
    pub const MAX: Self = Self(1_000 * 100);

    /// From hundredths of a percent: -1050 is -10.5 %. `None` if it is out of bounds.
    pub const fn from_hundredths(hundredths: i32) -> Option<Self> {
        if hundredths < Self::MIN.0 || hundredths > Self::MAX.0 {
            return None;
        }
        Some(Self(hundredths))
    }

    /// In hundredths of a percent.
    pub const fn hundredths(self) -> i32 {
        self.0
    }

    /// An amount in minor units, changed by this much: rounded to the next minor unit, halves
    /// away from zero. `None` if it does not fit.
    pub fn applied_to(self, amount: i64) -> Option<i64> {
        const WHOLE: i128 = 10_000;
        let exact = i128::from(amount) * (WHOLE + i128::from(self.0));
        let half = if exact < 0 { -WHOLE / 2 } else { WHOLE / 2 };
        i64::try_from((exact + half) / WHOLE).ok()
    }
}

impl std::str::FromStr for Percent {
    type Err = String;

    /// Reads `-10`, `2.5` or `+12.25`.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong =
            || format!("`{text}` is no percentage from -100 to 1000 with at most two decimals");
        let (negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
        let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.is_empty() || whole.len() > 4 || !is_number(whole) || !is_number(part) {
            return Err(wrong());
        }
        let part = part.trim_end_matches('0');
        if part.len() > 2 {
            return Err(wrong());
        }
        let hundredths: i32 = format!("{whole}{part:0<2}").parse().map_err(|_| wrong())?;
        Self::from_hundredths(if negative { -hundredths } else { hundredths }).ok_or_else(wrong)
    }
}

impl TryFrom<serde_json::Number> for Percent {
    type Error = String;

    fn try_from(number: serde_json::Number) -> Result<Self, String> {
        number.to_string().parse()
    }
}

impl From<Percent> for serde_json::Number {
    fn from(percent: Percent) -> Self {
        let hundredths = percent.0;
        if hundredths % 100 == 0 {
            return Self::from(hundredths / 100);
        }
        Self::from_f64(f64::from(hundredths) / 100.0).unwrap_or_else(|| Self::from(0))
    }
}

/// What became of each product.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkReport {
    /// How many were changed.
    pub changed: u32,
    /// How many were so already.
    pub unchanged: u32,
    /// How many were not changed, each with its reason.
    pub refused: u32,
    /// One for each product, in the order of the request.
    pub items: Vec<BulkResult>,
}

/// What became of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkResult {
    /// The product.
    pub id: Uuid,
    /// What became of it.
    pub outcome: BulkOutcome,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<BulkError>,
}

/// What became of a product.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BulkOutcome {
    /// It was changed.
    Changed,
    /// It was so already.
    Unchanged,
    /// It stays as it was.
    Refused,
}

/// Why a product was not changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BulkError {
    /// A stable code, as `product_not_found`.
    pub code: String,
    /// What is wrong, for a person.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentages_are_exact() {
        for (text, hundredths) in [
            ("-10", -1_000),
            ("2.5", 250),
            ("+12.25", 1_225),
            ("-0.01", -1),
            ("7.10", 710),
            ("1000", 100_000),
        ] {
            assert_eq!(text.parse(), Ok(Percent(hundredths)), "{text}");
        }
        for text in ["", "-", "1.234", "-100.01", "1000.01", "ten", "1e3", ".5"] {
            assert!(text.parse::<Percent>().is_err(), "{text}");
        }
    }

    #[test]
    fn an_action_reads_as_it_is_written() {
        for text in [
            r#"{"kind":"change_price","percent":-10}"#,
            r#"{"kind":"change_price","percent":2.5}"#,
            r#"{"kind":"set_status","status":"archived"}"#,
        ] {
            let action: BulkAction = serde_json::from_str(text).unwrap();
            assert_eq!(serde_json::to_string(&action).unwrap(), text);
        }
    }

    #[test]
    fn halves_go_away_from_zero() {
        let half = Percent(-5_000);
        assert_eq!(half.applied_to(1), Some(1));
        assert_eq!(half.applied_to(3), Some(2));
        assert_eq!(Percent(-1_000).applied_to(1_999), Some(1_799));
        assert_eq!(Percent::MIN.applied_to(1_999), Some(0));
        assert_eq!(Percent::MAX.applied_to(i64::MAX), None);
    }
}

//! What stands in the cells of catalogue files: numbers, prices, texts.
//!
//! Each gives a reason that stands behind the column's name, as "is longer than 255 characters".

use techcommerce_kernel::Money;

use super::layout::Context;
use crate::catalogue::limits;

/// Exact minor units. A comma may only set thousands apart: `12,50` must not become 1250.
pub(super) fn money(text: &str, context: Context) -> Result<i64, String> {
    let whole = text.split('.').next().unwrap_or_default();
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let thousands = groups.clone().next().is_none()
        || ((1..=3).contains(&first.len()) && groups.all(|group| group.len() == 3));
    if !thousands {
        return Err(format!(
            "`{text}` is no price: write it as 19.99, with a point"
        ));
    }
    let amount = Money::parse_decimal(text, context.currency)?.amount;
    if !(0..=limits::PRICE).contains(&amount) {
        return Err(format!(
            "`{text}` is not between 0 and {}",
            Money::new(limits::PRICE, context.currency)
        ));
    }
    Ok(amount)
}

/// A count of pieces, perhaps below zero.
pub(super) fn quantity(text: &str) -> Result<i64, String> {
    match text.parse::<i64>() {
        Ok(count) if count.abs() <= limits::STOCK => Ok(count),
        _ => Err(format!(
            "`{text}` is no whole number up to {}",
            limits::STOCK
        )),
    }
}

/// Shopify writes whole grams; newer exports write `250.0`. A fraction of a gram is cut off.
pub(super) fn grams(text: &str) -> Result<i64, String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    match whole.parse::<i64>() {
        Ok(grams)
            if (0..=limits::GRAMS).contains(&grams)
                && fraction.bytes().all(|b| b.is_ascii_digit()) =>
        {
            Ok(grams)
        }
        _ => Err(format!("`{text}` is no weight in grams")),
    }
}

/// True or false, or `default` if it is blank.
pub(super) fn boolean(text: &str, default: bool) -> Result<bool, String> {
    match text.to_ascii_lowercase().as_str() {
        "" => Ok(default),
        "true" | "yes" | "1" => Ok(true),
        "false" | "no" | "0" => Ok(false),
        other => Err(format!("`{other}` is neither true nor false")),
    }
}

/// The text, if it is not longer than `most` characters.
pub(super) fn bounded(text: &str, most: usize) -> Result<&str, String> {
    if text.chars().count() > most {
        return Err(format!("is longer than {most} characters"));
    }
    Ok(text)
}

/// A line of text: line breaks and control characters become spaces.
pub(super) fn line(text: &str, most: usize) -> Result<String, String> {
    let text: String = text
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    bounded(text.trim(), most).map(str::to_owned)
}

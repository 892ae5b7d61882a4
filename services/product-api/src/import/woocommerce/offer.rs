//! What a row of WooCommerce's says of price, stock and weight.

use super::{
    columns::At,
    text::{list, unescaped},
};
use crate::{
    catalogue::limits,
    import::{
        cells::{money, quantity},
        layout::{Context, Wrong},
        records::Row,
    },
};

/// The kind of a product: `simple, downloadable, virtual`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Kind {
    pub name: String,
    pub is_virtual: bool,
}

impl Kind {
    /// From its cell; a blank one is simple.
    pub fn of(cell: &str) -> Self {
        let kinds: Vec<String> = list(cell).iter().map(|kind| kind.to_lowercase()).collect();
        let is_trait = |kind: &String| kind == "virtual" || kind == "downloadable";
        let name = kinds.iter().find(|kind| !is_trait(kind));
        Self {
            name: name.map_or("simple", String::as_str).to_owned(),
            is_virtual: kinds.iter().any(|kind| kind == "virtual"),
        }
    }

    /// Whether it means the same here.
    pub fn is_known(&self) -> bool {
        ["simple", "variable", "variation", "external", "grouped"].contains(&self.name.as_str())
    }
}

/// Minor units of what it costs, and of what it cost before if it is on sale now. What was taken
/// otherwise than it stands is told to `warn`.
pub(super) fn price(
    at: &At,
    row: &Row,
    context: Context,
    mut warn: impl FnMut(Option<usize>, String),
) -> Result<(i64, Option<i64>), Wrong> {
    let amount = |column: Option<usize>| match localised(unescaped(row.cell(column))) {
        text if text.is_empty() => Ok(None),
        text => money(&text, context).map(Some).map_err(|why| (column, why)),
    };
    let regular = amount(at.regular_price)?;
    let sale = amount(at.sale_price)?;
    let Some(regular) = regular else {
        let Some(sale) = sale else {
            let why = "is empty; what is sold has a price";
            return Err((at.regular_price, why.into()));
        };
        return Ok((sale, None));
    };
    let Some(sale) = sale.filter(|sale| *sale < regular) else {
        return Ok((regular, None));
    };
    let today = context.today.to_rfc3339();
    let day = |column: Option<usize>| row.cell(column).get(..10).filter(|day| is_day(day));
    let day_of = |text: &str| text.get(..10).unwrap_or_default().to_owned();
    if let Some(from) = day(at.sale_from)
        && from > day_of(&today).as_str()
    {
        let why = format!("is {from}: the sale price is left out, for sales cannot be timed here");
        warn(at.sale_from, why);
        return Ok((regular, None));
    }
    if let Some(to) = day(at.sale_to) {
        if to < day_of(&today).as_str() {
            warn(
                at.sale_to,
                format!("is {to}: the sale is over and left out"),
            );
            return Ok((regular, None));
        }
        let why = format!(
            "is {to}: the sale price holds until you end it, for sales cannot be timed here"
        );
        warn(at.sale_to, why);
    }
    Ok((sale, Some(regular)))
}

/// A day as `2026-11-30`.
fn is_day(text: &str) -> bool {
    text.bytes().enumerate().all(|(place, byte)| match place {
        4 | 7 => byte == b'-',
        _ => byte.is_ascii_digit(),
    })
}

/// The exporter writes the shop's decimal separator and never one for thousands: `12,5` is 12.5.
fn localised(text: &str) -> String {
    match text.split_once(',') {
        Some((_, fraction)) if !text.contains('.') && fraction.len() < 3 => text.replace(',', "."),
        _ => text.to_owned(),
    }
}

/// How it is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stock {
    pub tracked: bool,
    /// Whether it is sold on below zero.
    pub policy: bool,
    pub on_hand: Option<i64>,
}

/// A blank `Stock` means that nobody counts; then `In stock?` decides, and what is out of stock is
/// counted from zero.
pub(super) fn stock(at: &At, row: &Row) -> Result<Stock, Wrong> {
    let policy = match unescaped(row.cell(at.backorders)).to_lowercase().as_str() {
        "" | "0" | "no" | "false" => false,
        "1" | "yes" | "true" | "notify" => true,
        other => {
            let why = format!("`{other}` is none of 1, 0 and notify");
            return Err((at.backorders, why));
        }
    };
    let text = unescaped(row.cell(at.stock));
    if !text.is_empty() && !text.eq_ignore_ascii_case("parent") {
        let whole = text
            .split_once(['.', ','])
            .filter(|(_, rest)| rest.bytes().all(|b| b == b'0'));
        let count =
            quantity(whole.map_or(text, |(whole, _)| whole)).map_err(|why| (at.stock, why))?;
        return Ok(Stock {
            tracked: true,
            policy,
            on_hand: Some(count),
        });
    }
    match unescaped(row.cell(at.in_stock)).to_lowercase().as_str() {
        "" | "1" | "yes" | "true" | "instock" => Ok(Stock {
            tracked: false,
            policy,
            on_hand: None,
        }),
        "backorder" | "onbackorder" => Ok(Stock {
            tracked: true,
            policy: true,
            on_hand: Some(0),
        }),
        "0" | "no" | "false" | "outofstock" => Ok(Stock {
            tracked: true,
            policy: false,
            on_hand: Some(0),
        }),
        other => {
            let why = format!("`{other}` is none of 1, 0 and backorder");
            Err((at.in_stock, why))
        }
    }
}

/// Grams, rounded.
pub(super) fn weight(at: &At, row: &Row) -> Result<Option<i64>, Wrong> {
    let text = localised(unescaped(row.cell(at.weight)));
    // The same rule as for thousands does not hold here: `0,125` kilograms are plausible.
    let text = if text.contains('.') {
        text
    } else {
        text.replace(',', ".")
    };
    if text.is_empty() {
        return Ok(None);
    }
    let wrong = || (at.weight, format!("`{text}` is no weight"));
    let (whole, fraction) = text.split_once('.').unwrap_or((text.as_str(), ""));
    let fraction: String = fraction.chars().take(6).collect();
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole)
        || !digits(&fraction)
        || whole.len() > 12
        || (whole.is_empty() && fraction.is_empty())
    {
        return Err(wrong());
    }
    let micros: u128 = format!("{whole}{fraction:0<6}")
        .parse()
        .map_err(|_| wrong())?;
    let grams = (micros * u128::from(at.weight_unit) + 500_000_000_000) / 1_000_000_000_000;
    match i64::try_from(grams) {
        Ok(0) => Ok(None),
        Ok(grams) if grams <= limits::GRAMS => Ok(Some(grams)),
        _ => Err(wrong()),
    }
}

//! Prices as people write them: `€1,299.00` in English, `1.299,00 €` in German.

use techcommerce_kernel::{Currency, Money};

/// `money` as it is written in `language`.
pub fn format(money: Money, language: &str) -> String {
    let currency = money.currency;
    let digits = money.amount.unsigned_abs();
    let unit = 10_u64.pow(currency.exponent());
    let (point, group) = if language == "de" {
        (',', '.')
    } else {
        ('.', ',')
    };

    let mut number = grouped(digits / unit, group);
    if currency.exponent() > 0 {
        let width = currency.exponent() as usize;
        number = format!("{number}{point}{:0width$}", digits % unit);
    }
    let sign = if money.amount < 0 { "−" } else { "" };
    // A no-break space keeps the sign and the number on one line.
    match (language, symbol(currency)) {
        ("de", symbol) => format!("{sign}{number}\u{a0}{symbol}"),
        (_, symbol) if symbol.chars().all(char::is_alphabetic) => {
            format!("{sign}{symbol}\u{a0}{number}")
        }
        (_, symbol) => format!("{sign}{symbol}{number}"),
    }
}

/// Whole units of a form field (`19`, `19.50`, `19,50`) in minor units; none if it is no amount.
pub fn from_form(text: &str, currency: Currency) -> Option<i64> {
    let plain = text.trim().replace(',', ".");
    let amount = Money::parse_decimal(&plain, currency).ok()?.amount;
    (amount >= 0).then_some(amount)
}

fn grouped(number: u64, separator: char) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(separator);
        }
        text.push(digit);
    }
    text
}

/// The sign where it is unmistakable, else the ISO code.
fn symbol(currency: Currency) -> String {
    match currency.code() {
        "EUR" => "€",
        "USD" => "$",
        "GBP" => "£",
        "JPY" => "¥",
        code => code,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(amount: i64, currency: &str, language: &str) -> String {
        format(Money::new(amount, currency.parse().unwrap()), language)
    }

    #[test]
    fn each_language_writes_it_its_way() {
        assert_eq!(shown(1900, "EUR", "en"), "€19.00");
        assert_eq!(shown(1900, "EUR", "de"), "19,00\u{a0}€");
        assert_eq!(shown(123_456_789, "EUR", "en"), "€1,234,567.89");
        assert_eq!(shown(123_456_789, "EUR", "de"), "1.234.567,89\u{a0}€");
        assert_eq!(shown(-5, "USD", "en"), "−$0.05");
    }

    #[test]
    fn the_currency_decides_the_decimals() {
        assert_eq!(shown(1900, "JPY", "en"), "¥1,900");
        assert_eq!(shown(1900, "KWD", "en"), "KWD\u{a0}1.900");
        assert_eq!(shown(1900, "CHF", "de"), "19,00\u{a0}CHF");
    }

    #[test]
    fn a_price_in_a_form_may_have_a_comma() {
        let read = |text| from_form(text, Currency::EUR);
        assert_eq!(read("19,5"), Some(1950));
        assert_eq!(read(" 20 "), Some(2000));
        assert_eq!(read("-1"), None);
        assert_eq!(read("cheap"), None);
        assert_eq!(read(""), None);
    }
}

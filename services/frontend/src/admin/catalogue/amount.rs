//! Money as staff type it: `1.234,50` in German, `1,234.50` in English, and each other's way where
//! it cannot be mistaken. What could mean two amounts is refused instead of guessed.

use techcommerce_kernel::{Currency, Money};

/// Why a text is no amount.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misread {
    /// It is no amount at all.
    NoAmount,
    /// It may be a thousand times what is meant.
    Ambiguous,
    /// It is finer than the currency's smallest coin.
    TooFine,
}

impl Misread {
    /// The words for the field.
    pub fn key(self) -> &'static str {
        match self {
            Self::NoAmount => "goods_wrong.amount",
            Self::Ambiguous => "goods_wrong.amount_ambiguous",
            Self::TooFine => "goods_wrong.amount_too_fine",
        }
    }
}

/// One way of writing numbers.
#[derive(Debug, Clone, Copy)]
struct Way {
    point: char,
    group: char,
}

const GERMAN: Way = Way {
    point: ',',
    group: '.',
};
const ENGLISH: Way = Way {
    point: '.',
    group: ',',
};

/// Minor units of what was typed.
///
/// # Errors
/// It is no amount, or it is not certain which.
pub fn read(text: &str, currency: Currency, language: &str) -> Result<i64, Misread> {
    let plain = without_currency(text, currency);
    let (own, other) = match language {
        "de" => (GERMAN, ENGLISH),
        _ => (ENGLISH, GERMAN),
    };
    let theirs = reading(&plain, other, currency);
    match (reading(&plain, own, currency), theirs) {
        (Ok(own), Ok(theirs)) if own.amount != theirs.amount => Err(Misread::Ambiguous),
        (Ok(own), _) => Ok(own.amount),
        // Cents after the other language's point: it can mean nothing else.
        (Err(_), Ok(theirs)) if theirs.has_fraction => Ok(theirs.amount),
        (Err(_), Ok(_)) => Err(Misread::Ambiguous),
        (Err(why), Err(_)) => Err(why),
    }
}

/// As it stands in a field: without sign and without groups, so that it reads back the same.
pub fn write(money: Money, language: &str) -> String {
    let text = money.to_decimal();
    match language {
        "de" => text.replace('.', ","),
        _ => text,
    }
}

struct Reading {
    amount: i64,
    has_fraction: bool,
}

fn reading(text: &str, way: Way, currency: Currency) -> Result<Reading, Misread> {
    let (whole, fraction) = match text.split_once(way.point) {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (text, None),
    };
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut groups = whole.split(way.group);
    let first = groups.next().unwrap_or_default();
    let mut joined = first.to_owned();
    let mut grouped = false;
    for group in groups {
        if group.len() != 3 || !digits(group) {
            return Err(Misread::NoAmount);
        }
        grouped = true;
        joined.push_str(group);
    }
    if !digits(first) || (grouped && first.len() > 3) {
        return Err(Misread::NoAmount);
    }
    let fraction = fraction.unwrap_or_default();
    if text.contains(way.point) && !digits(fraction) {
        return Err(Misread::NoAmount);
    }
    let exponent = currency.exponent() as usize;
    let (kept, finer) = fraction.split_at(fraction.len().min(exponent));
    if !finer.is_empty() {
        return Err(Misread::TooFine);
    }
    let amount = format!("{joined}{kept:0<exponent$}");
    let amount = amount.parse().map_err(|_| Misread::NoAmount)?;
    Ok(Reading {
        amount,
        has_fraction: !fraction.is_empty(),
    })
}

/// The number alone: people write `19 €`, `€19` and `19 EUR`, and set groups apart by spaces.
fn without_currency(text: &str, currency: Currency) -> String {
    let sign = match currency.code() {
        "EUR" => "€",
        "USD" => "$",
        "GBP" => "£",
        "JPY" => "¥",
        code => code,
    };
    let mut text = text.trim();
    for mark in [currency.code(), sign] {
        text = text.strip_prefix(mark).unwrap_or(text);
        text = text.strip_suffix(mark).unwrap_or(text);
        text = text.trim();
    }
    text.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn de(text: &str) -> Result<i64, Misread> {
        read(text, Currency::EUR, "de")
    }

    fn en(text: &str) -> Result<i64, Misread> {
        read(text, Currency::EUR, "en")
    }

    #[test]
    fn each_language_is_read_its_way() {
        assert_eq!(de("1.234,50"), Ok(123_450));
        assert_eq!(de("1234,5"), Ok(123_450));
        assert_eq!(de("1.234.567"), Ok(123_456_700));
        assert_eq!(de(" 19 € "), Ok(1900));
        assert_eq!(en("1,234.50"), Ok(123_450));
        assert_eq!(en("€19.99"), Ok(1999));
        assert_eq!(en("19.9 EUR"), Ok(1990));
        assert_eq!(en("0"), Ok(0));
    }

    #[test]
    fn the_other_way_is_read_where_it_can_mean_nothing_else() {
        assert_eq!(de("12.50"), Ok(1250));
        assert_eq!(de("1,234.50"), Ok(123_450));
        assert_eq!(en("12,5"), Ok(1250));
        assert_eq!(en("1.234,50"), Ok(123_450));
    }

    #[test]
    fn what_could_mean_two_amounts_is_refused() {
        assert_eq!(en("1.234"), Err(Misread::Ambiguous));
        assert_eq!(de("1,234"), Err(Misread::Ambiguous));
        let dinar: Currency = "KWD".parse().unwrap();
        assert_eq!(read("1.234", dinar, "en"), Err(Misread::Ambiguous));
        assert_eq!(read("1.2345", dinar, "en"), Err(Misread::TooFine));
        let yen: Currency = "JPY".parse().unwrap();
        assert_eq!(read("1,234", yen, "en"), Ok(1234));
        assert_eq!(read("12.5", yen, "en"), Err(Misread::TooFine));
    }

    #[test]
    fn nothing_is_guessed() {
        for text in [
            "",
            "-",
            "-1",
            "abc",
            "1e3",
            "12,34,56",
            "1..2",
            ".5",
            "5.",
            "1,23.45",
            "19 19",
            "1'000",
            "99999999999999999999",
        ] {
            assert!(en(text).is_err(), "{text}");
            assert!(de(text).is_err(), "{text}");
        }
        assert_eq!(en("19.999"), Err(Misread::Ambiguous));
        assert_eq!(en("19.9999"), Err(Misread::TooFine));
    }

    #[test]
    fn what_is_written_reads_back() {
        for amount in [0, 5, 1999, 123_456_789] {
            for language in ["en", "de"] {
                let text = write(Money::new(amount, Currency::EUR), language);
                assert_eq!(read(&text, Currency::EUR, language), Ok(amount), "{text}");
            }
        }
    }

    #[test]
    fn a_coinless_or_fine_currency_reads_back() {
        for code in ["JPY", "KWD"] {
            let currency = code.parse().unwrap();
            for amount in [0, 1, 12, 1900, 1_234_567] {
                for language in ["en", "de"] {
                    let text = write(Money::new(amount, currency), language);
                    let again = read(&text, currency, language);
                    // `1.234` dinars may be a thousand: it has to be written in full.
                    assert!(
                        again == Ok(amount) || (code == "KWD" && again == Err(Misread::Ambiguous)),
                        "{text}: {again:?}"
                    );
                }
            }
        }
    }
}

//! Durations of PromQL and of configuration files, made shorter by a factor; everything else stays as
//! it is written.
//!
//! Nothing can be missed silently: the text is read token by token, and what begins as a number and is
//! neither a number nor a duration, or stands in brackets or behind `offset` and is no duration, is an
//! error.

use anyhow::{Result, bail, ensure};

/// Milliseconds of each unit, longest first, as Prometheus takes them.
const UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// The milliseconds of `1h30m`; nothing if it is no duration.
pub fn milliseconds(text: &str) -> Option<u64> {
    let mut rest = text;
    let mut units = UNITS.iter();
    let mut sum: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, behind) = rest.split_at(digits);
        let letters = behind.len()
            - behind
                .trim_start_matches(|c: char| c.is_ascii_alphabetic())
                .len();
        let (unit, behind) = behind.split_at(letters);
        // Each at most once, and the longer before the shorter.
        let (_, worth) = units.find(|(name, _)| *name == unit)?;
        sum = sum.checked_add(number.parse::<u64>().ok()?.checked_mul(*worth)?)?;
        rest = behind;
    }
    (!text.is_empty()).then_some(sum)
}

/// A duration, shorter by the factor; at least a millisecond.
pub fn scaled(text: &str, factor: f64) -> Result<String> {
    let Some(long) = milliseconds(text) else {
        bail!("{text:?} is no duration");
    };
    if long == 0 {
        return Ok("0s".to_owned());
    }
    let short = (long as f64 / factor).round().max(1.0);
    Ok(format!("{short}ms"))
}

/// An expression of PromQL with all of its durations shorter by the factor.
pub fn scaled_expression(expression: &str, factor: f64) -> Result<String> {
    let mut out = String::with_capacity(expression.len());
    let mut rest = expression;
    // What must come next is a duration: inside of brackets, and behind `offset`.
    let mut wanted = false;
    let mut inside = false;
    while let Some(first) = rest.chars().next() {
        let token = match first {
            '"' | '\'' | '`' => string(rest)?,
            '#' => rest.split_inclusive('\n').next().unwrap_or(rest),
            c if c.is_ascii_digit() => word(rest),
            c if c.is_ascii_alphabetic() || c == '_' || c == ':' && !inside => word(rest),
            // Labels may have any letter of the world in strings, and nowhere else.
            c if c.is_ascii() => &rest[..1],
            c => bail!("{c:?} in {expression}"),
        };
        rest = &rest[token.len()..];
        let blank = token.starts_with('#') || token.trim().is_empty();
        if blank {
            out.push_str(token);
            continue;
        }
        let digit = first.is_ascii_digit();
        if wanted && !digit {
            // An offset may look forward.
            ensure!(
                !inside && matches!(token, "-" | "+"),
                "no duration but {token:?} in {expression}"
            );
        }
        match token {
            "[" => {
                ensure!(!inside, "brackets in brackets: {expression}");
                (inside, wanted) = (true, true);
            }
            "]" => inside = false,
            ":" if inside => {
                // A subquery's step may be left out, which is the interval of the rules.
                wanted = !rest.trim_start().starts_with(']');
            }
            "offset" => wanted = true,
            _ if digit && milliseconds(token).is_some() => {
                out.push_str(&scaled(token, factor)?);
                wanted = false;
                continue;
            }
            _ if digit => {
                ensure!(
                    !wanted && !inside && is_number(token),
                    "{token:?} is neither a number nor a duration: {expression}"
                );
            }
            _ if inside => bail!("{token:?} in brackets: {expression}"),
            _ => {}
        }
        out.push_str(token);
    }
    ensure!(!wanted && !inside, "it breaks off: {expression}");
    Ok(out)
}

fn is_number(text: &str) -> bool {
    text.parse::<f64>().is_ok()
        || text
            .strip_prefix("0x")
            .is_some_and(|hex| u64::from_str_radix(hex, 16).is_ok())
}

/// Letters, digits and what names and numbers have between them.
fn word(text: &str) -> &str {
    let number = text.starts_with(|c: char| c.is_ascii_digit());
    let mut before = ' ';
    let end = text.find(|c: char| {
        let sign = number && matches!(c, '+' | '-') && matches!(before, 'e' | 'E');
        let inner = match number {
            true => c == '.' || sign,
            false => c == ':',
        };
        before = c;
        !(c.is_ascii_alphanumeric() || c == '_' || inner)
    });
    &text[..end.unwrap_or(text.len())]
}

fn string(text: &str) -> Result<&str> {
    let mut letters = text.char_indices();
    let quote = letters.next().map(|(_, c)| c);
    let mut escaped = false;
    for (at, c) in letters {
        if Some(c) == quote && !escaped {
            return Ok(&text[..at + c.len_utf8()]);
        }
        escaped = c == '\\' && !escaped && quote != Some('`');
    }
    bail!("a text without end: {text}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tenth(expression: &str) -> String {
        scaled_expression(expression, 10.0).unwrap()
    }

    #[test]
    fn every_place_of_a_duration() {
        for (long, short) in [
            ("rate(a[5m])", "rate(a[30000ms])"),
            ("rate(a[1h30m])", "rate(a[540000ms])"),
            ("a offset 1w", "a offset 60480000ms"),
            ("a offset -1d > 3", "a offset -8640000ms > 3"),
            (
                "max_over_time(a[30m:1m])",
                "max_over_time(a[180000ms:6000ms])",
            ),
            ("max_over_time(a[30m:])", "max_over_time(a[180000ms:])"),
            (
                "rate(a[ 5m ] offset 10s)",
                "rate(a[ 30000ms ] offset 1000ms)",
            ),
            ("a > 5m", "a > 30000ms"),
        ] {
            assert_eq!(tenth(long), short);
        }
        assert_eq!(scaled("15ms", 20.0).unwrap(), "1ms");
        assert_eq!(scaled("0s", 20.0).unwrap(), "0s");
    }

    #[test]
    fn what_only_looks_like_one_stays() {
        for same in [
            r#"a{path="[5m]",other='offset 5m'} > 86400"#,
            "a{b=`x\\`} > 1e3",
            r#"a{b="it\"s [5m]"} * 1.5e-3"#,
            "shop:orders:increase1h / shop_5m:x1d",
            "a # per [5m]\n+ b",
            "vector(0x1f) + 0.001 - 14.4",
            "sum by (a1, b2) (c) or on (d) -1 ^ 2 @ 1609746000.5",
        ] {
            assert_eq!(tenth(same), same);
        }
    }

    #[test]
    fn nothing_is_guessed() {
        for wrong in [
            "rate(a[$interval])",
            "rate(a[])",
            "rate(a[5])",
            "rate(a[five])",
            "rate(a[5m)",
            "a offset b",
            "a offset",
            "a > 5x",
            "a > 3m5h",
            "a{b=\"c}",
            "rate(a[5m:x])",
        ] {
            assert!(scaled_expression(wrong, 10.0).is_err(), "{wrong}");
        }
        for wrong in ["", "5", "m", "1.5h", "5m5m", "-5m"] {
            assert!(scaled(wrong, 10.0).is_err(), "{wrong}");
        }
    }
}

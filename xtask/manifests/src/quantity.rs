//! Quantities of Kubernetes as numbers: `250m`, `128Mi`, `2`, `1e3`.

/// In thousandths, so that `1m` is one; none if it is no quantity.
pub fn milli(text: &str) -> Option<i128> {
    let text = text.trim();
    let end = text
        .find(|c: char| !(c.is_ascii_digit() || ".+-".contains(c)))
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let factor: i128 = match unit {
        "n" => return Some(decimal(number, 1)? / 1_000_000),
        "u" => return Some(decimal(number, 1)? / 1_000),
        "m" => return decimal(number, 1),
        "" => 1,
        "k" => 1_000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "T" => 1_000_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        "Ti" => 1 << 40,
        _ => {
            let exponent: u32 = unit.strip_prefix(['e', 'E'])?.parse().ok()?;
            10_i128.checked_pow(exponent)?
        }
    };
    decimal(number, 1_000)?.checked_mul(factor)
}

/// A decimal number times `scale`.
fn decimal(text: &str, scale: i128) -> Option<i128> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if whole.is_empty() && part.is_empty() {
        return None;
    }
    let whole: i128 = if whole.is_empty() {
        0
    } else {
        whole.parse().ok()?
    };
    let mut value = whole.checked_mul(scale)?;
    let mut unit = scale;
    for digit in part.chars() {
        unit /= 10;
        value += i128::from(digit.to_digit(10)?) * unit;
    }
    Some(value)
}

/// A readable text: cores or bytes.
pub fn show(resource: &str, milli: i128) -> String {
    let plain = milli / 1_000;
    if resource.ends_with("memory") || resource.ends_with("storage") {
        return format!("{}Mi", plain >> 20);
    }
    if milli % 1_000 == 0 {
        plain.to_string()
    } else {
        format!("{milli}m")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_read() {
        for (text, expected) in [
            ("250m", 250),
            ("2", 2_000),
            ("0.5", 500),
            ("1.25", 1_250),
            ("1Ki", 1_024_000),
            ("1e3", 1_000_000),
            ("64Mi", 64 * 1024 * 1024 * 1000),
        ] {
            assert_eq!(milli(text), Some(expected), "{text}");
        }
        assert_eq!(milli("lots"), None);
        assert_eq!(milli("12Mb"), None);
        assert_eq!(show("memory", milli("64Mi").unwrap()), "64Mi");
        assert_eq!(show("cpu", 250), "250m");
    }
}

//! As much of PromQL as the checks need: the metrics that an expression names, what is asked of
//! their labels, and its numbers.

use std::ops::Range;

/// Words that are no metrics.
const WORDS: &[&str] = &[
    "and",
    "or",
    "unless",
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "bool",
    "offset",
    "inf",
    "nan",
];
/// Those that a list of labels follows.
const LISTS: &[&str] = &[
    "by",
    "without",
    "on",
    "ignoring",
    "group_left",
    "group_right",
];

/// A metric in an expression, with what is asked of its labels.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Selector {
    pub metric: String,
    /// Label, operator, value.
    pub matchers: Vec<(String, String, String)>,
}

/// A number or a duration in an expression.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Literal {
    pub at: Range<usize>,
    /// What stands there.
    pub text: String,
    /// Whether it is the edge of a bucket (`le`).
    pub edge: bool,
}

/// All selectors in order.
pub fn selectors(expr: &str) -> Vec<Selector> {
    let bytes = expr.as_bytes();
    let mut found: Vec<Selector> = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => at = end_of_text(bytes, at),
            b'[' => at = close(bytes, at, b'[', b']'),
            b'{' => {
                let end = close(bytes, at, b'{', b'}');
                if let Some(last) = found.last_mut() {
                    last.matchers = matchers(&expr[at + 1..end.saturating_sub(1)]);
                }
                at = end;
            }
            c if is_word(c) && !c.is_ascii_digit() => {
                let start = at;
                while at < bytes.len() && is_word(bytes[at]) {
                    at += 1;
                }
                let word = &expr[start..at];
                let rest = expr[at..].trim_start();
                let lower = word.to_lowercase();
                if LISTS.contains(&lower.as_str()) && rest.starts_with('(') {
                    let open = at + expr[at..].find('(').unwrap_or(0);
                    at = close(bytes, open, b'(', b')');
                } else if !WORDS.contains(&lower.as_str())
                    && !rest.starts_with('(')
                    && !starts_with_list(rest)
                {
                    found.push(Selector {
                        metric: word.to_owned(),
                        matchers: Vec::new(),
                    });
                }
            }
            c if c.is_ascii_digit() => {
                while at < bytes.len() && (is_word(bytes[at]) || bytes[at] == b'.') {
                    at += 1;
                }
            }
            _ => at += 1,
        }
    }
    found
}

/// The metrics that an expression names.
pub fn names(expr: &str) -> Vec<String> {
    selectors(expr).into_iter().map(|it| it.metric).collect()
}

/// `sum by (x) (…)`: an aggregation, with its labels before what it sums.
fn starts_with_list(rest: &str) -> bool {
    ["by", "without"].iter().any(|word| {
        rest.strip_prefix(word)
            .is_some_and(|rest| rest.trim_start().starts_with('('))
    })
}

/// Every number and duration, edges of buckets among them.
pub fn literals(expr: &str) -> Vec<Literal> {
    let bytes = expr.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let c = bytes[at];
        if c == b'"' {
            let end = end_of_text(bytes, at);
            let before = expr[..at].trim_end_matches(['=', '~']);
            if before.ends_with("le") && !before.trim_end_matches("le").ends_with(is_word_char) {
                found.extend(edge(expr, at + 1..end - 1));
            }
            at = end;
        } else if c.is_ascii_digit() {
            let start = at;
            while at < bytes.len() && (is_word(bytes[at]) || bytes[at] == b'.') {
                at += 1;
            }
            found.push(Literal {
                at: start..at,
                text: expr[start..at].to_owned(),
                edge: false,
            });
        } else if is_word(c) {
            while at < bytes.len() && is_word(bytes[at]) {
                at += 1;
            }
        } else {
            at += 1;
        }
    }
    found
}

/// The number at the beginning of an edge: `2([.]0)?` is 2, `0[.]5` is 0.5.
fn edge(expr: &str, inside: Range<usize>) -> Option<Literal> {
    let text = &expr[inside.clone()];
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    let mut length = whole;
    if let Some(rest) = text[whole..].strip_prefix("[.]") {
        length += 3 + digits(rest);
    }
    (whole > 0).then(|| Literal {
        at: inside.start..inside.start + length,
        text: text[..length].replace("[.]", "."),
        edge: true,
    })
}

fn is_word(c: u8) -> bool {
    c.is_ascii_alphanumeric() || c == b'_' || c == b':'
}

fn is_word_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}

fn end_of_text(bytes: &[u8], from: usize) -> usize {
    let mut at = from + 1;
    while at < bytes.len() && bytes[at] != b'"' {
        at += if bytes[at] == b'\\' { 2 } else { 1 };
    }
    (at + 1).min(bytes.len())
}

fn close(bytes: &[u8], from: usize, open: u8, shut: u8) -> usize {
    let mut depth = 0;
    let mut at = from;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => {
                at = end_of_text(bytes, at);
                continue;
            }
            c if c == open => depth += 1,
            c if c == shut => {
                depth -= 1;
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

fn matchers(inside: &str) -> Vec<(String, String, String)> {
    let mut found = Vec::new();
    let mut rest = inside;
    while let Some(open) = rest.find('"') {
        let head = rest[..open].trim_start_matches([',', ' ']);
        let name: String = head.chars().take_while(|c| is_word_char(*c)).collect();
        let operator = head[name.len()..].trim().to_owned();
        let end = end_of_text(rest.as_bytes(), open);
        let value = rest[open + 1..end.saturating_sub(1)].to_owned();
        found.push((name, operator, value));
        rest = &rest[end..];
    }
    found
}

/// Seconds of a duration as `1h`; none if it is a plain number.
pub fn seconds(text: &str) -> Option<f64> {
    let unit = text.find(|c: char| c.is_ascii_alphabetic())?;
    let number: f64 = text[..unit].parse().ok()?;
    let each = match &text[unit..] {
        "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        "d" => 86_400.0,
        "w" => 604_800.0,
        _ => return None,
    };
    Some(number * each)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_told_from_functions_and_labels() {
        for (expr, expected) in [
            (
                "sum by (a, b) (rate(x_total{c=\"d{\"}[5m])) > 3",
                vec!["x_total"],
            ),
            (
                "max(a) by (x) and on (y) group by (y) (b == 1)",
                vec!["a", "b"],
            ),
            (
                "a / on (x) group_left (z) shop:b:rate5m",
                vec!["a", "shop:b:rate5m"],
            ),
            ("time() - c offset 1w", vec!["c"]),
            ("vector(1)", vec![]),
        ] {
            assert_eq!(names(expr), expected, "{expr}");
        }
    }

    #[test]
    fn matchers_belong_to_their_metric() {
        let found = selectors("a{x=\"1\",y=~\"2|3\"} + b");
        assert_eq!(found[0].matchers.len(), 2);
        assert_eq!(
            found[0].matchers[1],
            ("y".into(), "=~".into(), "2|3".into())
        );
        assert!(found[1].matchers.is_empty());
    }

    #[test]
    fn numbers_are_told_from_names_and_texts() {
        let expr = "shop:x:rate5m{le=~\"2([.]0)?\",s=\"5..\"} > 14.4 * rate(b1{le=\"0[.]5\"}[5m] offset 1w)";
        let found = literals(expr);
        let texts: Vec<&str> = found.iter().map(|literal| literal.text.as_str()).collect();
        assert_eq!(texts, ["2", "14.4", "0.5", "5m", "1w"]);
        assert_eq!(found.iter().filter(|literal| literal.edge).count(), 2);
        assert_eq!(&expr[found[2].at.clone()], "0[.]5");
    }

    #[test]
    fn durations_are_seconds() {
        assert_eq!(seconds("10m"), Some(600.0));
        assert_eq!(seconds("10"), None);
    }
}

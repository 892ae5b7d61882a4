//! The labels that a query asks of our metrics, and their values.

use super::skip;
use crate::program::catalogue::Catalogue;

/// Labels that Prometheus gives every target, or every sample of a histogram.
const OF_TARGETS: &[&str] = &[
    "namespace",
    "pod",
    "container",
    "node",
    "job",
    "instance",
    "endpoint",
    "cluster",
    "service",
    "le",
];

/// What is wrong with the selectors of a query.
pub(super) fn wrong(query: &str, catalogue: &Catalogue) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, matchers) in selectors(query) {
        let Some(sample) = catalogue.get(&name) else {
            continue;
        };
        for Matcher { label, value } in matchers {
            if !sample.has(&label) {
                if !OF_TARGETS.contains(&label.as_str()) {
                    wrong.push(format!("`{name}` has no label `{label}`"));
                }
                continue;
            }
            let Some(values) = sample.values(&label) else {
                continue;
            };
            let asked = value.split('|').filter(|part| is_literal(part));
            for part in asked {
                if part != "other" && !values.iter().any(|known| known == part) {
                    let known = values.join(", ");
                    wrong.push(format!("`{name}` has no {label} `{part}`: {known}"));
                }
            }
        }
    }
    wrong
}

/// Whether a part of a regular expression stands for itself alone; an empty one asks whether the
/// label is there.
fn is_literal(part: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "_-".contains(c);
    !part.is_empty() && part.chars().all(plain)
}

struct Matcher {
    label: String,
    value: String,
}

/// Every `name{…}` of a query.
fn selectors(query: &str) -> Vec<(String, Vec<Matcher>)> {
    let characters: Vec<char> = query.chars().collect();
    let mut found = Vec::new();
    let mut name = String::new();
    let mut at = 0;
    while at < characters.len() {
        let c = characters[at];
        match c {
            '{' => {
                let end = skip(&characters, at);
                let inside: String = characters[at + 1..end.saturating_sub(1)].iter().collect();
                found.push((std::mem::take(&mut name), matchers(&inside)));
                at = end;
            }
            '"' | '\'' => at = skip(&characters, at),
            _ if c.is_ascii_alphanumeric() || "_:".contains(c) => {
                name.push(c);
                at += 1;
            }
            _ => {
                name.clear();
                at += 1;
            }
        }
    }
    found
}

/// Of `service=~"api|auth",state!="dead"`.
fn matchers(inside: &str) -> Vec<Matcher> {
    let mut found = Vec::new();
    let mut rest = inside;
    while let Some((label, after)) = rest.split_once(['=', '!']) {
        let after = after.trim_start_matches(['=', '~', '!']);
        let Some(quote) = after.chars().next().filter(|c| "\"'".contains(*c)) else {
            break;
        };
        let Some((value, after)) = after[1..].split_once(quote) else {
            break;
        };
        found.push(Matcher {
            label: label.trim_matches([',', ' ', '\n']).to_owned(),
            value: value
                .trim_start_matches('(')
                .trim_end_matches(')')
                .to_owned(),
        });
        rest = after;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_and_values_that_there_are_not_are_found() {
        let list = "jobs worker queue=* state=ready|dead\nseconds_bucket api route=* le=*\n";
        let catalogue = Catalogue::parse(list);
        for (query, expected) in [
            (
                r#"jobs{state="ready",namespace="x"} / on (pod) kube{state="odd"}"#,
                "",
            ),
            (r#"jobs{state=~"ready|dead", queue=~"a|b"}"#, ""),
            (r#"sum by (x) (jobs{state!~"(dead|other)",queue!=""})"#, ""),
            (r#"rate(seconds_bucket{le="0.5",route=~"/a.*"}[5m])"#, ""),
            (r#"max(jobs{state="redy"})"#, "no state `redy`"),
            (r#"jobs{state=~"ready|gone"}"#, "no state `gone`"),
            (r#"up or jobs{kind="mail"}"#, "no label `kind`"),
        ] {
            let found = wrong(query, &catalogue).join("\n");
            match expected {
                "" => assert_eq!(found, "", "{query}"),
                _ => assert!(found.contains(expected), "{query}: {found}"),
            }
        }
    }
}

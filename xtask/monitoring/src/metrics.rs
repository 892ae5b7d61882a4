//! The catalogue of `docs/metrics.md`, and the list of what is others'.

use std::collections::{BTreeMap, BTreeSet};

use crate::expr::{self, Selector};
use crate::finding::Finding;
use crate::repository::{Repository, lines};

pub const NAME: &str = "metrics";

/// Labels that Prometheus puts on whatever it scrapes.
const TARGET: &[&str] = &[
    "namespace",
    "service",
    "pod",
    "instance",
    "job",
    "container",
];

/// A metric of ours.
#[derive(Debug, Clone, Default)]
struct Metric {
    histogram: bool,
    /// Labels, with their values where they are a closed set.
    labels: BTreeMap<String, Option<BTreeSet<String>>>,
}

fn catalogue(text: &str) -> BTreeMap<String, Metric> {
    let mut all: BTreeMap<String, Metric> = BTreeMap::new();
    let mut current = String::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("### `") {
            current = rest.trim_end_matches('`').to_owned();
            all.insert(current.clone(), Metric::default());
        } else if let Some(metric) = all.get_mut(&current) {
            if line.starts_with("- histogram") {
                metric.histogram = true;
            } else if let Some(rest) = line.strip_prefix("- label `") {
                let (name, values) = rest.split_once('`').unwrap_or((rest, ""));
                let values = values.trim_start_matches(": ");
                // `a`, `b`, `c` is a closed set; a sentence is not.
                let closed = values
                    .split(", ")
                    .all(|it| it.starts_with('`') && it.ends_with('`') && it.len() > 2);
                let values = closed.then(|| {
                    let each = values.split(", ").map(|it| it.trim_matches('`').to_owned());
                    each.chain(["other".to_owned()]).collect()
                });
                metric.labels.insert(name.to_owned(), values);
            }
        }
    }
    all
}

/// Every metric in a rule is one of ours, with the labels that it has, or on the list of others'.
pub fn check(repository: &Repository) -> Vec<Finding> {
    let known = catalogue(&repository.metrics);
    let foreign: BTreeSet<&str> = lines(&repository.foreign)
        .filter_map(|line| line.split_whitespace().next())
        .collect();
    let recorded: BTreeSet<&str> = repository
        .rules
        .iter()
        .flat_map(|file| file.rules())
        .filter_map(|rule| rule.record())
        .collect();
    let mut used: BTreeSet<String> = BTreeSet::new();
    let mut found = Vec::new();
    let rules = repository.rules.iter().flat_map(|file| file.rules());
    let mut asked: Vec<(String, Selector)> = rules
        .flat_map(|rule| {
            let each = expr::selectors(rule.expr()).into_iter();
            each.map(|selector| (rule.name().to_owned(), selector))
        })
        .collect();
    for (alert, text) in &repository.runbooks {
        for query in crate::runbooks::blocks(text, "promql") {
            for selector in expr::selectors(&query) {
                asked.push((format!("docs/runbooks/{alert}.md"), selector));
            }
        }
    }
    for (place, selector) in asked {
        let name = selector.metric.as_str();
        if foreign.contains(name) {
            used.insert(name.to_owned());
            continue;
        }
        if recorded.contains(name) {
            continue;
        }
        let plain = ["_bucket", "_count", "_sum"]
            .into_iter()
            .find_map(|end| name.strip_suffix(end))
            .filter(|base| known.get(*base).is_some_and(|metric| metric.histogram));
        let Some(metric) = known.get(plain.unwrap_or(name)) else {
            found.push(Finding::new(
                NAME,
                place,
                format!(
                    "`{name}` is neither in docs/metrics.md nor in xtask/monitoring/foreign.txt"
                ),
                "mend the name, or say there whose it is",
            ));
            continue;
        };
        if plain.is_none() && metric.histogram {
            found.push(Finding::new(
                NAME,
                &*place,
                format!("`{name}` is a histogram"),
                "take its _bucket, _count or _sum",
            ));
        }
        found.extend(labels(&place, name, metric, &selector));
    }
    for name in foreign.iter().filter(|name| !used.contains(**name)) {
        found.push(Finding::new(
            NAME,
            "xtask/monitoring/foreign.txt",
            format!("no rule uses `{name}`"),
            "take the line away",
        ));
    }
    found
}

fn labels(place: &str, name: &str, metric: &Metric, selector: &Selector) -> Vec<Finding> {
    let mut found = Vec::new();
    for (label, operator, value) in &selector.matchers {
        let Some(values) = metric.labels.get(label) else {
            if !TARGET.contains(&label.as_str()) && label != "le" {
                found.push(Finding::new(
                    NAME,
                    place,
                    format!("`{name}` has no label `{label}`"),
                    "docs/metrics.md has its labels",
                ));
            }
            continue;
        };
        let plain = value
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "_-|".contains(c));
        let Some(values) = values.as_ref().filter(|_| plain && operator != "!=") else {
            continue;
        };
        for one in value.split('|').filter(|_| !operator.starts_with('!')) {
            // One process tells of itself as a whole.
            if !values.contains(one) && one != "techcommerce" {
                found.push(Finding::new(
                    NAME,
                    place,
                    format!("`{name}` never has {label}=\"{one}\""),
                    "docs/metrics.md has its values",
                ));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_understood() {
        let text = "### `a_seconds`\n\nText.\n\n- histogram, seconds\n- label `o`: `x`, `y`\n- label `r`: a route\n";
        let all = catalogue(text);
        assert!(all["a_seconds"].histogram);
        assert!(
            all["a_seconds"].labels["o"]
                .as_ref()
                .is_some_and(|set| set.contains("y"))
        );
        assert!(all["a_seconds"].labels["r"].is_none());
    }
}

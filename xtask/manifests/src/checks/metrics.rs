//! Metrics by which something scales, judges or warns are metrics that the program exports, with
//! labels and values that they have.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::finding::Finding;
use crate::object::Object;
use crate::program::Program;
use crate::rendered::Rendered;

#[path = "metric_labels.rs"]
mod labels;

pub const NAME: &str = "metrics";

const SEE: &str = "see docs/metrics.md";

/// Beginnings of names that other exporters have.
const OTHERS: &[&str] = &[
    "kube_",
    "container_",
    "node_",
    "kubelet_",
    "apiserver_",
    "prometheus_",
    "alertmanager_",
    "up",
    "ALERTS",
    "scrape_",
    "redis_",
    "pg_",
    "cnpg_",
    "nginx_",
    "certmanager_",
    "istio_",
    "loki_",
    "fluentbit_",
];

pub fn check(rendered: &Rendered, program: &Program) -> Vec<Finding> {
    let mut found = Vec::new();
    let recorded: BTreeSet<String> = rendered
        .of("PrometheusRule")
        .flat_map(|object| object.list("/spec/groups").to_vec())
        .flat_map(|group| group["rules"].as_array().cloned().unwrap_or_default())
        .filter_map(|rule| Some(rule["record"].as_str()?.to_owned()))
        .collect();
    for object in &rendered.objects {
        for (field, query) in queries(object) {
            for name in names(&query) {
                let known = recorded.contains(&name)
                    || OTHERS.iter().any(|start| name.starts_with(start))
                    || program.metrics.get(&name).is_some();
                if !known {
                    found.push(Finding::at(
                        NAME,
                        object,
                        &field,
                        format!("`{name}` is no metric that a service exports"),
                        near(&name, program),
                    ));
                }
            }
            for wrong in labels::wrong(&query, &program.metrics) {
                found.push(Finding::at(NAME, object, &field, wrong, SEE));
            }
        }
    }
    found
}

/// Every query in an object, with its field.
fn queries(object: &Object) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    match object.kind.as_str() {
        "ScaledObject" => {
            for (index, trigger) in object.list("/spec/triggers").iter().enumerate() {
                if trigger["type"] == "prometheus" {
                    let query = trigger.pointer("/metadata/query").and_then(text);
                    all.extend(
                        query
                            .map(|query| (format!("spec.triggers[{index}].metadata.query"), query)),
                    );
                }
            }
        }
        "AnalysisTemplate" | "ClusterAnalysisTemplate" => {
            for metric in object.list("/spec/metrics") {
                let query = metric.pointer("/provider/prometheus/query").and_then(text);
                let name = metric["name"].as_str().unwrap_or_default();
                all.extend(query.map(|query| {
                    (
                        format!("spec.metrics[{name}].provider.prometheus.query"),
                        query,
                    )
                }));
            }
        }
        "PrometheusRule" => {
            for group in object.list("/spec/groups") {
                for rule in group["rules"].as_array().into_iter().flatten() {
                    let name = rule["alert"]
                        .as_str()
                        .or(rule["record"].as_str())
                        .unwrap_or_default();
                    all.extend(
                        text(&rule["expr"])
                            .map(|query| (format!("spec.groups[].rules[{name}].expr"), query)),
                    );
                }
            }
        }
        "HorizontalPodAutoscaler" => {
            for metric in object.list("/spec/metrics") {
                for kind in ["pods", "object", "external"] {
                    let name = metric
                        .pointer(&format!("/{kind}/metric/name"))
                        .and_then(text);
                    all.extend(
                        name.map(|name| (format!("spec.metrics[{kind}].metric.name"), name)),
                    );
                }
            }
        }
        _ => {}
    }
    all
}

/// Words of PromQL that are no metrics.
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
    "start",
    "end",
];

/// The metrics that a query names: words that are neither functions, nor labels, nor key words.
pub fn names(query: &str) -> Vec<String> {
    let characters: Vec<char> = query.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while at < characters.len() {
        let c = characters[at];
        match c {
            '{' | '[' | '"' | '\'' => {
                at = skip(&characters, at);
            }
            _ if c.is_ascii_alphabetic() || c == '_' || c == ':' => {
                let start = at;
                while at < characters.len()
                    && (characters[at].is_ascii_alphanumeric() || "_:".contains(characters[at]))
                {
                    at += 1;
                }
                let word: String = characters[start..at].iter().collect();
                let next = characters[at..]
                    .iter()
                    .position(|c| !c.is_whitespace())
                    .map(|skip| at + skip);
                let lower = word.to_lowercase();
                if WORDS.contains(&lower.as_str()) {
                    // The labels in brackets after `by` are no metrics.
                    let lists =
                        !["and", "or", "unless", "bool", "offset"].contains(&lower.as_str());
                    if let Some(next) = next.filter(|next| lists && characters[*next] == '(') {
                        at = skip(&characters, next);
                    }
                    continue;
                }
                let is_function = next.is_some_and(|next| characters[next] == '(')
                    // `sum by (x) (…)`
                    || characters[at..].iter().collect::<String>().trim_start().starts_with("by")
                    || characters[at..].iter().collect::<String>().trim_start().starts_with("without");
                if !is_function {
                    found.push(word);
                }
            }
            _ if c.is_ascii_digit() => {
                while at < characters.len()
                    && (characters[at].is_ascii_alphanumeric() || characters[at] == '.')
                {
                    at += 1;
                }
            }
            _ => at += 1,
        }
    }
    found
}

/// Past the bracket or quotation that begins here.
pub(super) fn skip(characters: &[char], from: usize) -> usize {
    let open = characters[from];
    let close = match open {
        '{' => '}',
        '[' => ']',
        '(' => ')',
        quote => quote,
    };
    let mut depth = 1;
    let mut at = from + 1;
    while at < characters.len() {
        let c = characters[at];
        if c == close {
            depth -= 1;
            if depth == 0 {
                return at + 1;
            }
        } else if c == open {
            depth += 1;
        } else if (c == '"' || c == '\'') && open != '"' && open != '\'' {
            at = skip(characters, at);
            continue;
        } else if c == '\\' {
            at += 1;
        }
        at += 1;
    }
    at
}

fn near(name: &str, program: &Program) -> String {
    let nearest = program.metrics.nearest(name);
    nearest.map_or_else(
        || SEE.to_owned(),
        |other| format!("perhaps `{other}`; {SEE}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn metrics_are_told_from_labels_and_functions() {
        for (query, expected) in [
            (
                "sum(rate(http_requests_total{code=~\"5..\", x!=\"a{b\"}[5m])) by (service) / 2",
                vec!["http_requests_total"],
            ),
            (
                "histogram_quantile(0.95, sum by (le, service) (rate(seconds_bucket[1m]))) > 2e3",
                vec!["seconds_bucket"],
            ),
            (
                "max without (pod) (jobs_ready) or vector(0)",
                vec!["jobs_ready"],
            ),
            ("a * on (pod) group_left (node) b", vec!["a", "b"]),
            (
                "sum(\n  techcommerce_jobs{state=\"ready\"}\n) - 1h",
                vec!["techcommerce_jobs"],
            ),
        ] {
            assert_eq!(names(query), expected, "{query}");
        }
    }
}

//! What every alert carries, and what promtool does not ask for.

use std::collections::{BTreeMap, BTreeSet};

use crate::finding::Finding;
use crate::repository::Repository;

pub const NAME: &str = "alerts";

/// From a page to a note.
pub const SEVERITIES: &[&str] = &["critical", "high", "medium", "warning", "none"];
pub const TEAMS: &[&str] = &["shop", "platform", "money", "security"];
/// What may explain an alert: the services, and what they need.
pub const CAUSES: &[&str] = &[
    "techcommerce",
    "frontend",
    "api",
    "product-api",
    "order-api",
    "auth",
    "images",
    "worker",
    "database",
    "redis",
    "object-store",
    "smtp",
    "payment-provider",
    "sign-ins",
];
const BOOKS: &str = "https://github.com/techcommerce/techcommerce/blob/main/docs/runbooks/";
/// Words of operators that mean nothing to the owner of a shop.
const JARGON: &[&str] = &[
    "p95",
    "percentile",
    "5xx",
    "quantile",
    "latency",
    "SLO",
    "pod ",
    "replica",
    "namespace",
    "Prometheus",
    "HTTP",
    "threshold",
];

/// All alerts.
pub fn check(repository: &Repository) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut seen: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (_, rule) in repository.alerts() {
        let name = rule.name();
        let mut wrong = |wrong: String, mend: &str| {
            found.push(Finding::new(NAME, name, wrong, mend));
        };
        for (label, known) in [("severity", SEVERITIES), ("team", TEAMS)] {
            match rule.label(label) {
                Some(value) if known.contains(&value) => {}
                Some(value) => wrong(
                    format!("{label} {value} is nobody's"),
                    "routes know only those of xtask/monitoring/src/lint.rs",
                ),
                None => wrong(
                    format!("has no {label}"),
                    "whom does it concern, and how much?",
                ),
            }
        }
        for label in ["cause", "explained_by"] {
            for one in rule.label(label).unwrap_or_default().split(',') {
                if !one.is_empty() && !one.contains("{{") && !CAUSES.contains(&one) {
                    wrong(format!("{label} {one} is no cause"), "lint.rs has the list");
                }
            }
        }
        let summary = rule.annotation("summary").unwrap_or_default();
        if summary.len() < 20 || !summary.ends_with(['.', '}']) {
            wrong(
                "its summary is no sentence".into(),
                "what does it mean for the shop?",
            );
        }
        if let Some(word) = JARGON.iter().find(|word| summary.contains(**word)) {
            wrong(
                format!("its summary says \"{}\"", word.trim()),
                "the summary is for the owner of the shop; numbers belong into the description",
            );
        }
        let description = rule.annotation("description").unwrap_or_default();
        if !description.contains("{{")
            && !description.chars().any(|c| c.is_ascii_digit())
            && rule.label("severity") != Some("none")
            && !description.contains(['{'])
            && !has_number_word(description)
        {
            wrong(
                "its description has no number".into(),
                "say what was measured, and the limit",
            );
        }
        if rule.annotation("runbook_url") != Some(&format!("{BOOKS}{name}.md")) {
            wrong("its runbook_url is not that of its runbook".into(), BOOKS);
        }
        if !rule
            .annotation("dashboard")
            .is_some_and(|path| path.starts_with("/d/techcommerce-"))
        {
            wrong(
                "it leads to no dashboard".into(),
                "annotation dashboard: /d/techcommerce-…",
            );
        }
        let identity = format!("{:?}", rule.labels());
        if !seen.entry(name.to_owned()).or_default().insert(identity) {
            wrong(
                "stands twice with the same labels".into(),
                "one of them is never seen",
            );
        }
        found.extend(absent_gauges(name, rule.expr()));
    }
    found
}

fn has_number_word(text: &str) -> bool {
    [
        "a minute",
        "ten minutes",
        "five minutes",
        "a day",
        "an hour",
        "half",
        "its deadline",
        "has failed",
    ]
    .iter()
    .any(|word| text.contains(word))
}

/// Several replicas tell the same figure: a bare gauge of the shop's state would be one alert for each.
fn absent_gauges(name: &str, expr: &str) -> Option<Finding> {
    const TOLD_BY_ALL: &[&str] = &[
        "techcommerce_jobs",
        "techcommerce_jobs_oldest_age_seconds",
        "techcommerce_worker_heartbeat_timestamp_seconds",
        "techcommerce_reservations_oldest_overdue_seconds",
        "techcommerce_ledger_unbalanced",
        "techcommerce_ledger_checked_timestamp_seconds",
        "techcommerce_orders_oldest_unsettled_seconds",
        "techcommerce_backup_timestamp_seconds",
    ];
    TOLD_BY_ALL
        .iter()
        .filter(|metric| crate::rules::mentions(expr, metric))
        .find(|metric| {
            let before = expr.split(**metric).next().unwrap_or_default();
            let last = before
                .rsplit(['\n', '-', '+', '>'])
                .next()
                .unwrap_or_default();
            !(last.contains("max by") || last.contains("min by") || last.contains("group by"))
        })
        .map(|metric| {
            Finding::new(
                NAME,
                name,
                format!("`{metric}` is told by every replica"),
                "max by (namespace, …)",
            )
        })
}

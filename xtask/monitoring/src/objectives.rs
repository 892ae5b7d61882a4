//! `docs/objectives.md` and the rules say the same: budgets follow from objectives, burn rates from the
//! share of a budget and its window.

use std::collections::BTreeMap;

use crate::expr;
use crate::finding::Finding;
use crate::repository::Repository;

pub const NAME: &str = "objectives";

/// Hours of the window that budgets are for.
const MONTH: f64 = 720.0;

/// Rows of the tables of a page, by their first cell's kind.
fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines()
        .filter(|line| line.starts_with('|') && !line.starts_with("|-") && !line.starts_with("|--"))
        .map(|line| line.trim_matches('|').split('|').map(str::trim).collect())
}

fn percent(text: &str) -> Option<f64> {
    let digits = text.split('%').next()?.trim();
    digits.parse::<f64>().ok().filter(|_| text.contains('%'))
}

/// Compares them.
pub fn check(repository: &Repository) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut budgets: BTreeMap<(String, String), f64> = BTreeMap::new();
    let mut edges: BTreeMap<(String, String), f64> = BTreeMap::new();
    let mut burns: Vec<(String, String, String, f64)> = Vec::new();
    for row in rows(&repository.objectives) {
        match row[..] {
            [
                name,
                kind @ ("availability" | "latency"),
                _,
                target,
                within,
                ..,
            ] => {
                let key = (name.trim_matches('`').to_owned(), kind.to_owned());
                let Some(target) = percent(target) else {
                    found.push(Finding::new(
                        NAME,
                        name,
                        format!("{target} is no share"),
                        "",
                    ));
                    continue;
                };
                budgets.insert(key.clone(), (100.0 - target) / 100.0);
                if let Ok(within) = within.trim_end_matches(" s").parse() {
                    edges.insert(key, within);
                }
            }
            [speed @ ("fast" | "slow"), share, long, short, factor, ..] => {
                let long_hours = expr::seconds(long).unwrap_or_default() / 3600.0;
                let (share, said) = (percent(share), factor.parse::<f64>());
                let follows = share.map(|share| share / 100.0 * MONTH / long_hours);
                match (follows, said) {
                    (Some(follows), Ok(said)) if (follows - said).abs() < 1e-9 => {
                        burns.push((speed.to_owned(), long.to_owned(), short.to_owned(), said));
                    }
                    _ => found.push(Finding::new(
                        NAME,
                        format!("docs/objectives.md: {speed}, {long}"),
                        format!(
                            "{factor} does not follow from {share:?} % within {long}: {follows:?}"
                        ),
                        "share of the budget × 720 h ÷ window",
                    )),
                }
            }
            _ => {}
        }
    }
    found.extend(rules(repository, &budgets, &edges, &burns));
    found
}

type Keyed = BTreeMap<(String, String), f64>;

fn rules(
    repository: &Repository,
    budgets: &Keyed,
    edges: &Keyed,
    burns: &[(String, String, String, f64)],
) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut recorded: Keyed = BTreeMap::new();
    let all = || repository.rules.iter().flat_map(|file| file.rules());
    for rule in all() {
        let key = match (rule.label("objective"), rule.label("sli")) {
            (Some(objective), Some(sli)) => (objective.to_owned(), sli.to_owned()),
            _ => continue,
        };
        let literals = expr::literals(rule.expr());
        if rule.record() == Some("shop:objective_budget:ratio") {
            if let Some(number) = literals.first().and_then(|it| it.text.parse().ok()) {
                recorded.insert(key, number);
            }
        } else if let Some(edge) = literals.iter().find(|literal| literal.edge) {
            let number: f64 = edge.text.parse().unwrap_or_default();
            if edges.get(&key) != Some(&number) {
                found.push(Finding::new(
                    NAME,
                    format!("{key:?}"),
                    format!(
                        "is measured at {number} s, where the objective says {:?}",
                        edges.get(&key)
                    ),
                    "docs/objectives.md",
                ));
            }
        }
    }
    let same = recorded.len() == budgets.len()
        && recorded.iter().all(|(key, number)| {
            budgets
                .get(key)
                .is_some_and(|budget| (budget - number).abs() < 1e-9)
        });
    if budgets.is_empty() || !same {
        found.push(Finding::new(
            NAME,
            "shop:objective_budget:ratio",
            format!("is {recorded:?}, where docs/objectives.md leaves {budgets:?}"),
            "a budget is one minus the objective",
        ));
    }
    for speed in ["fast", "slow"] {
        let name = format!("shop:objective_burn:{speed}");
        let Some(rule) = all().find(|rule| rule.record() == Some(&name)) else {
            found.push(Finding::new(NAME, name, "is not recorded", ""));
            continue;
        };
        let arms: Vec<_> = burns.iter().filter(|(of, ..)| of == speed).collect();
        for (_, long, short, factor) in &arms {
            for window in [long, short] {
                let line = format!(
                    "shop:objective_errors:ratio_rate{window} / on (objective, sli) group_left () shop:objective_budget:ratio > {factor}\n"
                );
                if !rule.expr().contains(&line) {
                    found.push(Finding::new(
                        NAME,
                        &name,
                        format!("has no arm of {window} at {factor}"),
                        "docs/objectives.md, burn rates",
                    ));
                }
            }
        }
        if arms.len() * 2 != rule.expr().matches("ratio_rate").count() {
            found.push(Finding::new(
                NAME,
                name,
                "has arms that docs/objectives.md does not",
                "",
            ));
        }
    }
    found
}

//! Tests of the tests: every threshold and every duration of every alert, changed by a fifth, has to
//! break a test.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use anyhow::Result;

use crate::expr::{self, Literal};
use crate::finding::Finding;
use crate::promtool::{Cases, cases, in_parallel};
use crate::repository::{NOTICED, Repository};
use crate::rules::{Group, RuleFile};

pub const NAME: &str = "mutations";

/// Numbers that are no limit: what the switch that never ends is made of.
const NO_LIMIT: &[(&str, &str)] = &[("DeadMansSwitch", "1")];

/// A rule with one number changed.
#[derive(Debug, Clone)]
pub struct Mutant {
    /// Which alert's tests have to notice.
    pub alert: String,
    /// What was changed, for people.
    pub what: String,
    /// What that alert needs, with the change.
    pub groups: Vec<Group>,
}

/// All mutants of all files that somebody has to notice.
pub fn mutants(repository: &Repository) -> Vec<Mutant> {
    let mut all = Vec::new();
    for file in &repository.rules {
        for (group, rules) in file.groups.iter().enumerate() {
            for (index, rule) in rules.rules.iter().enumerate() {
                let Some(alert) = noticed_by(file, rule) else {
                    continue;
                };
                let mut changes = Vec::new();
                for literal in expr::literals(rule.expr()) {
                    if NO_LIMIT.contains(&(rule.name(), &literal.text)) {
                        continue;
                    }
                    for text in changed(rule.expr(), &literal) {
                        let mut expr = rule.expr().to_owned();
                        expr.replace_range(literal.at.clone(), &text);
                        changes.push(("expr", format!("{} → {text}", literal.text), expr));
                    }
                }
                for field in ["for", "keep_firing_for"] {
                    let Some(wait) = rule.value[field].as_str().and_then(expr::seconds) else {
                        continue;
                    };
                    for factor in [0.8, 1.2] {
                        let text = format!("{}s", (wait * factor).round());
                        changes.push((field, format!("{field} {wait} s → {text}"), text));
                    }
                }
                for (field, what, text) in changes {
                    let mut mutated = file.clone();
                    mutated.groups[group].rules[index] = rule.with(field, &text);
                    let labels = rule.labels();
                    let labels = if rule.record().is_some() && !labels.is_empty() {
                        format!(" {labels:?}")
                    } else {
                        String::new()
                    };
                    all.push(Mutant {
                        what: format!("{}{labels}: {what}", rule.name()),
                        groups: mutated.needed_by(&alert),
                        alert: alert.clone(),
                    });
                }
            }
        }
    }
    all
}

/// An alert by whose tests a change of this rule has to be seen; none for what only dashboards use.
fn noticed_by(file: &RuleFile, rule: &crate::rules::Rule) -> Option<String> {
    if let Some(alert) = rule.alert() {
        return Some(alert.to_owned());
    }
    file.alerts()
        .find(|alert| {
            // What is recorded for one objective is that objective's.
            rule.labels()
                .iter()
                .all(|(name, value)| alert.expr().contains(&format!("{name}=\"{value}\"")))
                && file
                    .needed_by(alert.name())
                    .iter()
                    .flat_map(|group| &group.rules)
                    .any(|needed| needed.record() == rule.record())
        })
        .map(|alert| alert.name().to_owned())
}

/// A fifth less and a fifth more; of small whole numbers the neighbours.
fn changed(expr: &str, literal: &Literal) -> Vec<String> {
    if let Some(seconds) = expr::seconds(&literal.text) {
        return [0.8, 1.2]
            .map(|factor| format!("{}s", (seconds * factor).round()))
            .to_vec();
    }
    let Ok(number) = literal.text.parse::<f64>() else {
        return Vec::new();
    };
    if literal.edge {
        return [0.8, 1.2]
            .map(|factor| rounded(number * factor).replace('.', "[.]"))
            .to_vec();
    }
    if literal.text.contains('.') {
        return [0.8, 1.2].map(|factor| rounded(number * factor)).to_vec();
    }
    let step = (number * 0.2).round().max(1.0);
    let mut both = vec![rounded(number + step)];
    if number >= step {
        both.push(rounded(number - step));
    } else if expr[..literal.at.start]
        .trim_end()
        .ends_with(['<', '>', '='])
    {
        both.push(format!("(-{})", rounded(step - number)));
    }
    both
}

fn rounded(number: f64) -> String {
    let text = format!("{number:.8}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Of each change by its name, which test noticed it.
pub type Noticed = BTreeMap<String, String>;

/// As it is kept: a change in a line, and behind a tab what noticed it.
fn read(text: &str) -> Noticed {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.split_once('\t'));
    pairs
        .map(|(what, by)| (what.to_owned(), by.to_owned()))
        .collect()
}

/// Keeps what noticed each change.
///
/// # Errors
/// The file cannot be written.
pub fn write(repository: &Repository, noticed: &Noticed) -> Result<()> {
    let mut text = String::from(
        "# Which test noticed which change, written by `cargo xtask monitoring -- --write`: it is tried first.\n\
         # What is not here, or is not noticed by it any more, is tried on all tests of its alert.\n",
    );
    for (what, by) in noticed {
        text += &format!("{what}\t{by}\n");
    }
    Ok(fs::write(repository.root.join(NOTICED), text)?)
}

/// Runs them all; how many, a finding for each that no test notices, and what noticed the others.
///
/// # Errors
/// promtool is not there, or the tests cannot be read.
pub fn check(repository: &Repository, scratch: &Path) -> Result<(usize, Vec<Finding>, Noticed)> {
    let mutants = mutants(repository);
    let before = read(&repository.noticed);
    let noticed = Mutex::new(Noticed::new());
    let mut tests: BTreeMap<String, Vec<Cases>> = BTreeMap::new();
    for cases in cases(repository)? {
        let of = tests.entry(cases.alert.clone()).or_default();
        of.extend(cases.one_by_one());
    }
    // The first that notices ends it, so the quickest come first.
    for of in tests.values_mut() {
        of.sort_by_key(Cases::cost);
    }
    let folder = scratch.join("mutants");
    fs::create_dir_all(&folder)?;
    let numbered: Vec<(usize, (&Mutant, String))> =
        mutants.iter().zip(names(&mutants)).enumerate().collect();
    let found = in_parallel(&numbered, &|(number, (mutant, name))| {
        let of_alert = || tests.get(&mutant.alert).into_iter().flatten();
        let first = before.get(name);
        let known = of_alert().filter(|cases| Some(&cases.name()) == first);
        let others = of_alert().filter(|cases| Some(&cases.name()) != first);
        for cases in known.chain(others) {
            if !cases.run(&mutant.groups, &folder, &number.to_string())?.0 {
                let mut noticed = noticed.lock().unwrap_or_else(PoisonError::into_inner);
                noticed.insert(name.clone(), cases.name());
                return Ok(None);
            }
        }
        Ok(Some(Finding::new(
            NAME,
            &mutant.what,
            "no test notices the change",
            format!(
                "k8s/monitoring/tests: a case in which {} fires at another time for it",
                mutant.alert
            ),
        )))
    })?;
    let noticed = noticed.into_inner().unwrap_or_else(PoisonError::into_inner);
    Ok((mutants.len(), found, noticed))
}

/// What each is called: where one number stands in a rule twice, its changes are counted.
fn names(mutants: &[Mutant]) -> Vec<String> {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let name = |mutant: &Mutant, count: usize| match count {
        1 => mutant.what.clone(),
        count => format!("{} ({count})", mutant.what),
    };
    let each = mutants.iter().map(|mutant| {
        let count = seen.entry(&mutant.what).or_default();
        *count += 1;
        name(mutant, *count)
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(expr: &str) -> Vec<Vec<String>> {
        expr::literals(expr)
            .iter()
            .map(|literal| changed(expr, literal))
            .collect()
    }

    #[test]
    fn numbers_change_by_a_fifth() {
        assert_eq!(of("a > 0.05"), [["0.04", "0.06"]]);
        assert_eq!(of("a[5m] > 100"), [["240s", "360s"], ["120", "80"]]);
        assert_eq!(of("a > 3"), [["4", "2"]]);
    }

    #[test]
    fn nothing_has_neighbours_where_it_is_a_limit() {
        assert_eq!(of("a == 0"), [["1", "(-1)"]]);
        assert_eq!(of("0 * a"), [["1"]]);
    }

    #[test]
    fn edges_stay_patterns() {
        assert_eq!(of("a{le=~\"0[.]5\"}"), [["0[.]4", "0[.]6"]]);
        assert_eq!(of("a{le=~\"2([.]0)?\"}"), [["1[.]6", "2[.]4"]]);
    }
}

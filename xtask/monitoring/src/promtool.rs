//! promtool: its lint, and its tests.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use techcommerce_testservers::monitoring;

use crate::expr::seconds;
use crate::finding::Finding;
use crate::repository::Repository;
use crate::rules::{Group, plain};

pub const LINT: &str = "promtool check";
pub const TESTS: &str = "promtool test";

/// What a program said, and whether it was content.
pub fn say(command: &mut Command) -> Result<(bool, String)> {
    let output = command.output().with_context(|| format!("{command:?}"))?;
    let text = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    Ok((output.status.success(), text))
}

/// Writes all rule files into a folder, as Prometheus reads them.
///
/// # Errors
/// The folder cannot be written.
pub fn write_rules(repository: &Repository, folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for file in &repository.rules {
        let name = format!("{}.yaml", file.name);
        fs::write(folder.join(name), serde_norway::to_string(&file.plain())?)?;
    }
    Ok(())
}

/// `promtool check rules`, all lints, fatal.
///
/// # Errors
/// promtool is not there.
pub fn lint(repository: &Repository, scratch: &Path) -> Result<Vec<Finding>> {
    let folder = scratch.join("lint");
    write_rules(repository, &folder)?;
    let mut found = Vec::new();
    for file in &repository.rules {
        let path = folder.join(format!("{}.yaml", file.name));
        let mut command = Command::new(monitoring("promtool")?);
        command.args(["check", "rules", "--lint=all", "--lint-fatal"]);
        let (well, said) = say(command.arg(&path))?;
        if !well {
            found.push(Finding::new(
                LINT,
                format!("k8s/monitoring/rules/{}.yaml", file.name),
                said.trim(),
                "",
            ));
        }
    }
    Ok(found)
}

/// The cases of one alert in one file of tests.
#[derive(Debug, Clone)]
pub struct Cases {
    /// The file that they stand in.
    pub file: String,
    /// The file of the rules that they are of.
    pub rules: String,
    pub alert: String,
    /// Everything but the cases.
    head: Value,
    cases: Vec<Value>,
}

impl Cases {
    /// How long they may take, to be compared.
    pub fn cost(&self) -> u64 {
        let step = self.head["evaluation_interval"].as_str().and_then(seconds);
        let until = self.cases.iter().flat_map(|case| {
            let tests = case["promql_expr_test"].as_array().into_iter().flatten();
            tests.filter_map(|test| test["eval_time"].as_str().and_then(compound))
        });
        (until.fold(0.0, f64::max) * self.cases.len() as f64 / step.unwrap_or(10.0)) as u64
    }

    /// Each by itself, without how messages read, which no number changes, and without those that look at
    /// nothing else.
    pub fn one_by_one(&self) -> impl Iterator<Item = Self> {
        let numbers = self.cases.iter().filter_map(|case| {
            let mut case = case.clone();
            case.as_object_mut()?.remove("alert_rule_test");
            case.get("promql_expr_test").is_some().then_some(case)
        });
        numbers.map(|case| Self {
            cases: vec![case],
            ..self.clone()
        })
    }

    /// What the first of them is called, with its file.
    pub fn name(&self) -> String {
        let name = self.cases[0]["name"].as_str().unwrap_or_default();
        format!("{}: {name}", self.file)
    }

    /// Runs them against these rules.
    ///
    /// # Errors
    /// promtool is not there, or the folder cannot be written.
    pub fn run(&self, groups: &[Group], folder: &Path, name: &str) -> Result<(bool, String)> {
        let rules = folder.join(format!("{name}-rules.json"));
        fs::write(&rules, plain(groups).to_string())?;
        let mut file = self.head.clone();
        file["rule_files"] = json!([rules]);
        file["tests"] = json!(self.cases);
        if let Some(order) = file["group_eval_order"].as_array_mut() {
            order.retain(|name| groups.iter().any(|group| name == group.name.as_str()));
        }
        let path = folder.join(format!("{name}.json"));
        fs::write(&path, file.to_string())?;
        let mut command = Command::new(monitoring("promtool")?);
        // There is one for each core already, and none lives long enough for its memory to matter.
        command.env("GOMAXPROCS", "1").env("GOGC", "400");
        let said = say(command.args(["test", "rules"]).arg(&path));
        let _ = fs::remove_file(&path);
        let _ = fs::remove_file(&rules);
        said
    }
}

/// `1h30m` in seconds.
fn compound(text: &str) -> Option<f64> {
    let mut all = 0.0;
    for part in text.split_inclusive(|c: char| c.is_ascii_alphabetic()) {
        all += seconds(part)?;
    }
    Some(all)
}

/// All cases, by the alert that their names begin with.
///
/// # Errors
/// A file is no YAML.
pub fn cases(repository: &Repository) -> Result<Vec<Cases>> {
    let mut all = Vec::new();
    for (file, text) in &repository.tests {
        let mut head: Value = serde_norway::from_str(text).with_context(|| file.clone())?;
        let mut by_alert: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for case in head["tests"].as_array().into_iter().flatten() {
            let named = case["name"].as_str().unwrap_or_default();
            let alert = named.split(':').next().unwrap_or_default();
            by_alert
                .entry(alert.to_owned())
                .or_default()
                .push(case.clone());
        }
        head["tests"] = Value::Null;
        let rules = head["rule_files"][0].as_str().unwrap_or_default();
        let rules = rules
            .rsplit('/')
            .next()
            .unwrap_or_default()
            .trim_end_matches(".yaml")
            .to_owned();
        for (alert, cases) in by_alert {
            all.push(Cases {
                file: file.clone(),
                rules: rules.clone(),
                alert,
                head: head.clone(),
                cases,
            });
        }
    }
    Ok(all)
}

/// `promtool test rules`: every alert has cases in which it fires, and in which it stays silent, and all are
/// as they should be. Each alert is tried with the rules that it needs alone, which is as good and quicker.
///
/// # Errors
/// promtool is not there.
pub fn tests(repository: &Repository, scratch: &Path) -> Result<(usize, Vec<Finding>)> {
    let folder = scratch.join("tests");
    fs::create_dir_all(&folder)?;
    let mut all = cases(repository)?;
    // The longest first, so that none runs alone in the end.
    all.sort_by_key(|cases| std::cmp::Reverse(cases.cost()));
    let mut found = untested(repository, &all);
    let numbered: Vec<(usize, &Cases)> = all.iter().enumerate().collect();
    found.extend(in_parallel(&numbered, &|(number, cases)| {
        let place = format!(
            "{}/{}: {}",
            crate::repository::TESTS,
            cases.file,
            cases.alert
        );
        let Some(file) = repository
            .rules
            .iter()
            .find(|file| file.name == cases.rules)
        else {
            let wrong = format!("there are no rules {}", cases.rules);
            return Ok(Some(Finding::new(TESTS, place, wrong, "")));
        };
        let groups = file.needed_by(&cases.alert);
        let (well, said) = cases.run(&groups, &folder, &number.to_string())?;
        Ok((!well).then(|| Finding::new(TESTS, place, shorten(&said), "")))
    })?);
    Ok((all.iter().map(|cases| cases.cases.len()).sum(), found))
}

/// Alerts of which nothing shows that they fire, that they read well, or that they stay silent.
fn untested(repository: &Repository, all: &[Cases]) -> Vec<Finding> {
    let mut found = Vec::new();
    for (_, rule) in repository.alerts() {
        let of = || {
            let ours = all.iter().filter(|cases| cases.alert == rule.name());
            ours.flat_map(|cases| &cases.cases)
        };
        let samples = |case: &&Value, fires: bool| {
            let mut each = case["promql_expr_test"].as_array().into_iter().flatten();
            each.any(|test| (test["exp_samples"][0]["value"].as_f64() > Some(0.0)) == fires)
        };
        let silent =
            of().any(|case| samples(&case, false)) || rule.label("severity") == Some("none");
        for (there, what) in [
            (of().any(|case| samples(&case, true)), "fires"),
            (silent, "stays silent"),
            (
                of().any(|case| case.get("alert_rule_test").is_some()),
                "reads well",
            ),
        ] {
            if !there {
                found.push(Finding::new(
                    TESTS,
                    rule.name(),
                    format!("no test shows that it {what}"),
                    format!(
                        "a case in {} whose name begins with `{}:`",
                        crate::repository::TESTS,
                        rule.name()
                    ),
                ));
            }
        }
    }
    found
}

/// One thread for each core: promtool computes all the time.
pub fn in_parallel<T: Sync>(
    all: &[T],
    work: &(dyn Fn(&T) -> Result<Option<Finding>> + Sync),
) -> Result<Vec<Finding>> {
    let next = std::sync::atomic::AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let each = std::thread::scope(|scope| {
        let run = || {
            let mut found = Vec::new();
            while let Some(one) = all.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed)) {
                if let Some(finding) = work(one)? {
                    found.push(finding);
                }
            }
            Ok(found)
        };
        let handles: Vec<_> = (0..threads).map(|_| scope.spawn(run)).collect();
        handles
            .into_iter()
            .map(|handle| {
                handle
                    .join()
                    .unwrap_or_else(|_| Err(anyhow::anyhow!("a thread of the checks ended")))
            })
            .collect::<Result<Vec<_>>>()
    })?;
    let mut found = each.concat();
    found.sort();
    Ok(found)
}

fn shorten(said: &str) -> String {
    let lines: Vec<&str> = said
        .lines()
        .filter(|line| !line.trim().is_empty())
        .collect();
    lines[..lines.len().min(12)].join("\n")
}

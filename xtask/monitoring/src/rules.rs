//! The rules, as they stand in `k8s/monitoring/rules`.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// One file: a PrometheusRule.
#[derive(Debug, Clone)]
pub struct RuleFile {
    /// Its name without folder and ending, as `money`.
    pub name: String,
    /// As it was written.
    pub text: String,
    /// Its groups.
    pub groups: Vec<Group>,
}

/// Rules that are evaluated one after another.
#[derive(Debug, Clone, PartialEq)]
pub struct Group {
    pub name: String,
    pub interval: Option<String>,
    pub rules: Vec<Rule>,
}

/// A recording rule or an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Rule {
    /// As Prometheus reads it.
    pub value: Value,
}

impl Rule {
    fn text(&self, field: &str) -> &str {
        self.value[field].as_str().unwrap_or_default()
    }

    /// The alert's name.
    pub fn alert(&self) -> Option<&str> {
        self.value["alert"].as_str()
    }

    /// What it records.
    pub fn record(&self) -> Option<&str> {
        self.value["record"].as_str()
    }

    pub fn name(&self) -> &str {
        self.alert().or(self.record()).unwrap_or("?")
    }

    pub fn expr(&self) -> &str {
        self.text("expr")
    }

    pub fn label(&self, name: &str) -> Option<&str> {
        self.value["labels"][name].as_str()
    }

    pub fn annotation(&self, name: &str) -> Option<&str> {
        self.value["annotations"][name].as_str()
    }

    /// Labels with their values.
    pub fn labels(&self) -> Vec<(&str, &str)> {
        let labels = self.value["labels"].as_object();
        let each = labels.into_iter().flatten();
        each.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
            .collect()
    }

    /// Another one, with this in the place of a field.
    pub fn with(&self, field: &str, text: &str) -> Self {
        let mut value = self.value.clone();
        value[field] = json!(text);
        Self { value }
    }
}

impl RuleFile {
    /// Reads a PrometheusRule.
    ///
    /// # Errors
    /// It is none.
    pub fn parse(name: &str, text: &str) -> Result<Self> {
        let value: Value = serde_norway::from_str(text).with_context(|| name.to_owned())?;
        let groups = value["spec"]["groups"]
            .as_array()
            .with_context(|| format!("{name}: no spec.groups"))?;
        let groups = groups
            .iter()
            .map(|group| Group {
                name: group["name"].as_str().unwrap_or_default().to_owned(),
                interval: group["interval"].as_str().map(str::to_owned),
                rules: group["rules"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .map(|rule| Rule {
                        value: rule.clone(),
                    })
                    .collect(),
            })
            .collect();
        Ok(Self {
            name: name.to_owned(),
            text: text.to_owned(),
            groups,
        })
    }

    /// All rules in order.
    pub fn rules(&self) -> impl Iterator<Item = &Rule> {
        self.groups.iter().flat_map(|group| &group.rules)
    }

    /// All alerts in order.
    pub fn alerts(&self) -> impl Iterator<Item = &Rule> {
        self.rules().filter(|rule| rule.alert().is_some())
    }

    /// What a Prometheus without the operator reads.
    pub fn plain(&self) -> Value {
        plain(&self.groups)
    }

    /// Only what this alert needs: its rules, and what is recorded for them.
    pub fn needed_by(&self, alert: &str) -> Vec<Group> {
        let wanted: Vec<&Rule> = self
            .rules()
            .filter(|rule| rule.alert() == Some(alert))
            .collect();
        let exprs: Vec<&str> = wanted.iter().map(|rule| rule.expr()).collect();
        // What is recorded for one objective is that objective's.
        let meant = |rule: &Rule| {
            rule.labels().iter().all(|(name, value)| {
                let text = format!("{name}=\"{value}\"");
                exprs.iter().any(|expr| expr.contains(&text))
            })
        };
        let mut needed: BTreeSet<&str> = BTreeSet::new();
        let mut open = wanted.clone();
        while let Some(rule) = open.pop() {
            for recorded in self.rules() {
                let Some(name) = recorded.record() else {
                    continue;
                };
                if mentions(rule.expr(), name) && needed.insert(name) {
                    open.extend(self.rules().filter(|rule| rule.record() == Some(name)));
                }
            }
        }
        let keep = |rule: &&Rule| {
            rule.alert() == Some(alert)
                || (rule.record().is_some_and(|name| needed.contains(name)) && meant(rule))
        };
        let groups = self.groups.iter().map(|group| Group {
            rules: group.rules.iter().filter(keep).cloned().collect(),
            ..group.clone()
        });
        groups.filter(|group| !group.rules.is_empty()).collect()
    }
}

/// Groups as Prometheus reads them.
pub fn plain(groups: &[Group]) -> Value {
    let groups: Vec<Value> = groups
        .iter()
        .map(|group| {
            let rules: Vec<&Value> = group.rules.iter().map(|rule| &rule.value).collect();
            let mut value = json!({"name": group.name, "rules": rules});
            if let Some(interval) = &group.interval {
                value["interval"] = json!(interval);
            }
            value
        })
        .collect();
    json!({ "groups": groups })
}

/// Whether an expression names this metric.
pub fn mentions(expr: &str, name: &str) -> bool {
    crate::expr::names(expr).iter().any(|found| found == name)
}

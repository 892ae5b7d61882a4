//! A PodDisruptionBudget never blocks a drain and never allows the last replica away.

use serde_json::Value;

use crate::checks::selectors::matched;
use crate::finding::Finding;
use crate::object::Object;
use crate::program::Program;
use crate::rendered::Rendered;
use crate::replicas::{self, scaled};
use crate::workload::{Workload, selects};

pub const NAME: &str = "disruption";

pub fn check(rendered: &Rendered, _: &Program) -> Vec<Finding> {
    let workloads = rendered.workloads();
    let mut found = Vec::new();
    for budget in rendered.of("PodDisruptionBudget") {
        let empty = Value::Null;
        let selector = budget.value.pointer("/spec/selector").unwrap_or(&empty);
        // That it matches exactly one is `selectors`' matter.
        for workload in matched(budget, selector, &workloads) {
            found.extend(one(rendered, budget, workload));
        }
    }
    for workload in workloads
        .iter()
        .filter(|workload| workload.is_lasting() && workload.service().is_some())
    {
        let least = replicas::of(rendered, workload).least;
        let covered = rendered.of("PodDisruptionBudget").filter(|budget| {
            let selector = budget.value.pointer("/spec/selector");
            selector.is_some_and(|selector| selects(selector, &workload.labels))
        });
        match covered.count() {
            0 if least > 1 => found.push(Finding::at(
                NAME,
                workload.object,
                "",
                format!(
                    "has {least} replicas and no PodDisruptionBudget: a drain may take all at once"
                ),
                "maxUnavailable: 1",
            )),
            0 | 1 => {}
            many => found.push(Finding::at(
                NAME,
                workload.object,
                "",
                format!("has {many} PodDisruptionBudgets: no pod of it can be evicted"),
                "keep one",
            )),
        }
    }
    found
}

fn one(rendered: &Rendered, budget: &Object, workload: &Workload<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let mut say = |field: &str, wrong: String, mend: &str| {
        found.push(Finding::at(NAME, budget, field, wrong, mend));
    };
    let least = replicas::of(rendered, workload).least;
    let min = budget.value.pointer("/spec/minAvailable");
    let max = budget.value.pointer("/spec/maxUnavailable");
    let (field, stay) = match (min, max) {
        (Some(min), None) => ("spec.minAvailable", scaled(min, least)),
        (None, Some(max)) => (
            "spec.maxUnavailable",
            scaled(max, least).map(|gone| least - gone),
        ),
        _ => {
            say(
                "spec",
                "has not exactly one of minAvailable and maxUnavailable".to_owned(),
                "maxUnavailable: 1",
            );
            return found;
        }
    };
    let Some(stay) = stay else {
        say(
            field,
            "is neither a number nor a percentage".to_owned(),
            "maxUnavailable: 1",
        );
        return found;
    };
    if stay >= least {
        say(
            field,
            format!(
                "lets none of the {least} pods of {} go: a drain waits for ever",
                workload.object
            ),
            "maxUnavailable: 1 with at least two replicas; none at all with one replica",
        );
    } else if stay < 1 {
        say(
            field,
            format!(
                "lets the last of the {least} pods of {} go",
                workload.object
            ),
            "maxUnavailable: 1 with at least two replicas",
        );
    }
    if budget.text("/spec/unhealthyPodEvictionPolicy") != Some("AlwaysAllow") {
        say(
            "spec.unhealthyPodEvictionPolicy",
            "is not AlwaysAllow: pods that never became ready block a drain".to_owned(),
            "AlwaysAllow",
        );
    }
    found
}
